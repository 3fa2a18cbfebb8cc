#include "floe/rtp/congestion/send_history.h"

#include <algorithm>

namespace floe::rtp {

void SendHistory::add(const SentPacket& packet) {
  if (!entries_.empty() && packet.sequence <= entries_.back().packet.sequence) return;
  entries_.push_back({packet});
  forget_old(packet.sent);
}

std::span<const Outcome> SendHistory::take(std::span<const PacketReport> reports) {
  outcomes_.clear();
  for (const PacketReport& report : reports) {
    const std::size_t index = index_of(report.sequence);
    if (index == entries_.size() || entries_[index].packet.sequence != report.sequence) continue;
    Entry& entry = entries_[index];
    if (entry.arrived || (entry.lost && !report.received)) continue;
    highest_reported_ = std::max(highest_reported_.value_or(report.sequence), report.sequence);
    outcomes_.push_back({entry.packet, report.received, entry.lost});
    (report.received ? entry.arrived : entry.lost) = true;
  }
  while (!entries_.empty() && entries_.front().arrived) entries_.pop_front();
  std::stable_sort(outcomes_.begin(), outcomes_.end(), [](const Outcome& a, const Outcome& b) {
    if (!a.received || !b.received) return a.received.has_value() && !b.received;
    return *a.received < *b.received;
  });
  return outcomes_;
}

std::optional<Time> SendHistory::oldest_outstanding() const {
  const std::size_t index = highest_reported_ ? index_of(*highest_reported_ + 1) : 0;
  if (index == entries_.size()) return std::nullopt;
  return entries_[index].packet.sent;
}

/// Of the first entry that is not before `sequence`.
std::size_t SendHistory::index_of(std::int64_t sequence) const {
  const auto at = std::lower_bound(
      entries_.begin(), entries_.end(), sequence,
      [](const Entry& entry, std::int64_t value) { return entry.packet.sequence < value; });
  return static_cast<std::size_t>(at - entries_.begin());
}

void SendHistory::forget_old(Time now) {
  while (entries_.size() > kMaxPackets || now - entries_.front().packet.sent > kMaxAge ||
         entries_.front().arrived) {
    entries_.pop_front();
    if (entries_.empty()) return;
  }
}

}  // namespace floe::rtp
