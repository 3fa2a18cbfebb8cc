#include <gtest/gtest.h>

#include "floe/rtp/congestion/acknowledged_bitrate.h"
#include "floe/rtp/congestion/alr_detector.h"
#include "floe/rtp/congestion/bitrate.h"
#include "floe/rtp/congestion/inter_arrival.h"
#include "floe/rtp/congestion/overuse_detector.h"
#include "floe/rtp/congestion/path_meter.h"
#include "floe/rtp/congestion/probe_bitrate_estimator.h"
#include "floe/rtp/congestion/send_history.h"
#include "floe/rtp/congestion/trendline.h"
#include "tests/congestion/path.h"

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;

constexpr Time kNow{1h};
constexpr Duration kThere = 5s;  // By the receiver's clock.

SentPacket packet(std::int64_t sequence, Time sent, std::size_t size = 1000) {
  return {sequence, sent, size, 1, 0};
}

TEST(Bitrate, ConvertsBetweenBytesAndTimeWithinItsRange) {
  EXPECT_EQ(Bitrate::of(1250, 10ms), 1000_kbps);
  EXPECT_EQ((1000_kbps).bytes_in(10ms), 1250u);
  EXPECT_EQ((1000_kbps).bytes_in(-10ms), 0u);
  EXPECT_EQ((1000_kbps).time_for(1250), 10ms);
  EXPECT_EQ(Bitrate().time_for(0), 0ms);
  EXPECT_EQ(Bitrate().time_for(1), 1h) << "and not for ever, which no clock can hold";
  EXPECT_EQ((100_kbps) - (300_kbps), Bitrate());
  EXPECT_EQ(Bitrate::unlimited() * 2.5, Bitrate::unlimited());
  EXPECT_EQ(Bitrate::unlimited() + Bitrate::unlimited(), Bitrate::unlimited());
  EXPECT_DOUBLE_EQ((300_kbps) / (100_kbps), 3);
}

TEST(SendHistory, TellsEachFateOnceAndWhatArrivedInTheOrderOfArrival) {
  SendHistory history;
  for (int i = 0; i < 5; ++i) history.add(packet(100 + i, kNow + i * 10ms));
  const auto first = history.take(std::vector<PacketReport>{{102, kThere + 30ms},
                                                            {101, std::nullopt},
                                                            {100, kThere + 40ms},
                                                            {99, kThere},
                                                            {105, kThere}});
  ASSERT_EQ(first.size(), 3u);
  EXPECT_EQ(first[0].packet.sequence, 102);
  EXPECT_EQ(first[1].packet.sequence, 100);
  EXPECT_EQ(first[2].packet.sequence, 101);
  EXPECT_FALSE(first[2].received);
  EXPECT_EQ(history.oldest_outstanding(), kNow + 30ms);

  // It was only late.
  const auto second = history.take(std::vector<PacketReport>{
      {100, kThere + 40ms}, {101, std::nullopt}, {102, std::nullopt}, {101, kThere + 60ms}});
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].packet.sequence, 101);
  EXPECT_TRUE(second[0].was_lost);
  EXPECT_EQ(second[0].received, kThere + 60ms);
}

TEST(SendHistory, IsBoundedInNumberAndAge) {
  SendHistory history;
  const auto most = static_cast<std::int64_t>(SendHistory::kMaxPackets);
  for (std::int64_t i = 0; i < most + 10; ++i) history.add(packet(i, kNow));
  EXPECT_EQ(history.size(), SendHistory::kMaxPackets);
  EXPECT_TRUE(history.take(std::vector<PacketReport>{{9, kThere}}).empty());
  history.add(packet(most + 10, kNow + 10min));
  EXPECT_EQ(history.size(), 1u);
  history.add(packet(most + 10, kNow + 11min));
  history.add(packet(5, kNow + 11min));
  EXPECT_EQ(history.oldest_outstanding(), kNow + 10min) << "a number that does not go up is none";
}

