// Which pairs are formed, which are dropped, and what a peer-reflexive candidate becomes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/ice/agent_network.h"
#include "tests/ice/wire.h"

namespace floe::ice {
namespace {

constexpr const char* kAlice = "192.0.2.1:1000";
constexpr const char* kBob = "192.0.2.2:2000";
constexpr const char* kOutside = "203.0.113.77:7777";

Agent::Config controlled() {
  Agent::Config config;
  config.role = Role::kControlled;
  return config;
}

TEST(IcePairing, KeepsTheBestPairsWithinTheLimit) {
  for (const std::size_t limit : {1u, 100u}) {
    Wire wire;
    Agent::Config config;
    config.max_pairs = limit;
    config.max_remote_candidates = 1000;
    Peer& alice = wire.add(config, {kAlice});
    for (std::uint32_t i = 1; i <= 150; ++i) {
      ASSERT_TRUE(alice.agent
                      .add_remote_candidate(
                          wire.now, host_candidate("203.0.113.1:" + std::to_string(i), i * 1000))
                      .has_value());
    }
    ASSERT_EQ(alice.agent.pairs().size(), limit);
    EXPECT_EQ(alice.agent.pairs().front()->destination, endpoint("203.0.113.1:150"));
    EXPECT_EQ(alice.agent.pairs().back()->destination.port, 151 - limit);
  }
}

TEST(IcePairing, ChecksAnOrdinaryPairThoughTriggeredOnesNeverEnd) {
  CheckList list(100);
  CandidatePair relayed;
  relayed.destination = endpoint("198.51.100.9:9");
  relayed.priority = 1;
  const PairId waiting = list.add(relayed)->id;
  CandidatePair learned;
  learned.priority = 1000;
  std::vector<PairId> taken;
  for (std::uint16_t port = 1; port <= 10; ++port) {
    learned.destination = {endpoint(kBob).address, port};
    learned.foundation = std::to_string(port);
    list.trigger(*list.add_triggered(learned));
    CandidatePair* next = list.take_next();
    ASSERT_NE(next, nullptr);
    next->state = PairState::kInProgress;
    taken.push_back(next->id);
  }
  EXPECT_EQ(std::count(taken.begin(), taken.end(), waiting), 1);
  // The first ones went before it, as they do when they are few.
  EXPECT_EQ(std::find(taken.begin(), taken.end(), waiting) - taken.begin(), 4);
}

TEST(IcePairing, LetsATriggeredPairGoOverTheLimit) {
  Wire wire;
  Agent::Config config;
  config.max_pairs = 1;
  Peer& alice = wire.add(config, {kAlice});
  Peer& bob = wire.add(controlled(), {kBob});
  wire.signal(alice, bob);
  ASSERT_TRUE(
      alice.agent.set_remote_credentials(wire.now, bob.agent.local_credentials()).has_value());
  ASSERT_TRUE(
      alice.agent.add_remote_candidate(wire.now, host_candidate("203.0.113.1:1")).has_value());
  EXPECT_TRUE(wire.run_until([&] { return alice.agent.route().has_value(); }, seconds(5)));
  EXPECT_EQ(alice.agent.pairs().size(), 2u);
}

TEST(IcePairing, MakesOnePairWhenHostAndReflexiveAddressOfThePeerAreTheSame) {
  Wire wire;
  Peer& alice = wire.add({}, {kAlice});
  Candidate reflexive = host_candidate(kBob, 1'600'000'000);
  reflexive.type = CandidateType::kServerReflexive;
  reflexive.related = endpoint(kBob);
  const Credentials bob{"bobsufrag", "bobspasswordbobspassword"};
  ASSERT_TRUE(alice.agent.set_remote_credentials(wire.now, bob).has_value());
  ASSERT_TRUE(alice.agent.add_remote_candidate(wire.now, host_candidate(kBob)).has_value());
  ASSERT_TRUE(alice.agent.add_remote_candidate(wire.now, reflexive).has_value());
  wire.inject(kBob, kAlice,
              binding_request(bob, alice.agent.local_credentials(), Role::kControlled, 1));
  wire.run_for(milliseconds(20));
  EXPECT_EQ(alice.agent.pairs().size(), 1u);
  EXPECT_EQ(alice.agent.remote_candidates().size(), 1u);
}

TEST(IcePairing, PairsOnlyWithinAFamilyAndLinkLocalOnlyWithLinkLocal) {
  Wire wire;
  Peer& alice = wire.add({}, {kAlice, "[2001:db8::1]:1", "[fe80::1]:1", "127.0.0.1:1"});
  for (const char* remote : {kBob, "[2001:db8::2]:2", "[fe80::2]:2", "127.0.0.1:2"}) {
    ASSERT_TRUE(alice.agent.add_remote_candidate(wire.now, host_candidate(remote)).has_value());
  }
  ASSERT_EQ(alice.agent.pairs().size(), 4u);
  for (const auto& pair : alice.agent.pairs()) {
    EXPECT_EQ(pair->base.family(), pair->destination.family());
    EXPECT_EQ(pair->base.address.is_link_local(), pair->destination.address.is_link_local());
    EXPECT_EQ(pair->base.address.is_loopback(), pair->destination.address.is_loopback());
  }
  Candidate second_component = host_candidate("192.0.2.2:2001");
  second_component.component = 2;
  EXPECT_EQ(alice.agent.add_remote_candidate(wire.now, second_component).error().code,
            Errc::kUnsupported);
}

class IcePeerReflexive : public testing::Test {
 protected:
  /// Bob sits behind a NAT: his packets come from kOutside, and what is sent there reaches him.
  IcePeerReflexive() {
    wire_.filter = [](Packet& packet) {
      if (packet.source == endpoint(kBob)) packet.source = endpoint(kOutside);
      if (packet.destination == endpoint(kOutside)) {
        packet.destination = endpoint(kBob);
        return true;
      }
      return packet.destination != endpoint(kBob);
    };
  }
  bool connect() {
    wire_.signal_both(alice_, bob_);
    return wire_.run_until(
        [this] {
          return alice_.agent.selected_pair() != nullptr && bob_.agent.selected_pair() != nullptr &&
                 alice_.agent.selected_pair()->nominated && bob_.agent.selected_pair()->nominated;
        },
        seconds(10));
  }
  Wire wire_;
  Peer& alice_ = wire_.add({}, {kAlice});
  Peer& bob_ = wire_.add(controlled(), {kBob});
};

TEST_F(IcePeerReflexive, CandidatesOfBothKindsAreFound) {
  ASSERT_TRUE(connect());
  EXPECT_EQ(alice_.paths.back().remote.type, CandidateType::kPeerReflexive);
  EXPECT_EQ(alice_.paths.back().remote.endpoint, endpoint(kOutside));
  EXPECT_EQ(bob_.paths.back().local.type, CandidateType::kPeerReflexive);
  EXPECT_EQ(bob_.paths.back().local.endpoint, endpoint(kOutside));
  EXPECT_EQ(bob_.paths.back().local.related, endpoint(kBob));
}

TEST_F(IcePeerReflexive, PriorityIsTheOneInTheCheck) {
  ASSERT_TRUE(connect());
  const auto& learned = alice_.agent.remote_candidates().back().candidate;
  EXPECT_EQ(learned.priority, candidate_priority(CandidateType::kPeerReflexive, 65535, 1));
  EXPECT_EQ(learned.priority >> 24, 110u);
}

TEST_F(IcePeerReflexive, BecomesTheSignalledCandidateInPlaceWithoutMovingThePath) {
  ASSERT_TRUE(connect());
  const std::size_t paths = alice_.paths.size();
  const PairId path = alice_.agent.selected_pair()->id;
  const auto states = alice_.states;
  Candidate signalled = host_candidate(kOutside, 1'694'498'815);
  signalled.type = CandidateType::kServerReflexive;
  signalled.related = endpoint(kBob);
  ASSERT_TRUE(alice_.agent.add_remote_candidate(wire_.now, signalled).has_value());
  wire_.run_for(seconds(20));
  EXPECT_EQ(alice_.agent.selected_pair()->id, path);
  EXPECT_EQ(alice_.paths.size(), paths);
  EXPECT_EQ(alice_.agent.remote_candidates()[alice_.agent.selected_pair()->remote].candidate,
            signalled);
  EXPECT_EQ(alice_.agent.selected_pair()->priority,
            pair_priority(alice_.candidates[0].priority, signalled.priority));
  EXPECT_THAT(alice_.states, testing::Not(testing::Contains(State::kDisconnected)));
  EXPECT_GE(alice_.states.size(), states.size());
}

TEST(IceFoundations, FreezePairsUntilOneOfTheirFoundationSucceeds) {
  Wire wire;
  wire.filter = [](Packet&) { return false; };
  Peer& alice = wire.add({}, {kAlice});
  const Credentials bob{"bobsufrag", "bobspasswordbobspassword"};
  ASSERT_TRUE(alice.agent.set_remote_credentials(wire.now, bob).has_value());
  ASSERT_TRUE(
      alice.agent.add_remote_candidate(wire.now, host_candidate("192.0.2.2:2", 2000)).has_value());
  ASSERT_TRUE(
      alice.agent.add_remote_candidate(wire.now, host_candidate("192.0.2.2:3", 1000)).has_value());
  wire.run_for(seconds(1));
  EXPECT_EQ(alice.pair_to("192.0.2.2:2")->state, PairState::kInProgress);
  EXPECT_EQ(alice.pair_to("192.0.2.2:3")->state, PairState::kFrozen);
  // When the first has failed for good, the second gets its turn.
  wire.run_for(Agent::Config().checks.timeout());
  EXPECT_EQ(alice.pair_to("192.0.2.2:2")->state, PairState::kFailed);
  EXPECT_NE(alice.pair_to("192.0.2.2:3")->state, PairState::kFrozen);
}

TEST(IceAddresses, AreOrderedByKindWithTheFamiliesInTurn) {
  const auto interface = [](const char* name, const char* address, net::InterfaceKind kind) {
    return net::Interface{name, *net::Address::parse(address), 24, kind};
  };
  using Kind = net::InterfaceKind;
  const std::vector<net::Interface> all = {
      interface("lo", "127.0.0.1", Kind::kLoopback),
      interface("tun0", "10.8.0.2", Kind::kVpn),
      interface("wlan0", "192.168.1.5", Kind::kWifi),
      interface("wlan0", "2001:db8::5", Kind::kWifi),
      interface("eth0", "192.168.2.5", Kind::kEthernet),
      interface("eth0", "fe80::5", Kind::kEthernet),
  };
  const auto names = [](const std::vector<net::Interface>& interfaces) {
    std::vector<std::string> out;
    for (const auto& i : interfaces) out.push_back(i.address.to_string());
    return out;
  };
  EXPECT_THAT(names(usable_addresses(all, {})),
              testing::ElementsAre("2001:db8::5", "192.168.2.5", "192.168.1.5", "10.8.0.2"));
  LocalPolicy policy;
  policy.loopback = true;
  policy.ipv6 = false;
  policy.filter = [](const net::Interface& i) { return i.name != "tun0"; };
  EXPECT_THAT(names(usable_addresses(all, policy)),
              testing::ElementsAre("192.168.2.5", "192.168.1.5", "127.0.0.1"));
}

}  // namespace
}  // namespace floe::ice
