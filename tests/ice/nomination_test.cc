// Roles and nomination: who decides, and that both sides end on one pair.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ice/wire.h"

namespace floe::ice {
namespace {

constexpr const char* kAlice = "192.0.2.1:1000";
constexpr const char* kBob = "192.0.2.2:2000";
constexpr const char* kAlice2 = "198.51.100.1:1001";
constexpr const char* kBob2 = "198.51.100.2:2002";

Agent::Config config(Role role, std::optional<std::uint64_t> tie_breaker,
                     Nomination nomination = Nomination::kRegular) {
  Agent::Config config = ice::config(role);
  config.tie_breaker = tie_breaker;
  config.nomination = nomination;
  return config;
}

struct Conflict {
  Role role;
  std::uint64_t alice;
  std::uint64_t bob;
};

class IceRoleConflict : public testing::TestWithParam<Conflict> {};

TEST_P(IceRoleConflict, ExactlyOneSideControlsInTheEndAndBothSelectOnePair) {
  const auto [role, alice_breaker, bob_breaker] = GetParam();
  for (const milliseconds head_start : {milliseconds(0), milliseconds(35), milliseconds(500)}) {
    Wire wire;
    Peer& alice = wire.add(config(role, alice_breaker), {kAlice, kAlice2});
    Peer& bob = wire.add(config(role, bob_breaker), {kBob, kBob2});
    wire.signal(alice, bob);
    wire.run_for(head_start);
    wire.signal(bob, alice);
    ASSERT_TRUE(wire.run_until([&] { return agree(alice, bob); }, seconds(10)))
        << head_start.count();
    EXPECT_NE(alice.agent.role(), bob.agent.role());
    if (alice_breaker != bob_breaker) {
      const Peer& larger = alice_breaker > bob_breaker ? alice : bob;
      EXPECT_EQ(larger.agent.role(), Role::kControlling);
    }
    EXPECT_GT(alice.agent.stats().role_conflicts + bob.agent.stats().role_conflicts, 0u);
  }
}

INSTANTIATE_TEST_SUITE_P(BothControlling, IceRoleConflict,
                         testing::Values(Conflict{Role::kControlling, 2, 1},
                                         Conflict{Role::kControlling, 1, 2}));
INSTANTIATE_TEST_SUITE_P(BothControlled, IceRoleConflict,
                         testing::Values(Conflict{Role::kControlled, 2, 1},
                                         Conflict{Role::kControlled, 1, 2}));
INSTANTIATE_TEST_SUITE_P(EqualTieBreakers, IceRoleConflict,
                         testing::Values(Conflict{Role::kControlling, 7, 7},
                                         Conflict{Role::kControlled, 7, 7}));

TEST(IceRoles, KeepsItsRoleWhenItsTieBreakerIsLarger) {
  Wire wire;
  Peer& alice = wire.add(config(Role::kControlling, 2), {kAlice});
  Peer& bob = wire.add(config(Role::kControlling, 1), {kBob});
  wire.signal_both(alice, bob);
  wire.run_for(seconds(5));
  EXPECT_TRUE(alice.roles.empty());
  EXPECT_THAT(bob.roles, testing::ElementsAre(Role::kControlled));
}

TEST(IceRoles, SwitchesOnA487AloneWhenThePeerSendsNoChecks) {
  Wire wire;
  Peer& alice = wire.add(config(Role::kControlling, 1), {kAlice});
  const Credentials bob{"bobsufrag", "bobspasswordbobspassword"};
  wire.elsewhere = [&](const Packet& packet) {
    if (!packet.is_request()) return;
    const auto request = *packet.stun();
    std::vector<std::uint8_t> space(300);
    const bool conflict = request.ice_controlling().has_value();
    stun::MessageBuilder answer(space, conflict ? stun::Class::kError : stun::Class::kSuccess,
                                request);
    if (conflict) {
      answer.add_error(487, "Role Conflict");
    } else {
      answer.add_xor_address(stun::AttributeType::kXorMappedAddress, packet.source);
    }
    answer.add_integrity_sha1(as_bytes(bob.pwd));
    wire.inject(kBob, kAlice, answer.bytes());
  };
  ASSERT_TRUE(alice.agent.set_remote_credentials(wire.now, bob).has_value());
  ASSERT_TRUE(alice.agent.add_remote_candidate(wire.now, host_candidate(kBob)).has_value());
  wire.run_for(seconds(1));
  EXPECT_EQ(alice.agent.role(), Role::kControlled);
  EXPECT_TRUE(alice.pair_to(kBob)->valid);
}

TEST(IceRoles, IgnoresA487ThatAnswersARequestFromBeforeTheSwitch) {
  Wire wire;
  Peer& alice = wire.add(config(Role::kControlling, 1), {kAlice});
  const Credentials bob{"bobsufrag", "bobspasswordbobspassword"};
  ASSERT_TRUE(alice.agent.set_remote_credentials(wire.now, bob).has_value());
  ASSERT_TRUE(alice.agent.add_remote_candidate(wire.now, host_candidate(kBob)).has_value());
  wire.run_for(milliseconds(1));
  const Packet request = wire.log.front();
  ASSERT_TRUE(request.stun()->ice_controlling());
  // Bob's own check, with the larger tie-breaker, makes her controlled...
  wire.inject(kBob, kAlice,
              binding_request(bob, alice.agent.local_credentials(), Role::kControlling, 9));
  wire.run_for(milliseconds(15));
  ASSERT_EQ(alice.agent.role(), Role::kControlled);
  // ...and his 487 to her first request comes late.
  std::vector<std::uint8_t> space(300);
  stun::MessageBuilder answer(space, stun::Class::kError, *request.stun());
  answer.add_error(487, "Role Conflict");
  answer.add_integrity_sha1(as_bytes(bob.pwd));
  wire.inject(kBob, kAlice, answer.bytes());
  wire.run_for(milliseconds(15));
  EXPECT_EQ(alice.agent.role(), Role::kControlled);
  EXPECT_EQ(alice.roles.size(), 1u);
}

TEST(IceRoles, RecomputesPrioritiesAndKeepsSucceededPairsWhenTheRoleSwitches) {
  Wire wire;
  Peer& alice = wire.add(config(Role::kControlling, 1), {kAlice});
  const Credentials bob{"bobsufrag", "bobspasswordbobspassword"};
  wire.elsewhere = [&](const Packet& packet) {
    if (!packet.is_request()) return;
    std::vector<std::uint8_t> space(300);
    stun::MessageBuilder answer(space, stun::Class::kSuccess, *packet.stun());
    answer.add_xor_address(stun::AttributeType::kXorMappedAddress, packet.source);
    answer.add_integrity_sha1(as_bytes(bob.pwd));
    wire.inject(kBob, kAlice, answer.bytes());
  };
  ASSERT_TRUE(alice.agent.set_remote_credentials(wire.now, bob).has_value());
  ASSERT_TRUE(
      alice.agent.add_remote_candidate(wire.now, host_candidate(kBob, 1'000'000)).has_value());
  wire.run_for(milliseconds(300));
  const std::uint64_t before = alice.pair_to(kBob)->priority;
  const std::uint32_t ours = alice.candidates[0].priority;
  EXPECT_EQ(before, pair_priority(ours, 1'000'000));
  wire.inject(kBob, kAlice,
              binding_request(bob, alice.agent.local_credentials(), Role::kControlling, 9));
  wire.run_for(milliseconds(300));
  ASSERT_EQ(alice.agent.role(), Role::kControlled);
  EXPECT_EQ(alice.pair_to(kBob)->priority, pair_priority(1'000'000, ours));
  EXPECT_TRUE(alice.pair_to(kBob)->valid);
  EXPECT_TRUE(alice.agent.route());
}

// ---------------------------------------------------------------------------------- nomination

class IceNomination : public testing::Test {
 protected:
  /// Packets between the first addresses of both sides; their pair has the highest priority.
  static bool is_best_path(const Packet& packet) {
    return (packet.source == endpoint(kAlice) && packet.destination == endpoint(kBob)) ||
           (packet.source == endpoint(kBob) && packet.destination == endpoint(kAlice));
  }
  static std::size_t nominating_requests(const Wire& wire, std::string_view destination) {
    return wire.count([destination](const Packet& packet) {
      return packet.is_request() && packet.stun()->use_candidate() &&
             packet.destination == endpoint(destination);
    });
  }
  Wire wire_;
};

TEST_F(IceNomination, IsMadeOnceAndStaysWhenABetterPairSucceedsLater) {
  Peer& alice = wire_.add(config(Role::kControlling), {kAlice, kAlice2});
  Peer& bob = wire_.add(config(Role::kControlled), {kBob, kBob2});
  wire_.filter = [](Packet& packet) { return !is_best_path(packet); };
  wire_.signal_both(alice, bob);
  ASSERT_TRUE(wire_.run_until([&] { return agree(alice, bob); }, seconds(5)));
  const net::Endpoint chosen = alice.agent.selected_pair()->destination;
  EXPECT_FALSE(chosen == endpoint(kBob) && alice.agent.selected_pair()->base == endpoint(kAlice));
  wire_.filter = {};
  wire_.run_for(seconds(30));
  EXPECT_EQ(alice.agent.selected_pair()->destination, chosen);
  EXPECT_TRUE(agree(alice, bob));
}

TEST_F(IceNomination, WaitsALittleForTheBetterPair) {
  Peer& alice = wire_.add(config(Role::kControlling), {kAlice, kAlice2});
  Peer& bob = wire_.add(config(Role::kControlled), {kBob, kBob2});
  // The best path opens only after the other ones have succeeded.
  const Time opens = wire_.now + milliseconds(90);
  wire_.filter = [this, opens](Packet& packet) {
    return wire_.now >= opens || !is_best_path(packet);
  };
  wire_.signal_both(alice, bob);
  ASSERT_TRUE(wire_.run_until([&] { return agree(alice, bob); }, seconds(5)));
  EXPECT_EQ(alice.agent.selected_pair()->destination, endpoint(kBob));
  EXPECT_EQ(alice.agent.selected_pair()->base, endpoint(kAlice));
  EXPECT_NE(alice.paths.front().remote.endpoint, alice.paths.front().local.endpoint);
}

TEST_F(IceNomination, OfAnAggressivePeerEndsOnTheBestOfItsPairsOnBothSides) {
  Peer& alice = wire_.add(config(Role::kControlling, {}, Nomination::kAggressive),
                          {kAlice, kAlice2, "203.0.113.1:3"});
  Peer& bob = wire_.add(config(Role::kControlled), {kBob});
  // The worst opens first, the best last: each in turn is nominated.
  const Time start = wire_.now;
  wire_.filter = [this, start](Packet& packet) {
    const auto touches = [&packet](const char* address) {
      return packet.source == endpoint(address) || packet.destination == endpoint(address);
    };
    if (touches(kAlice)) return wire_.now >= start + milliseconds(1600);
    if (touches(kAlice2)) return wire_.now >= start + milliseconds(800);
    return true;
  };
  wire_.signal_both(alice, bob);
  wire_.run_for(seconds(5));
  EXPECT_TRUE(agree(alice, bob));
  EXPECT_EQ(alice.agent.selected_pair()->base, endpoint(kAlice));
  std::size_t nominated = 0;
  for (const auto& pair : bob.agent.pairs()) nominated += pair->nominated;
  EXPECT_EQ(nominated, 3u);
}

TEST_F(IceNomination, AgreesBetweenARegularAndAnAggressiveAgentInEitherRole) {
  for (const bool aggressive_controls : {true, false}) {
    Wire wire;
    const auto aggressive = Nomination::kAggressive;
    Peer& alice = wire.add(
        config(aggressive_controls ? Role::kControlling : Role::kControlled, {}, aggressive),
        {kAlice, kAlice2});
    Peer& bob = wire.add(config(aggressive_controls ? Role::kControlled : Role::kControlling),
                         {kBob, kBob2});
    wire.signal_both(alice, bob);
    EXPECT_TRUE(wire.run_until([&] { return agree(alice, bob); }, seconds(5)));
    wire.run_for(seconds(10));
    EXPECT_TRUE(agree(alice, bob));
  }
}

TEST_F(IceNomination, IsRepeatedUntilItsResponseArrives) {
  Peer& alice = wire_.add(config(Role::kControlling), {kAlice});
  Peer& bob = wire_.add(config(Role::kControlled), {kBob});
  std::vector<stun::TransactionId> nominating;
  int lost = 0;
  wire_.filter = [&](Packet& packet) {
    const auto message = packet.stun();
    if (packet.is_request() && message->use_candidate()) {
      nominating.push_back(message->transaction_id());
    }
    const bool answers =
        packet.is_success() && std::find(nominating.begin(), nominating.end(),
                                         message->transaction_id()) != nominating.end();
    return !(answers && ++lost <= 4);
  };
  wire_.signal_both(alice, bob);
  ASSERT_TRUE(wire_.run_until([&] { return agree(alice, bob); }, seconds(10)));
  EXPECT_EQ(lost, 5);
  EXPECT_GE(nominating_requests(wire_, kBob), 5u);
}

TEST_F(IceNomination, TakesEffectOnSuccessWhenItCameBeforeOurOwnCheckSucceeded) {
  Peer& alice = wire_.add(config(Role::kControlling, {}, Nomination::kAggressive), {kAlice});
  Peer& bob = wire_.add(config(Role::kControlled), {kBob});
  // Answers to Bob's checks are lost at first: Alice nominates a pair he has not validated.
  const Time opens = wire_.now + milliseconds(400);
  wire_.filter = [this, opens](Packet& packet) {
    return !(packet.is_success() && packet.destination == endpoint(kBob) && wire_.now < opens);
  };
  wire_.signal_both(alice, bob);
  wire_.run_for(milliseconds(300));
  ASSERT_NE(bob.pair_to(kAlice), nullptr);
  EXPECT_TRUE(bob.pair_to(kAlice)->nominate_on_success);
  EXPECT_FALSE(bob.agent.selected_pair());
  wire_.run_for(seconds(2));
  EXPECT_TRUE(agree(alice, bob));
}

}  // namespace
}  // namespace floe::ice
