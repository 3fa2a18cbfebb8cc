#pragma once

#include "floe/core/time.h"

namespace floe::stun {

/// The RTO towards one server, learned from its answers (RFC 8489 section 6.2.1, RFC 6298).
class RoundTripEstimate {
 public:
  /// `initial` is what `rto` yields before the first sample, and its lower bound (RFC 8489 asks for
  /// 500 ms or more on the Internet).
  explicit RoundTripEstimate(Duration initial = std::chrono::milliseconds(500))
      : initial_(initial) {}

  /// A round trip of a request that was sent once; `Transaction::round_trip` yields no others.
  void add(Time now, Duration sample);
  /// Falls back to the initial value when the last sample is more than ten minutes old.
  Duration rto(Time now) const;

 private:
  Duration initial_;
  Duration smoothed_{};
  Duration variation_{};
  Time last_sample_ = kNever;
};

}  // namespace floe::stun
