#pragma once

#include <algorithm>
#include <optional>

#include "floe/rtp/congestion/bitrate.h"
#include "floe/rtp/congestion/overuse_detector.h"

namespace floe::rtp {

/// The capacity of the link, as the rates tell at which it was overused: their mean and how far
/// they stray from it.
class LinkCapacity {
 public:
  void add(Bitrate at_overuse);
  void reset() { mean_.reset(); }
  std::optional<Bitrate> mean() const;
  /// Three standard deviations around the mean: beyond them the link has changed.
  bool is_above(Bitrate rate) const;
  bool is_below(Bitrate rate) const;

 private:
  double deviation() const;

  std::optional<double> mean_;  // kbit/s
  double variance_ = 0.4;       // Of the error, in parts of the mean.
};

/// The delay-based rate: grows while the path is used normally, falls below what arrived when it is
/// overused, and waits while the queue drains (draft-ietf-rmcat-gcc-02 section 5.5).
class AimdRateControl {
 public:
  explicit AimdRateControl(Bitrate start) : rate_(start) {}

  struct Input {
    PathUse use = PathUse::kNormal;
    std::optional<Bitrate> acknowledged{};
    Duration round_trip{};
    /// What others would send who fill the queue: no overuse takes us below.
    std::optional<Bitrate> fair_share{};
    /// The application sends less than it might: that the path copes says nothing about more.
    bool is_application_limited = false;
  };
  /// The rate after a feedback.
  Bitrate update(Time now, const Input& input);
  Bitrate rate() const { return rate_; }
  /// Goes on from there: from what a probe has shown.
  void set_rate(Time now, Bitrate rate);
  void clamp(Bitrate min, Bitrate max) { rate_ = std::clamp(rate_, min, max); }

 private:
  enum class State { kHold, kIncrease };

  void increase(Time now, const Input& input);
  void decrease(Time now, const Input& input);
  Bitrate additive_step(Duration elapsed, Duration round_trip) const;

  Bitrate rate_;
  State state_ = State::kHold;
  LinkCapacity capacity_;
  Time changed_at_{};
  std::optional<Time> fell_at_;
};

}  // namespace floe::rtp
