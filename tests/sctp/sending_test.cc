#include <gtest/gtest.h>

#include <map>

#include "tests/sctp/pipe.h"

namespace floe::sctp::test {
namespace {

constexpr auto kA = Associations::kA;
constexpr auto kB = Associations::kB;

TEST(SctpSending, CarriesOneMegabyteIntactThroughFivePercentLoss) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Associations pipe(small_association(), small_association(), seed);
    ASSERT_TRUE(connect(pipe));
    pipe.path.loss = 0.05;
    pipe.path.duplicate = 0.02;
    pipe.path.jitter = milliseconds(2);
    constexpr int kMessages = 64;
    for (int i = 0; i < kMessages; ++i) {
      ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, pattern(16'384, static_cast<std::uint8_t>(i))));
    }
    ASSERT_TRUE(
        pipe.run(seconds(120), [&] { return pipe.count<Association::Message>(kB) == kMessages; }))
        << "seed " << seed;
    const auto messages = pipe.all<Association::Message>(kB);
    for (int i = 0; i < kMessages; ++i) {
      ASSERT_EQ(messages[i].payload, pattern(16'384, static_cast<std::uint8_t>(i))) << i;
    }
    pipe.run(seconds(5));
    EXPECT_EQ(pipe.a.buffered_amount(), 0u);
    EXPECT_EQ(pipe.count<Association::Message>(kB), static_cast<std::size_t>(kMessages));
  }
}

TEST(SctpSending, CarriesMessagesLargerThanAllBuffersBelow) {
  Association::Config config = small_association();
  config.max_message_size = 16 * 1024 * 1024;
  config.send_buffer = 256 * 1024;
  Associations pipe(config, config);
  ASSERT_TRUE(connect(pipe));
  const auto large = pattern(9'000'001);
  ASSERT_TRUE(pipe.a.send(pipe.now, 2, 53, large));
  ASSERT_TRUE(pipe.a.send(pipe.now, 3, 51, pattern(1)));
  ASSERT_TRUE(pipe.run(seconds(60), [&] { return pipe.count<Association::Message>(kB) == 2; }));
  const auto messages = pipe.all<Association::Message>(kB);
  EXPECT_TRUE(messages[0].payload == large);
  EXPECT_EQ(messages[1].stream, 3);  // not interleaved
}

TEST(SctpSending, AbortsWhenThePeerSendsMoreThanItWasAllowed) {
  Association::Config strict = small_association();
  strict.max_message_size = 100'000;
  Associations pipe(small_association(), strict);
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(100'000)));
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::Message>(kB) == 1; }));
  ASSERT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(100'001)));
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::Failed>(kB) == 1; }));
  EXPECT_EQ(pipe.all<Association::Failed>(kB)[0].error.code, Errc::kMessageTooLong);
  EXPECT_NE(pipe.all<Association::Failed>(kB)[0].error.message.find("max_message_size"),
            std::string::npos);
  EXPECT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::Failed>(kA) == 1; }));
}

TEST(SctpSending, AnEndlessMessageNeverFillsTheMemory) {
  Association::Config strict = small_association();
  strict.max_message_size = 100'000;
  strict.receive_buffer = 200'000;
  Association::Config config = small_association();
  config.max_message_size = 64 * 1024 * 1024;
  Associations pipe(config, strict);
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(20'000'000)));
  ASSERT_TRUE(pipe.run(seconds(30), [&] { return pipe.count<Association::Failed>(kB) == 1; }));
  EXPECT_LT(pipe.b.stats().bytes_received, 1'000'000u);
}

