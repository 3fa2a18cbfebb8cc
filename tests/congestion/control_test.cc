#include <gtest/gtest.h>

#include <cmath>

#include "floe/rtp/congestion/aimd_rate_control.h"
#include "floe/rtp/congestion/loss_based_control.h"
#include "floe/rtp/congestion/probe_controller.h"
#include "floe/rtp/congestion/standing_queue.h"
#include "tests/congestion/path.h"

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;

constexpr Time kNow{1h};

TEST(AimdRateControl, GrowsByEightPercentASecondUntilItKnowsTheCapacity) {
  AimdRateControl control(300_kbps);
  for (int i = 0; i <= 100; ++i) {
    control.update(kNow + i * 100ms, {.acknowledged = 300_kbps, .round_trip = 100ms});
  }
  EXPECT_EQ(control.rate(), 460_kbps) << "1.5 times what arrives, and 10 kbit/s, is the most";
  AimdRateControl free(300_kbps);
  for (int i = 0; i <= 100; ++i) free.update(kNow + i * 100ms, {.round_trip = 100ms});
  EXPECT_NEAR(free.rate().kbps(), 300 * std::pow(1.08, 10), 8);
  const Bitrate before = free.rate();
  free.update(kNow + 10min, {.round_trip = 100ms});
  EXPECT_LE(free.rate(), before * 1.09) << "ten minutes count as a second";
}

TEST(AimdRateControl, FallsBelowWhatArrivesAndGrowsSlowlyNearThere) {
  AimdRateControl control(1000_kbps);
  control.update(kNow, {.use = PathUse::kOveruse, .acknowledged = 800_kbps, .round_trip = 100ms});
  EXPECT_EQ(control.rate(), 680_kbps);
  control.update(kNow + 100ms,
                 {.use = PathUse::kOveruse, .acknowledged = 700_kbps, .round_trip = 100ms});
  EXPECT_EQ(control.rate(), 680_kbps) << "the same overuse, seen again within a response time";
  control.update(kNow + 150ms,
                 {.use = PathUse::kOveruse, .acknowledged = 300_kbps, .round_trip = 100ms});
  EXPECT_EQ(control.rate(), 255_kbps) << "but half of it is another matter";

  AimdRateControl near(1000_kbps);
  near.update(kNow, {.use = PathUse::kOveruse, .acknowledged = 1000_kbps, .round_trip = 100ms});
  EXPECT_EQ(near.rate(), 850_kbps);
  near.update(kNow + 100ms,
              {.use = PathUse::kUnderuse, .acknowledged = 850_kbps, .round_trip = 100ms});
  EXPECT_EQ(near.rate(), 850_kbps) << "the queue drains";
  for (int i = 2; i <= 12; ++i) {
    near.update(kNow + i * 100ms, {.acknowledged = 850_kbps, .round_trip = 100ms});
  }
  // Half a packet of 9,444 bits in 200 ms.
  EXPECT_NEAR(near.rate().kbps(), 850 + 23.6, 3);
  // What arrives is far above the capacity that was known: the link is another one.
  for (int i = 13; i <= 23; ++i) {
    near.update(kNow + i * 100ms, {.acknowledged = 1200_kbps, .round_trip = 100ms});
  }
  EXPECT_GT(near.rate(), 930_kbps);
}

TEST(AimdRateControl, DoesNotGrowOnAnIdleApplicationsWord) {
  AimdRateControl control(300_kbps);
  for (int i = 0; i <= 100; ++i) {
    control.update(kNow + i * 100ms, {.round_trip = 100ms, .is_application_limited = true});
  }
  EXPECT_EQ(control.rate(), 300_kbps);
}

/// Sends at a rate over a path that loses by chance, and what is above a bandwidth.
class Lossy {
 public:
  Lossy(double inherent, Bitrate bandwidth) : inherent_(inherent), bandwidth_(bandwidth) {}

