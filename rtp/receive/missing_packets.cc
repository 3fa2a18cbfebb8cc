#include "floe/rtp/receive/missing_packets.h"

#include <algorithm>

namespace floe::rtp {
namespace {

// What the round trip varies by, and the peer's pacer adds.
constexpr Duration kSlack = std::chrono::milliseconds(10);

}  // namespace

Duration MissingPackets::interval() const {
  return std::max<Duration>(round_trip_ * 5 / 4, std::chrono::milliseconds(10)) + kSlack;
}

bool MissingPackets::handle_packet(Time now, std::int64_t sequence) {
  if (!started_) {
    started_ = true;
    highest_ = sequence;
    return true;
  }
  if (sequence <= highest_) {
    if (missing_.erase(sequence) > 0) update_next();
    return true;
  }
  const std::int64_t gap = sequence - highest_ - 1;
  if (gap + static_cast<std::int64_t>(missing_.size()) > static_cast<std::int64_t>(kMaxMissing)) {
    missing_.clear();
    highest_ = sequence;
    update_next();
    return false;
  }
  for (std::int64_t one = highest_ + 1; one < sequence; ++one) {
    missing_.emplace_hint(missing_.end(), one, Request{now + kReorderWait, 0});
  }
  highest_ = sequence;
  if (gap > 0) next_ = std::min(next_, now + kReorderWait);
  return true;
}

void MissingPackets::forget_before(std::int64_t sequence) {
  const auto end = missing_.lower_bound(sequence);
  if (end == missing_.begin()) return;
  missing_.erase(missing_.begin(), end);
  update_next();
}

void MissingPackets::clear() {
  missing_.clear();
  started_ = false;
  next_ = kNever;
}

void MissingPackets::take_due(Time now, std::vector<std::uint16_t>& sequences) {
  if (now < next_) return;
  for (auto& [sequence, request] : missing_) {
    if (request.made == kMaxRequests || request.next > now) continue;
    ++request.made;
    request.next = now + interval();
    sequences.push_back(static_cast<std::uint16_t>(sequence));
  }
  update_next();
}

void MissingPackets::update_next() {
  next_ = kNever;
  for (const auto& [sequence, request] : missing_) {
    if (request.made < kMaxRequests) next_ = std::min(next_, request.next);
  }
}

}  // namespace floe::rtp
