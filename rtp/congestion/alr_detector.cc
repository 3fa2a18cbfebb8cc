#include "floe/rtp/congestion/alr_detector.h"

#include <algorithm>

namespace floe::rtp {

void AlrDetector::set_target(Time now, Bitrate target) {
  pass(now);
  target_ = target;
  budget_ = std::clamp(budget_, -capacity(), capacity());
}

void AlrDetector::on_sent(Time now, std::size_t size) {
  pass(now);
  budget_ = std::max(budget_ - static_cast<double>(size), -capacity());
  decide(now);
}

void AlrDetector::pass(Time now) {
  const Duration elapsed = passed_to_ ? now - *passed_to_ : Duration::zero();
  passed_to_ = now;
  // Beyond one window the budget is full whatever it was.
  const Duration counted = std::clamp(elapsed, Duration::zero(), 2 * kWindow);
  budget_ = std::min(budget_ + static_cast<double>(target_.bytes_in(counted)) * kUsage, capacity());
  decide(now);
}

void AlrDetector::decide(Time now) {
  if (!since_ && budget_ > kBegin * capacity()) {
    since_ = now;
  } else if (since_ && budget_ < kEnd * capacity()) {
    since_.reset();
  }
}

}  // namespace floe::rtp
