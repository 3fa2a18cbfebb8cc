// What a call survives without signalling: dead pairs, lost interfaces, NATs that forget.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ice/wire.h"

namespace floe::ice {
namespace {

using testing::Contains;
using testing::Not;

constexpr const char* kAlice = "192.0.2.1:1000";
constexpr const char* kBob = "192.0.2.2:2000";
constexpr const char* kAlice2 = "198.51.100.1:1001";
constexpr const char* kBob2 = "198.51.100.2:2002";

/// Two paths: the addresses of 192.0.2/24 reach each other, and those of 198.51.100/24.
class IceFailover : public testing::Test {
 protected:
  IceFailover() {
    wire_.filter = [this](Packet& packet) { return travels(packet); };
  }
  bool travels(const Packet& packet) const {
    const auto first = [](const net::Endpoint& e) {
      return e == endpoint(kAlice) || e == endpoint(kBob);
    };
    if (first(packet.source) != first(packet.destination)) return false;
    if (dead_ && first(packet.source)) return false;
    return !(mute_ && packet.source == endpoint(kBob));
  }
  void connect() {
    wire_.signal_both(alice_, bob_);
    ASSERT_TRUE(wire_.run_until([this] { return agree(alice_, bob_); }, seconds(5)));
    ASSERT_EQ(alice_.agent.selected_pair()->destination, endpoint(kBob));
    wire_.run_for(seconds(20));
    ASSERT_TRUE(agree(alice_, bob_));
    alice_.states.clear();
    bob_.states.clear();
  }
  bool on_second_path() const {
    return agree(alice_, bob_) && alice_.agent.selected_pair()->destination == endpoint(kBob2);
  }

