// ICE restarts and roaming under a whole connection: what the application notices of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/peer/call.h"

namespace floe {
namespace {

using testing::Contains;
using testing::Not;

class PeerRestart : public testing::TestWithParam<bool> {
 protected:
  /// The side whose restart it is: the one that offered first, or the other.
  Caller& restarting() { return GetParam() ? call_.alice : call_.bob; }
  void connect() {
    call_.start();
    ASSERT_TRUE(call_.run_until_open());
    call_.world.run_for(seconds(1));
    for (Caller* side : {&call_.alice, &call_.bob}) {
      side->log.clear();
      side->received.clear();
    }
  }
  /// Restarts and negotiates through the signalling, whose delay is the call's.
  void restart(Caller& side) {
    Caller& other = &side == &call_.alice ? call_.bob : call_.alice;
    side.pc->restart_ice();
    ASSERT_TRUE(side.pc->set_local_description().has_value());
    call_.world.after(milliseconds(20), [this, &side, &other] {
      ASSERT_TRUE(other.pc->set_remote_description(*side.pc->local_description()).has_value());
      ASSERT_TRUE(other.pc->set_local_description().has_value());
      call_.world.after(milliseconds(20), [&side, &other] {
        ASSERT_TRUE(side.pc->set_remote_description(*other.pc->local_description()).has_value());
      });
    });
  }
  /// Both send numbered messages for `duration`, one every 10 ms each.
  void chat(Duration duration) {
    const Time end = call_.world.now() + duration;
    while (call_.world.now() < end) {
      ASSERT_TRUE(call_.alice.channel->send(std::to_string(sent_)).has_value());
      ASSERT_TRUE(call_.bob.channel->send(std::to_string(sent_)).has_value());
      ++sent_;
      call_.world.run_for(milliseconds(10));
    }
  }
  void expect_everything_arrived() {
    call_.run_until(
        [this] {
          return call_.alice.received.size() >= sent_ && call_.bob.received.size() >= sent_;
        },
        seconds(30));
    for (const Caller* side : {&call_.alice, &call_.bob}) {
      ASSERT_EQ(side->received.size(), sent_) << call_.describe();
      for (std::size_t i = 0; i < sent_; ++i) EXPECT_EQ(side->received[i], std::to_string(i));
    }
  }
  bool connected() const {
    return call_.alice.pc->connection_state() == PeerConnectionState::kConnected &&
           call_.bob.pc->connection_state() == PeerConnectionState::kConnected;
  }

  Call call_{{}};
  std::size_t sent_ = 0;
};

INSTANTIATE_TEST_SUITE_P(EitherSide, PeerRestart, testing::Bool());

TEST_P(PeerRestart, LosesNoMessageAndChangesNoState) {
  connect();
  const std::string ufrag = restarting().pc->transport().ice().local_credentials().ufrag;
  const ice::PairId path = restarting().pc->transport().ice().selected_pair()->id;
  restarting().candidates.clear();
  restart(restarting());
  chat(seconds(5));
  expect_everything_arrived();
  const std::string next = restarting().pc->transport().ice().local_credentials().ufrag;
  EXPECT_NE(next, ufrag);
  EXPECT_NE(restarting().pc->transport().ice().selected_pair()->id, path);
  EXPECT_FALSE(restarting().pc->transport().ice().keeps_previous_generation());
  ASSERT_FALSE(restarting().candidates.empty());
  for (const IceCandidate& candidate : restarting().candidates) {
    EXPECT_EQ(candidate.username_fragment, next);
  }
  for (const Caller* side : {&call_.alice, &call_.bob}) {
    EXPECT_THAT(side->log, Not(Contains("ice:disconnected")));
    EXPECT_THAT(side->log, Not(Contains("pc:connecting")));
    EXPECT_EQ(side->pc->dtls_state(), DtlsTransportState::kConnected);
  }
}

TEST_P(PeerRestart, FromFailedRevivesTheSameChannels) {
  connect();
  call_.alice_host->set_up(false);
  ASSERT_TRUE(call_.run_until(
      [this] {
        return call_.alice.pc->connection_state() == PeerConnectionState::kFailed &&
               call_.bob.pc->connection_state() == PeerConnectionState::kFailed;
      },
      minutes(2)));
  call_.alice_host->set_up(true);
  call_.world.run_for(seconds(1));
  ASSERT_TRUE(call_.alice.channel->send("0").has_value());
  ASSERT_TRUE(call_.bob.channel->send("0").has_value());
  sent_ = 1;
  restart(restarting());
  ASSERT_TRUE(call_.run_until([this] { return connected(); }, seconds(10))) << call_.describe();
  chat(seconds(1));
  expect_everything_arrived();
  EXPECT_FALSE(call_.alice.closed);
  EXPECT_FALSE(call_.bob.closed);
}

TEST_P(PeerRestart, FromOneNetworkToAnotherTakesAsLongAsTheSignallingAndAFewRoundTrips) {
  connect();
  // Wi-Fi goes, cellular comes; nobody can signal for three seconds.
  call_.alice_host->set_up(false);
  call_.alice_host->attach({.kind = net::InterfaceKind::kCellular, .name = "cell"});
  call_.world.run_for(seconds(3));
  const Time signalling = call_.world.now();
  restart(restarting());
  ASSERT_TRUE(call_.alice.channel->send("0").has_value());
  ASSERT_TRUE(call_.bob.channel->send("0").has_value());
  sent_ = 1;
  ASSERT_TRUE(call_.run_until(
      [this] { return call_.alice.received.size() == 1 && call_.bob.received.size() == 1; },
      seconds(10)))
      << call_.describe();
  EXPECT_LE(call_.world.now() - signalling, seconds(2));
  EXPECT_THAT(call_.alice.log, Not(Contains("ice:failed")));
}

TEST_P(PeerRestart, AskedForDuringANegotiationFollowsIt) {
  connect();
  int needed = 0;
  Caller& side = restarting();
  side.pc->on_negotiation_needed([&needed] { ++needed; });
  Caller& other = &side == &call_.alice ? call_.bob : call_.alice;
  // The offer is older than the wish, so it restarts nothing.
  const std::string ufrag = side.pc->transport().ice().local_credentials().ufrag;
  const auto offer = side.pc->create_offer();
  ASSERT_TRUE(offer.has_value());
  side.pc->restart_ice();
  ASSERT_TRUE(side.pc->set_local_description(*offer).has_value());
  EXPECT_EQ(side.pc->transport().ice().local_credentials().ufrag, ufrag);
  call_.world.run_for(milliseconds(50));
  EXPECT_EQ(needed, 0);
  ASSERT_TRUE(other.pc->set_remote_description(*side.pc->local_description()).has_value());
  ASSERT_TRUE(other.pc->set_local_description().has_value());
  ASSERT_TRUE(side.pc->set_remote_description(*other.pc->local_description()).has_value());
  call_.world.run_for(milliseconds(50));
  EXPECT_EQ(needed, 1);
  restart(side);
  call_.world.run_for(seconds(1));
  EXPECT_NE(side.pc->transport().ice().local_credentials().ufrag, ufrag);
  EXPECT_TRUE(connected());
}

}  // namespace
}  // namespace floe
