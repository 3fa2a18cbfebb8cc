#include "floe/stun_client/round_trip_estimate.h"

#include <algorithm>

namespace floe::stun {
namespace {

constexpr Duration kStaleAfter = std::chrono::minutes(10);  // RFC 8489 section 6.2.1
constexpr Duration kMaxRto = std::chrono::seconds(60);      // RFC 6298 section 2.5
/// RFC 8489 section 6.2.1 keeps 1 ms of accuracy; it is RFC 6298's clock granularity G.
constexpr Duration kGranularity = std::chrono::milliseconds(1);

}  // namespace

void RoundTripEstimate::add(Time now, Duration sample) {
  const bool first = last_sample_ == kNever || now - last_sample_ > kStaleAfter;
  last_sample_ = now;
  if (first) {  // RFC 6298 section 2.2
    smoothed_ = sample;
    variation_ = sample / 2;
    return;
  }
  // RFC 6298 section 2.3: beta is 1/4, alpha 1/8, the variation comes first.
  const Duration deviation = smoothed_ > sample ? smoothed_ - sample : sample - smoothed_;
  variation_ = (3 * variation_ + deviation) / 4;
  smoothed_ = (7 * smoothed_ + sample) / 8;
}

Duration RoundTripEstimate::rto(Time now) const {
  if (last_sample_ == kNever || now - last_sample_ > kStaleAfter) return initial_;
  const Duration rto = smoothed_ + std::max(kGranularity, 4 * variation_);
  return std::clamp(rto, initial_, std::max(initial_, kMaxRto));
}

}  // namespace floe::stun
