#pragma once

#include <algorithm>

#include "floe/core/time.h"

namespace floe::port_mapping {

/// When a lease is to be renewed, and when it ends.
class LeaseClock {
 public:
  /// RFC 6887 section 11.2.1: the least time between two attempts.
  static constexpr Duration kMinWait = std::chrono::seconds(4);
  /// Nothing that a router says makes us ask more often, or wait longer.
  static constexpr Duration kMinLifetime = std::chrono::minutes(1);
  static constexpr Duration kMaxLifetime = std::chrono::hours(24);

  void grant(Time now, Duration lifetime) {
    lifetime = std::clamp(lifetime, kMinLifetime, kMaxLifetime);
    renew_at_ = now + lifetime / 2;
    expires_at_ = now + lifetime;
  }
  /// A renewal failed: the next comes after half of what is left.
  void missed(Time now) {
    renew_at_ = std::min(expires_at_, now + std::max((expires_at_ - now) / 2, kMinWait));
  }
  void renew_soon(Time when) { renew_at_ = std::min(renew_at_, when); }
  void stop() { renew_at_ = expires_at_ = kNever; }

  Time renew_at() const { return renew_at_; }
  bool expired(Time now) const { return expires_at_ <= now; }

 private:
  Time renew_at_ = kNever;
  Time expires_at_ = kNever;
};

}  // namespace floe::port_mapping
