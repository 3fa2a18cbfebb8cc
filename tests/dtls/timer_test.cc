#include <gtest/gtest.h>

#include "tests/dtls/pair.h"
#include "tests/dtls/virtual_time.h"

namespace floe::dtls::testing {
namespace {

using namespace std::chrono_literals;

Path dead_path() {
  Path path;
  path.loss = 1;
  return path;
}

TEST(DtlsTimer, StartsAtTwiceTheRoundTripBetweenItsBounds) {
  const auto first_timeout = [](Duration round_trip) {
    Pair pair;
    pair.client.connection->set_round_trip(round_trip);
    pair.client.connection->start(kStart);
    return pair.client.connection->next_timeout() - kStart;
  };
  EXPECT_EQ(first_timeout(40ms), 80ms);
  EXPECT_EQ(first_timeout(1ms), 50ms);
  EXPECT_EQ(first_timeout(0ms), 50ms);
  EXPECT_EQ(first_timeout(700ms), 1400ms);
  EXPECT_EQ(first_timeout(5s), 3s);
  EXPECT_EQ(first_timeout(std::chrono::hours(100'000)), 3s);
}

TEST(DtlsTimer, DoublesToThreeSecondsAndGivesUpAfterTwelveRetransmissions) {
  Pair pair(client_config(), server_config(), dead_path());
  pair.start();
  std::vector<Duration> sent;
  std::size_t seen = pair.trace.size();
  EXPECT_EQ(seen, 1u);
  pair.run([&] {
    if (pair.trace.size() > seen) sent.push_back(pair.now() - kStart);
    seen = pair.trace.size();
    return false;
  });
  ASSERT_EQ(sent.size(), 12u);
  EXPECT_EQ(sent[0], 100ms);
  EXPECT_EQ(sent[1], 300ms);
  EXPECT_EQ(sent[2], 700ms);
  EXPECT_EQ(sent[3], 1500ms);
  EXPECT_EQ(sent[4], 3100ms);
  EXPECT_EQ(sent[5], 6100ms);
  EXPECT_EQ(sent[11], 24'100ms);
  ASSERT_NE(pair.client.failure(), nullptr);
  EXPECT_EQ(pair.client.failure()->code, Errc::kTimedOut);
  EXPECT_EQ(pair.client.connection->next_timeout(), kNever);
  EXPECT_EQ(pair.client.wakeups, 13u);
}

TEST(DtlsTimer, TakesANewRoundTripWithTheNextRetransmission) {
  auto config = client_config();
  config.initial_rto = 1s;
  Pair pair(std::move(config), server_config(), dead_path());
  pair.start();
  pair.client.connection->set_round_trip(50ms);
  pair.run([&] { return pair.client.connection->stats().retransmits == 1; });
  EXPECT_EQ(pair.now() - kStart, 1s);
  EXPECT_EQ(pair.client.connection->next_timeout() - pair.now(), 200ms);
}

TEST(DtlsTimer, NeverSpinsOverTenMinutes) {
  Pair pair;
  pair.connect();
  const auto client_before = pair.client.wakeups;
  const auto server_before = pair.server.wakeups;
  EXPECT_EQ(pair.client.connection->next_timeout(), kNever);
  EXPECT_EQ(pair.server.connection->next_timeout(), kNever);
  for (int minute = 0; minute < 10; ++minute) {
    pair.advance_to(pair.now() + 1min);
    pair.client.connection->handle_timeout(pair.now());
    pair.send(true, "still there");
    pair.run({}, 1s);
    EXPECT_EQ(pair.client.connection->next_timeout(), kNever);
    EXPECT_EQ(pair.server.connection->next_timeout(), kNever);
  }
  EXPECT_EQ(pair.client.wakeups, client_before);
  EXPECT_EQ(pair.server.wakeups, server_before);
  EXPECT_EQ(pair.server.received.size(), 10u);
}

TEST(DtlsTimer, IdleServerHasNone) {
  auto server = make(server_config());
  EXPECT_EQ(server->next_timeout(), kNever);
  server->start(kStart);
  EXPECT_EQ(server->next_timeout(), kNever);
  server->handle_timeout(kStart + 10min);
  EXPECT_EQ(server->next_timeout(), kNever);
}

TEST(DtlsTimer, SurvivesAJumpOfTenMinutesInMidHandshake) {
  for (const Duration before : {Duration(0), Duration(30ms), Duration(50ms), Duration(70ms)}) {
    Pair pair;
    pair.start();
    pair.run({}, before);
    pair.advance_to(pair.now() + 10min);
    for (Side* side : {&pair.client, &pair.server}) {
      side->connection->handle_timeout(pair.now());
      EXPECT_GT(side->connection->next_timeout(), pair.now());
    }
    pair.run([&] { return pair.client.connected() && pair.server.connected(); });
    EXPECT_TRUE(pair.client.connected() && pair.server.connected()) << to_ms(before);
  }
}

TEST(DtlsTimer, CallsBeforeTheDeadlineDoNothing) {
  Pair pair(client_config(), server_config(), dead_path());
  pair.start();
  const Time deadline = pair.client.connection->next_timeout();
  pair.advance_to(deadline - 1ms);
  pair.client.connection->handle_timeout(pair.now());
  EXPECT_EQ(pair.client.connection->next_timeout(), deadline);
  EXPECT_EQ(pair.client.connection->stats().retransmits, 0u);
}

TEST(DtlsTimer, DoesNotSpinWhenTheWallClockIsSetBack) {
  Pair pair(client_config(), server_config(), dead_path());
  pair.start();
  set_wall_clock_offset(-1h);
  pair.run({}, 10min);
  EXPECT_LE(pair.client.wakeups, 201u);
  EXPECT_GE(pair.client.wakeups, 100u);
  EXPECT_EQ(pair.client.connection->stats().retransmits, 0u);
  set_wall_clock_offset(0s);
  pair.path.loss = 0;
  pair.run([&] { return pair.client.connected(); });
  EXPECT_TRUE(pair.client.connected());
}

TEST(DtlsTimer, SurvivesAWallClockThatIsSetForward) {
  Pair pair;
  pair.start();
  set_wall_clock_offset(1h);
  pair.run([&] { return pair.client.connected() && pair.server.connected(); });
  EXPECT_TRUE(pair.client.connected() && pair.server.connected());
}

}  // namespace
}  // namespace floe::dtls::testing