  Bitrate send(LossBasedControl& control, Bitrate rate, Bitrate delay_based, Duration duration,
               Duration round_trip = 20ms) {
    Bitrate bound;
    const Time end = now_ + duration;
    while (now_ < end) {
      const double excess = rate > bandwidth_ ? (rate - bandwidth_) / rate : 0;
      lost_ += 1 - (1 - inherent_) * (1 - excess);
      const bool lost = lost_ >= 1;
      if (lost) lost_ -= 1;
      const Outcome outcome{{next_++, now_, 1000, 1, 0},
                            lost ? std::nullopt : std::optional(now_.time_since_epoch()),
                            false};
      const Bitrate acknowledged = std::min(rate, bandwidth_) * (1 - inherent_);
      bound = control.update({now_, {&outcome, 1}, delay_based, acknowledged, round_trip, {}});
      now_ += rate.time_for(1000);
    }
    return bound;
  }

 private:
  double inherent_;
  Bitrate bandwidth_;
  double lost_ = 0.5;
  Time now_ = kNow;
  std::int64_t next_ = 0;
};

TEST(LossBasedControl, BearsLossByChance) {
  LossBasedControl control;
  Lossy path(0.1, Bitrate::unlimited());
  Bitrate bound;
  for (const Bitrate rate : {300_kbps, 500_kbps, 800_kbps, 600_kbps, 800_kbps}) {
    bound = path.send(control, rate, 900_kbps, 2s);
  }
  EXPECT_EQ(bound, 900_kbps) << "no bound of its own";
  EXPECT_NEAR(control.average_loss(), 0.1, 0.02);
  EXPECT_NEAR(control.inherent_loss(), 0.1, 0.02);
}

TEST(LossBasedControl, FindsTheRateAboveWhichItIsLost) {
  LossBasedControl control;
  Lossy path(0, 1000_kbps);
  EXPECT_EQ(path.send(control, 800_kbps, 2000_kbps, 3s), 2000_kbps);
  const Bitrate bound = path.send(control, 1500_kbps, 2000_kbps, 1s);
  EXPECT_LT(bound, 1200_kbps);
  EXPECT_GT(bound, 900_kbps);
  Bitrate rate = bound;
  for (int i = 0; i < 40; ++i) rate = path.send(control, rate, 2000_kbps, 250ms);
  EXPECT_LT(rate, 1250_kbps);
  EXPECT_GT(rate, 850_kbps);
}

TEST(LossBasedControl, BlamesChanceForLessTheMoreIsSent) {
  // A third is lost, at any rate: at 3 Mbit/s that is borne by nobody, at 100 kbit/s there is
  // nothing to be won by sending less.
  LossBasedControl slow;
  Lossy weak(0.33, Bitrate::unlimited());
  EXPECT_EQ(weak.send(slow, 100_kbps, 100_kbps, 10s), 100_kbps);
  LossBasedControl fast;
  Bitrate rate = 3000_kbps;
  Lossy strong(0.33, Bitrate::unlimited());
  for (int i = 0; i < 80; ++i) rate = strong.send(fast, rate, 3000_kbps, 250ms);
  EXPECT_LT(rate, 1000_kbps);
  EXPECT_GT(rate, 300_kbps);
}

TEST(LossBasedControl, StaysBelowWhatTripsACircuitBreaker) {
  LossBasedControl control;
  Lossy path(0.06, Bitrate::unlimited());
  const Bitrate bound = path.send(control, 2000_kbps, 3000_kbps, 5s, 300ms);
  // RFC 8083 section 4.3: 1,000 bytes / (300 ms * sqrt(2 * 0.06 / 3)) is 133 kbit/s for TCP.
  EXPECT_NEAR(bound.kbps(), 9 * 133, 80);
}

TEST(AimdRateControl, DoesNotFallBelowItsFairShare) {
  AimdRateControl control(1000_kbps);
  const AimdRateControl::Input input{.use = PathUse::kOveruse,
                                     .acknowledged = 500_kbps,
                                     .round_trip = 100ms,
                                     .fair_share = 450_kbps};
  control.update(kNow, input);
  EXPECT_EQ(control.rate(), 450_kbps) << "not to 425";
  control.set_rate(kNow + 1s, 100_kbps);
  for (int i = 0; i <= 50; ++i) control.update(kNow + 1s + i * 100ms, input);
  EXPECT_GT(control.rate(), 400_kbps) << "and grows to it whatever the delay does";
  EXPECT_LE(control.rate(), 450_kbps);
}

