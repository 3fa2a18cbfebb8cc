#include "floe/net/sim/virtual_clock.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/time.h>

#include <chrono>
#include <thread>

#include "floe/net/sim/world.h"
#include "tests/sim/clock_reader.h"

namespace floe::net::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::int64_t kStart = 1'735'689'600 + 3600;  // 2025-01-01 01:00:00 UTC.

TEST(VirtualClock, IsWhatASharedLibrarySeesToTheMicrosecond) {
  World world(1);
  EXPECT_EQ(read_time(), kStart);
  EXPECT_EQ(read_gettimeofday(), kStart * 1'000'000);
  world.run_for(1234567us);
  EXPECT_EQ(read_time(), kStart + 1);
  EXPECT_EQ(read_gettimeofday(), kStart * 1'000'000 + 1'234'567);
}

TEST(VirtualClock, MovesWhileTheWorldRuns) {
  World world(1);
  std::int64_t seen = 0;
  world.after(250ms, [&] { seen = read_gettimeofday(); });
  world.run_for(1s);
  EXPECT_EQ(seen, kStart * 1'000'000 + 250'000);
}

TEST(VirtualClock, IsFoundByLibrariesThatAreLoadedLater) {
  World world(1);
  const auto found =
      reinterpret_cast<int (*)(timeval*, void*)>(dlsym(RTLD_DEFAULT, "gettimeofday"));
  ASSERT_NE(found, nullptr);
  timeval now{};
  found(&now, nullptr);
  EXPECT_EQ(now.tv_sec, kStart);
}

TEST(VirtualClock, IsTheRealOneWithoutAWorld) {
  const auto real = std::chrono::duration_cast<std::chrono::seconds>(
                        std::chrono::system_clock::now().time_since_epoch())
                        .count();
  EXPECT_NEAR(static_cast<double>(read_time()), static_cast<double>(real), 2);
  EXPECT_NEAR(static_cast<double>(read_gettimeofday()) / 1e6, static_cast<double>(real), 2);
}

TEST(VirtualClock, ShowsTheRunningWorldElseTheNewest) {
  auto first = std::make_unique<World>(1);
  first->run_for(10s);
  auto second = std::make_unique<World>(1);
  EXPECT_EQ(read_time(), kStart);
  std::int64_t seen = 0;
  first->after(0s, [&] { seen = read_time(); });
  first->run_for(1s);
  EXPECT_EQ(seen, kStart + 10);
  EXPECT_EQ(read_time(), kStart);
  second.reset();
  EXPECT_EQ(read_time(), kStart + 11);
  second = std::make_unique<World>(1);
  first.reset();
  EXPECT_EQ(read_time(), kStart);
}

TEST(VirtualClock, IsEachThreadsOwn) {
  World world(1);
  std::int64_t seen = kStart;
  std::thread([&] { seen = read_time(); }).join();
  EXPECT_GT(seen, kStart);
}

}  // namespace
}  // namespace floe::net::sim
