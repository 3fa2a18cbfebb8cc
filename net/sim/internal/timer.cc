#include "floe/net/sim/internal/timer.h"

#include <algorithm>
#include <utility>

#include "floe/net/sim/host.h"

namespace floe::net::sim {

void HostEvent::arm(Time when) {
  if (when == kNever) return disarm();
  host_.fabric_.events().schedule(*this, std::max(when, host_.now()));
}

void HostEvent::disarm() {
  host_.fabric_.events().cancel(*this);
}

HostWatch::HostWatch(Host& host, std::shared_ptr<HostEvent> event)
    : host_(host), event_(std::move(event)) {
  host_.watches_.push_back(event_);
}

HostWatch::~HostWatch() {
  event_->disarm();
  std::erase(host_.watches_, event_);
}

void HostEvent::fire() {
  if (host_.asleep()) return arm(host_.wakes_at());
  const auto self = shared_from_this();
  callback_();
}

}  // namespace floe::net::sim
