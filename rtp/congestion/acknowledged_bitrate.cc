#include "floe/rtp/congestion/acknowledged_bitrate.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace floe::rtp {

void AcknowledgedBitrate::add(std::span<const Outcome> outcomes) {
  for (const Outcome& outcome : outcomes) {
    if (!outcome.received) continue;
    insert({outcome.packet.sent, *outcome.received, outcome.packet.size});
    while (packets_.size() > kMaxWindowPackets ||
           (packets_.size() > kMinWindowPackets &&
            packets_.back().received - packets_.front().received > kWindow)) {
      packets_.pop_front();
    }
  }
}

void AcknowledgedBitrate::insert(const Packet& packet) {
  // Farther back than any window reaches, the receiver's clock was set: what came before says
  // nothing about what comes now.
  constexpr Duration kClockSet = std::chrono::seconds(10);
  if (!packets_.empty() && packet.received < packets_.back().received - kClockSet) {
    packets_.clear();
  }
  auto at = packets_.end();
  while (at != packets_.begin() && std::prev(at)->received > packet.received) --at;
  packets_.insert(at, packet);
}

std::optional<Bitrate> AcknowledgedBitrate::rate() const {
  if (packets_.size() < kRequiredPackets) return std::nullopt;
  Duration longest_gap{};
  Duration second_gap{};
  std::size_t bytes = 0;
  const Packet* first_sent = &packets_.front();
  const Packet* last_sent = &packets_.front();
  for (std::size_t i = 0; i < packets_.size(); ++i) {
    const Packet& packet = packets_[i];
    bytes += packet.size;
    if (packet.sent < first_sent->sent) first_sent = &packet;
    if (packet.sent > last_sent->sent) last_sent = &packet;
    if (i == 0) continue;
    const Duration gap = packet.received - packets_[i - 1].received;
    if (gap > longest_gap) {
      second_gap = std::exchange(longest_gap, gap);
    } else if (gap > second_gap) {
      second_gap = gap;
    }
  }
  // Between n packets lie n - 1 intervals: the first to arrive was carried before they began, and
  // the last to leave was carried after they ended.
  const Duration received_over =
      packets_.back().received - packets_.front().received - longest_gap + second_gap;
  const Duration sent_over = last_sent->sent - first_sent->sent;
  constexpr Duration kShortest = std::chrono::milliseconds(1);
  return std::min(Bitrate::of(bytes - packets_.front().size, std::max(received_over, kShortest)),
                  Bitrate::of(bytes - last_sent->size, std::max(sent_over, kShortest)));
}

}  // namespace floe::rtp
