#include "floe/rtp/congestion/loss_based_control.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>

namespace floe::rtp {
namespace {

/// Each observation counts that much of the one after it.
constexpr double kAging = 0.9;

/// What of the loss chance may be blamed for. The more is sent, the less: 10 % are borne at
/// 3 Mbit/s, 20 % at 1 Mbit/s, but on a slow path giving way would leave nothing and relieve
/// nobody.
constexpr double kLeastInherentLoss = 0.001;
constexpr double kMostInherentLoss = 0.5;
constexpr double kInherentLossAtHighRates = 0.05;
constexpr double kLossBalance = 150'000;  // bit/s

/// A step down must be 20 times as likely as staying where we are (3 points of log-likelihood), a
/// step up may be as much less likely; steps of less than 5 % by less, in proportion.
constexpr double kMostPreference = 3;
constexpr double kPreference = 60;
constexpr double kStepUp = 1.02;
constexpr std::array kStepsDown = {0.95, 0.85};

/// Losses are looked into from there on, again when the rate has grown by kGrowth, and from time to
/// time anyhow.
constexpr double kMuchLoss = 0.04;
constexpr double kGrowth = 1.2;
constexpr Duration kAskAgain = std::chrono::seconds(16);
/// By sending so much less for the time of two observations. A hundred packets, of which a tenth
/// should be lost, are unlikely to arrive all.
constexpr double kAskRate = 0.8;
constexpr Duration kAskTime = 2 * LossBasedControl::kObservation + std::chrono::milliseconds(100);
/// Until the answer is known: one more observation, and its feedback.
constexpr Duration kAnswerTime = LossBasedControl::kObservation + std::chrono::milliseconds(100);

/// RFC 8083 section 4.3: who sends ten times what TCP would achieve must stop. This stays below, so
/// that no circuit breaker trips.
constexpr double kMostTimesTcp = 9;

double most_inherent_loss(double bandwidth) {
  return std::clamp(kInherentLossAtHighRates + kLossBalance / std::max(bandwidth, 1.0),
                    kLeastInherentLoss, kMostInherentLoss);
}

}  // namespace

Bitrate LossBasedControl::update(const Input& input) {
  if (input.probed) probed_ = input.probed;
  if (observe(input.outcomes)) choose(input);
  const Bitrate bound = std::min(bandwidth_.value_or(Bitrate::unlimited()), inquire(input));
  return std::min({bound, tcp_bound(input.round_trip), input.delay_based});
}

Bitrate LossBasedControl::present(const Input& input) const {
  Bitrate rate = std::min(bandwidth_.value_or(input.delay_based), input.delay_based);
  if (asked_at_) rate = std::min(rate, *asked_at_ * kGrowth);
  return std::max(rate, Bitrate(1000));
}

bool LossBasedControl::may_grow(const Input& input) const {
  return !asked_at_ || input.now - asked_ >= kAskTime + kAnswerTime + input.round_trip;
}

Bitrate LossBasedControl::inquire(const Input& input) {
  if (average_loss_ < kMuchLoss) {
    asked_at_.reset();
    return Bitrate::unlimited();
  }
  const Bitrate rate = present(input);
  if (asked_at_) asked_at_ = std::min(*asked_at_, rate);
  const bool has_grown = !asked_at_ || rate > *asked_at_ * ((1 + kGrowth) / 2);
  if (may_grow(input) && (has_grown || input.now - asked_ >= kAskAgain)) {
    asked_at_ = rate;
    asked_ = input.now;
  }
  return *asked_at_ * (input.now - asked_ < kAskTime ? kAskRate : kGrowth);
}

bool LossBasedControl::observe(std::span<const Outcome> outcomes) {
  for (const Outcome& outcome : outcomes) {
    if (!began_at_) began_at_ = latest_sent_ = outcome.packet.sent;
    latest_sent_ = std::max(latest_sent_, outcome.packet.sent);
    measure_size(static_cast<double>(outcome.packet.size));
    if (outcome.was_lost) {
      // It was counted, and has arrived after all.
      if (lost_ > 0) --lost_;
      ++received_;
      continue;
    }
    bytes_ += outcome.packet.size;
    ++(outcome.received ? received_ : lost_);
  }
  if (!began_at_ || latest_sent_ - *began_at_ < kObservation) return false;
  const Bitrate rate = Bitrate::of(bytes_, latest_sent_ - *began_at_);
  observations_.push_front({static_cast<double>(rate.bps()), static_cast<double>(lost_),
                            static_cast<double>(received_)});
  if (observations_.size() > kMaxObservations) observations_.pop_back();
  began_at_ = latest_sent_;
  bytes_ = lost_ = received_ = 0;
  average();
  return true;
}

void LossBasedControl::measure_size(double size) {
  // Each byte counts, not each packet: between large packets of video and many small ones of audio
  // it is the video's size that says how TCP would fare with as many bytes.
  constexpr double kBytes = 100'000;
  const double weight = std::min(size / kBytes, 1.0);
  packet_size_ = packet_size_ == 0 ? size : packet_size_ + (size - packet_size_) * weight;
}

void LossBasedControl::average() {
  double lost = 0;
  double all = 0;
  double weight = 1;
  for (const Observation& seen : observations_) {
    lost += weight * seen.lost;
    all += weight * (seen.lost + seen.received);
    weight *= kAging;
  }
  average_loss_ = all == 0 ? 0 : lost / all;
}

void LossBasedControl::choose(const Input& input) {
  const Bitrate from = present(input);
  Bitrate best = from;
  Fit best_fit = fit(from);
  const auto consider = [&](Bitrate candidate) {
    Fit its_fit = fit(candidate);
    its_fit.score +=
        std::clamp(kPreference * std::log(candidate / from), -kMostPreference, kMostPreference);
    if (its_fit.score <= best_fit.score) return;
    best = candidate;
    best_fit = its_fit;
  };
  for (const double step : kStepsDown) consider(from * step);
  if (input.acknowledged && *input.acknowledged < from) consider(*input.acknowledged);
  // Up in small steps, but for a rate that was tried: else a path without a queue would be flooded
  // each time its last losses are forgotten.
  if (may_grow(input)) {
    consider(std::min(from * kStepUp, input.delay_based));
    if (probed_ && *probed_ > from) consider(std::min(*probed_, input.delay_based));
    if (asked_at_ && probed_ && best == *probed_) asked_at_ = best;
  }
  probed_.reset();
  inherent_loss_ = best_fit.inherent_loss;
  bandwidth_ = best < input.delay_based ? std::optional(best) : std::nullopt;
}

/// The most likely p for this bandwidth, and how likely both together make what was seen.
LossBasedControl::Fit LossBasedControl::fit(Bitrate bandwidth) const {
  const auto limit = static_cast<double>(std::max<std::int64_t>(bandwidth.bps(), 1));
  // What is lost for lack of bandwidth, of what was sent at `rate`.
  const auto excess = [&](double rate) { return rate > limit ? (rate - limit) / rate : 0; };

  // The log-likelihood is concave in p: its slope is positive below the best p, negative above.
  const auto rises_at = [&](double p) {
    double slope = 0;
    double weight = 1;
    for (const Observation& seen : observations_) {
      const double kept = 1 - excess(seen.rate);
      slope += weight * (seen.lost * kept / (1 - (1 - p) * kept) - seen.received / (1 - p));
      weight *= kAging;
    }
    return slope > 0;
  };
  double low = kLeastInherentLoss;
  double high = most_inherent_loss(limit);
  if (rises_at(high)) low = high;
  constexpr double kPrecision = 1e-4;
  while (high - low > kPrecision) {
    const double middle = (low + high) / 2;
    (rises_at(middle) ? low : high) = middle;
  }

  Fit fit{.inherent_loss = low, .score = 0};
  double weight = 1;
  for (const Observation& seen : observations_) {
    const double passes = (1 - low) * (1 - excess(seen.rate));
    fit.score += weight * (seen.lost * std::log(1 - passes) + seen.received * std::log(passes));
    weight *= kAging;
  }
  return fit;
}

Bitrate LossBasedControl::tcp_bound(Duration round_trip) const {
  if (average_loss_ <= 0 || round_trip <= Duration::zero()) return Bitrate::unlimited();
  // RFC 8083 section 4.3, the simplified equation with one packet for each acknowledgement.
  const double seconds = std::chrono::duration<double>(round_trip).count();
  const double tcp = packet_size_ * 8 / (seconds * std::sqrt(2 * average_loss_ / 3));
  return Bitrate(1) * (kMostTimesTcp * tcp);
}

}  // namespace floe::rtp
