#include <gtest/gtest.h>

#include "tests/sctp/pipe.h"

namespace floe::sctp::test {
namespace {

using State = Association::State;
constexpr auto kA = Associations::kA;
constexpr auto kB = Associations::kB;

TEST(SctpHandshake, BothSidesMayConnectAtOnce) {
  Associations pipe(small_association(), small_association());
  const Time start = pipe.now;
  ASSERT_TRUE(connect(pipe));
  // INITs cross, so 1.5 round trips of 20 ms.
  EXPECT_LE(pipe.now - start, milliseconds(31));
  ASSERT_EQ(pipe.count<Association::Connected>(kA), 1u);
  ASSERT_EQ(pipe.count<Association::Connected>(kB), 1u);
  EXPECT_EQ(pipe.all<Association::Connected>(kA)[0].outgoing_streams, 64);
  EXPECT_EQ(pipe.all<Association::Connected>(kA)[0].incoming_streams, 64);
}

TEST(SctpHandshake, PacketsOfAnEarlyPeerWaitForConnect) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(pipe.a.connect(pipe.now));
  pipe.run(milliseconds(300));
  EXPECT_EQ(pipe.b.state(), State::kNew);
  EXPECT_EQ(pipe.packets[kB], 0u);
  const Time start = pipe.now;
  ASSERT_TRUE(pipe.b.connect(pipe.now));
  ASSERT_TRUE(pipe.run(seconds(5), [&] {
    return pipe.a.state() == State::kConnected && pipe.b.state() == State::kConnected;
  }));
  EXPECT_LE(pipe.now - start, milliseconds(31));
}

TEST(SctpHandshake, KeepsABoundedNumberOfEarlyPackets) {
  Association association(small_association());
  std::vector<std::uint8_t> packet(16);
  packet[0] = packet[2] = 5000 >> 8;
  packet[1] = packet[3] = 5000 & 0xff;
  for (std::size_t i = 0; i < Association::kMaxEarlyPackets; ++i) {
    EXPECT_TRUE(association.handle_packet(Time{}, packet));
  }
  EXPECT_FALSE(association.handle_packet(Time{}, packet));
  EXPECT_EQ(association.stats().dropped_early, 1u);
}

TEST(SctpHandshake, DataMayBeSentBeforeItIsDone) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(pipe.a.send(pipe.now, 3, 53, pattern(100)));
  ASSERT_TRUE(pipe.a.connect(pipe.now));
  ASSERT_TRUE(pipe.b.connect(pipe.now));
  ASSERT_TRUE(pipe.run(seconds(1), [&] { return pipe.count<Association::Message>(kB) == 1; }));
  EXPECT_EQ(pipe.all<Association::Message>(kB)[0].payload, pattern(100));
  EXPECT_EQ(pipe.all<Association::Message>(kB)[0].stream, 3);
}

class LostOnce : public testing::TestWithParam<Chunk> {};

TEST_P(LostOnce, IsRepeatedAfterTheTimerThatFollowsFromTheRoundTrip) {
  Associations pipe(small_association(), small_association());
  std::array<int, 2> lost{};
  pipe.drop = [&](Associations::Side from, Bytes packet) {
    return has_chunk(packet, GetParam()) && lost[from]++ == 0;
  };
  pipe.a.set_round_trip(milliseconds(20));
  pipe.b.set_round_trip(milliseconds(20));
  const Time start = pipe.now;
  ASSERT_TRUE(connect(pipe));
  EXPECT_GE(lost[kA] + lost[kB], 1);
  EXPECT_LE(pipe.now - start, milliseconds(500));
  ASSERT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(5000)));
  EXPECT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::Message>(kB) == 1; }));
}

INSTANTIATE_TEST_SUITE_P(SctpHandshake, LostOnce,
                         testing::Values(kInit, kInitAck, kCookieEcho, kCookieAck),
                         [](const auto& info) {
                           switch (info.param) {
                             case kInit:
                               return "Init";
                             case kInitAck:
                               return "InitAck";
                             case kCookieEcho:
                               return "CookieEcho";
                             default:
                               return "CookieAck";
                           }
                         });

TEST(SctpHandshake, SucceedsUnderHeavyLossReorderingAndDuplicates) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Associations pipe(small_association(), small_association(), seed);
    pipe.path.loss = 0.3;
    pipe.path.duplicate = 0.2;
    pipe.path.jitter = milliseconds(50);
    EXPECT_TRUE(connect(pipe)) << "seed " << seed;
    EXPECT_EQ(pipe.count<Association::Connected>(kA), 1u);
    EXPECT_EQ(pipe.count<Association::Failed>(kA), 0u);
  }
}

TEST(SctpHandshake, KeepsTryingForAsLongAsItsDriverDoes) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(pipe.a.connect(pipe.now));
  bool cut = true;
  pipe.drop = [&](auto, Bytes) { return cut; };
  pipe.run(std::chrono::minutes(5));
  EXPECT_EQ(pipe.a.state(), State::kConnecting);
  const std::size_t tries = pipe.packets[kA];
  EXPECT_GE(tries, 90u);  // one every 3 seconds
  EXPECT_LE(tries, 120u);
  cut = false;
  ASSERT_TRUE(pipe.b.connect(pipe.now));
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.a.state() == State::kConnected; }));
  // The unanswered INITs must not have marked the path as failed.
  ASSERT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(200'000)));
  EXPECT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::Message>(kB) == 1; }));
}

