#include <gtest/gtest.h>

#include "floe/rtp/congestion/fixed_rate.h"
#include "floe/rtp/congestion/google_congestion_controller.h"
#include "tests/congestion/path.h"

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;

constexpr Time kNow{1h};

/// Drives a controller over a path: packets of 1,000 bytes at the target's rate, a feedback each
/// 50 ms. At every step it checks what holds for every engine.
class Drive {
 public:
  Drive(CongestionController& controller, Path& path) : controller_(controller), path_(path) {}

  void run(Duration duration, Bitrate most = Bitrate::unlimited()) {
    const Time end = now + duration;
    while (now < end) {
      now += 1ms;
      if (controller_.next_timeout() <= now) {
        controller_.handle_timeout(now);
        EXPECT_GT(controller_.next_timeout(), now);
      }
      while (const auto plan = controller_.poll_probe()) {
        largest_probe = std::max(largest_probe, plan->rate);
        if (!probes) continue;
        for (std::size_t i = 0; i < plan->packets; ++i) {
          const Time at = now + i * plan->rate.time_for(plan->bytes / plan->packets);
          controller_.on_packet_sent(path_.send(at, plan->bytes / plan->packets, plan->cluster));
        }
        now += plan->rate.time_for(plan->bytes);
      }
      const Bitrate rate = std::min(controller_.target().bitrate, most);
      if (now >= next_send_) {
        controller_.on_packet_sent(path_.send(now, 1000));
        next_send_ = std::max(next_send_, now - 5ms) + rate.time_for(1000);
      }
      if (hears && now >= next_feedback_) {
        next_feedback_ = now + 50ms;
        controller_.on_feedback(now, path_.feedback(now));
      }
      largest = std::max(largest, controller_.target().bitrate);
      queue = std::max(queue, path_.queue(now));
    }
  }

  Time now = kNow;
  bool hears = true;
  bool probes = true;
  Bitrate largest;
  Bitrate largest_probe;
  Duration queue{};

 private:
  CongestionController& controller_;
  Path& path_;
  Time next_send_{};
  Time next_feedback_{};
};

constexpr BitrateLimits kLimits{.min = 50_kbps, .start = 300_kbps, .max = 5000_kbps};

TEST(GoogleCongestionController, FindsTheCapacityAndFollowsItDownAndUp) {
  GoogleCongestionController controller(kNow, kLimits);
  Path path(1000_kbps);
  Drive drive(controller, path);
  drive.run(2s);
  EXPECT_GT(controller.target().bitrate, 800_kbps) << "by probes";
  drive.run(20s);
  EXPECT_LT(drive.largest, 1150_kbps);
  EXPECT_LT(drive.queue, 100ms);
  path.capacity = 300_kbps;
  drive.run(3s);
  EXPECT_LT(controller.target().bitrate, 320_kbps);
  drive.run(10s);
  EXPECT_GT(controller.target().bitrate, 200_kbps);
  EXPECT_LT(controller.target().queueing_delay, 80ms);
  path.capacity = 1000_kbps;
  drive.run(12s);
  EXPECT_GT(controller.target().bitrate, 750_kbps);
}

TEST(GoogleCongestionController, DoesNotGrowBeyondAnIdleApplicationWithoutProbes) {
  GoogleCongestionController controller(kNow, kLimits);
  Path path(3000_kbps);
  Drive drive(controller, path);
  drive.probes = false;
  drive.run(60s, 100_kbps);
  EXPECT_LT(controller.target().bitrate, 330_kbps);
  drive.probes = true;
  drive.run(20s, 100_kbps);
  EXPECT_GT(controller.target().bitrate, 2000_kbps) << "but with them it learns";
}

TEST(GoogleCongestionController, FallsWhenThePathGoesSilentAndComesBack) {
  GoogleCongestionController controller(kNow, kLimits);
  Path path(3000_kbps);
  Drive drive(controller, path);
  drive.run(10s);
  const Bitrate before = controller.target().bitrate;
  EXPECT_GT(before, 2000_kbps);
  drive.hears = false;
  drive.run(900ms);
  EXPECT_EQ(controller.target().bitrate, before);
  drive.run(2s);
  EXPECT_LT(controller.target().bitrate, before * 0.6);
  drive.run(60s);
  EXPECT_EQ(controller.target().bitrate, kLimits.min);
  drive.hears = true;
  drive.run(20s);
  EXPECT_GT(controller.target().bitrate, 1800_kbps);
}

TEST(GoogleCongestionController, TakesAMachineThatSleptForNoCongestion) {
  GoogleCongestionController controller(kNow, kLimits);
  Path path(1000_kbps);
  Drive drive(controller, path);
  drive.run(10s);
  const Bitrate before = controller.target().bitrate;
  drive.now += 10min;
  controller.handle_timeout(drive.now);
  EXPECT_GT(controller.next_timeout(), drive.now);
  EXPECT_GE(controller.target().bitrate, before * 0.75);
  drive.run(5s);
  EXPECT_GT(controller.target().bitrate, before * 0.75);
  EXPECT_LT(controller.target().bitrate, 1150_kbps);
}

