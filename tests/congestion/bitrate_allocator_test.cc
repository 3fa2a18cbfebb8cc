#include "floe/rtp/congestion/bitrate_allocator.h"

#include <gtest/gtest.h>

#include <map>

#include "tests/congestion/path.h"

namespace floe::rtp {
namespace {

using namespace std::chrono_literals;

constexpr Time kNow{1h};
constexpr std::uint32_t kAudio = 1;
constexpr std::uint32_t kCamera = 2;
constexpr std::uint32_t kScreen = 3;

std::map<std::uint32_t, Bitrate> changes(BitrateAllocator& allocator) {
  std::map<std::uint32_t, Bitrate> all;
  while (const auto change = allocator.poll_change()) all[change->track] = change->bitrate;
  return all;
}

/// Audio that is never paused, a camera, and a screen of twice its priority.
BitrateAllocator three() {
  BitrateAllocator allocator;
  EXPECT_TRUE(allocator.set_track(
      {.track = kAudio, .min = 32_kbps, .max = 48_kbps, .priority = 4, .may_pause = false}));
  EXPECT_TRUE(
      allocator.set_track({.track = kCamera, .min = 100_kbps, .max = 2000_kbps, .priority = 1}));
  EXPECT_TRUE(
      allocator.set_track({.track = kScreen, .min = 200_kbps, .max = 1500_kbps, .priority = 2}));
  return allocator;
}

TEST(BitrateAllocator, GivesTheLeastFirstAndTheRestByPriority) {
  BitrateAllocator allocator = three();
  EXPECT_EQ(allocator.least(), 32_kbps);
  EXPECT_EQ(allocator.most(), 3548_kbps);
  allocator.allocate(kNow, 948_kbps);
  // 616 beyond the least: audio has 16 of it, the others 200 and 400.
  EXPECT_EQ(changes(allocator), (std::map<std::uint32_t, Bitrate>{
                                    {kAudio, 48_kbps}, {kCamera, 300_kbps}, {kScreen, 600_kbps}}));
  EXPECT_EQ(allocator.allocation(kScreen), 600_kbps);

  allocator.allocate(kNow, 10'000_kbps);
  EXPECT_EQ(changes(allocator),
            (std::map<std::uint32_t, Bitrate>{{kCamera, 2000_kbps}, {kScreen, 1500_kbps}}))
      << "no more than each can use, and nothing is said of what stays";
}

TEST(BitrateAllocator, PausesWhatThereIsNotEnoughForTheLowestPriorityFirst) {
  BitrateAllocator allocator = three();
  allocator.allocate(kNow, 948_kbps);
  changes(allocator);
  allocator.allocate(kNow, 320_kbps);
  EXPECT_EQ(changes(allocator)[kCamera], Bitrate());
  EXPECT_GT(allocator.allocation(kScreen), 200_kbps);
  // Not enough for the screen, but for the camera.
  allocator.allocate(kNow + 10s, 180_kbps);
  EXPECT_EQ(allocator.allocation(kScreen), Bitrate());
  allocator.allocate(kNow + 12s, 180_kbps);
  EXPECT_EQ(allocator.allocation(kCamera), 132_kbps);
  allocator.allocate(kNow + 13s, 10_kbps);
  EXPECT_EQ(allocator.allocation(kCamera), Bitrate());
  EXPECT_EQ(allocator.allocation(kAudio), 32_kbps) << "whatever there is";
}

TEST(BitrateAllocator, ResumesOnlyWhenThereHasBeenMoreThanEnoughForAWhile) {
  BitrateAllocator allocator;
  ASSERT_TRUE(allocator.set_track({.track = kCamera, .min = 200_kbps, .max = 2000_kbps}));
  allocator.allocate(kNow, 190_kbps);
  EXPECT_EQ(changes(allocator)[kCamera], Bitrate());
  Time now = kNow;
  for (int i = 0; i < 100; ++i) {
    now += 100ms;
    allocator.allocate(now, i % 10 == 0 ? 230_kbps : 260_kbps);
    EXPECT_TRUE(changes(allocator).empty()) << "it takes 240, for a second without a break";
  }
  allocator.allocate(now, 230_kbps);
  for (int i = 0; i < 10; ++i) allocator.allocate(now += 100ms, 260_kbps);
  EXPECT_EQ(allocator.allocation(kCamera), Bitrate());
  allocator.allocate(now += 200ms, 260_kbps);
  EXPECT_EQ(changes(allocator)[kCamera], 260_kbps);
  allocator.allocate(now, 200_kbps);
  EXPECT_EQ(changes(allocator)[kCamera], 200_kbps) << "running, it needs no margin";
  allocator.allocate(now + 10min, 199_kbps);
  EXPECT_EQ(changes(allocator)[kCamera], Bitrate());
  allocator.allocate(now + 20min, 1000_kbps);
  EXPECT_TRUE(changes(allocator).empty()) << "ten minutes in which nothing was seen are no second";
}

TEST(BitrateAllocator, DoesNotBotherEncodersWithSmallChanges) {
  BitrateAllocator allocator;
  ASSERT_TRUE(allocator.set_track({.track = kCamera, .min = 100_kbps, .max = 1000_kbps}));
  allocator.allocate(kNow, 500_kbps);
  EXPECT_EQ(changes(allocator).size(), 1u);
  allocator.allocate(kNow, 510_kbps);
  EXPECT_TRUE(changes(allocator).empty());
  allocator.allocate(kNow, 490_kbps);
  EXPECT_TRUE(changes(allocator).empty());
  allocator.allocate(kNow, 515_kbps);
  EXPECT_EQ(changes(allocator)[kCamera], 515_kbps);
  allocator.allocate(kNow, 990_kbps);
  changes(allocator);
  allocator.allocate(kNow, 1100_kbps);
  EXPECT_EQ(changes(allocator)[kCamera], 1000_kbps) << "but the last step to a bound they hear of";
}

TEST(BitrateAllocator, LetsTracksComeChangeAndGo) {
  BitrateAllocator allocator = three();
  allocator.allocate(kNow, 948_kbps);
  changes(allocator);
  ASSERT_TRUE(allocator.set_track({.track = kScreen, .min = 200_kbps, .max = 300_kbps}));
  allocator.allocate(kNow, 948_kbps);
  EXPECT_EQ(allocator.allocation(kScreen), 300_kbps);
  EXPECT_EQ(allocator.allocation(kCamera), 600_kbps);
  allocator.remove_track(kScreen);
  allocator.allocate(kNow, 948_kbps);
  EXPECT_EQ(allocator.allocation(kCamera), 900_kbps);
  EXPECT_EQ(allocator.allocation(kScreen), Bitrate());
  allocator.remove_track(kScreen);

  EXPECT_FALSE(allocator.set_track({.track = 9, .min = 2_kbps, .max = 1_kbps}));
  EXPECT_FALSE(allocator.set_track({.track = 9, .priority = 0}));
  for (std::uint32_t i = 10; i < 10 + BitrateAllocator::kMaxTracks - 2; ++i) {
    EXPECT_TRUE(allocator.set_track({.track = i}));
  }
  const auto refused = allocator.set_track({.track = 9});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::kLimitExceeded);
  EXPECT_EQ(refused.error().message, "track 9 is one too many: there are 64");
  EXPECT_TRUE(allocator.set_track({.track = 10, .priority = 2})) << "a change is no addition";
}

}  // namespace
}  // namespace floe::rtp
