#include <sys/time.h>
#include <time.h>

#include <chrono>

#include "floe/net/sim/virtual_clock.h"

// The C library's gettimeofday and time, redefined: see virtual_clock.h.

namespace {

std::chrono::nanoseconds since_1970() {
  if (const auto shown = floe::net::sim::VirtualClock::since_1970()) return *shown;
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

}  // namespace

extern "C" {

// What the link option of floe::sim_clock asks for, so that the linker takes this file.
[[gnu::visibility("default")]] extern const int floe_sim_clock;
const int floe_sim_clock = 1;

[[gnu::visibility("default")]] int gettimeofday(timeval* out, void*) noexcept {
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(since_1970());
  out->tv_sec = static_cast<time_t>(now.count() / 1'000'000);
  out->tv_usec = static_cast<suseconds_t>(now.count() % 1'000'000);
  return 0;
}

[[gnu::visibility("default")]] time_t time(time_t* out) noexcept {
  const auto now = std::chrono::duration_cast<std::chrono::seconds>(since_1970());
  const auto seconds = static_cast<time_t>(now.count());
  if (out != nullptr) *out = seconds;
  return seconds;
}
}
