#pragma once

#include <cstddef>
#include <cstdint>

#include "floe/core/time.h"

namespace floe::rtp {

enum class PathUse : std::uint8_t {
  kNormal,
  kOveruse,   ///< The queue grows.
  kUnderuse,  ///< The queue drains.
};

/// Takes a trend of the delay for overuse when it stays above a threshold which follows the trend
/// itself, slowly (draft-ietf-rmcat-gcc-02 section 5.4). A fixed one would either never fire on
/// paths with short queues or starve beside flows that fill long ones.
class OveruseDetector {
 public:
  /// `slope` of the trend after `groups` groups; `interval` since the last call.
  PathUse update(double slope, std::size_t groups, Duration interval);
  PathUse state() const { return state_; }
  double threshold() const { return threshold_; }

  // The draft's, section 5.4 and its table.
  static constexpr double kInitialThreshold = 12.5;
  static constexpr double kMinThreshold = 6;
  static constexpr double kMaxThreshold = 600;

 private:
  // How fast the threshold follows, up and down. The draft's 0.00018 down shares better with flows
  // that fill the queue, but when they have gone it takes minutes in which every queue is long.
  static constexpr double kUp = 0.0087;
  static constexpr double kDown = 0.039;
  /// Trends that far above the threshold are outliers which it does not follow.
  static constexpr double kOutlier = 15;
  /// A gap in the traffic must not move the threshold at one stroke.
  static constexpr Duration kLongestInterval = std::chrono::milliseconds(100);
  /// The trend must be above the threshold for longer than this, and for more than one group.
  static constexpr Duration kOveruseTime = std::chrono::milliseconds(10);
  /// Brings the trendline's slope to the measure of the draft's Kalman filter, for which the
  /// threshold was tuned.
  static constexpr double kGain = 4;

  void adapt(double trend, Duration interval);

  PathUse state_ = PathUse::kNormal;
  double threshold_ = kInitialThreshold;
  double last_slope_ = 0;
  Duration above_for_{};
  int groups_above_ = 0;
};

}  // namespace floe::rtp
