#include "floe/net/sim/virtual_clock.h"

namespace floe::net::sim {
namespace {

// Plain pointers: code that runs before and after main may ask for the time.
thread_local VirtualClock* newest = nullptr;
thread_local const VirtualClock* running = nullptr;

}  // namespace

VirtualClock::VirtualClock(const Time& now) : now_(now), older_(newest) {
  if (older_ != nullptr) older_->newer_ = this;
  newest = this;
}

VirtualClock::~VirtualClock() {
  if (older_ != nullptr) older_->newer_ = newer_;
  if (newer_ != nullptr) newer_->older_ = older_;
  if (newest == this) newest = older_;
}

std::optional<Duration> VirtualClock::since_1970() {
  const VirtualClock* shown = running != nullptr ? running : newest;
  if (shown == nullptr) return std::nullopt;
  return kEpoch + shown->now_.time_since_epoch();
}

VirtualClock::Running::Running(VirtualClock& clock) : before_(running) {
  running = &clock;
}

VirtualClock::Running::~Running() {
  running = before_;
}

}  // namespace floe::net::sim
