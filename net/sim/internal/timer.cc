#include "floe/net/sim/internal/timer.h"

#include <algorithm>

#include "floe/net/sim/host.h"

namespace floe::net::sim {

void HostEvent::arm(Time when) {
  if (when == kNever) return disarm();
  host_.fabric_.events().schedule(*this, std::max(when, host_.now()));
}

void HostEvent::disarm() {
  host_.fabric_.events().cancel(*this);
}

void HostEvent::fire() {
  if (host_.asleep()) return arm(host_.wakes_at());
  const auto self = shared_from_this();
  callback_();
}

}  // namespace floe::net::sim
