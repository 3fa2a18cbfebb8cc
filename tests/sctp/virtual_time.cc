#include "tests/sctp/virtual_time.h"

#include <sys/time.h>

#include <atomic>
#include <ctime>

namespace floe::sctp::test {
namespace {

std::atomic<std::int64_t> wall_clock_us{1'700'000'000'000'000};

}  // namespace

void set_wall_clock(Time now) {
  wall_clock_us = 1'700'000'000'000'000 + now.time_since_epoch() / std::chrono::microseconds(1);
}

}  // namespace floe::sctp::test

extern "C" int gettimeofday(timeval* now, void*) noexcept {
  const std::int64_t us = floe::sctp::test::wall_clock_us;
  now->tv_sec = us / 1'000'000;
  now->tv_usec = us % 1'000'000;
  return 0;
}

extern "C" std::time_t time(std::time_t* out) noexcept {
  const std::time_t seconds = floe::sctp::test::wall_clock_us / 1'000'000;
  if (out != nullptr) *out = seconds;
  return seconds;
}