  Wire wire_;
  bool dead_ = false;  ///< The first path.
  bool mute_ = false;  ///< Its way from Bob to Alice.
  Peer& alice_ = wire_.add(config(Role::kControlling), {kAlice, kAlice2});
  Peer& bob_ = wire_.add(config(Role::kControlled), {kBob, kBob2});
};

TEST_F(IceFailover, MovesFromADeadNominatedPairToAnotherValidOneWithoutSignalling) {
  connect();
  dead_ = true;
  const Time cut = wire_.now;
  ASSERT_TRUE(wire_.run_until([this] { return on_second_path(); }, seconds(12)));
  EXPECT_LE(wire_.now - cut, seconds(10));
  EXPECT_GE(alice_.agent.stats().failovers + bob_.agent.stats().failovers, 1u);
  EXPECT_THAT(alice_.states, Not(Contains(State::kDisconnected)));
  // It stays there when the first one comes back: there is nothing to gain.
  dead_ = false;
  wire_.run_for(minutes(2));
  EXPECT_TRUE(on_second_path());
  EXPECT_THAT(alice_.states, Not(Contains(State::kFailed)));
}

TEST_F(IceFailover, TakesThreeToFourSecondsWhenThePeersDataStops) {
  connect();
  Time cut{};
  for (int i = 0; i < 700 && !on_second_path(); ++i) {
    if (i == 100) {
      dead_ = true;
      cut = wire_.now;
    }
    wire_.send_data(alice_, "a");
    wire_.send_data(bob_, "b");
    wire_.run_for(milliseconds(10));
  }
  ASSERT_TRUE(on_second_path());
  EXPECT_LE(wire_.now - cut, seconds(5));
}

TEST_F(IceFailover, HappensAlsoWhenThePathIsDeadInOneDirectionOnly) {
  connect();
  mute_ = true;
  EXPECT_TRUE(wire_.run_until([this] { return on_second_path(); }, seconds(20)));
}

TEST_F(IceFailover, LongSilenceOfEverythingEndsInFailedAndNotInACircle) {
  connect();
  wire_.filter = [](Packet&) { return false; };
  wire_.run_for(minutes(2));
  EXPECT_THAT(alice_.states, testing::ElementsAre(State::kDisconnected, State::kFailed));
  EXPECT_FALSE(alice_.agent.route());
}

TEST_F(IceFailover, InvalidatingTheSelectedLocalCandidateMigratesWithoutDisconnected) {
  connect();
  alice_.agent.invalidate(wire_.now, CandidateType::kHost, endpoint(kAlice));
  EXPECT_TRUE(alice_.agent.route());
  EXPECT_EQ(alice_.agent.selected_pair()->destination, endpoint(kBob2));
  ASSERT_TRUE(wire_.run_until([this] { return on_second_path(); }, seconds(12)));
  EXPECT_THAT(alice_.states, Not(Contains(State::kDisconnected)));
  EXPECT_THAT(bob_.states, Not(Contains(State::kDisconnected)));
  ASSERT_EQ(alice_.removed.size(), 1u);
  EXPECT_EQ(alice_.removed[0].endpoint, endpoint(kAlice));
}

TEST_F(IceFailover, RemovingTheSocketOfThePathMigratesAtOnce) {
  connect();
  alice_.agent.remove_socket(wire_.now, alice_.sockets[0].id);
  EXPECT_EQ(alice_.agent.route()->socket, alice_.sockets[1].id);
  EXPECT_TRUE(wire_.run_until([this] { return on_second_path(); }, seconds(12)));
  EXPECT_THAT(alice_.pair_to(kBob)->failure, testing::HasSubstr("is gone"));
}

TEST_F(IceFailover, ASendErrorOnTheSelectedPairMovesThePathAtOnce) {
  for (const Errc code : {Errc::kPermissionDenied, Errc::kUnreachable}) {
    Wire wire;
    Peer& alice = wire.add(config(Role::kControlling), {kAlice, kAlice2});
    Peer& bob = wire.add(config(Role::kControlled), {kBob});
    wire.signal_both(alice, bob);
    ASSERT_TRUE(wire.run_until([&] { return agree(alice, bob); }, seconds(5)));
    wire.run_for(seconds(6));  // past the time in which nominations settle
    alice.agent.handle_send_failure(wire.now, *alice.agent.route(), {code, "not permitted"});
    ASSERT_TRUE(alice.agent.route());
    EXPECT_EQ(alice.agent.route()->socket, alice.sockets[1].id);
    EXPECT_THAT(alice.states, Not(Contains(State::kDisconnected)));
    EXPECT_TRUE(wire.run_until([&] { return agree(alice, bob); }, seconds(5)));
  }
}

TEST_F(IceFailover, ASendErrorOnTheOnlyPairWaitsForTheNetworkToComeBack) {
  Wire wire;
  Peer& alice = wire.add(config(Role::kControlling), {kAlice});
  Peer& bob = wire.add(config(Role::kControlled), {kBob});
  wire.signal_both(alice, bob);
  ASSERT_TRUE(wire.run_until([&] { return agree(alice, bob); }, seconds(5)));
  const net::Route route = *alice.agent.route();
  alice.agent.handle_send_failure(wire.now, route, {Errc::kUnreachable, "no route"});
  alice.agent.handle_send_failure(wire.now, route, {Errc::kMessageTooLong, "too long"});
  wire.run_for(seconds(30));
  EXPECT_TRUE(connected(alice));
  EXPECT_EQ(alice.agent.selected_pair()->send_failures, 1u);
}

TEST_F(IceFailover, KeepsOtherValidPairsReadyAtAModestRate) {
  connect();
  const std::size_t before = wire_.log.size();
  wire_.run_for(minutes(10));
  std::size_t spare = 0;
  std::size_t path = 0;
  for (std::size_t i = before; i < wire_.log.size(); ++i) {
    if (!wire_.log[i].is_request() || wire_.log[i].source.address != endpoint(kAlice).address) {
      spare += wire_.log[i].is_request() && wire_.log[i].source == endpoint(kAlice2);
      continue;
    }
    ++path;
  }
  // One each 4 to 6 s on the path, one each 8 to 12 s beside it: nothing follows from the round
  // trip.
  EXPECT_GE(path, 100u);
  EXPECT_LE(path, 150u);
  EXPECT_GE(spare, 50u);
  EXPECT_LE(spare, 75u);
  alice_.agent.invalidate(wire_.now, CandidateType::kHost, endpoint(kAlice));
  EXPECT_TRUE(alice_.agent.route());
}

// ------------------------------------------------------------------------------------------ NATs

/// Bob sits behind a NAT that may change its mind about his outer address.
class IceBehindNat : public testing::TestWithParam<Role> {
 protected:
  IceBehindNat() {
    wire_.filter = [this](Packet& packet) {
      if (packet.source == endpoint(kBob)) {
        if (wire_.now >= last_outgoing_ + mapping_timeout_) ++outside_.port;
        last_outgoing_ = wire_.now;
        packet.source = outside_;
        return true;
      }
      if (packet.destination == outside_ && wire_.now < last_outgoing_ + mapping_timeout_) {
        packet.destination = endpoint(kBob);
        return true;
      }
      return packet.destination == endpoint(kAlice);
    };
  }
  void connect() {
    wire_.signal(alice_, bob_);
    ASSERT_TRUE(
        alice_.agent.set_remote_credentials(wire_.now, bob_.agent.local_credentials()).has_value());
    ASSERT_TRUE(wire_.run_until(
        [this] {
          return alice_.agent.selected_pair() != nullptr &&
                 alice_.agent.selected_pair()->nominated && bob_.agent.selected_pair() != nullptr &&
                 bob_.agent.selected_pair()->nominated;
        },
        seconds(10)));
  }
  /// Alice sends to where Bob is reached now.
  bool reaches_bob() {
    return alice_.agent.route() && alice_.agent.route()->destination == outside_;
  }

