#pragma once

#include <optional>

#include "floe/core/time.h"

namespace floe::net::sim {

/// Makes the time of a world visible to C libraries that ask the system for it (OpenSSL and usrsctp
/// call gettimeofday and time).
///
/// Link the program with `floe::sim_clock`: it defines gettimeofday and time. It must be part of
/// the executable, not of a shared library, since only the executable's definition is found before
/// the C library's by every shared library of the program. Without it worlds work as well, but such
/// libraries live in real time.
///
/// A thread sees the world that is running on it, else the one made last that still lives, else the
/// real clock.
class VirtualClock {
 public:
  /// What gettimeofday says when a world's clock shows 0: 2025-01-01 00:00:00 UTC, so that
  /// certificates made in virtual time look like others.
  static constexpr std::chrono::seconds kEpoch{1'735'689'600};

  /// Shows `now` on this thread until it is destroyed, on the same thread.
  explicit VirtualClock(const Time& now);
  ~VirtualClock();
  VirtualClock(const VirtualClock&) = delete;
  VirtualClock& operator=(const VirtualClock&) = delete;

  /// Since 1970 on the clock that this thread sees; nullopt without a world.
  static std::optional<Duration> since_1970();

  /// Puts a clock before the thread's others while it lives.
  class Running {
   public:
    explicit Running(VirtualClock& clock);
    ~Running();
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    const VirtualClock* before_;
  };

 private:
  const Time& now_;
  VirtualClock* older_;
  VirtualClock* newer_ = nullptr;
};

}  // namespace floe::net::sim
