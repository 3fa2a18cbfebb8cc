#include "tests/dtls/virtual_time.h"

#include <sys/time.h>
#include <time.h>

namespace {

// Far from zero, which OpenSSL takes for "no timer".
constexpr std::chrono::nanoseconds kEpoch = std::chrono::seconds(1'800'000'000);
std::chrono::nanoseconds wall_clock = kEpoch;
std::chrono::nanoseconds offset{0};

}  // namespace

extern "C" int gettimeofday(struct timeval* now, void*) noexcept {
  const auto us =
      std::chrono::duration_cast<std::chrono::microseconds>(wall_clock + offset).count();
  now->tv_sec = us / 1'000'000;
  now->tv_usec = us % 1'000'000;
  return 0;
}

extern "C" time_t time(time_t* now) noexcept {
  const auto s = std::chrono::duration_cast<std::chrono::seconds>(wall_clock + offset).count();
  if (now != nullptr) *now = s;
  return s;
}

namespace floe::dtls::testing {

void set_virtual_time(Time now) {
  wall_clock = kEpoch + now.time_since_epoch();
}

void set_wall_clock_offset(Duration by) {
  offset = by;
}

}  // namespace floe::dtls::testing
