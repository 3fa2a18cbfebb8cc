#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "floe/core/random.h"
#include "floe/core/time.h"

namespace floe::ice {

/// The peer's consent to receive on the pair in use (RFC 7675), and how well that pair fares: when
/// it is suspected, silent, dead. Times only: the agent sends the requests.
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
    /// A request that stays unanswered this long (at least three round trips) makes the pair
    /// suspected: it and the other valid pairs are checked at once.
    Duration unanswered = std::chrono::seconds(1);
    /// A pair that was suspected this long (at least four round trips) gives way to another valid
    /// one that has answered since. Five transmissions of the check have been lost by then.
    Duration failover = std::chrono::milliseconds(1500);
    /// The peer's data stopped for this long: one check asks whether the path did, because the next
    /// consent request may be five seconds away.
    Duration quiet = std::chrono::seconds(2);
    /// Between the requests that keep another valid pair ready to take over.
    Duration spare_interval = std::chrono::seconds(10);
    friend bool operator==(const Timing&, const Timing&) = default;
  };

  /// Who watches over the path.
  enum class Mode : std::uint8_t {
    kAsk,     ///< A full agent: it sends requests.
    kListen,  ///< A lite agent with a full peer (RFC 7675 section 1): the peer's checks are the
              ///< sign.
    kTrust,   ///< A lite agent with a lite peer: nobody sends anything.
  };

  explicit Consent(const Timing& timing) : timing_(timing) {}

  /// Starts on a pair whose last authenticated response came at `last_success`.
  void start(Time now, Time last_success, Mode mode, Random& random) {
    active_ = true;
    mode_ = mode;
    granted_ = last_success;
    heard_ = std::max(heard_, last_success);
    unanswered_since_.reset();
    suspected_since_.reset();
    quiet_since_.reset();
    plan_request(now, random);
  }
  void stop() { active_ = false; }
  bool active() const { return active_; }

  /// An authenticated response came: only this renews consent.
  void on_response(Time now, Duration round_trip) {
    granted_ = now;
    heard_ = now;
    round_trip_ = round_trip;
    unanswered_since_.reset();
    suspected_since_.reset();
    quiet_since_.reset();
  }
  /// A check of the peer's came over the pair: the path is alive.
  void on_heard(Time now) { heard_ = now; }
  void on_data(Time now) {
    heard_ = now;
    quiet_since_ = now;
  }
  /// When something of the peer's last came over the pair.
  Time heard() const { return heard_; }
  /// A request of ours left over the pair.
  void on_request(Time now) {
    if (!unanswered_since_) unanswered_since_ = now;
  }

  bool request_due(Time now) const {
    return active_ && mode_ == Mode::kAsk && now >= next_request_;
  }
  void plan_request(Time now, Random& random) {
    next_request_ =
        now + std::max<Duration>(jitter(timing_.interval, random), std::chrono::seconds(4));
  }
  /// 0.8..1.2 of `interval`, so that many sessions do not fall into step.
  static Duration jitter(Duration interval, Random& random) {
    const double factor = 0.8 + 0.4 * random.unit();
    return Duration(static_cast<Duration::rep>(static_cast<double>(interval.count()) * factor));
  }

  /// True once for each time that the peer's data stops.
  bool take_quiet(Time now) {
    if (!asks() || !quiet_since_ || now < *quiet_since_ + timing_.quiet) return false;
    quiet_since_.reset();
    return true;
  }
  /// True once for each time that the pair becomes suspected.
  bool take_suspicion(Time now) {
    if (!asks() || suspected_since_ || !unanswered_since_ || now < suspicion_at()) return false;
    suspected_since_ = now;
    return true;
  }
  /// The system refused to send: no need to wait for an answer.
  void suspect(Time now) {
    if (asks() && !suspected_since_) suspected_since_ = now;
  }
  /// Since when another valid pair must have answered to take over, if it may.
  std::optional<Time> failover_since(Time now) const {
    if (!active_ || !suspected_since_ || now < failover_at()) return std::nullopt;
    return suspected_since_;
  }

  bool expired(Time now) const { return active_ && now >= expires_at(); }
  bool silent(Time now) const { return active_ && now >= silent_at(); }

  /// The next time anything above changes after `now`.
  Time next_timeout(Time now) const {
    if (!active_ || mode_ == Mode::kTrust) return kNever;
    Time next = expires_at();
    if (asks()) {
      next = std::min(next, next_request_);
      if (quiet_since_) next = std::min(next, *quiet_since_ + timing_.quiet);
      if (unanswered_since_ && !suspected_since_) next = std::min(next, suspicion_at());
      if (suspected_since_ && failover_at() > now) next = std::min(next, failover_at());
    }
    return silent_at() > now ? std::min(next, silent_at()) : next;
  }

 private:
  bool asks() const { return active_ && mode_ == Mode::kAsk; }
  Time suspicion_at() const {
    return *unanswered_since_ + std::max<Duration>(timing_.unanswered, 3 * round_trip_);
  }
  Time failover_at() const {
    return *suspected_since_ + std::max<Duration>(timing_.failover, 4 * round_trip_);
  }
  /// A lite agent cannot ask: only what comes tells, and a peer's keepalives may be 15 s apart
  /// (RFC 8445 section 11). It waits for two of them, and as long again before it gives up.
  Time expires_at() const {
    if (mode_ == Mode::kTrust) return kNever;
    return mode_ == Mode::kAsk ? granted_ + timing_.timeout : heard_ + 2 * timing_.timeout;
  }
  Time silent_at() const {
    if (mode_ == Mode::kTrust) return kNever;
    return heard_ + (mode_ == Mode::kAsk ? timing_.silence : timing_.timeout);
  }

  Timing timing_;
  bool active_ = false;
  Mode mode_ = Mode::kAsk;
  Time granted_{};
  Time heard_{};
  Time next_request_{};
  Duration round_trip_{};
  std::optional<Time> unanswered_since_;
  std::optional<Time> suspected_since_;
  std::optional<Time> quiet_since_;  ///< When the last data came, until it was asked about.
};

}  // namespace floe::ice
