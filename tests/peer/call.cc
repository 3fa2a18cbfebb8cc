#include "tests/peer/call.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "floe/core/check.h"
#include "floe/core/text.h"

namespace floe {
namespace {

std::optional<std::uint64_t> seed_from_environment() {
  const char* text = std::getenv("FLOE_SEED");
  return text == nullptr ? std::nullopt : parse_decimal<std::uint64_t>(text);
}

}  // namespace

std::uint64_t test_seed(std::uint64_t i) {
  return seed_from_environment().value_or(1 + i);
}

std::size_t test_seeds(std::size_t standard) {
  if (seed_from_environment()) return 1;
#if defined(__SANITIZE_ADDRESS__) || !defined(NDEBUG)
  return (standard + 9) / 10;
#else
  return standard;
#endif
}

std::string replay(std::uint64_t seed) {
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  return "replay with: FLOE_SEED=" + std::to_string(seed) +
         " build/release/tests/peer/peer_sim_test --gtest_filter='" + test->test_suite_name() +
         "." + test->name() + "'";
}

Call::Call(Options options) : world(options.seed), options_(std::move(options)) {
  stun_host = &world.add_host("stun");
  server::StunServer::Configuration stun;
  stun.bind = {stun_host->address(), server::StunServer::kPort};
  auto server = server::StunServer::create(*stun_host, stun);
  FLOE_CHECK(server.has_value());
  stun_ = std::move(*server);
  options_.configuration.ice_servers.push_back({{"stun:" + stun_->local().to_string()}});
  net::sim::LinkOptions good;
  good.latency = milliseconds(10);
  alice_host = &add_host("alice", options_.alice_nat, options_.link, alice_nat);
  bob_host = &add_host("bob", options_.bob_nat, good, bob_nat);
}

Call::~Call() {
  alice = {};
  bob = {};
}

net::sim::Host& Call::add_host(const char* name, const std::optional<net::sim::NatOptions>& nat,
                               const net::sim::LinkOptions& link, net::sim::Nat*& out) {
  net::sim::InterfaceOptions interface;
  if (nat) {
    out = &world.add_nat(*nat);
    interface.behind = out;
  }
  interface.link = link;
  return world.add_host(name, interface);
}

void Call::create() {
  create_side(alice, bob, *alice_host);
  create_side(bob, alice, *bob_host);
}

void Call::create_side(Caller& side, Caller& other, net::sim::Host& host) {
  auto created = PeerConnection::create(host, options_.configuration);
  ASSERT_TRUE(created) << created.error().message;
  side.pc = std::move(*created);
  PeerConnection& pc = *side.pc;
  pc.on_ice_candidate([this, &side, &other](const IceCandidate& candidate) {
    side.candidates.push_back(candidate);
    if (!options_.trickle) return;
    world.after(options_.signaling_delay, [&other, candidate] {
      if (other.pc && other.pc->remote_description()) {
        static_cast<void>(other.pc->add_ice_candidate(candidate));
      }
    });
  });
  pc.on_signaling_state_change(
      [&side](SignalingState state) { side.log.emplace_back(to_string(state)); });
  pc.on_ice_connection_state_change([&side](IceConnectionState state) {
    side.log.push_back("ice:" + std::string(to_string(state)));
  });
  pc.on_connection_state_change([&side](PeerConnectionState state) {
    side.log.push_back("pc:" + std::string(to_string(state)));
  });
  pc.on_dtls_state_change([&side](DtlsTransportState state, const std::optional<Error>& error) {
    side.log.push_back("dtls:" + std::string(to_string(state)));
    if (error) side.dtls_error = error;
  });
  pc.on_data_channel(
      [&side](std::shared_ptr<DataChannel> channel) { watch(side, std::move(channel)); });
  // Without trickle the description leaves when it is complete.
  pc.on_ice_gathering_state_change([this, &side, &other](IceGatheringState state) {
    if (!options_.trickle && state == IceGatheringState::kComplete) {
      deliver(other, *side.pc->local_description());
    }
  });
}

void Call::watch(Caller& caller, std::shared_ptr<DataChannel> channel) {
  caller.channel = channel;
  channel->on_open([&caller] { caller.open = true; });
  channel->on_close([&caller] { caller.closed = true; });
  channel->on_message([&caller](const DataChannel::Message& message) {
    caller.received.emplace_back(as_text(message.payload));
  });
}

void Call::start(const DataChannelInit& init) {
  create();
  auto channel = alice.pc->create_data_channel("chat", init);
  ASSERT_TRUE(channel) << channel.error().message;
  watch(alice, *channel);
  offer();
}

void Call::offer() {
  const auto set = alice.pc->set_local_description();
  ASSERT_TRUE(set) << set.error().message;
  if (options_.trickle) deliver(bob, *alice.pc->local_description());
}

void Call::deliver(Caller& to, SessionDescription description) {
  world.after(options_.signaling_delay, [this, &to, description]() mutable {
    if (!to.pc) return;
    if (on_signaling) on_signaling(description);
    const auto set = to.pc->set_remote_description(description);
    ASSERT_TRUE(set) << set.error().message << '\n' << description.sdp;
    if (description.type != SdpType::kOffer) return;
    const auto answered = to.pc->set_local_description();
    ASSERT_TRUE(answered) << answered.error().message;
    if (options_.trickle) deliver(&to == &bob ? alice : bob, *to.pc->local_description());
  });
}

std::string Call::describe() const {
  std::string out;
  for (const auto& [name, side] : {std::pair("alice", &alice), std::pair("bob", &bob)}) {
    out += std::string(name) + ":";
    for (const std::string& line : side->log) out += ' ' + line;
    if (side->pc) {
      for (const auto& pair : side->pc->transport().ice().pairs()) {
        out += "\n  " + pair->base.to_string() + " -> " + pair->destination.to_string() + ' ' +
               std::string(ice::to_string(pair->state)) + ' ' + pair->failure;
      }
    }
    out += '\n';
  }
  return out;
}

}  // namespace floe