TEST(InterArrival, ComparesGroupsAndNotThePacketsOfABurst) {
  InterArrival arrivals;
  // Three groups: what leaves within 5 ms is one, whenever it arrives.
  EXPECT_FALSE(arrivals.add(kNow, kThere));
  EXPECT_FALSE(arrivals.add(kNow + 4ms, kThere + 9ms));
  EXPECT_FALSE(arrivals.add(kNow + 33ms, kThere + 40ms));
  EXPECT_FALSE(arrivals.add(kNow + 35ms, kThere + 46ms));
  const auto deltas = arrivals.add(kNow + 66ms, kThere + 80ms);
  ASSERT_TRUE(deltas);
  EXPECT_EQ(deltas->sent, 31ms);
  EXPECT_EQ(deltas->received, 37ms);
  // What left later but arrives on the heels of the last was held back with it: one group.
  EXPECT_FALSE(arrivals.add(kNow + 99ms, kThere + 81ms));
  const auto next = arrivals.add(kNow + 132ms, kThere + 150ms);
  ASSERT_TRUE(next);
  EXPECT_EQ(next->sent, 64ms);
  EXPECT_EQ(next->received, 35ms);
}

TEST(InterArrival, TakesAClockThatWasSetForNoQueue) {
  InterArrival arrivals;
  EXPECT_FALSE(arrivals.add(kNow, kThere));
  EXPECT_FALSE(arrivals.add(kNow + 20ms, kThere + 1h));
  EXPECT_FALSE(arrivals.add(kNow + 40ms, kThere + 1h + 20ms));
  EXPECT_TRUE(arrivals.add(kNow + 60ms, kThere + 1h + 40ms)) << "and goes on from there";
  EXPECT_TRUE(arrivals.add(kNow + 80ms, kThere)) << "of the two groups before";
  EXPECT_FALSE(arrivals.add(kNow + 100ms, kThere + 20ms));
  EXPECT_FALSE(arrivals.add(kNow + 50ms, kThere + 21ms)) << "of a group that is over";
  // The ten minutes of a laptop that slept.
  EXPECT_TRUE(arrivals.add(kNow + 10min, kThere + 10min));
}

TEST(Trendline, IsTheSlopeOfTheDelayOnceItsWindowIsFull) {
  Trendline growing;
  for (std::size_t i = 0; i + 1 < Trendline::kWindow; ++i) growing.add(20ms, 21ms);
  EXPECT_EQ(growing.slope(), 0);
  for (int i = 0; i < 60; ++i) growing.add(20ms, 21ms);
  EXPECT_NEAR(growing.slope(), 1.0 / 21, 0.001);
  EXPECT_EQ(growing.groups(), Trendline::kMaxGroups);
  for (int i = 0; i < 100; ++i) growing.add(20ms, 19ms);
  EXPECT_NEAR(growing.slope(), -1.0 / 19, 0.001);
  Trendline still;
  for (int i = 0; i < 60; ++i) still.add(20ms, 0ms);
  EXPECT_EQ(still.slope(), 0) << "all at one instant";
}

TEST(OveruseDetector, WaitsForATrendThatLasts) {
  OveruseDetector detector;
  const double high = 20.0 / 240;  // 20 when there are 60 groups.
  EXPECT_EQ(detector.update(high, 60, 8ms), PathUse::kNormal);
  EXPECT_EQ(detector.update(0, 60, 8ms), PathUse::kNormal);
  EXPECT_EQ(detector.update(high, 60, 8ms), PathUse::kNormal) << "4 ms, as it began within the 8";
  EXPECT_EQ(detector.update(high, 60, 8ms), PathUse::kOveruse);
  EXPECT_EQ(detector.update(-high, 60, 8ms), PathUse::kUnderuse);
  EXPECT_EQ(detector.update(high, 60, 30ms), PathUse::kUnderuse);
  EXPECT_EQ(detector.update(high / 1.2, 60, 30ms), PathUse::kUnderuse) << "it falls already";
  EXPECT_EQ(detector.update(high, 60, 30ms), PathUse::kOveruse);
}

