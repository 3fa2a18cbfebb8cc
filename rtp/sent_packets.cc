#include "floe/rtp/sent_packets.h"

namespace floe::rtp {

std::uint16_t SentPackets::add(Time now, std::size_t size) {
  while (!entries_.empty() &&
         (entries_.size() >= kMaxPackets || now - entries_.front().sent > kMaxAge)) {
    settle(entries_.front(), State::kLost);
    entries_.pop_front();
    ++first_;
  }
  entries_.push_back({now, size, State::kInFlight});
  bytes_in_flight_ += size;
  return static_cast<std::uint16_t>(first_ + static_cast<std::int64_t>(entries_.size()) - 1);
}

void SentPackets::settle(Entry& entry, State state) {
  if (entry.state == State::kInFlight) bytes_in_flight_ -= entry.size;
  entry.state = state;
}

void SentPackets::handle_feedback(const TransportFeedback& feedback,
                                  std::vector<PacketResult>& results) {
  if (entries_.empty()) {
    unknown_ += feedback.status_count();
    return;
  }
  // The reference time wraps after twelve days: the nearest to the last one is meant.
  std::int64_t reference = feedback.reference_time();
  if (has_reference_) {
    const auto ahead = static_cast<std::uint32_t>(reference - reference_) << 8;
    reference = reference_ + (static_cast<std::int32_t>(ahead) >> 8);
  }
  has_reference_ = true;
  reference_ = reference;
  const Duration base = reference * TransportFeedback::kReferenceUnit;

  // The number nearest to the newest packet; nothing newer can have been received.
  const std::int64_t newest = first_ + static_cast<std::int64_t>(entries_.size()) - 1;
  const auto behind =
      static_cast<std::uint16_t>(static_cast<std::uint16_t>(newest) - feedback.base_sequence());
  std::int64_t sequence = newest - behind;
  feedback.for_each([&](const PacketStatus& status) {
    const std::int64_t index = sequence++ - first_;
    if (index < 0 || index >= static_cast<std::int64_t>(entries_.size())) {
      ++unknown_;
      return;
    }
    Entry& entry = entries_[static_cast<std::size_t>(index)];
    const State state = status.arrival ? State::kReceived : State::kLost;
    if (entry.state == State::kReceived || entry.state == state) return;
    settle(entry, state);
    PacketResult result{first_ + index, entry.sent, entry.size, std::nullopt};
    if (status.arrival) result.received = base + *status.arrival;
    results.push_back(result);
  });
}

}  // namespace floe::rtp
