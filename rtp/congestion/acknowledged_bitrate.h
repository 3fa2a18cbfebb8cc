#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>

#include "floe/rtp/congestion/bitrate.h"
#include "floe/rtp/congestion/send_history.h"

namespace floe::rtp {

/// How fast what was sent arrived, over the last half second or so: the smaller of the rates at
/// which those packets left and arrived. Packets that a radio held back and then delivered at once
/// arrive faster than they could have been carried, but they did not leave faster; and the longest
/// gap counts only as much as the second longest, so that one pause does not halve the figure.
class AcknowledgedBitrate {
 public:
  void add(std::span<const Outcome> outcomes);
  /// nullopt while there are too few packets to tell.
  std::optional<Bitrate> rate() const;
  void reset() { packets_.clear(); }

  // The window: as short as possible, so that a drop shows at once, but a dozen frames at least.
  static constexpr Duration kWindow = std::chrono::milliseconds(500);
  static constexpr std::size_t kMinWindowPackets = 20;
  static constexpr std::size_t kMaxWindowPackets = 500;
  static constexpr std::size_t kRequiredPackets = 10;

 private:
  struct Packet {
    Time sent;
    Duration received;
    std::size_t size;
  };
  void insert(const Packet& packet);

  std::deque<Packet> packets_;  // In the order of arrival.
};

}  // namespace floe::rtp