TEST(GoogleCongestionController, BeginsAnewOnAnotherRoute) {
  GoogleCongestionController controller(kNow, kLimits);
  Path narrow(200_kbps);
  Drive drive(controller, narrow);
  drive.run(10s);
  EXPECT_LT(controller.target().bitrate, 230_kbps);
  controller.on_network_change(drive.now);
  EXPECT_EQ(controller.target().bitrate, kLimits.start);
  EXPECT_EQ(controller.target().round_trip, 0ms);
  // What was sent on the old route says nothing about the new one.
  controller.on_feedback(drive.now + 1ms, narrow.feedback(drive.now + 1s));
  EXPECT_EQ(controller.target().round_trip, 0ms);
  EXPECT_TRUE(controller.poll_probe());
}

TEST(GoogleCongestionController, KeepsItsLimitsAndTheReceivers) {
  GoogleCongestionController controller(kNow, kLimits);
  controller.set_limits(kNow, {.min = 100_kbps, .start = 800_kbps, .max = 900_kbps});
  EXPECT_EQ(controller.target().bitrate, 800_kbps) << "nothing has been learnt yet";
  Path path(3000_kbps);
  Drive drive(controller, path);
  drive.run(10s);
  EXPECT_EQ(controller.target().bitrate, 900_kbps);
  EXPECT_EQ(controller.target().pacing, 2250_kbps);
  controller.on_receiver_limit(drive.now, 400_kbps);
  EXPECT_EQ(controller.target().bitrate, 400_kbps);
  drive.largest_probe = {};
  drive.run(20s);
  EXPECT_LE(drive.largest_probe, 400_kbps);
  controller.on_receiver_limit(drive.now, 1_kbps);
  EXPECT_EQ(controller.target().bitrate, 100_kbps);
  controller.on_receiver_limit(drive.now, std::nullopt);
  EXPECT_EQ(controller.target().bitrate, 900_kbps);
}

TEST(GoogleCongestionController, RestsWhileNothingIsSent) {
  GoogleCongestionController controller(kNow, kLimits);
  Path path(3000_kbps);
  Drive drive(controller, path);
  drive.run(5s);
  while (controller.poll_probe()) {
  }
  controller.on_feedback(drive.now + 1s, path.feedback(drive.now + 1s));
  Time now = drive.now + 1s;
  int wakes = 0;
  while (controller.next_timeout() != kNever && wakes < 100) {
    now = controller.next_timeout();
    controller.handle_timeout(now);
    EXPECT_FALSE(controller.poll_probe());
    ++wakes;
  }
  EXPECT_LE(wakes, 4);
  const Bitrate before = controller.target().bitrate;
  controller.handle_timeout(now + 10min);
  EXPECT_EQ(controller.target().bitrate, before) << "silence is no congestion if nothing was sent";
  // One packet more, of which nothing is heard again: that is no silent path.
  controller.on_packet_sent(path.send(now + 10min, 1000));
  EXPECT_LE(controller.next_timeout(), now + 10min + 1s);
  for (wakes = 0; controller.next_timeout() != kNever && wakes < 100; ++wakes) {
    now = controller.next_timeout();
    controller.handle_timeout(now);
    EXPECT_GT(controller.next_timeout(), now);
  }
  EXPECT_LE(wakes, 4);
  EXPECT_EQ(controller.target().bitrate, before);
}

TEST(GoogleCongestionController, StandsFeedbackThatMakesNoSense) {
  GoogleCongestionController controller(kNow, kLimits);
  std::vector<PacketReport> reports;
  for (std::int64_t i = 0; i < 100; ++i) controller.on_packet_sent({i, kNow + i * 1ms, 1200, 1, 0});
  for (std::int64_t i = 0; i < 300; ++i) {
    reports.push_back({(i * 7919) % 120 - 10, Duration((i % 5 - 2) * 1'000'000'000'000'000)});
  }
  controller.on_feedback(kNow + 100ms, reports);
  controller.on_feedback(kNow + 50ms, reports);
  controller.on_feedback(kNow + 200ms, {});
  EXPECT_GE(controller.target().bitrate, kLimits.min);
  EXPECT_LE(controller.target().bitrate, kLimits.max);
  controller.on_rtt(kNow + 200ms, -5s);
  EXPECT_EQ(controller.target().round_trip, 0ms);
}

TEST(FixedRate, SendsAtItsRateAndMeasures) {
  FixedRate controller(500_kbps);
  Path path(400_kbps);
  Drive drive(controller, path);
  drive.run(5s);
  EXPECT_EQ(controller.target().bitrate, 500_kbps);
  EXPECT_GT(controller.target().queueing_delay, 500ms);
  EXPECT_NEAR(controller.target().received.kbps(), 400, 10);
  controller.on_receiver_limit(drive.now, 380_kbps);
  EXPECT_EQ(controller.target().bitrate, 380_kbps);
  EXPECT_EQ(controller.target().pacing, 950_kbps);
  controller.on_network_change(drive.now);
  EXPECT_EQ(controller.target().queueing_delay, 0ms);
}

}  // namespace
}  // namespace floe::rtp
