#pragma once

#include <cstdint>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/net/send_batch.h"

namespace floe::ice {

/// Small packets on their way from an engine to the next `poll_transmit`. It keeps no memory worth
/// mentioning between turns.
class PacketQueue {
 public:
  /// Packets queued between two turns at most. One received train has 64 packets, each of which may
  /// ask for one answer; what a flood brings beyond a few trains is not worth an answer.
  static constexpr std::size_t kMaxPackets = 256;

  /// False when full: the packet is dropped.
  bool push(const net::Route& route, Bytes packet) {
    if (entries_.size() >= kMaxPackets) return false;
    entries_.push_back({route, bytes_.size(), packet.size()});
    bytes_.insert(bytes_.end(), packet.begin(), packet.end());
    return true;
  }
  bool empty() const { return entries_.empty(); }

  /// Moves packets into `batch` until it is full.
  void drain(net::SendBatch& batch) {
    std::size_t done = 0;
    for (const Entry& entry : entries_) {
      if (!batch.add(entry.route, Bytes(bytes_).subspan(entry.offset, entry.size))) break;
      ++done;
    }
    entries_.erase(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(done));
    if (entries_.empty()) bytes_.clear();
  }
  void clear() {
    entries_.clear();
    bytes_.clear();
  }

 private:
  struct Entry {
    net::Route route;
    std::size_t offset;
    std::size_t size;
  };
  std::vector<Entry> entries_;
  std::vector<std::uint8_t> bytes_;
};

}  // namespace floe::ice
