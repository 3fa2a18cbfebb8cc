#pragma once

#include <cstddef>
#include <optional>

#include "floe/rtp/congestion/bitrate.h"

namespace floe::rtp {

/// Whether the traffic is an "application-limited region": less is sent than may be, so what the
/// path does with it says nothing about more. A budget fills at 65 % of the target and is spent by
/// what is sent; when it is nearly full, the application is what limits.
class AlrDetector {
 public:
  /// Enough of the target that frames of uneven size do not look like an idle application.
  static constexpr double kUsage = 0.65;
  static constexpr double kBegin = 0.8;  ///< Of a full budget.
  static constexpr double kEnd = 0.5;
  static constexpr Duration kWindow = std::chrono::milliseconds(500);

  void set_target(Time now, Bitrate target);
  void on_sent(Time now, std::size_t size);
  void pass(Time now);
  /// Since when; nullopt outside one.
  std::optional<Time> since() const { return since_; }

 private:
  double capacity() const { return static_cast<double>(target_.bytes_in(kWindow)) * kUsage; }
  void decide(Time now);

  Bitrate target_;
  double budget_ = 0;  // Bytes, from -capacity to capacity.
  std::optional<Time> passed_to_;
  std::optional<Time> since_;
};

}  // namespace floe::rtp
