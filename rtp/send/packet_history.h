#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/time.h"
#include "floe/rtp/sequence_number.h"

namespace floe::rtp {

/// The last packets of one stream, as they were sent, for those who missed them.
class PacketHistory {
 public:
  /// A receiver that still waits after this has asked for a key frame.
  static constexpr Duration kMaxAge = std::chrono::seconds(2);
  /// Two seconds of 16 Mbit/s.
  static constexpr std::size_t kMaxBytes = 4 * 1024 * 1024;
  static constexpr std::size_t kMaxPackets = 8192;
  /// Repeats of one packet; receivers ask at most ten times.
  static constexpr int kMaxRepeats = 10;

  void add(Time now, std::uint16_t sequence, Bytes packet);
  /// The size of a packet that may be repeated now. Nothing if it is gone, or was repeated less
  /// than `round_trip` ago: that repeat is still under way.
  std::optional<std::size_t> repeatable(Time now, std::uint16_t sequence, Duration round_trip);
  /// The same packet, which counts as repeated now.
  std::optional<MutableBytes> repeat(Time now, std::uint16_t sequence, Duration round_trip);
  /// The newest packet of at most `max_size` bytes, to fill a probe with something useful.
  std::optional<MutableBytes> newest(std::size_t max_size);
  void clear();

  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::int64_t sequence = 0;
    Time sent{};  // or repeated
    Time added{};
    int repeats = 0;
    std::vector<std::uint8_t> packet;
  };

  Entry* find(std::uint16_t sequence);

  std::deque<Entry> entries_;  // ascending
  SequenceUnwrapper sequences_;
  std::size_t bytes_ = 0;
};

}  // namespace floe::rtp
