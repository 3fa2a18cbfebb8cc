#include <gtest/gtest.h>

#include "tests/sctp/pipe.h"

namespace floe::sctp::test {
namespace {

constexpr auto kA = Associations::kA;
constexpr auto kB = Associations::kB;

struct Case {
  const char* name;
  bool ordered;
  std::optional<std::uint32_t> max_retransmits;
  std::optional<Duration> max_lifetime;
  std::size_t size;
};

class PartialReliability : public testing::TestWithParam<Case> {};

// Each message carries its number in its first two bytes and a pattern that follows from it.
std::vector<std::uint8_t> numbered(std::size_t size, int number) {
  auto bytes = pattern(size, static_cast<std::uint8_t>(number));
  bytes[0] = static_cast<std::uint8_t>(number >> 8);
  bytes[1] = static_cast<std::uint8_t>(number);
  return bytes;
}

TEST_P(PartialReliability, GivesUpSomeMessagesAndNeverDamagesTheOthers) {
  const Case& with = GetParam();
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Associations pipe(small_association(), small_association(), seed);
    ASSERT_TRUE(connect(pipe));
    pipe.path.loss = 0.1;
    SendOptions options;
    options.ordered = with.ordered;
    options.max_retransmits = with.max_retransmits;
    options.max_lifetime = with.max_lifetime;
    constexpr int kMessages = 400;
    for (int i = 0; i < kMessages; ++i) {
      ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, numbered(with.size, i), options));
      pipe.run(milliseconds(5));
    }
    pipe.run(seconds(20));
    // A reliable message on the same stream gets through behind them.
    pipe.path.loss = 0;
    ASSERT_TRUE(pipe.a.send(pipe.now, 1, 51, numbered(10, kMessages)));
    ASSERT_TRUE(pipe.run(seconds(60),
                         [&] {
                           const auto all = pipe.all<Association::Message>(kB);
                           return !all.empty() && all.back().ppid == 51;
                         }))
        << "seed " << seed;
    const auto messages = pipe.all<Association::Message>(kB);
    EXPECT_LT(messages.size(), static_cast<std::size_t>(kMessages)) << "nothing was given up";
    EXPECT_GT(messages.size(), static_cast<std::size_t>(kMessages / 8));
    int last = -1;
    for (const auto& message : messages) {
      const int number = message.payload[0] << 8 | message.payload[1];
      if (message.ppid == 53) {
        ASSERT_EQ(message.payload, numbered(with.size, number)) << number;
        EXPECT_EQ(message.unordered, !with.ordered);
      }
      if (with.ordered) {
        ASSERT_GT(number, last);
        last = number;
      }
    }
    EXPECT_GT(pipe.a.stats().messages_abandoned, 0u);
    EXPECT_EQ(pipe.a.buffered_amount(), 0u);
    pipe.run(seconds(10));
    EXPECT_EQ(pipe.a.next_timeout(), kNever);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Sctp, PartialReliability,
    testing::Values(Case{"NoRetransmitOrdered", true, 0, {}, 500},
                    Case{"NoRetransmitUnordered", false, 0, {}, 500},
                    Case{"NoRetransmitOrderedFragments", true, 0, {}, 5000},
                    Case{"NoRetransmitUnorderedFragments", false, 0, {}, 5000},
                    Case{"LifetimeOrdered", true, {}, milliseconds(25), 500},
                    Case{"LifetimeUnordered", false, {}, milliseconds(25), 500},
                    Case{"LifetimeOrderedFragments", true, {}, milliseconds(25), 5000},
                    Case{"LifetimeUnorderedFragments", false, {}, milliseconds(25), 5000}),
    [](const auto& info) { return info.param.name; });

TEST(SctpPartialReliability, SendsForwardTsnForWhatItGivesUp) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  bool cut = false;
  int forward = 0;
  pipe.drop = [&](auto from, Bytes packet) {
    if (from == kA && has_chunk(packet, kForwardTsn)) ++forward;
    return cut && has_chunk(packet, kData);
  };
  SendOptions options;
  options.max_retransmits = 0;
  cut = true;
  ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, pattern(100), options));
  pipe.run(milliseconds(1));
  cut = false;
  ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, pattern(200), options));
  ASSERT_TRUE(pipe.run(seconds(10), [&] { return pipe.count<Association::Message>(kB) == 1; }));
  EXPECT_GE(forward, 1);
  EXPECT_EQ(pipe.all<Association::Message>(kB)[0].payload, pattern(200));
}

TEST(SctpPartialReliability, DropsExpiredMessagesBeforeTheyAreEvenBegun) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  bool cut = true;
  pipe.drop = [&](auto, Bytes) { return cut; };
  SendOptions options;
  options.max_lifetime = milliseconds(100);
  ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, pattern(250'000)));
  ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, pattern(100'000), options));
  pipe.run(seconds(1));
  EXPECT_GE(pipe.a.buffered_amount(1), 250'000u);
  cut = false;
  ASSERT_TRUE(pipe.run(seconds(60), [&] { return pipe.count<Association::Message>(kB) == 1; }));
  pipe.run(seconds(5));
  EXPECT_EQ(pipe.count<Association::Message>(kB), 1u);
  EXPECT_EQ(pipe.a.buffered_amount(1), 0u);
}

TEST(SctpPartialReliability, WhatIsGivenUpHalfWayIsNoLongerBuffered) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  SendOptions options;
  options.max_retransmits = 0;
  int data = 0;
  pipe.drop = [&](auto, Bytes packet) { return has_chunk(packet, kData) && ++data <= 5; };
  ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, pattern(100'000), options));
  pipe.run(seconds(20));
  EXPECT_EQ(pipe.count<Association::Message>(kB), 0u);
  EXPECT_LT(data, 80);  // the rest of it was never sent
  EXPECT_EQ(pipe.a.buffered_amount(1), 0u);
  EXPECT_EQ(pipe.a.next_timeout(), kNever);
}

TEST(SctpPartialReliability, ALimitDoesNotMatterOnAPathWithoutLoss) {
  Associations pipe(small_association(), small_association());
  ASSERT_TRUE(connect(pipe));
  SendOptions options;
  options.max_retransmits = 0;
  options.ordered = false;
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(pipe.a.send(pipe.now, 1, 53, pattern(20'000), options));
  ASSERT_TRUE(pipe.run(seconds(10), [&] { return pipe.count<Association::Message>(kB) == 50; }));
  EXPECT_EQ(pipe.a.stats().messages_abandoned, 0u);
}

}  // namespace
}  // namespace floe::sctp::test