/// A queue that is what `queue` says, and feedback of `lost_every`th packet lost, a packet each 5
/// ms.
class Queue {
 public:
  void run(StandingQueue& standing, Duration duration, Duration queue) {
    const Time end = now + duration;
    while (now < end) {
      now += 50ms;
      std::vector<Outcome> outcomes;
      for (int i = 0; i < 10; ++i, ++sequence) {
        const bool lost = sequence % lost_every == 0;
        outcomes.push_back({{sequence, now - 100ms + i * 5ms, 1000, 1, 0},
                            lost ? std::nullopt : std::optional(now.time_since_epoch()),
                            false});
      }
      standing.update(
          {.now = now, .outcomes = outcomes, .queueing_delay = queue, .round_trip = 100ms});
      asked += standing.part() < 1 ? 50ms : 0ms;
    }
  }
  Time now = kNow;
  std::int64_t sequence = 1;
  std::int64_t lost_every = 100;
  Duration asked{};
};

TEST(StandingQueue, AsksWhoseItIsAndThenSaysWhatTcpWouldSend) {
  StandingQueue standing;
  Queue queue;
  queue.run(standing, 20s, 20ms);
  EXPECT_EQ(queue.asked, 0ms);
  queue.run(standing, 3900ms, 300ms);
  EXPECT_EQ(queue.asked, 0ms) << "it may be our own, which drains";
  queue.run(standing, 200ms, 300ms);
  EXPECT_EQ(standing.part(), StandingQueue::kAskRate);
  EXPECT_FALSE(standing.fair_share());
  queue.run(standing, 2200ms, 200ms);
  EXPECT_EQ(standing.part(), 1);
  ASSERT_TRUE(standing.fair_share());
  // RFC 5348 section 3.1, simplified: 9,600 bits / (100 ms * sqrt(2 * 0.01 / 3)).
  EXPECT_NEAR(standing.fair_share()->kbps(), 1176, 40);
  queue.run(standing, StandingQueue::kAnswerHolds, 200ms);
  EXPECT_EQ(standing.part(), StandingQueue::kAskAgainRate);
  EXPECT_TRUE(standing.fair_share()) << "until the answer is another";
  queue.run(standing, 2s, 300ms);
  EXPECT_TRUE(standing.fair_share());

  // Others pause, and are back: there is no need to ask.
  queue.asked = 0ms;
  queue.run(standing, 1s, 0ms);
  EXPECT_FALSE(standing.fair_share());
  queue.run(standing, 1100ms, 200ms);
  EXPECT_TRUE(standing.fair_share());
  EXPECT_EQ(queue.asked, 0ms);
  // But it is forgotten.
  queue.run(standing, 40s, 0ms);
  queue.run(standing, 3s, 200ms);
  EXPECT_FALSE(standing.fair_share());
}

TEST(StandingQueue, TakesAQueueThatGetsShorterForItsOwn) {
  StandingQueue standing;
  Queue queue;
  queue.run(standing, 4200ms, 300ms);
  ASSERT_LT(standing.part(), 1);
  queue.run(standing, 1s, 140ms);
  queue.run(standing, 1200ms, 200ms);
  EXPECT_EQ(standing.part(), 1);
  EXPECT_FALSE(standing.fair_share());
  // A machine that slept for ten minutes has seen no queue.
  queue.now += 10min;
  queue.run(standing, 50ms, 10ms);
  EXPECT_EQ(standing.part(), 1);
}

TEST(StandingQueue, TakesALossFreePathForAsGoodAsItHasShown) {
  StandingQueue standing;
  Queue queue;
  queue.lost_every = 1'000'000'000;
  queue.run(standing, 7s, 300ms);
  ASSERT_TRUE(standing.fair_share());
  const Bitrate early = *standing.fair_share();
  EXPECT_NEAR(early.kbps(), 9.6 / 0.1 * std::sqrt(1.5 * 1400), 100);
  queue.run(standing, 5s, 300ms);
  EXPECT_GT(*standing.fair_share(), early);
  queue.lost_every = 10;
  queue.run(standing, 2s, 300ms);
  EXPECT_LT(*standing.fair_share(), early * 0.6);
}

