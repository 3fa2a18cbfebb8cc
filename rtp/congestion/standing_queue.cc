#include "floe/rtp/congestion/standing_queue.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace floe::rtp {
namespace {

// RFC 5348 section 5.4.
constexpr std::array kWeights = {1.0, 1.0, 1.0, 1.0, 0.8, 0.6, 0.4, 0.2};
/// The packets of a TCP flow.
constexpr double kPacketBits = 1200 * 8;

}  // namespace

void StandingQueue::update(const Input& input) {
  round_trip_ = input.round_trip;
  for (const Outcome& outcome : input.outcomes) count(outcome, input.round_trip);
  const Time now = input.now;
  if (!since_ || input.queueing_delay < kShort) enter(now, State::kWatching);
  queue_least_ = std::min(queue_least_, input.queueing_delay);
  const Duration passed = now - *since_;
  switch (state_) {
    case State::kWatching:
      if (others_at_ && now - *others_at_ < kMemory) {
        if (passed >= kLessPatience) enter(now, State::kSharing);
      } else if (passed >= kPatience) {
        ask(input);
      }
      break;
    case State::kSharing:
      if (passed >= kAnswerHolds) ask(input);
      break;
    case State::kAsking:
      if (passed < (others_at_ ? kAskAgainTime : kAskTime) + input.round_trip) break;
      others_at_.reset();
      if (queue_least_ > queue_before_ / 2) others_at_ = now;
      enter(now, others_at_ ? State::kSharing : State::kWatching);
      break;
  }
}

void StandingQueue::ask(const Input& input) {
  queue_before_ = queue_least_ = input.queueing_delay;
  enter(input.now, State::kAsking);
}

void StandingQueue::enter(Time now, State state) {
  state_ = state;
  since_ = now;
}

std::optional<Bitrate> StandingQueue::fair_share() const {
  // Asked again, it stays theirs until the answer is another one.
  const bool is_others = state_ == State::kSharing || (state_ == State::kAsking && others_at_);
  if (!is_others || round_trip_ <= Duration::zero()) return std::nullopt;
  // The simplified equation, as in RFC 8083 section 4.3.
  const double seconds = std::chrono::duration<double>(round_trip_).count();
  return Bitrate(1) * (kPacketBits / (seconds * std::sqrt(2 * loss_event_rate() / 3)));
}

double StandingQueue::part() const {
  if (state_ != State::kAsking) return 1;
  return others_at_ ? kAskAgainRate : kAskRate;
}

void StandingQueue::count(const Outcome& outcome, Duration round_trip) {
  if (outcome.was_lost) return;
  intervals_[0] += 1;
  if (outcome.received) return;
  // RFC 5348 section 5.2: what is lost within a round trip is one event.
  if (lost_at_ && outcome.packet.sent - *lost_at_ < round_trip) return;
  lost_at_ = outcome.packet.sent;
  std::copy_backward(intervals_.begin(), intervals_.end() - 1, intervals_.end());
  intervals_[0] = 0;
  known_ = std::min(known_ + 1, kIntervals);
}

double StandingQueue::loss_event_rate() const {
  // Section 5.4: the open interval counts if it makes the average longer.
  const auto average = [&](std::size_t first, std::size_t count) {
    double sum = 0;
    double weights = 0;
    for (std::size_t i = 0; i < count; ++i) {
      sum += kWeights[i] * intervals_[first + i];
      weights += kWeights[i];
    }
    return weights == 0 ? 0 : sum / weights;
  };
  const double mean = std::max(average(1, known_), average(0, std::min(known_ + 1, kIntervals)));
  return std::clamp(mean == 0 ? 1 : 1 / mean, 1e-6, 1.0);
}

}  // namespace floe::rtp
