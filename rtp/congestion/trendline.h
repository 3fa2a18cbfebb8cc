#pragma once

#include <cstddef>
#include <deque>

#include "floe/core/time.h"

namespace floe::rtp {

/// Whether the queue on the way grows: the slope of the one-way delay over time, by least squares
/// over the last groups of packets. It took the place of the Kalman filter of
/// draft-ietf-rmcat-gcc-02 section 5.3.
class Trendline {
 public:
  static constexpr std::size_t kWindow = 20;  // Groups.

  /// One more group: how much later than the one before it left, and arrived.
  void add(Duration sent_delta, Duration received_delta);
  /// Seconds of delay gained in each second; 0 until the window is full.
  double slope() const { return slope_; }
  /// How many groups the trend rests on: no more than kMaxGroups are counted.
  std::size_t groups() const { return groups_; }
  static constexpr std::size_t kMaxGroups = 60;

 private:
  /// What is left of the old in the smoothed delay.
  static constexpr double kSmoothing = 0.9;

  struct Point {
    double at;     // Milliseconds since the first group.
    double delay;  // Milliseconds, smoothed.
  };
  double fit() const;

  std::deque<Point> points_;
  double elapsed_ = 0;
  double accumulated_ = 0;
  double smoothed_ = 0;
  double slope_ = 0;
  std::size_t groups_ = 0;
};

}  // namespace floe::rtp
