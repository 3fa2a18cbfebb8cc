#pragma once

#include <algorithm>

#include "floe/core/time.h"

namespace floe::net {

/// Spreads new STUN and TURN transactions: at most one every Ta over everything that runs on one
/// network (RFC 8445 section 14.2), however many agents there are.
///
/// An agent books the next free slot and waits for exactly that time, so two hundred of them cost
/// one wake-up each per slot and are served in the order they asked.
class Pacer {
 public:
  /// RFC 8445 section 14.2: Ta defaults to 50 ms and must not be below 5 ms.
  static constexpr Duration kDefaultTa = std::chrono::milliseconds(50);
  static constexpr Duration kMinTa = std::chrono::milliseconds(5);

  Duration ta() const { return ta_; }
  /// Values below kMinTa count as kMinTa.
  void set_ta(Duration ta) { ta_ = std::max(ta, kMinTa); }

  /// The time, `now` or later, at which the caller may start one transaction.
  Time book(Time now) {
    const Time slot = std::max(now, next_);
    next_ = slot + ta_;
    return slot;
  }
  /// Gives back a slot that was booked and is not needed, if nobody has booked a later one.
  void give_back(Time slot) {
    if (next_ == slot + ta_) next_ = slot;
  }

 private:
  Duration ta_ = kDefaultTa;
  Time next_{};
};

}  // namespace floe::net
