#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "floe/rtp/congestion/fixed_rate.h"
#include "tests/congestion/media_flow.h"
#include "tests/congestion/scenario.h"

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kSeeds = 3;

class CongestionScenario : public testing::TestWithParam<Scenario> {};

// Writes down the first seed's curves, for scripts/congestion-curves.
void keep(const Scenario& scenario, const Result& result) {
  const std::filesystem::path folder = FLOE_CONGESTION_FOLDER;
  std::filesystem::create_directories(folder);
  std::ofstream(folder / (scenario.name + ".json")) << to_json(scenario, result);
}

TEST_P(CongestionScenario, StaysWithinItsBounds) {
  const Scenario& scenario = GetParam();
  const Bounds& bounds = scenario.bounds;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Result result = run(scenario, seed);
    if (seed == 1) keep(scenario, result);
    EXPECT_GE(result.use, bounds.least_use);
    EXPECT_LE(result.use, bounds.most_use);
    EXPECT_GE(result.worst_second, bounds.worst_second);
    EXPECT_LE(to_ms(result.queue), to_ms(bounds.queue));
    EXPECT_GE(result.rival, bounds.rival);
    ASSERT_TRUE(result.settled);
    EXPECT_LE(to_ms(*result.settled), to_ms(bounds.settled));
    if (!scenario.drops) continue;
    EXPECT_LE(to_ms(result.drained), to_ms(bounds.drained));
    ASSERT_TRUE(result.recovered);
    EXPECT_LE(to_ms(*result.recovered), to_ms(bounds.recovered));
  }
}

INSTANTIATE_TEST_SUITE_P(Sim, CongestionScenario, testing::ValuesIn(scenarios()),
                         [](const auto& info) { return info.param.name; });

TEST(CongestionSim, FollowsFromTheSeedAlone) {
  const Scenario& scenario = scenarios().front();
  const Result first = run(scenario, 7);
  EXPECT_EQ(to_json(scenario, first), to_json(scenario, run(scenario, 7)));
  EXPECT_NE(to_json(scenario, first), to_json(scenario, run(scenario, 8)));
  EXPECT_GT(first.packets, 1000u);
}

/// Two hosts with a bottleneck between.
struct Duo {
  explicit Duo(std::uint64_t rate) : world(5) {
    net::sim::LinkOptions up;
    up.latency = 50ms;
    up.rate = rate;
    alice.interface().set_link(up, {.latency = 50ms});
  }
  net::sim::World world;
  net::sim::Host& alice = world.add_host("alice");
  net::sim::Host& bob = world.add_host("bob");
};

constexpr BitrateLimits kLimits{.min = 30_kbps, .start = 300_kbps, .max = 5000_kbps};

TEST(CongestionSim, LearnsMoreThanAnIdleApplicationUsesOnlyByProbes) {
  Duo blind(3'000'000);
  MediaFlow without(blind.world, blind.alice, blind.bob,
                    {.limits = kLimits, .encoder_max = 100_kbps, .has_probes = false});
  blind.world.run_for(60s);
  EXPECT_TRUE(without.probed());
  EXPECT_LT(without.controller().target().bitrate, 400_kbps);

  Duo seeing(3'000'000);
  MediaFlow with(seeing.world, seeing.alice, seeing.bob,
                 {.limits = kLimits, .encoder_max = 100_kbps});
  seeing.world.run_for(60s);
  EXPECT_GT(with.controller().target().bitrate, 2000_kbps);
  EXPECT_LT(with.controller().target().bitrate, 3000_kbps);
  EXPECT_LT(with.padding_bytes(), with.sent_bytes() / 5) << "probes are few";
}

TEST(CongestionSim, GivesWayWhileNoFeedbackComesAndComesBackAfterwards) {
  Duo duo(1'000'000);
  MediaFlow flow(duo.world, duo.alice, duo.bob, {.limits = kLimits});
  duo.world.run_for(10s);
  EXPECT_GT(flow.controller().target().bitrate, 600_kbps);
  flow.hold_feedback(true);
  duo.world.run_for(4s);
  EXPECT_LT(flow.controller().target().bitrate, 400_kbps);
  flow.hold_feedback(false);
  duo.world.run_for(10s);
  EXPECT_GT(flow.controller().target().bitrate, 600_kbps);
  EXPECT_EQ(flow.pacer().dropped(), 0u);
}

TEST(CongestionSim, FollowsACallToAnotherNetwork) {
  Duo duo(3'000'000);
  MediaFlow flow(duo.world, duo.alice, duo.bob, {.limits = kLimits});
  duo.world.run_for(10s);
  net::sim::LinkOptions narrow;
  narrow.latency = 150ms;
  narrow.rate = 300'000;
  duo.alice.interface().set_link(narrow, {.latency = 150ms});
  flow.controller().on_network_change(duo.world.now());
  duo.world.run_for(10s);
  EXPECT_LT(flow.controller().target().bitrate, 300_kbps);
  EXPECT_GT(flow.controller().target().bitrate, 200_kbps);
  EXPECT_LT(flow.controller().target().queueing_delay, 150ms);
  EXPECT_GT(flow.controller().target().round_trip, 300ms);
}

TEST(CongestionSim, LetsAnotherControllerTakeItsPlace) {
  Duo duo(1'000'000);
  MediaFlow flow(duo.world, duo.alice, duo.bob,
                 {.controller = std::make_unique<FixedRate>(500_kbps)});
  duo.world.run_for(10s);
  EXPECT_NEAR(Bitrate::of(flow.received_bytes(), 10s).kbps(), 500, 25);
  EXPECT_GT(flow.controller().target().received, 400_kbps);
}

}  // namespace
}  // namespace floe::rtp
