#include "floe/rtp/congestion/inter_arrival.h"

#include <algorithm>
#include <chrono>

namespace floe::rtp {

std::optional<InterArrival::Deltas> InterArrival::add(Time sent, Duration received) {
  if (!current_) {
    current_ = Group{sent, sent, received, received};
    return std::nullopt;
  }
  if (sent < current_->first_sent) return std::nullopt;  // Of a group that is closed.
  if (sent - current_->first_sent <= kBurst || belongs_to_burst(sent, received)) {
    current_->last_sent = std::max(current_->last_sent, sent);
    current_->last_received = std::max(current_->last_received, received);
    return std::nullopt;
  }
  const std::optional<Deltas> deltas = compare();
  previous_ = current_;
  current_ = Group{sent, sent, received, received};
  return deltas;
}

bool InterArrival::belongs_to_burst(Time sent, Duration received) const {
  const Duration sent_delta = sent - current_->last_sent;
  const Duration received_delta = received - current_->last_received;
  if (sent_delta == Duration::zero()) return true;
  const Duration burst = received - current_->first_received;
  return received_delta < sent_delta && received_delta <= kBurst && burst >= Duration::zero() &&
         burst < kLongestBurst;
}

std::optional<InterArrival::Deltas> InterArrival::compare() const {
  if (!previous_) return std::nullopt;
  const Deltas deltas{current_->last_sent - previous_->last_sent,
                      current_->last_received - previous_->last_received};
  if (deltas.received < Duration::zero()) return std::nullopt;  // Reordered on the way.
  if (std::chrono::abs(deltas.received - deltas.sent) > kLargestJump) return std::nullopt;
  return deltas;
}

}  // namespace floe::rtp