TEST(SctpHandshake, LimitsTheStreamsToWhatBothAllow) {
  Association::Config few = small_association();
  few.incoming_streams = 8;
  few.outgoing_streams = 5;
  Associations pipe(small_association(), few);
  ASSERT_TRUE(connect(pipe));
  EXPECT_EQ(pipe.a.outgoing_streams(), 8);
  EXPECT_EQ(pipe.a.incoming_streams(), 5);
  EXPECT_EQ(pipe.b.outgoing_streams(), 5);
  const auto refused = pipe.a.send(pipe.now, 8, 53, pattern(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kInvalidArgument);
}

TEST(SctpHandshake, NeverSendsAPacketLargerThanTheMtu) {
  Association::Config config = small_association();
  config.mtu = 700;
  Associations pipe(config, config);
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(100'000)));
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::Message>(kB) == 1; }));
  EXPECT_LE(pipe.largest_packet, 700u);
  EXPECT_GT(pipe.largest_packet, 690u);
}

TEST(SctpHandshake, RefusesConfigurationsOutOfRangeByName) {
  Association::Config config;
  config.mtu = 100;
  Association association(config);
  const auto result = association.connect(Time{});
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().message.find("mtu"), std::string::npos);
  config = {};
  config.max_message_size = Association::kMaxMessageSize + 1;
  EXPECT_FALSE(Association(config).connect(Time{}));
}

TEST(SctpAssociation, AnIdleOneWantsNoTimer) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(1000)));
  pipe.run(seconds(2));
  EXPECT_EQ(pipe.a.next_timeout(), kNever);
  EXPECT_EQ(pipe.b.next_timeout(), kNever);
  const std::size_t before = pipe.packets[kA] + pipe.packets[kB];
  const std::size_t steps = pipe.steps;
  pipe.run(std::chrono::hours(1));
  EXPECT_EQ(pipe.packets[kA] + pipe.packets[kB], before);
  EXPECT_EQ(pipe.steps, steps);
}

TEST(SctpAssociation, ItsNextTimeoutIsAlwaysLater) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(pipe.a.connect(pipe.now));
  for (int i = 0; i < 100; ++i) {
    pipe.a.handle_timeout(pipe.now);
    ASSERT_GT(pipe.a.next_timeout(), pipe.now);
    pipe.jump(milliseconds(7));
  }
}

TEST(SctpAssociation, SurvivesATenMinuteJumpOfTime) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(250'000)));
  pipe.run(milliseconds(15));  // data in flight
  pipe.jump(std::chrono::minutes(10));
  pipe.a.handle_timeout(pipe.now);
  EXPECT_GT(pipe.a.next_timeout(), pipe.now);
  ASSERT_TRUE(pipe.run(seconds(30), [&] { return pipe.count<Association::Message>(kB) == 1; }));
  EXPECT_EQ(pipe.all<Association::Message>(kB)[0].payload, pattern(250'000));
  // And while idle, and while connecting.
  pipe.run(seconds(2));
  pipe.jump(std::chrono::minutes(10));
  ASSERT_TRUE(pipe.b.send(pipe.now, 0, 53, pattern(10)));
  EXPECT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::Message>(kA) == 1; }));
}

TEST(SctpAssociation, ClosesInGoodOrderAfterSendingWhatIsQueued) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(200'000)));
  pipe.a.shutdown(pipe.now);
  EXPECT_FALSE(pipe.a.send(pipe.now, 0, 53, pattern(1)));
  ASSERT_TRUE(pipe.run(seconds(10), [&] {
    return pipe.count<Association::Closed>(kA) == 1 && pipe.count<Association::Closed>(kB) == 1;
  }));
  ASSERT_EQ(pipe.count<Association::Message>(kB), 1u);
  EXPECT_EQ(pipe.all<Association::Message>(kB)[0].payload, pattern(200'000));
  EXPECT_EQ(pipe.a.next_timeout(), kNever);
}

TEST(SctpAssociation, RepeatsTheEndWhenItsLastPacketWasLost) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  int lost = 0;
  pipe.drop = [&](auto, Bytes packet) {
    return has_chunk(packet, kShutdownComplete) && lost++ == 0;
  };
  pipe.a.shutdown(pipe.now);
  ASSERT_TRUE(pipe.run(seconds(20), [&] {
    return pipe.a.state() == State::kClosed && pipe.b.state() == State::kClosed;
  }));
  EXPECT_EQ(lost, 2);
}

TEST(SctpAssociation, TellsThePeerWhenItAborts) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  pipe.a.abort(pipe.now);
  EXPECT_EQ(pipe.a.state(), State::kClosed);
  ASSERT_TRUE(pipe.run(seconds(1), [&] { return pipe.count<Association::Failed>(kB) == 1; }));
  EXPECT_NE(pipe.all<Association::Failed>(kB)[0].error.message.find("aborted"), std::string::npos);
  EXPECT_EQ(pipe.count<Association::Closed>(kA), 0u);
  EXPECT_EQ(pipe.a.next_timeout(), kNever);
  EXPECT_EQ(pipe.b.next_timeout(), kNever);
}

TEST(SctpAssociation, EndsWhenNobodyAnswersForMinutes) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  pipe.drop = [](auto, Bytes) { return true; };
  ASSERT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(10)));
  const Time start = pipe.now;
  ASSERT_TRUE(
      pipe.run(std::chrono::minutes(20), [&] { return pipe.count<Association::Failed>(kA) == 1; }));
  EXPECT_GT(pipe.now - start, std::chrono::minutes(3));
}

}  // namespace
}  // namespace floe::sctp::test
