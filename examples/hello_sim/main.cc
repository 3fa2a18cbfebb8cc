// hello_sim: two peers behind two NATs say hello to each other, in simulated time.
//
// No packet leaves the process, nothing waits, and the same seed always gives the same run. On the
// real network the code between "the connection" and "the run" is the same: only the network that
// is handed to PeerConnection::create is another one, and the descriptions and candidates have to
// be brought to the other side somehow (examples/chat does that).
#include <cstdio>
#include <cstdlib>
#include <string>
#include <type_traits>
#include <utility>

#include "floe/net/sim/world.h"
#include "floe/peer/peer_connection.h"
#include "floe/servers/stun/stun_server.h"

using namespace std::chrono_literals;
using floe::DataChannel;
using floe::PeerConnection;

/// The value, or the end of the program with the error's text.
template <typename T>
T must(floe::Result<T> result) {
  if (result) {
    if constexpr (std::is_void_v<T>) {
      return;
    } else {
      return *std::move(result);
    }
  }
  std::fprintf(stderr, "hello_sim: %s\n", result.error().message.c_str());
  std::exit(1);
}

int main() {
  // The network: a STUN server on the internet, two homes with a NAT each, 20 ms away from it.
  floe::net::sim::World world(/*seed=*/1);
  auto& server = world.add_host("server");
  auto& alices = world.add_host("alice", {.behind = &world.add_nat({.link = {.latency = 20ms}})});
  auto& bobs = world.add_host("bob", {.behind = &world.add_nat({.link = {.latency = 20ms}})});
  const auto stun =
      must(floe::server::StunServer::create(server, {.bind = {server.address(), 3478}}));

  // The connection: both ends, and what they tell each other.
  floe::Configuration configuration;
  configuration.ice_servers = {{{"stun:" + stun->local().to_string()}}};
  const auto alice = must(PeerConnection::create(alices, configuration));
  const auto bob = must(PeerConnection::create(bobs, configuration));
  alice->on_ice_candidate([&](const auto& candidate) { must(bob->add_ice_candidate(candidate)); });
  bob->on_ice_candidate([&](const auto& candidate) { must(alice->add_ice_candidate(candidate)); });

  // The data channel: alice opens it and says hello, bob answers.
  int heard = 0;
  const auto say = [&](const char* who, const DataChannel::Message& message) {
    const std::string text(floe::as_text(message.payload));
    std::printf("%s heard \"%s\" after %lld ms\n", who, text.c_str(),
                static_cast<long long>(floe::to_ms(world.now() - world.kStart)));
    ++heard;
  };
  const auto channel = must(alice->create_data_channel("hello"));
  channel->on_open([&] { must(channel->send("hello bob")); });
  channel->on_message([&](const auto& message) { say("alice", message); });
  bob->on_data_channel([&](std::shared_ptr<DataChannel> opened) {
    opened->on_message([&say, channel = opened.get()](const auto& message) {
      say("bob", message);
      must(channel->send("hello alice"));
    });
  });
  alice->on_selected_candidate_pair_change([](const floe::ice::Agent::SelectedPairChanged& pair) {
    std::printf("alice uses %s <-> %s\n", pair.local.to_string().c_str(),
                pair.remote.to_string().c_str());
  });

  // The run: descriptions are exchanged at once here, candidates follow as they are found.
  must(alice->set_local_description());
  must(bob->set_remote_description(*alice->local_description()));
  must(bob->set_local_description());
  must(alice->set_remote_description(*bob->local_description()));
  if (!world.run_until([&] { return heard == 2; }, 30s)) {
    std::fprintf(stderr, "hello_sim: no hello within 30 virtual seconds\n");
    return 1;
  }
  std::printf("hello in both directions, through two NATs\n");
  return 0;
}