  Wire wire_;
  net::Endpoint outside_ = endpoint("203.0.113.77:7000");
  Duration mapping_timeout_ = minutes(2);
  Time last_outgoing_{};
  Peer& alice_ = wire_.add(config(GetParam()), {kAlice});
  Peer& bob_ = wire_.add(config(opposite(GetParam())), {kBob});
};

INSTANTIATE_TEST_SUITE_P(EitherRole, IceBehindNat,
                         testing::Values(Role::kControlling, Role::kControlled));

TEST_P(IceBehindNat, ARebootMidCallMovesThePathToTheNewAddressAndDataGoesOn) {
  connect();
  wire_.run_for(seconds(10));
  outside_ = endpoint("203.0.113.99:9000");
  ASSERT_TRUE(wire_.run_until([this] { return reaches_bob(); }, seconds(12)));
  wire_.run_for(milliseconds(100));
  alice_.data.clear();
  bob_.data.clear();
  EXPECT_TRUE(wire_.send_data(alice_, "down"));
  EXPECT_TRUE(wire_.send_data(bob_, "up"));
  wire_.run_for(milliseconds(50));
  EXPECT_THAT(bob_.data, testing::ElementsAre("down"));
  EXPECT_THAT(alice_.data, testing::ElementsAre("up"));
  EXPECT_EQ(alice_.paths.back().remote.type, CandidateType::kPeerReflexive);
  EXPECT_THAT(alice_.states, Not(Contains(State::kFailed)));
  // As often as it likes.
  for (std::uint16_t i = 1; i <= 150; ++i) {
    outside_.port = static_cast<std::uint16_t>(9000 + i);
    ASSERT_TRUE(wire_.run_until([this] { return reaches_bob(); }, seconds(15))) << i;
    wire_.run_for(seconds(40));
  }
  EXPECT_LE(alice_.agent.remote_candidates().size(), 128u);
}

TEST_P(IceBehindNat, AMappingThatOutlivesTheKeepalivesIsNeverLost) {
  mapping_timeout_ = seconds(7);
  connect();
  const net::Endpoint outside = outside_;
  wire_.run_for(minutes(10));
  EXPECT_EQ(outside_, outside);
  EXPECT_TRUE(connected(alice_));
}

TEST_P(IceBehindNat, AMappingThatExpiresEarlierIsRecoveredByPeerReflexiveCandidates) {
  mapping_timeout_ = seconds(3);
  connect();
  const net::Endpoint outside = outside_;
  wire_.run_for(minutes(10));
  EXPECT_NE(outside_, outside);
  EXPECT_THAT(alice_.states, Not(Contains(State::kFailed)));
  EXPECT_THAT(bob_.states, Not(Contains(State::kFailed)));
  EXPECT_TRUE(wire_.send_data(bob_, "up"));
  wire_.run_for(seconds(12));
  alice_.data.clear();
  for (int i = 0; i < 20; ++i) {
    wire_.send_data(bob_, "up");
    wire_.run_for(milliseconds(500));
  }
  EXPECT_THAT(alice_.data, Contains("up"));
}

}  // namespace
}  // namespace floe::ice
