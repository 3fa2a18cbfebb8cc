#include "floe/rtp/congestion/trendline.h"

#include <algorithm>
#include <chrono>

namespace floe::rtp {
namespace {

double in_milliseconds(Duration d) {
  return std::chrono::duration<double, std::milli>(d).count();
}

}  // namespace

void Trendline::add(Duration sent_delta, Duration received_delta) {
  groups_ = std::min(groups_ + 1, kMaxGroups);
  elapsed_ += in_milliseconds(received_delta);
  accumulated_ += in_milliseconds(received_delta - sent_delta);
  smoothed_ = kSmoothing * smoothed_ + (1 - kSmoothing) * accumulated_;
  points_.push_back({elapsed_, smoothed_});
  if (points_.size() > kWindow) points_.pop_front();
  if (points_.size() == kWindow) slope_ = fit();
}

double Trendline::fit() const {
  double mean_at = 0;
  double mean_delay = 0;
  for (const Point& point : points_) {
    mean_at += point.at / static_cast<double>(points_.size());
    mean_delay += point.delay / static_cast<double>(points_.size());
  }
  double covariance = 0;
  double variance = 0;
  for (const Point& point : points_) {
    covariance += (point.at - mean_at) * (point.delay - mean_delay);
    variance += (point.at - mean_at) * (point.at - mean_at);
  }
  // All at one instant: nothing can be told, so nothing is told anew.
  return variance == 0 ? slope_ : covariance / variance;
}

}  // namespace floe::rtp
