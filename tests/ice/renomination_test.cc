// Which pair is nominated when: the waits for something better, and moving on later.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ice/wire.h"

namespace floe::ice {
namespace {

constexpr const char* kAlice = "192.0.2.1:1000";
constexpr const char* kAlice2 = "198.51.100.1:1001";
constexpr const char* kBob = "192.0.2.2:2000";
constexpr const char* kBob2 = "198.51.100.2:2002";

/// Bob is the test itself: everything sent to an address of his is answered with his password, and
/// what he sends is written by hand.
class ScriptedBob {
 public:
  explicit ScriptedBob(Wire& wire, Peer& alice) : wire_(wire), alice_(alice) {
    wire_.elsewhere = [this](const Packet& packet) { answer(packet); };
    EXPECT_TRUE(alice_.agent.set_remote_credentials(wire_.now, bob).has_value());
  }
  void add(const char* address, CandidateType type, std::uint32_t priority) {
    Candidate candidate = host_candidate(address, priority);
    candidate.type = type;
    candidate.foundation = std::to_string(++foundations_);
    EXPECT_TRUE(alice_.agent.add_remote_candidate(wire_.now, candidate).has_value());
  }
  void check(const char* from, std::optional<std::uint32_t> nomination, bool use_candidate = true) {
    wire_.inject(from, kAlice,
                 binding_request(bob, alice_.agent.local_credentials(), Role::kControlling, 1,
                                 [&](stun::MessageBuilder& b) {
                                   if (use_candidate)
                                     b.add_flag(stun::AttributeType::kUseCandidate);
                                   if (nomination) {
                                     b.add_u32(stun::AttributeType::kNomination, *nomination);
                                   }
                                 }));
    wire_.run_for(milliseconds(60));
  }
  /// When the first check that nominates `address` left.
  std::optional<Time> nominated(const char* address) const {
    for (const Packet& packet : wire_.log) {
      if (packet.is_request() && packet.destination == endpoint(address) &&
          packet.stun()->use_candidate()) {
        return packet.sent;
      }
    }
    return std::nullopt;
  }

  const Credentials bob{"bobsufrag", "bobspasswordbobspassword"};
  /// Answers from here come this much later.
  std::map<net::Endpoint, Duration> delays;

 private:
  void answer(const Packet& packet) {
    if (!packet.is_request()) return;
    std::vector<std::uint8_t> space(300);
    stun::MessageBuilder answer(space, stun::Class::kSuccess, *packet.stun());
    answer.add_xor_address(stun::AttributeType::kXorMappedAddress, packet.source);
    answer.add_integrity_sha1(as_bytes(bob.pwd));
    const Duration latency = wire_.latency;
    const auto delay = delays.find(packet.destination);
    if (delay != delays.end()) wire_.latency += delay->second;
    wire_.inject(packet.destination.to_string(), packet.source.to_string(), answer.bytes());
    wire_.latency = latency;
  }

