#pragma once

#include <algorithm>
#include <deque>
#include <optional>

#include "floe/rtp/congestion/congestion_controller.h"

namespace floe::rtp {

/// Decides when to send a few packets faster than the media, to learn of bandwidth that the media
/// does not use:
/// - at the start, at three and six times the start bitrate, and on to twice the result as long as
///   the results keep up;
/// - in an application-limited region, at twice the rate, every five seconds;
/// - after a large fall, towards what was there before, since a path that got narrow often gets
///   wide again.
class ProbeController {
 public:
  static constexpr Duration kAlrInterval = std::chrono::seconds(5);
  static constexpr Duration kRecoveryInterval = std::chrono::seconds(4);
  /// How long what was there before is worth looking for.
  static constexpr Duration kRecoveryTime = std::chrono::seconds(60);
  /// A result that takes longer is not waited for.
  static constexpr Duration kPatience = std::chrono::seconds(1);
  /// A probe is as short as possible, since it makes a queue as long as itself.
  static constexpr Duration kProbeDuration = std::chrono::milliseconds(15);
  static constexpr std::size_t kProbePackets = 5;

  /// Times that it tries further at the start although the last result has not kept up, at first at
  /// once, then each kRecoveryInterval: packets of it may have been lost or met a queue, and
  /// growing without probes takes long. It ends when the capacity has been met.
  static constexpr int kRetries = 8;
  static constexpr int kRetriesAtOnce = 2;

  void start(Time now, Bitrate start, Bitrate max);
  void set_max(Time now, Bitrate max);

  struct State {
    Bitrate estimate;
    std::optional<Time> application_limited_since{};
    bool is_congested = false;  ///< The queue grows: the worst time to probe.
    bool is_silent = false;     ///< No feedback comes: nothing can be learnt.
    bool is_idle = false;       ///< Nothing is sent: there is no call to find bandwidth for.
  };
  /// The state after a feedback, or at a timeout.
  void update(Time now, const State& state);
  /// After an idle time something was sent.
  void wake(Time now) { next_ = std::min(next_, now + kPatience); }
  /// When `update` wants to be called if there is no feedback; kNever before `start` and when idle.
  Time next_timeout() const { return next_; }
  std::optional<ProbePlan> poll();

 private:
  /// Two at the start.
  static constexpr std::size_t kMaxPlans = 4;

  void plan(Time now, Bitrate rate);
  void remember(Time now, const State& state);

  Bitrate max_;
  std::deque<ProbePlan> plans_;
  std::uint32_t clusters_ = 0;
  std::optional<Time> planned_at_;  // The last one; or when it began.
  std::optional<Bitrate> further_above_;
  Bitrate estimate_;
  Bitrate before_;    // The best estimate of the last minute,
  Time before_at_{};  // and when.
  std::optional<Time> congested_at_;
  int retries_ = 0;
  Time next_ = kNever;
};

}  // namespace floe::rtp
