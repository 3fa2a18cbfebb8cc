#pragma once

#include <chrono>
#include <cstdint>

namespace floe {

using Duration = std::chrono::nanoseconds;

/// The time base of every engine. It has no `now()` on purpose: protocol code is told the time by
/// whoever drives it (a `net::Network`), which is what lets a simulator run it in virtual time.
/// The epoch is the driver's own; only differences mean anything.
struct Monotonic {
  using duration = Duration;
  using rep = Duration::rep;
  using period = Duration::period;
  using time_point = std::chrono::time_point<Monotonic>;
  static constexpr bool is_steady = true;
};

using Time = Monotonic::time_point;

/// "No timer wanted": later than every time a driver will ever pass.
inline constexpr Time kNever = Time::max();

/// The milliseconds in `d`, rounded towards zero; for messages and statistics.
constexpr std::int64_t to_ms(Duration d) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(d).count();
}

/// `t + d` that stays at `kNever` when `t` is `kNever`.
constexpr Time after(Time t, Duration d) {
  return t == kNever ? kNever : t + d;
}

}  // namespace floe
