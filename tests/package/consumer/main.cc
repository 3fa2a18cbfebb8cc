// A program of someone else's: two peers, one of them behind a NAT, open a data channel and talk.
// The network is floe's simulator, which is installed for just this: programs that test themselves.

#include <floe/core/text.h>
#include <floe/crypto/crypto.h>
#include <floe/net/sim/world.h>
#include <floe/peer/peer_connection.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace {

[[noreturn]] void give_up(const std::string& why) {
  std::fprintf(stderr, "consumer: %s\n", why.c_str());
  std::exit(1);
}

template <typename T>
T require(floe::Result<T> result) {
  if (!result) give_up(result.error().message);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

std::unique_ptr<floe::PeerConnection> create_peer(floe::net::Network& network) {
  return require(floe::PeerConnection::create(network));
}

// What a signalling server would carry, one way.
void signal_candidates(floe::PeerConnection& from, floe::PeerConnection& to) {
  from.on_ice_candidate([&to](const floe::IceCandidate& candidate) {
    if (!candidate.candidate.empty()) require(to.add_ice_candidate(candidate));
  });
}

}  // namespace

int main() {
  floe::net::sim::World world(7);
  auto& nat = world.add_nat();
  auto alice = create_peer(world.add_host("alice", {.behind = &nat}));
  auto bob = create_peer(world.add_host("bob"));
  signal_candidates(*alice, *bob);
  signal_candidates(*bob, *alice);

  const auto question = floe::to_hex(floe::crypto::sha256(floe::as_bytes("abc")));
  std::string answer;
  auto channel = require(alice->create_data_channel("talk"));
  channel->on_open([&] { require(channel->send(question)); });
  channel->on_message([&](const auto& message) { answer = floe::as_text(message.payload); });

  std::shared_ptr<floe::DataChannel> bobs;
  bob->on_data_channel([&](std::shared_ptr<floe::DataChannel> announced) {
    bobs = std::move(announced);
    bobs->on_message([&](const auto& message) {
      require(bobs->send("You said " + std::string(floe::as_text(message.payload))));
    });
  });

  require(alice->set_local_description());
  require(bob->set_remote_description(*alice->local_description()));
  require(bob->set_local_description());
  require(alice->set_remote_description(*bob->local_description()));

  if (!world.run_until([&] { return !answer.empty(); }, std::chrono::seconds(30))) {
    give_up("nothing came back in 30 s");
  }
  if (answer != "You said " + question) give_up("something else came back: " + answer);
  std::printf("%s\n", answer.c_str());
  return 0;
}