TEST(SctpSending, SaysWouldBlockAndLaterThatItTakesMessagesAgain) {
  Association::Config config = small_association();
  config.send_queue = 100'000;
  Associations pipe(config, config);
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(60'000)));
  const auto refused = pipe.a.send(pipe.now, 0, 53, pattern(60'000));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kWouldBlock);
  SendOptions control;
  control.exempt_from_queue_limit = true;
  EXPECT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(60'000), control));
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::Sendable>(kA) == 1; }));
  EXPECT_TRUE(pipe.a.send(pipe.now, 0, 53, pattern(60'000)));
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::Message>(kB) == 3; }));
  EXPECT_EQ(pipe.count<Association::Sendable>(kA), 1u);
}

TEST(SctpSending, AnEmptyQueueTakesAMessageOfAnySize) {
  Association::Config config = small_association();
  config.send_queue = 1000;
  Association association(config);
  EXPECT_TRUE(association.send(Time{}, 0, 53, pattern(5000)));
  EXPECT_FALSE(association.send(Time{}, 0, 53, pattern(1)));
}

TEST(SctpSending, RefusesWhatSctpCannotCarry) {
  Association association(small_association());
  EXPECT_EQ(association.send(Time{}, 0, 53, {}).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(association.send(Time{}, 64, 53, pattern(1)).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(association.send(Time{}, 65'535, 53, pattern(1)).error().code, Errc::kInvalidArgument);
  SendOptions both;
  both.max_retransmits = 1;
  both.max_lifetime = seconds(1);
  EXPECT_EQ(association.send(Time{}, 0, 53, pattern(1), both).error().code, Errc::kInvalidArgument);
}

TEST(SctpSending, BufferedAmountCountsWhatWasNotTransmittedYetForEachStream) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, pattern(200'000)));
  ASSERT_TRUE(pipe.a.send(pipe.now, 2, 53, pattern(50'000)));
  EXPECT_EQ(pipe.a.buffered_amount(1), 200'000u);
  EXPECT_EQ(pipe.a.buffered_amount(2), 50'000u);
  EXPECT_EQ(pipe.a.buffered_amount(3), 0u);
  std::size_t before = pipe.a.buffered_amount();
  EXPECT_EQ(before, 250'000u);
  // The initial window of 32 packets leaves at once, the rest does not.
  while (pipe.a.poll_transmit(pipe.now)) {
  }
  EXPECT_LT(pipe.a.buffered_amount(), 250'000u - 30 * 1100);
  EXPECT_GT(pipe.a.buffered_amount(), 200'000u);
  // (Those packets are lost; SCTP repeats them and they are not counted twice.)
  ASSERT_TRUE(pipe.run(seconds(20), [&] { return pipe.count<Association::Message>(kB) == 2; }));
  EXPECT_EQ(pipe.a.buffered_amount(1), 0u);
  EXPECT_EQ(pipe.a.buffered_amount(2), 0u);
  EXPECT_GT(pipe.count<Association::BufferedAmountFell>(kA), 2u);
}

TEST(SctpSending, ASlowReaderClosesTheWindowAndLosesNothing) {
  Association::Config config = small_association();
  config.max_message_size = 65'536;
  config.receive_buffer = 300'000;
  Associations pipe(config, config);
  ASSERT_TRUE(connect(pipe));
  pipe.reads[kB] = false;
  constexpr int kMessages = 100;
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, pattern(32'768, static_cast<std::uint8_t>(i))));
  }
  pipe.run(seconds(60));
  // The window and what is read ahead have been used, no more.
  EXPECT_GT(pipe.a.buffered_amount(), 2'000'000u);
  EXPECT_LT(pipe.b.stats().messages_received, 20u);
  EXPECT_EQ(pipe.count<Association::Failed>(kA), 0u);
  pipe.reads[kB] = true;
  ASSERT_TRUE(
      pipe.run(seconds(60), [&] { return pipe.count<Association::Message>(kB) == kMessages; }));
  const auto messages = pipe.all<Association::Message>(kB);
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_EQ(messages[i].payload, pattern(32'768, static_cast<std::uint8_t>(i))) << i;
  }
}

TEST(SctpSending, AWindowThatStaysClosedForMinutesIsNotADeadPeer) {
  Association::Config config = small_association();
  config.max_message_size = 65'536;
  config.receive_buffer = 131'072;
  Associations pipe(config, config);
  ASSERT_TRUE(connect(pipe));
  pipe.reads[kB] = false;
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, pattern(32'768)));
  pipe.run(std::chrono::minutes(15));
  EXPECT_EQ(pipe.a.state(), Association::State::kConnected);
  pipe.reads[kB] = true;
  EXPECT_TRUE(pipe.run(seconds(60), [&] { return pipe.count<Association::Message>(kB) == 40; }));
}

TEST(SctpSending, ServesStreamsByTheirPriority) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  pipe.a.set_priority(1, 1024);
  pipe.a.set_priority(2, 128);
  for (int i = 0; i < 400; ++i) {
    ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, pattern(4096)));
    ASSERT_TRUE(pipe.a.send(pipe.now, 2, 53, pattern(4096)));
  }
  ASSERT_TRUE(pipe.run(seconds(30), [&] { return pipe.count<Association::Message>(kB) >= 270; }));
  std::map<StreamId, int> share;
  for (const auto& message : pipe.all<Association::Message>(kB)) ++share[message.stream];
  EXPECT_NEAR(share[1], 8 * share[2], 60);
  EXPECT_GT(share[2], 20);
}

TEST(SctpSending, ManySmallMessagesShareTheirPackets) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  pipe.run(seconds(1));
  const std::size_t before = pipe.packets[kA];
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, pattern(64, static_cast<std::uint8_t>(i))));
  }
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::Message>(kB) == 1000; }));
  EXPECT_LT(pipe.packets[kA] - before, 300u);
  const auto messages = pipe.all<Association::Message>(kB);
  for (int i = 0; i < 1000; ++i) {
    ASSERT_EQ(messages[i].payload, pattern(64, static_cast<std::uint8_t>(i))) << i;
  }
}

TEST(SctpSending, ASingleSmallMessageLeavesAtOnce) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, pattern(200'000)));
  pipe.run(milliseconds(5));  // data in flight: Nagle would hold the next one back
  ASSERT_TRUE(pipe.b.send(pipe.now, 1, 53, pattern(10)));
  ASSERT_TRUE(pipe.b.send(pipe.now, 1, 53, pattern(10)));
  const Time start = pipe.now;
  ASSERT_TRUE(pipe.run(seconds(5), [&] { return pipe.count<Association::Message>(kA) == 2; }));
  EXPECT_LE(pipe.now - start, milliseconds(10));
}

}  // namespace
}  // namespace floe::sctp::test
