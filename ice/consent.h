#pragma once

#include <algorithm>

#include "floe/core/random.h"
#include "floe/core/time.h"

namespace floe::ice {

/// The peer's consent to receive on the pair in use (RFC 7675), and how long the path has been
/// silent. Times only: the agent sends the requests.
class Consent {
 public:
  struct Timing {
    /// RFC 7675 section 5.1: 5 s, randomised by 0.8..1.2 for each request; never below 4 s.
    Duration interval = std::chrono::seconds(5);
    /// RFC 7675 section 5.1: consent expires 30 s after the last authenticated response.
    Duration timeout = std::chrono::seconds(30);
    /// Nothing at all came for this long: the state becomes "disconnected". Two requests each way
    /// must have been lost by then, so ordinary loss does not make it flap.
    Duration silence = std::chrono::seconds(10);
  };

  explicit Consent(const Timing& timing) : timing_(timing) {}

  /// Starts on a pair whose last authenticated response came at `last_success`.
  void start(Time now, Time last_success, Random& random) {
    active_ = true;
    granted_ = last_success;
    heard_ = std::max(heard_, last_success);
    plan_request(now, random);
  }
  void stop() { active_ = false; }
  bool active() const { return active_; }

  /// An authenticated response came: only this renews consent.
  void on_response(Time now) {
    granted_ = now;
    heard_ = now;
  }
  /// Anything from the peer came over the pair: the path is alive.
  void on_heard(Time now) { heard_ = now; }

  bool request_due(Time now) const { return active_ && now >= next_request_; }
  void plan_request(Time now, Random& random) {
    // 0.8..1.2 of the interval, so that many sessions do not fall into step.
    const double factor = 0.8 + 0.4 * random.unit();
    const auto wanted = Duration(
        static_cast<Duration::rep>(static_cast<double>(timing_.interval.count()) * factor));
    next_request_ = now + std::max<Duration>(wanted, std::chrono::seconds(4));
  }

  bool expired(Time now) const { return active_ && now >= granted_ + timing_.timeout; }
  bool silent(Time now) const { return active_ && now >= heard_ + timing_.silence; }

  /// The next time anything above changes after `now`.
  Time next_timeout(Time now) const {
    if (!active_) return kNever;
    Time next = std::min(next_request_, granted_ + timing_.timeout);
    const Time silence = heard_ + timing_.silence;
    return silence > now ? std::min(next, silence) : next;
  }

 private:
  Timing timing_;
  bool active_ = false;
  Time granted_{};
  Time heard_{};
  Time next_request_{};
};

}  // namespace floe::ice