TEST(ProbeController, ProbesAtTheStartAndOnAsLongAsResultsKeepUp) {
  ProbeController probes;
  EXPECT_EQ(probes.next_timeout(), kNever);
  probes.start(kNow, 300_kbps, 5000_kbps);
  const auto first = probes.poll();
  const auto second = probes.poll();
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->rate, 900_kbps);
  EXPECT_EQ(second->rate, 1800_kbps);
  EXPECT_EQ(second->bytes, 3375u);  // 15 ms.
  EXPECT_NE(first->cluster, second->cluster);
  EXPECT_FALSE(probes.poll());

  probes.update(kNow + 100ms, {.estimate = 900_kbps});
  EXPECT_FALSE(probes.poll()) << "the larger one is to be told of yet";
  probes.update(kNow + 120ms, {.estimate = 1800_kbps});
  EXPECT_EQ(probes.poll().value().rate, 3600_kbps);
  probes.update(kNow + 220ms, {.estimate = 3500_kbps});
  EXPECT_EQ(probes.poll().value().rate, 5000_kbps) << "no more than anybody can use";
  probes.update(kNow + 320ms, {.estimate = 5000_kbps});
  for (Time now = kNow + 1s; now < kNow + 60s; now += 1s) {
    probes.update(now, {.estimate = 5000_kbps});
    EXPECT_GT(probes.next_timeout(), now);
    EXPECT_FALSE(probes.poll());
  }
  // A track more can use more.
  probes.set_max(kNow + 60s, 8000_kbps);
  EXPECT_EQ(probes.poll().value().rate, 8000_kbps);
}

TEST(ProbeController, TriesAFewTimesMoreWhenResultsAreMissing) {
  ProbeController probes;
  probes.start(kNow, 300_kbps, 5000_kbps);
  while (probes.poll()) {
  }
  int tries = 0;
  for (Time now = kNow; now < kNow + 60s; now += 100ms) {
    probes.update(now, {.estimate = 300_kbps});
    while (probes.poll()) ++tries;
    if (now < kNow + 4s) {
      EXPECT_LE(tries, ProbeController::kRetriesAtOnce);
    }
  }
  EXPECT_EQ(tries, ProbeController::kRetries);
  // The capacity has been met: what is there is known.
  probes.start(kNow + 60s, 300_kbps, 5000_kbps);
  while (probes.poll()) {
  }
  for (Time now = kNow + 60s; now < kNow + 90s; now += 100ms) {
    probes.update(now, {.estimate = 300_kbps, .is_congested = now < kNow + 62s});
    EXPECT_FALSE(probes.poll());
  }
}

TEST(ProbeController, ProbesInAnApplicationLimitedRegion) {
  ProbeController probes;
  probes.start(kNow, 300_kbps, 300_kbps);
  EXPECT_FALSE(probes.poll()) << "there is nothing to be found";
  probes.set_max(kNow, 5000_kbps);
  while (probes.poll()) {
  }
  probes.update(kNow + 2s, {.estimate = 900_kbps, .is_congested = true});
  std::vector<Time> at;
  for (Time now = kNow + 10s; now < kNow + 31s; now += 100ms) {
    probes.update(now, {.estimate = 900_kbps, .application_limited_since = kNow + 10s});
    while (const auto plan = probes.poll()) {
      at.push_back(now);
      EXPECT_EQ(plan->rate, 1800_kbps);
    }
  }
  ASSERT_GE(at.size(), 3u);
  EXPECT_GE(at.back() - at[at.size() - 2], ProbeController::kAlrInterval);
}

TEST(ProbeController, LooksForWhatWasThereBeforeALargeFall) {
  ProbeController probes;
  probes.start(kNow, 3000_kbps, 3000_kbps);
  probes.update(kNow + 10s, {.estimate = 3000_kbps});
  probes.update(kNow + 11s, {.estimate = 800_kbps, .is_congested = true});
  std::vector<Time> at;
  for (Time now = kNow + 11s; now < kNow + 120s; now += 100ms) {
    probes.update(now, {.estimate = 800_kbps, .is_congested = now < kNow + 20s});
    while (const auto plan = probes.poll()) {
      at.push_back(now);
      EXPECT_EQ(plan->rate, 1600_kbps);
    }
  }
  ASSERT_FALSE(at.empty());
  EXPECT_GE(at.front(), kNow + 20s + 900ms) << "the queue must have drained";
  EXPECT_LE(at.back(), kNow + 10s + ProbeController::kRecoveryTime + 1s) << "a minute is enough";
  EXPECT_GE(at.size(), 8u);
}

}  // namespace
}  // namespace floe::rtp
