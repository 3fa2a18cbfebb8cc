#include "floe/rtp/congestion/overuse_detector.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace floe::rtp {

PathUse OveruseDetector::update(double slope, std::size_t groups, Duration interval) {
  const double trend = slope * static_cast<double>(groups) * kGain;
  if (trend > threshold_) {
    // The trend has crossed the threshold somewhere within the first interval.
    above_for_ += groups_above_ == 0 ? interval / 2 : interval;
    ++groups_above_;
    // A queue that has begun to drain is not overused any more, however long it is.
    if (above_for_ > kOveruseTime && groups_above_ > 1 && slope >= last_slope_) {
      above_for_ = Duration::zero();
      groups_above_ = 0;
      state_ = PathUse::kOveruse;
    }
  } else {
    above_for_ = Duration::zero();
    groups_above_ = 0;
    state_ = trend < -threshold_ ? PathUse::kUnderuse : PathUse::kNormal;
  }
  last_slope_ = slope;
  adapt(trend, interval);
  return state_;
}

void OveruseDetector::adapt(double trend, Duration interval) {
  const double distance = std::abs(trend) - threshold_;
  if (distance > kOutlier) return;
  const double gain = distance < 0 ? kDown : kUp;
  const double milliseconds = std::chrono::duration<double, std::milli>(
                                  std::clamp(interval, Duration::zero(), kLongestInterval))
                                  .count();
  threshold_ =
      std::clamp(threshold_ + gain * distance * milliseconds, kMinThreshold, kMaxThreshold);
}

}  // namespace floe::rtp