  Wire& wire_;
  Peer& alice_;
  int foundations_ = 0;
};

// ------------------------------------------------------------------------------- acceptance waits

TEST(IceAcceptance, OfARelayWaitsTwoSecondsWhenTheHostIsSlow) {
  Wire wire;
  Peer& alice = wire.add(config(Role::kControlling), {kAlice});
  ScriptedBob bob(wire, alice);
  const Time start = wire.now;
  bob.delays[endpoint(kBob)] = milliseconds(1700);
  bob.add(kBob, CandidateType::kHost, 2'000'000'000);
  bob.add("203.0.113.5:5", CandidateType::kRelayed, 1000);
  wire.run_for(milliseconds(1600));
  ASSERT_TRUE(alice.agent.route());  // data need not wait
  EXPECT_EQ(alice.agent.route()->destination, endpoint("203.0.113.5:5"));
  EXPECT_FALSE(bob.nominated("203.0.113.5:5"));
  wire.run_for(seconds(3));
  EXPECT_TRUE(bob.nominated(kBob));
  EXPECT_FALSE(bob.nominated("203.0.113.5:5"));
  EXPECT_LE(*bob.nominated(kBob) - start, seconds(2));
}

TEST(IceAcceptance, OfEachKindEndsWithItsWaitWhenNothingBetterWorks) {
  const std::array kinds = {std::pair(CandidateType::kHost, milliseconds(0)),
                            std::pair(CandidateType::kServerReflexive, milliseconds(500)),
                            std::pair(CandidateType::kRelayed, milliseconds(2000))};
  for (const auto& [type, wait] : kinds) {
    Wire wire;
    Peer& alice = wire.add(config(Role::kControlling), {kAlice});
    ScriptedBob bob(wire, alice);
    const Time start = wire.now;
    bob.add(kBob, type, 1000);
    wire.run_for(seconds(4));
    ASSERT_TRUE(bob.nominated(kBob));
    EXPECT_GE(*bob.nominated(kBob) - start, wait);
    EXPECT_LE(*bob.nominated(kBob) - start, wait + milliseconds(100));
  }
}

TEST(IceAcceptance, WaitsForNothingWhenNothingBetterCanCome) {
  Wire wire;
  Peer& alice = wire.add(config(Role::kControlling), {kAlice});
  ScriptedBob bob(wire, alice);
  const Time start = wire.now;
  bob.add("203.0.113.5:5", CandidateType::kRelayed, 1000);
  alice.agent.set_remote_end_of_candidates(wire.now);
  wire.run_for(seconds(4));
  ASSERT_TRUE(bob.nominated("203.0.113.5:5"));
  EXPECT_LE(*bob.nominated("203.0.113.5:5") - start, milliseconds(150));
}

TEST(IceAcceptance, OfARelayWaitsForAddressesThatOnlyThePeersChecksShow) {
  Wire wire;
  Peer& alice = wire.add(config(Role::kControlling), {kAlice});
  ScriptedBob bob(wire, alice);
  const Time start = wire.now;
  bob.add("203.0.113.5:5", CandidateType::kRelayed, 1000);
  // His NAT maps anew for each destination: where he was seen, he does not answer from.
  const net::Endpoint seen = endpoint("203.0.113.9:9");
  Candidate reflexive = host_candidate(seen.to_string(), 2000);
  reflexive.type = CandidateType::kServerReflexive;
  ASSERT_TRUE(alice.agent.add_remote_candidate(wire.now, reflexive).has_value());
  alice.agent.set_remote_end_of_candidates(wire.now);
  alice.agent.handle_send_failure(wire.now, {alice.sockets[0].id, seen, {}},
                                  {Errc::kUnreachable, "nobody there"});
  wire.run_for(seconds(4));
  ASSERT_TRUE(bob.nominated("203.0.113.5:5"));
  EXPECT_GE(*bob.nominated("203.0.113.5:5") - start, seconds(2));
}

TEST(IceAcceptance, IsNominatorsRuleAndRelayOnlyWaitsForNothing) {
  Nominator nominator({}, {});
  const Time start{seconds(5)};
  nominator.start(start);
  EXPECT_EQ(nominator.earliest(start, PathKind::kRelayed, false, true, false), start + seconds(2));
  EXPECT_EQ(nominator.earliest(start, PathKind::kRelayed, false, true, true), start);
  EXPECT_EQ(nominator.earliest(start, PathKind::kHost, true, true, false),
            start + milliseconds(250));
}

// ----------------------------------------------------------------------------------- renomination

TEST(IceRenomination, CountsValuesIn24BitsThatWrap) {
  EXPECT_TRUE(Nominator::is_newer(2, 1));
  EXPECT_FALSE(Nominator::is_newer(1, 2));
  EXPECT_FALSE(Nominator::is_newer(7, 7));
  EXPECT_TRUE(Nominator::is_newer(1, 0xffffff));
  EXPECT_FALSE(Nominator::is_newer(0xffffff, 1));
  Nominator peer({}, {.enabled = true});
  EXPECT_TRUE(peer.accept(0xfffffe));
  EXPECT_TRUE(peer.accept(0xffffff));
  EXPECT_FALSE(peer.accept(0));
  EXPECT_TRUE(peer.accept(1));
  EXPECT_FALSE(peer.accept(0xffffff));
  Nominator ours({}, {.enabled = true});
  EXPECT_EQ(ours.next_value(), 1u);
  EXPECT_EQ(ours.next_value(), 2u);
}

TEST(IceRenomination, TheHighestValueWinsAndEqualOrLowerOnesAreIgnored) {
  Wire wire;
  Agent::Config options = config(Role::kControlled);
  options.renomination.enabled = true;
  Peer& alice = wire.add(options, {kAlice});
  ScriptedBob bob(wire, alice);
  bob.add(kBob, CandidateType::kHost, 2000);
  bob.add(kBob2, CandidateType::kHost, 1000);
  const auto path = [&alice] { return alice.agent.selected_pair()->destination; };
  bob.check(kBob, 5);
  bob.check(kBob2, std::nullopt, false);
  ASSERT_EQ(path(), endpoint(kBob));
  bob.check(kBob2, 5);
  EXPECT_EQ(path(), endpoint(kBob));
  bob.check(kBob2, 4);
  EXPECT_EQ(path(), endpoint(kBob));
  EXPECT_EQ(alice.agent.stats().nominations_ignored, 2u);
  bob.check(kBob2, 6);  // of lower priority, but newer
  EXPECT_EQ(path(), endpoint(kBob2));
  bob.check(kBob, 0xfffff0);  // before 6, when values wrap
  EXPECT_EQ(path(), endpoint(kBob2));
  bob.check(kBob, 7);
  EXPECT_EQ(path(), endpoint(kBob));
}

class IceRenominates : public testing::Test {
 protected:
  static Agent::Config options(Role role) {
    Agent::Config options = config(role);
    options.renomination.enabled = true;
    return options;
  }
};

TEST_F(IceRenominates, ByHandOnBothSidesAndOnlyWhoControls) {
  Wire wire;
  Agent::Config by_hand = options(Role::kControlling);
  by_hand.renomination.automatic = false;
  Peer& alice = wire.add(by_hand, {kAlice, kAlice2});
  Peer& bob = wire.add(options(Role::kControlled), {kBob});
  Peer& plain = wire.add(config(Role::kControlling), {"192.0.2.9:9"});
  // The second way is slower, so that both work before one is nominated.
  wire.signal_both(alice, bob);
  ASSERT_TRUE(wire.run_until([&] { return agree(alice, bob); }, seconds(5)));
  wire.run_for(seconds(1));
  for (const char* base : {kAlice2, kAlice, kAlice2}) {
    const auto& pairs = alice.agent.pairs();
    const auto other = std::find_if(pairs.begin(), pairs.end(), [base](const auto& pair) {
      return pair->valid && pair->base == endpoint(base);
    });
    if (other == pairs.end()) GTEST_FAIL() << "no valid pair from " << base;
    ASSERT_TRUE(alice.agent.renominate(wire.now, (*other)->id).has_value());
    ASSERT_TRUE(wire.run_until(
        [&] { return agree(alice, bob) && alice.agent.selected_pair()->base == endpoint(base); },
        seconds(2)));
  }
  EXPECT_EQ(bob.agent.renominate(wire.now, bob.agent.selected_pair()->id).error().code,
            Errc::kInvalidState);
  EXPECT_EQ(alice.agent.renominate(wire.now, PairId{12'345}).error().code, Errc::kInvalidState);
  EXPECT_EQ(plain.agent.renominate(wire.now, PairId{1}).error().code, Errc::kInvalidState);
}

TEST_F(IceRenominates, FromARelayToADirectPathByItself) {
  Wire wire;
  Peer& alice = wire.add(options(Role::kControlling), {kAlice});
  ScriptedBob bob(wire, alice);
  const Time start = wire.now;
  bob.delays[endpoint(kBob)] = seconds(6);  // the direct path opens late
  bob.add(kBob, CandidateType::kHost, 2'000'000'000);
  bob.add("203.0.113.5:5", CandidateType::kRelayed, 1000);
  wire.run_for(seconds(5));
  EXPECT_EQ(alice.agent.selected_pair()->destination, endpoint("203.0.113.5:5"));
  EXPECT_TRUE(alice.agent.selected_pair()->nominated);
  bob.delays.clear();
  ASSERT_TRUE(wire.run_until(
      [&] {
        return alice.agent.selected_pair()->destination == endpoint(kBob) &&
               alice.agent.selected_pair()->nominated;
      },
      seconds(12)));
  EXPECT_GE(wire.now - start, seconds(5));
}

TEST_F(IceRenominates, OnlyForAGainOfTenMillisecondsAndNotMoreOftenThanTheInterval) {
  Nominator nominator({}, {.enabled = true});
  const Time now{seconds(100)};
  const Nominator::Path relay{PathKind::kRelayed, milliseconds(50), 9};
  const Nominator::Path slow{PathKind::kHost, milliseconds(50), 9};
  const Nominator::Path little_faster{PathKind::kHost, milliseconds(41), 9};
  const Nominator::Path faster{PathKind::kHost, milliseconds(40), 9};
  const Nominator::Path once{PathKind::kHost, milliseconds(1), 1};
  const Nominator::Path fast_relay{PathKind::kRelayed, milliseconds(5), 9};
  EXPECT_TRUE(nominator.worth_moving(now, relay, slow));
  EXPECT_FALSE(nominator.worth_moving(now, slow, little_faster));
  EXPECT_TRUE(nominator.worth_moving(now, slow, faster));
  EXPECT_FALSE(nominator.worth_moving(now, slow, once));
  EXPECT_FALSE(nominator.worth_moving(now, slow, fast_relay));
  nominator.moved(now);
  EXPECT_FALSE(nominator.worth_moving(now + milliseconds(2999), relay, slow));
  EXPECT_TRUE(nominator.worth_moving(now + seconds(3), relay, slow));
  EXPECT_FALSE(Nominator({}, {}).worth_moving(now, relay, slow));
}

TEST_F(IceRenominates, DoesNotSwingBetweenEqualPaths) {
  Wire wire;
  Peer& alice = wire.add(options(Role::kControlling), {kAlice, kAlice2});
  Peer& bob = wire.add(options(Role::kControlled), {kBob});
  wire.signal_both(alice, bob);
  wire.run_for(seconds(10));
  const std::size_t paths = alice.paths.size();
  wire.run_for(minutes(5));
  EXPECT_EQ(alice.paths.size(), paths);
  EXPECT_TRUE(agree(alice, bob));
}

}  // namespace
}  // namespace floe::ice
