#include <cstdio>

#include "floe/net/sim/world.h"
#include "floe/peer/peer_connection.h"

void check(const floe::Result<>& result) {
  if (!result) std::fprintf(stderr, "%s\n", result.error().message.c_str());
}

int main() {
  // Two machines, one behind a NAT, in virtual time. On real ones:
  // floe::net::uv::Network::create().
  floe::net::sim::World world(/*seed=*/7);
  auto& home = world.add_host("alice", {.behind = &world.add_nat()});
  auto& office = world.add_host("bob");

  auto alice = floe::PeerConnection::create(home).value();
  auto bob = floe::PeerConnection::create(office).value();
  alice->on_ice_candidate([&](auto& candidate) { check(bob->add_ice_candidate(candidate)); });
  bob->on_ice_candidate([&](auto& candidate) { check(alice->add_ice_candidate(candidate)); });

  auto channel = alice->create_data_channel("chat").value();
  channel->on_open([&] { check(channel->send("hello from behind a NAT")); });
  bob->on_data_channel([](std::shared_ptr<floe::DataChannel> incoming) {
    incoming->on_message([](const floe::DataChannel::Message& message) {
      std::printf("bob got: %.*s\n", int(message.payload.size()), message.payload.data());
    });
  });

  check(alice->set_local_description());  // what signalling carries between real peers
  check(bob->set_remote_description(*alice->local_description()));
  check(bob->set_local_description());
  check(alice->set_remote_description(*bob->local_description()));
  world.run_for(std::chrono::seconds(2));
}
