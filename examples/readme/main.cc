#include <cstdio>

#include "floe/net/sim/world.h"
#include "floe/peer/peer_connection.h"

int main() {
  // Two machines behind NATs, in virtual time. On real ones: floe::net::uv::Network::create().
  floe::net::sim::World world(/*seed=*/7);
  auto& home = world.add_host("alice", {.behind = &world.add_nat()});
  auto& office = world.add_host("bob");

  auto alice = floe::PeerConnection::create(home).value();
  auto bob = floe::PeerConnection::create(office).value();
  alice->on_ice_candidate([&](auto& candidate) { bob->add_ice_candidate(candidate).value(); });
  bob->on_ice_candidate([&](auto& candidate) { alice->add_ice_candidate(candidate).value(); });

  auto channel = alice->create_data_channel("chat").value();
  channel->on_open([&] { channel->send("hello from behind a NAT").value(); });
  bob->on_data_channel([](std::shared_ptr<floe::DataChannel> incoming) {
    incoming->on_message([incoming = incoming.get()](const floe::DataChannel::Message& message) {
      std::printf("%s: %s\n", incoming->label().c_str(),
                  std::string(floe::as_text(message.payload)).c_str());
    });
  });

  alice->set_local_description().value();  // what signalling carries between real peers
  bob->set_remote_description(*alice->local_description()).value();
  bob->set_local_description().value();
  alice->set_remote_description(*bob->local_description()).value();
  world.run_for(std::chrono::seconds(2));
}