TEST(OveruseDetector, ThresholdFollowsTheTrendWithinBounds) {
  OveruseDetector detector;
  EXPECT_EQ(detector.threshold(), 12.5);
  for (int i = 0; i < 100; ++i) detector.update(0, 60, 50ms);
  EXPECT_EQ(detector.threshold(), OveruseDetector::kMinThreshold);
  detector.update(10.0 / 240, 60, 100ms);
  EXPECT_NEAR(detector.threshold(), 6 + 0.0087 * 4 * 100, 0.001);
  detector.update(10.0 / 240, 60, 10min);
  EXPECT_LT(detector.threshold(), 10) << "a gap counts as a tenth of a second";
  const double before = detector.threshold();
  detector.update(100.0 / 240, 60, 100ms);
  EXPECT_EQ(detector.threshold(), before) << "outliers are not followed";
}

TEST(AcknowledgedBitrate, IsTheSmallerOfTheRatesSentAndReceived) {
  AcknowledgedBitrate measured;
  std::vector<Outcome> outcomes;
  for (int i = 0; i < 9; ++i)
    outcomes.push_back({packet(i, kNow + i * 10ms), kThere + i * 20ms, false});
  measured.add(outcomes);
  EXPECT_FALSE(measured.rate()) << "nine packets are too few";
  outcomes.clear();
  for (int i = 9; i < 40; ++i)
    outcomes.push_back({packet(i, kNow + i * 10ms), kThere + i * 20ms, false});
  outcomes.push_back({packet(41, kNow + 410ms), std::nullopt, false});
  measured.add(outcomes);
  EXPECT_EQ(measured.rate(), 400_kbps);  // 1,000 bytes each 20 ms.

  // Held back for 300 ms, then all at once: that is not the rate, and no pause either.
  measured.reset();
  outcomes.clear();
  for (int i = 0; i < 20; ++i)
    outcomes.push_back({packet(i, kNow + i * 20ms), kThere + i * 20ms, false});
  for (int i = 20; i < 30; ++i)
    outcomes.push_back({packet(i, kNow + i * 20ms), kThere + 700ms, false});
  measured.add(outcomes);
  ASSERT_TRUE(measured.rate());
  EXPECT_LE(*measured.rate(), 400_kbps);
  EXPECT_GT(*measured.rate(), 300_kbps);
}

TEST(AcknowledgedBitrate, ForgetsWhatIsOlderThanItsWindow) {
  AcknowledgedBitrate measured;
  Time sent = kNow;
  Duration received = kThere;
  std::int64_t sequence = 0;
  for (const Duration interval : {5ms, 50ms}) {
    for (int i = 0; i < 100; ++i) {
      sent += interval;
      received += interval;
      measured.add(std::vector<Outcome>{{packet(sequence++, sent), received, false}});
    }
  }
  EXPECT_EQ(measured.rate(), 160_kbps);
  // The receiver's clock goes back by an hour.
  for (int i = 0; i < 20; ++i) {
    sent += 10ms;
    received += 10ms;
    measured.add(std::vector<Outcome>{{packet(sequence++, sent), received - 1h, false}});
  }
  EXPECT_EQ(measured.rate(), 800_kbps);
}

