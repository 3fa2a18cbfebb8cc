// ICE restarts: what carries data meanwhile, and what becomes of the generation before.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ice/wire.h"

namespace floe::ice {
namespace {

using testing::Contains;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kAlice = "192.0.2.1:1000";
constexpr const char* kBob = "192.0.2.2:2000";
constexpr const char* kAlice2 = "198.51.100.1:1001";
constexpr const char* kBob2 = "198.51.100.2:2002";

class IceRestart : public testing::Test {
 protected:
  void connect() {
    wire_.signal_both(alice_, bob_);
    ASSERT_TRUE(run_until_agreed());
    wire_.run_for(seconds(4));  // past everything that belongs to connecting
    alice_.states.clear();
    bob_.states.clear();
  }
  bool run_until_agreed() {
    return wire_.run_until([this] { return connected_again(); }, seconds(10));
  }
  /// Both have a nominated pair of the present generation, and it carries the data.
  bool connected_again() const {
    return agree(alice_, bob_) && connected(alice_) && connected(bob_) && is_current(alice_) &&
           is_current(bob_);
  }
  static bool is_current(const Peer& peer) {
    const auto& pairs = peer.agent.pairs();
    return std::any_of(pairs.begin(), pairs.end(), [&peer](const auto& pair) {
      return pair.get() == peer.agent.selected_pair();
    });
  }
  /// Both send every 10 ms for `duration`; counts what had no way.
  std::size_t chat(Duration duration) {
    std::size_t lost = 0;
    for (const Time end = wire_.now + duration; wire_.now < end;) {
      lost += !wire_.send_data(alice_, "a");
      lost += !wire_.send_data(bob_, "b");
      sent_ += 2;
      wire_.run_for(milliseconds(10));
    }
    return lost;
  }
  std::size_t received() const { return alice_.data.size() + bob_.data.size(); }

