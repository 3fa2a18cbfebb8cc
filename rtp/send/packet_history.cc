#include "floe/rtp/send/packet_history.h"

#include <algorithm>
#include <utility>

namespace floe::rtp {

void PacketHistory::add(Time now, std::uint16_t sequence, Bytes packet) {
  std::vector<std::uint8_t> space;
  while (!entries_.empty() &&
         (now - entries_.front().added > kMaxAge || entries_.size() >= kMaxPackets ||
          bytes_ + packet.size() > kMaxBytes)) {
    bytes_ -= entries_.front().packet.size();
    space = std::move(entries_.front().packet);
    entries_.pop_front();
  }
  // Nearly always at the end; a forwarder also sends what was overtaken.
  const std::int64_t unwrapped = sequences_.peek(sequence);
  auto at = entries_.end();
  while (at != entries_.begin() && std::prev(at)->sequence >= unwrapped) --at;
  if (at != entries_.end() && at->sequence == unwrapped) return;
  if (at == entries_.end()) sequences_.unwrap(sequence);
  space.assign(packet.begin(), packet.end());
  bytes_ += space.size();
  entries_.insert(at, {unwrapped, now, now, 0, std::move(space)});
}

PacketHistory::Entry* PacketHistory::find(std::uint16_t sequence) {
  const std::int64_t unwrapped = sequences_.peek(sequence);
  const auto found = std::lower_bound(
      entries_.begin(), entries_.end(), unwrapped,
      [](const Entry& entry, std::int64_t wanted) { return entry.sequence < wanted; });
  return found == entries_.end() || found->sequence != unwrapped ? nullptr : &*found;
}

std::optional<std::size_t> PacketHistory::repeatable(Time now, std::uint16_t sequence,
                                                     Duration round_trip) {
  const Entry* entry = find(sequence);
  if (entry == nullptr || now - entry->added > kMaxAge || entry->repeats == kMaxRepeats ||
      (entry->repeats > 0 && now - entry->sent < round_trip)) {
    return std::nullopt;
  }
  return entry->packet.size();
}

std::optional<MutableBytes> PacketHistory::repeat(Time now, std::uint16_t sequence,
                                                  Duration round_trip) {
  if (!repeatable(now, sequence, round_trip)) return std::nullopt;
  Entry* entry = find(sequence);
  ++entry->repeats;
  entry->sent = now;
  return entry->packet;
}

std::optional<MutableBytes> PacketHistory::newest(std::size_t max_size) {
  // The last few are enough to look at: packets of a frame are about equally large.
  constexpr std::size_t kLookedAt = 16;
  std::size_t looked = 0;
  for (auto it = entries_.rbegin(); it != entries_.rend() && looked < kLookedAt; ++it, ++looked) {
    if (it->packet.size() <= max_size) return it->packet;
  }
  return std::nullopt;
}

void PacketHistory::clear() {
  entries_.clear();
  bytes_ = 0;
}

}  // namespace floe::rtp
