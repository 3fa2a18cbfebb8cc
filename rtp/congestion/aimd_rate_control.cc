#include "floe/rtp/congestion/aimd_rate_control.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace floe::rtp {
namespace {

// draft-ietf-rmcat-gcc-02 section 5.5.
constexpr double kBeta = 0.85;
constexpr double kGrowthPerSecond = 1.08;
/// Time between a change of the rate and its showing in a feedback, on top of the round trip.
constexpr Duration kReactionTime = std::chrono::milliseconds(100);
/// What the encoder is assumed to make, for the size of a step: the draft's 30 frames in a second
/// in packets of 1,200 bytes.
constexpr double kFramesPerSecond = 30;
constexpr double kPacketBits = 1200 * 8;
/// Slower growth than this would never end.
constexpr double kMinStepPerSecond = 4000;

/// The rate may not run away from what the path was seen to carry (section 5.5, "1.5 * R_hat").
constexpr double kMostAboveAcknowledged = 1.5;
constexpr Bitrate kSlackAboveAcknowledged = 10_kbps;

double in_seconds(Duration d) {
  return std::chrono::duration<double>(d).count();
}

}  // namespace

void LinkCapacity::add(Bitrate at_overuse) {
  constexpr double kWeight = 0.05;
  // Bounds of the variance: 14 kbit/s around 500 kbit/s at least, 35 kbit/s at most.
  constexpr double kMinVariance = 0.4;
  constexpr double kMaxVariance = 2.5;
  const double sample = at_overuse.kbps();
  mean_ = mean_ ? (1 - kWeight) * *mean_ + kWeight * sample : sample;
  const double error = *mean_ - sample;
  variance_ = (1 - kWeight) * variance_ + kWeight * error * error / std::max(*mean_, 1.0);
  variance_ = std::clamp(variance_, kMinVariance, kMaxVariance);
}

std::optional<Bitrate> LinkCapacity::mean() const {
  if (!mean_) return std::nullopt;
  return Bitrate(static_cast<std::int64_t>(*mean_ * 1000));
}

double LinkCapacity::deviation() const {
  return std::sqrt(variance_ * *mean_);
}

bool LinkCapacity::is_above(Bitrate rate) const {
  return mean_ && rate.kbps() < *mean_ - 3 * deviation();
}

bool LinkCapacity::is_below(Bitrate rate) const {
  return mean_ && rate.kbps() > *mean_ + 3 * deviation();
}

Bitrate AimdRateControl::update(Time now, const Input& input) {
  const bool has_less = input.fair_share && rate_ < *input.fair_share;
  switch (has_less ? PathUse::kNormal : input.use) {
    case PathUse::kOveruse:
      decrease(now, input);
      state_ = State::kHold;
      break;
    case PathUse::kUnderuse:
      state_ = State::kHold;  // The queue drains: let it.
      break;
    case PathUse::kNormal:
      if (state_ == State::kIncrease) {
        increase(now, input);
      } else {
        changed_at_ = now;
        state_ = State::kIncrease;
      }
      break;
  }
  return rate_;
}

void AimdRateControl::set_rate(Time now, Bitrate rate) {
  rate_ = rate;
  changed_at_ = now;
}

void AimdRateControl::increase(Time now, const Input& input) {
  const Duration elapsed =
      std::clamp<Duration>(now - changed_at_, Duration{}, std::chrono::seconds(1));
  changed_at_ = now;
  if (input.is_application_limited) return;
  if (input.acknowledged && capacity_.is_below(*input.acknowledged)) capacity_.reset();
  Bitrate grown = rate_;
  if (input.fair_share && rate_ < *input.fair_share) {
    // Others were faster: half of the way in a second and a half.
    const double part = 1 - std::exp2(-in_seconds(elapsed) / 1.5);
    grown = rate_ + (*input.fair_share - rate_) * part;
  } else if (capacity_.mean()) {
    grown = rate_ + additive_step(elapsed, input.round_trip);
  } else {
    grown = rate_ * std::pow(kGrowthPerSecond, in_seconds(elapsed));
    grown = std::max(grown, rate_ + Bitrate(1000) * in_seconds(elapsed));
  }
  if (input.acknowledged) {
    grown = std::min(grown, *input.acknowledged * kMostAboveAcknowledged + kSlackAboveAcknowledged);
  }
  rate_ = std::max(rate_, grown);
}

// Half a packet in each response time: slow enough that the next overuse is a short queue.
Bitrate AimdRateControl::additive_step(Duration elapsed, Duration round_trip) const {
  const double frame_bits = static_cast<double>(rate_.bps()) / kFramesPerSecond;
  const double packet_bits = frame_bits / std::max(1.0, std::ceil(frame_bits / kPacketBits));
  const double per_second = 0.5 * packet_bits / in_seconds(round_trip + kReactionTime);
  return Bitrate(
      static_cast<std::int64_t>(std::max(per_second, kMinStepPerSecond) * in_seconds(elapsed)));
}

void AimdRateControl::decrease(Time now, const Input& input) {
  const Bitrate arrived = input.acknowledged.value_or(rate_);
  Bitrate lower = arrived * kBeta;
  // What arrived may be more than was asked for, while an old queue drains: then the best that is
  // known is where the link was overused before.
  if (lower > rate_ && capacity_.mean()) lower = *capacity_.mean() * kBeta;
  // A second overuse within one response time is the first one, seen again; unless what arrives is
  // so much less that waiting would only make the queue longer.
  const bool is_same = fell_at_ && now - *fell_at_ < input.round_trip + kReactionTime;
  if (is_same && arrived * 2.0 > rate_) return;
  if (capacity_.is_above(arrived)) capacity_.reset();
  capacity_.add(arrived);
  rate_ = std::min(rate_, std::max(lower, input.fair_share.value_or(lower)));
  changed_at_ = now;
  fell_at_ = now;
}

}  // namespace floe::rtp