TEST(ProbeBitrateEstimator, TakesWhatArrivedForTheCapacityOnlyIfItWasSlower) {
  const ProbePlan plan{.cluster = 7, .rate = 900_kbps, .bytes = 1500, .packets = 5};
  const auto cluster = [](Duration left_every, Duration arrived_every, std::int64_t packets = 5) {
    std::vector<Outcome> outcomes;
    for (std::int64_t i = 0; i < packets; ++i) {
      outcomes.push_back(
          {{i, kNow + i * left_every, 500, 0, 7}, kThere + i * arrived_every, false});
    }
    return outcomes;
  };
  const auto shown = [&](const std::vector<Outcome>& outcomes) {
    ProbeBitrateEstimator estimator;
    estimator.expect(plan);
    return estimator.add(outcomes);
  };
  EXPECT_EQ(shown(cluster(4ms, 4ms)), 1000_kbps);
  EXPECT_EQ(shown(cluster(4ms, 3ms)), 1000_kbps) << "no more than was sent";
  EXPECT_EQ(shown(cluster(4ms, 8ms)), 475_kbps) << "the capacity, less 5 %";
  EXPECT_EQ(shown(cluster(4ms, 1ms)), std::nullopt) << "held back and released";
  EXPECT_EQ(shown(cluster(4ms, 0ms)), std::nullopt);
  EXPECT_EQ(shown(cluster(4ms, 400ms)), std::nullopt) << "something paused";
  EXPECT_EQ(shown(cluster(4ms, 4ms, 3)), std::nullopt) << "too few of five";
  EXPECT_EQ(shown(cluster(4ms, 4ms, 4)), 1000_kbps) << "one was lost";
  ProbeBitrateEstimator unaware;
  EXPECT_FALSE(unaware.add(cluster(4ms, 4ms)));
}

TEST(AlrDetector, TellsAnIdleApplicationFromFramesOfUnevenSize) {
  AlrDetector detector;
  detector.set_target(kNow, 1000_kbps);
  Time now = kNow;
  for (int i = 0; i < 100; ++i) {
    now += 33ms;
    detector.on_sent(now, i % 2 == 0 ? 7000 : 1500);
    EXPECT_FALSE(detector.since());
  }
  const Time idle = now;
  for (int i = 0; i < 100; ++i) {
    now += 33ms;
    detector.on_sent(now, 1000);
  }
  ASSERT_TRUE(detector.since());
  EXPECT_GT(*detector.since(), idle);
  EXPECT_LT(*detector.since(), idle + 2s);
  for (int i = 0; i < 10; ++i) {
    now += 33ms;
    detector.on_sent(now, 6000);
  }
  EXPECT_FALSE(detector.since());
  detector.pass(now + 10min);
  EXPECT_TRUE(detector.since());
}

TEST(PathMeter, MeasuresRoundTripQueueAndLoss) {
  PathMeter meter;
  Path path(1000_kbps);
  Time now = kNow;
  for (int i = 0; i < 200; ++i) {
    now += 10ms;  // 800 kbit/s.
    meter.on_packet_sent(i % 10 == 0 ? path.lose(now, 1000) : path.send(now, 1000));
    meter.on_feedback(now, path.feedback(now));
  }
  EXPECT_NEAR(meter.loss(), 0.1, 0.02);
  EXPECT_EQ(meter.queueing_delay(), 0ms);
  EXPECT_GE(meter.round_trip(), 28ms);
  EXPECT_LT(meter.round_trip(), 40ms);
  meter.on_rtt(now, 25ms);
  EXPECT_EQ(meter.round_trip(), 25ms) << "a sender report knows better";

  for (int i = 0; i < 100; ++i) {
    now += 7ms;  // 1,143 kbit/s: the queue grows by a millisecond with each packet.
    meter.on_packet_sent(path.send(now, 1000));
    meter.on_feedback(now, path.feedback(now));
  }
  EXPECT_NEAR(static_cast<double>(to_ms(meter.queueing_delay())), 90, 10);
  EXPECT_EQ(meter.round_trip(), 25ms);
  EXPECT_LT(meter.loss(), 0.08);
  EXPECT_NEAR(meter.received().value().kbps(), 1000, 20);
  meter.reset();
  EXPECT_EQ(meter.round_trip(), 0ms);
  EXPECT_FALSE(meter.received());
}

}  // namespace
}  // namespace floe::rtp