  Wire wire_;
  std::size_t sent_ = 0;
  Peer& alice_ = wire_.add(config(Role::kControlling), {kAlice, kAlice2});
  Peer& bob_ = wire_.add(config(Role::kControlled), {kBob, kBob2});
};

TEST_F(IceRestart, KeepsDataFlowingOnTheOldPairUntilANewOneIsNominatedAndLosesNothing) {
  connect();
  const PairId old = alice_.agent.selected_pair()->id;
  // The new path is another one: Alice has lost her first address for new checks only.
  const std::string old_ufrag = alice_.agent.local_credentials().ufrag;
  const std::string bobs_old_ufrag = bob_.agent.local_credentials().ufrag;
  wire_.filter = [&](Packet& packet) {
    const auto message = packet.stun();
    const bool best = packet.source == endpoint(kAlice) || packet.destination == endpoint(kAlice);
    if (!message || !best) return true;
    const auto username = message->username().value_or("");
    return !packet.is_request() || username.find(old_ufrag) != std::string_view::npos;
  };
  wire_.restart(alice_);
  EXPECT_EQ(chat(seconds(2)), 0u);  // signalling is slow
  EXPECT_EQ(alice_.agent.selected_pair()->id, old);
  wire_.restart(bob_);
  wire_.signal_both(alice_, bob_);
  EXPECT_EQ(chat(seconds(5)), 0u);
  wire_.run_for(milliseconds(50));
  EXPECT_TRUE(connected_again());
  EXPECT_NE(alice_.agent.selected_pair()->id, old);
  EXPECT_EQ(received(), sent_);
  EXPECT_THAT(alice_.states, Not(Contains(State::kDisconnected)));
  EXPECT_THAT(alice_.states, Not(Contains(State::kChecking)));
  EXPECT_NE(bob_.agent.local_credentials().ufrag, bobs_old_ufrag);
}

TEST_F(IceRestart, KeepsTheConsentOfTheOldPairWhileThePeerDoesNotAnswerForAMinute) {
  connect();
  wire_.restart(alice_);
  wire_.run_for(minutes(1));
  EXPECT_TRUE(connected(alice_));
  EXPECT_TRUE(connected(bob_));
  EXPECT_EQ(chat(seconds(1)), 0u);
  wire_.restart(bob_);
  wire_.signal_both(alice_, bob_);
  EXPECT_TRUE(run_until_agreed());
}

TEST_F(IceRestart, TakesChecksThatNameOurOldFragmentFromThePeersNewPorts) {
  // As Chromium's, which keeps to the remote candidate that it knew when it opened the port.
  constexpr const char* kNewPort = "192.0.2.1:3000";
  connect();
  const Credentials old = bob_.agent.local_credentials();
  wire_.restart_both(alice_, bob_);
  const Credentials alices = alice_.agent.local_credentials();
  std::size_t answers = 0;
  std::size_t checks = 0;
  wire_.elsewhere = [&](const Packet& packet) {
    ASSERT_EQ(packet.destination, endpoint(kNewPort));
    const auto message = packet.stun();
    ASSERT_TRUE(message);
    const auto& pwd = packet.is_request() ? alices.pwd : old.pwd;
    EXPECT_EQ(message->check_integrity_sha1(as_bytes(pwd)), stun::Message::Integrity::kOk);
    if (packet.is_request()) {
      EXPECT_EQ(message->username(), alices.ufrag + ':' + old.ufrag);
    }
    ++(packet.is_request() ? checks : answers);
  };
  const auto check = [&](const Credentials& from) {
    wire_.inject(kNewPort, kBob, binding_request(from, old, Role::kControlling, 9));
    wire_.run_for(seconds(1));
  };
  check(alices);
  EXPECT_EQ(answers, 1u);
  EXPECT_GT(checks, 0u);
  const CandidatePair* learned = bob_.pair_to(kNewPort);
  ASSERT_NE(learned, nullptr);
  EXPECT_TRUE(learned->heard);
  // Also when the old generation is gone; but nobody else's.
  ASSERT_TRUE(run_until_agreed());
  wire_.run_for(minutes(1));
  check(alices);
  EXPECT_EQ(answers, 2u);
  const std::uint64_t dropped = bob_.agent.stats().dropped_wrong_username;
  check({"stranger", alices.pwd});
  EXPECT_EQ(answers, 2u);
  EXPECT_EQ(bob_.agent.stats().dropped_wrong_username, dropped + 1);
}

TEST_F(IceRestart, KeepsTheRolesAndNeedsNewCredentials) {
  connect();
  const Credentials used = alice_.agent.local_credentials();
  EXPECT_EQ(alice_.agent.restart(wire_.now, used).error().code, Errc::kInvalidArgument);
  const Credentials mine{"minemine", "mypasswordmypasswordmypass"};
  alice_.candidates.clear();
  ASSERT_TRUE(alice_.agent.restart(wire_.now, mine).has_value());
  EXPECT_EQ(alice_.agent.local_credentials(), mine);
  wire_.restart(bob_);
  wire_.signal_both(alice_, bob_);
  ASSERT_TRUE(run_until_agreed());
  EXPECT_EQ(alice_.agent.role(), Role::kControlling);
  EXPECT_EQ(bob_.agent.role(), Role::kControlled);
  for (const Candidate& candidate : alice_.candidates) EXPECT_EQ(candidate.ufrag, mine.ufrag);
}

TEST_F(IceRestart, OfBothAtOnceConverges) {
  connect();
  wire_.restart(alice_);
  wire_.restart(bob_);
  EXPECT_EQ(chat(milliseconds(300)), 0u);
  wire_.signal_both(bob_, alice_);
  EXPECT_EQ(chat(seconds(3)), 0u);
  EXPECT_TRUE(connected_again());
}

TEST_F(IceRestart, TwiceInARowKeepsThePathAndEndsOnTheLastGeneration) {
  connect();
  wire_.restart(alice_);
  const Credentials second = alice_.agent.local_credentials();
  // Bob answers the first restart; before his answer is there she has restarted again.
  wire_.restart(bob_);
  wire_.signal(alice_, bob_);
  const Credentials bobs_second = bob_.agent.local_credentials();
  wire_.restart(alice_);
  EXPECT_EQ(chat(seconds(1)), 0u);
  wire_.restart_both(bob_, alice_);
  EXPECT_EQ(chat(seconds(3)), 0u);
  EXPECT_TRUE(connected_again());
  EXPECT_NE(alice_.agent.local_credentials(), second);
  EXPECT_NE(bob_.agent.local_credentials(), bobs_second);
  wire_.run_for(milliseconds(50));
  EXPECT_EQ(received(), sent_);
}

TEST_F(IceRestart, WhileTheFirstGenerationIsStillCheckingForgetsItWhole) {
  wire_.filter = [](Packet&) { return false; };
  wire_.signal_both(alice_, bob_);
  wire_.run_for(seconds(1));
  wire_.filter = {};
  wire_.restart_both(alice_, bob_);
  EXPECT_FALSE(alice_.agent.keeps_previous_generation());
  EXPECT_TRUE(run_until_agreed());
}

TEST_F(IceRestart, RevivesAFailedAgent) {
  connect();
  wire_.filter = [](Packet&) { return false; };
  wire_.run_for(minutes(2));
  ASSERT_EQ(alice_.agent.state(), State::kFailed);
  ASSERT_EQ(bob_.agent.state(), State::kFailed);
  wire_.filter = {};
  wire_.restart_both(alice_, bob_);
  EXPECT_TRUE(run_until_agreed());
  EXPECT_THAT(alice_.states,
              testing::ElementsAre(State::kDisconnected, State::kFailed, State::kChecking,
                                   State::kConnected, State::kCompleted));
}

TEST_F(IceRestart, FromDisconnectedTakesTheNewPathAsSoonAsItWorks) {
  connect();
  wire_.filter = [](Packet&) { return false; };
  wire_.run_for(seconds(17));
  ASSERT_EQ(alice_.agent.state(), State::kDisconnected);
  wire_.filter = {};
  wire_.restart_both(alice_, bob_);
  ASSERT_TRUE(wire_.run_until([this] { return connected(alice_) && connected(bob_); }, seconds(2)));
  EXPECT_THAT(alice_.states, Not(Contains(State::kFailed)));
}

TEST_F(IceRestart, DropsChecksAndCandidatesOfTheOldGenerationAfterwards) {
  connect();
  const Credentials alices_old = alice_.agent.local_credentials();
  const Credentials bobs_old = bob_.agent.local_credentials();
  Candidate late = bob_.candidates[0];
  late.endpoint = endpoint("203.0.113.9:9");
  ASSERT_EQ(late.ufrag, bobs_old.ufrag);
  wire_.restart_both(alice_, bob_);
  EXPECT_EQ(alice_.agent.add_remote_candidate(wire_.now, late).error().code,
            Errc::kInvalidArgument);
  ASSERT_TRUE(run_until_agreed());

  // While the old generation lingers its checks are answered, but an unknown address learns
  // nothing.
  const auto stale = binding_request(bobs_old, alices_old, Role::kControlled, 1);
  wire_.inject("203.0.113.9:9", kAlice, stale);
  wire_.run_for(milliseconds(50));
  EXPECT_EQ(alice_.pair_to("203.0.113.9:9"), nullptr);

  wire_.run_for(seconds(4));
  EXPECT_FALSE(alice_.agent.keeps_previous_generation());
  const std::uint64_t dropped = alice_.agent.stats().dropped_wrong_username;
  const std::size_t answers = wire_.count([](const Packet& p) { return p.is_success(); });
  wire_.inject(kBob, kAlice, stale);
  wire_.run_for(milliseconds(15));
  EXPECT_EQ(alice_.agent.stats().dropped_wrong_username, dropped + 1);
  EXPECT_EQ(wire_.count([](const Packet& p) { return p.is_success(); }), answers);
}

TEST(IceRestartWhileGathering, EmitsNoCandidateOfTheOldGeneration) {
  Agent::Config config;
  config.gathering.servers.push_back(*Server::parse("stun:203.0.113.50:3478"));
  Wire wire;
  std::vector<Packet> queries;
  wire.elsewhere = [&queries](const Packet& packet) { queries.push_back(packet); };
  Peer& alice = wire.add(config, {kAlice});
  const net::Address server = *net::Address::parse("203.0.113.50");
  alice.agent.set_server_addresses(wire.now, ServerId{0}, std::span(&server, 1));
  wire.run_for(milliseconds(30));
  ASSERT_FALSE(queries.empty());
  const auto answer = [&wire](const Packet& query, const char* mapped) {
    std::vector<std::uint8_t> space(200);
    stun::MessageBuilder response(space, stun::Class::kSuccess, *query.stun());
    response.add_xor_address(stun::AttributeType::kXorMappedAddress, endpoint(mapped));
    wire.inject("203.0.113.50:3478", kAlice, response.bytes());
  };
  // A candidate waits, not yet taken, when the restart comes.
  answer(queries.front(), "198.18.0.1:1");
  const std::string old = alice.agent.local_credentials().ufrag;
  wire.restart(alice);
  const Packet stale = queries.front();
  queries.clear();
  wire.run_for(milliseconds(300));
  ASSERT_FALSE(queries.empty());
  answer(queries.back(), "198.18.0.2:2");
  wire.run_for(milliseconds(300));
  ASSERT_EQ(alice.candidates.size(), 2u);
  for (const Candidate& candidate : alice.candidates) {
    EXPECT_NE(candidate.ufrag, old);
    EXPECT_NE(candidate.endpoint, endpoint("198.18.0.1:1"));
  }
  EXPECT_TRUE(alice.gathered);
}

TEST(IceRestartOfALitePeer, KeepsDataFlowingToo) {
  Wire wire;
  Agent::Config lite = config(Role::kControlled);
  lite.lite = true;
  Peer& full = wire.add(config(Role::kControlling), {kAlice});
  Peer& server = wire.add(lite, {kBob});
  full.agent.set_remote_lite(true);
  wire.signal_both(full, server);
  ASSERT_TRUE(wire.run_until([&] { return agree(full, server); }, seconds(5)));
  const PairId old = full.agent.selected_pair()->id;
  wire.restart(server);
  wire.run_for(seconds(1));
  EXPECT_TRUE(wire.send_data(full, "one"));
  EXPECT_TRUE(wire.send_data(server, "two"));
  wire.restart(full);
  wire.signal_both(full, server);
  ASSERT_TRUE(wire.run_until(
      [&] { return agree(full, server) && full.agent.selected_pair()->id != old; }, seconds(5)));
  EXPECT_THAT(server.data, testing::ElementsAre("one"));
  EXPECT_THAT(full.data, testing::ElementsAre("two"));
  EXPECT_THAT(server.states, Not(Contains(State::kDisconnected)));
}

TEST(IceRestartOfAClosedAgent, IsRefused) {
  Wire wire;
  Peer& alice = wire.add({}, {kAlice});
  alice.agent.close();
  EXPECT_EQ(alice.agent.restart(wire.now).error().code, Errc::kClosed);
  EXPECT_THAT(alice.agent.pairs(), IsEmpty());
}

}  // namespace
}  // namespace floe::ice
