#include "floe/rtp/congestion/paced_sender.h"

#include <gtest/gtest.h>

#include <map>

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;
using Kind = PacedSender::Kind;

constexpr Time kNow{1h};

PacedSender::Packet packet(Kind kind, std::uint32_t track, std::size_t size = 1000) {
  return {kind, track, std::vector<std::uint8_t>(size, static_cast<std::uint8_t>(track))};
}

struct Left {
  Time at;
  PacedSender::Sending sending;
};

/// Lets `duration` pass, as a driver would: wakes when asked to, sends all there is.
std::vector<Left> drive(PacedSender& pacer, Time& now, Duration duration,
                        std::size_t padding = 200) {
  std::vector<Left> left;
  const Time end = now + duration;
  while (true) {
    while (auto sending = pacer.poll(now)) {
      const std::size_t size = sending->packet ? sending->packet->bytes.size() : padding;
      pacer.sent(now, size);
      left.push_back({now, *std::move(sending)});
      EXPECT_LT(left.size(), 100'000u);
    }
    const Time next = pacer.next_timeout();
    EXPECT_GT(next, now);
    if (next > end) break;
    now = next;
  }
  now = end;
  return left;
}

TEST(PacedSender, SendsAudioAtOnceThenRetransmissionsThenVideo) {
  PacedSender pacer;
  pacer.set_rates(kNow, 800_kbps);
  Time now = kNow;
  for (int i = 0; i < 3; ++i) pacer.push(now, packet(Kind::kVideo, 3));
  for (int i = 0; i < 2; ++i) pacer.push(now, packet(Kind::kRetransmission, 2));
  for (int i = 0; i < 4; ++i) pacer.push(now, packet(Kind::kAudio, 1));
  EXPECT_EQ(pacer.queued_packets(), 9u);
  EXPECT_EQ(pacer.queued_bytes(), 9000u);
  EXPECT_EQ(pacer.expected_wait(), 90ms);
  const auto left = drive(pacer, now, 1s);
  ASSERT_EQ(left.size(), 9u);
  for (std::size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(left[i].sending.packet->track, i < 4 ? 1u : i < 6 ? 2u : 3u);
  }
  EXPECT_EQ(left[3].at, kNow) << "audio is not paced,";
  EXPECT_GE(left[4].at, kNow + 35ms) << "but what follows makes up for it: 40 ms, less a burst";
  EXPECT_GE(left[8].at - left[4].at, 40ms);
  EXPECT_EQ(left[8].sending.queued_for, left[8].at - kNow);
  EXPECT_EQ(pacer.queued_bytes(), 0u);
  EXPECT_EQ(pacer.next_timeout(), kNever);
}

TEST(PacedSender, KeepsItsRateInShortBursts) {
  PacedSender pacer;
  pacer.set_rates(kNow, 8000_kbps);  // A packet in a millisecond.
  for (int i = 0; i < 500; ++i) pacer.push(kNow, packet(Kind::kVideo, 1));
  Time now = kNow;
  const auto left = drive(pacer, now, 1s);
  ASSERT_EQ(left.size(), 500u);
  std::map<Time, int> bursts;
  for (const Left& one : left) ++bursts[one.at];
  EXPECT_LT(bursts.size(), 110u) << "not a wake-up for each packet";
  for (const auto& [at, size] : bursts) EXPECT_LE(size, 7);
  EXPECT_NEAR(static_cast<double>(to_ms(left.back().at - kNow)), 500, 10);
  // An idle minute saves nothing up.
  now += 1min;
  for (int i = 0; i < 100; ++i) pacer.push(now, packet(Kind::kVideo, 1));
  const Time begin = now;
  EXPECT_GE(drive(pacer, now, 1s).back().at, begin + 90ms);
}

TEST(PacedSender, LetsTracksTakeTurns) {
  PacedSender pacer;
  pacer.set_rates(kNow, 800_kbps);
  for (int i = 0; i < 50; ++i) pacer.push(kNow, packet(Kind::kVideo, 1));
  for (int i = 0; i < 3; ++i) pacer.push(kNow, packet(Kind::kVideo, 2));
  Time now = kNow;
  const auto left = drive(pacer, now, 60ms);
  ASSERT_GE(left.size(), 6u);
  int second = 0;
  for (std::size_t i = 0; i < 6; ++i) second += left[i].sending.packet->track == 2 ? 1 : 0;
  EXPECT_EQ(second, 3);
  pacer.drop(1);
  EXPECT_EQ(pacer.queued_packets(), 0u);
  EXPECT_EQ(pacer.queued_bytes(), 0u);
  EXPECT_EQ(pacer.next_timeout(), kNever);
}

TEST(PacedSender, DrainsAQueueThatWouldWaitTooLong) {
  PacedSender pacer;
  pacer.set_rates(kNow, 100_kbps);
  // 16 seconds at that rate.
  for (int i = 0; i < 200; ++i) pacer.push(kNow, packet(Kind::kVideo, 1));
  EXPECT_EQ(pacer.expected_wait(), 16s);
  Time now = kNow;
  const auto left = drive(pacer, now, 10s);
  ASSERT_EQ(left.size(), 200u);
  EXPECT_LT(left.back().at, kNow + PacedSender::kMaxQueueTime + 200ms);
  EXPECT_GT(left.back().at, kNow + 1s) << "and not at once either";
}

TEST(PacedSender, IsBounded) {
  PacedSender pacer;
  for (std::size_t i = 0; i < PacedSender::kMaxPackets; ++i) {
    EXPECT_TRUE(pacer.push(kNow, packet(Kind::kVideo, 1, 10)));
  }
  EXPECT_FALSE(pacer.push(kNow, packet(Kind::kVideo, 1, 10)));
  EXPECT_EQ(pacer.dropped(), 1u);
  EXPECT_EQ(pacer.queue_time(kNow + 3s), 3s);
  pacer.set_paused(true);
  EXPECT_EQ(pacer.queued_packets(), 0u);
  EXPECT_EQ(pacer.dropped(), 1u + PacedSender::kMaxPackets);
  EXPECT_FALSE(pacer.push(kNow, packet(Kind::kAudio, 1)));
  EXPECT_FALSE(pacer.poll(kNow));
  EXPECT_EQ(pacer.next_timeout(), kNever);
  pacer.set_paused(false);
  EXPECT_TRUE(pacer.push(kNow, packet(Kind::kAudio, 1)));
  EXPECT_TRUE(pacer.poll(kNow));
}

TEST(PacedSender, ProbesWithMediaAndWithPadding) {
  PacedSender pacer;
  pacer.set_rates(kNow, 100_kbps);
  const ProbePlan plan{.cluster = 4, .rate = 1600_kbps, .bytes = 3000, .packets = 5};
  pacer.probe(kNow, plan);
  pacer.push(kNow, packet(Kind::kVideo, 1));
  pacer.push(kNow, packet(Kind::kVideo, 1));
  Time now = kNow;
  const auto left = drive(pacer, now, 50ms, 600);
  ASSERT_EQ(left.size(), 5u);
  std::size_t bytes = 0;
  for (const Left& one : left) {
    EXPECT_EQ(one.sending.probe_cluster, 4u);
    EXPECT_EQ(one.at, kNow + plan.rate.time_for(bytes)) << "exactly at the probe's rate";
    bytes += one.sending.packet ? 1000 : 600;
  }
  EXPECT_TRUE(left[1].sending.packet);
  EXPECT_FALSE(left[2].sending.packet);
  EXPECT_GE(left[2].sending.padding, 400u);
  EXPECT_EQ(pacer.next_timeout(), kNever);
}

TEST(PacedSender, EndsAProbeThatNothingCanFill) {
  PacedSender pacer;
  pacer.set_rates(kNow, 100_kbps);
  for (std::uint32_t i = 1; i <= 10; ++i) {
    pacer.probe(kNow, {.cluster = i, .rate = 1000_kbps, .bytes = 2000, .packets = 5});
  }
  Time now = kNow;
  EXPECT_TRUE(drive(pacer, now, 1s).empty()) << "a probe begins with a packet";
  EXPECT_EQ(pacer.next_timeout(), kNever);
  for (std::uint32_t i = 1; i <= PacedSender::kMaxProbes; ++i) {
    pacer.push(now, packet(Kind::kVideo, 1));
    const auto left = drive(pacer, now, 1s, 0);
    ASSERT_EQ(left.size(), 2u);
    EXPECT_EQ(left[0].sending.probe_cluster, i);
    EXPECT_FALSE(left[1].sending.packet) << "padding, which could not be made";
    EXPECT_EQ(pacer.next_timeout(), kNever);
  }
  pacer.push(now, packet(Kind::kVideo, 1));
  EXPECT_EQ(drive(pacer, now, 1s)[0].sending.probe_cluster, 0u) << "no more than kMaxProbes wait";
}

TEST(PacedSender, PadsUpToTheRateThatIsAskedFor) {
  PacedSender pacer;
  pacer.set_rates(kNow, 1000_kbps, 80_kbps);
  Time now = kNow;
  std::size_t bytes = 0;
  for (const Left& one : drive(pacer, now, 1s, 200)) {
    EXPECT_FALSE(one.sending.packet);
    EXPECT_EQ(one.sending.probe_cluster, 0u);
    bytes += 200;
  }
  EXPECT_NEAR(static_cast<double>(bytes), 10'000, 400);
  // Media counts as well.
  for (int i = 0; i < 5; ++i) pacer.push(now, packet(Kind::kVideo, 1));
  int padding = 0;
  for (const Left& one : drive(pacer, now, 1s, 200)) padding += one.sending.packet ? 0 : 1;
  EXPECT_NEAR(padding, 25, 3);
  EXPECT_EQ(drive(pacer, now, 1s, 0).size(), 1u) << "it cannot be made: no more is asked for";
}

TEST(PacedSender, StandsAJumpOfTenMinutes) {
  PacedSender pacer;
  pacer.set_rates(kNow, 800_kbps, 100_kbps);
  for (int i = 0; i < 100; ++i) pacer.push(kNow, packet(Kind::kVideo, 1));
  Time now = kNow + 10min;
  const auto left = drive(pacer, now, 1s);
  EXPECT_GE(left.size(), 100u);
  EXPECT_LT(left.size(), 200u);
}

}  // namespace
}  // namespace floe::rtp
