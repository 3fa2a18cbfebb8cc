#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "floe/core/time.h"
#include "floe/rtp/packet_result.h"
#include "floe/rtp/transport_feedback.h"

namespace floe::rtp {

/// Numbers the packets of one transport and remembers them until the peer's transport-wide feedback
/// says what became of each.
class SentPackets {
 public:
  /// Half of the counter's range, less what may be under way: older feedback would be ambiguous.
  static constexpr std::size_t kMaxPackets = 16'384;
  /// Feedback comes at least every 250 ms; what is older than this was never reported.
  static constexpr Duration kMaxAge = std::chrono::seconds(60);

  /// A packet leaves now; returns its transport-wide sequence number, which must go into it.
  /// `size` is what congestion control shall count, usually with headers of UDP and IP.
  std::uint16_t add(Time now, std::size_t size);

  /// Appends to `results` what the feedback newly tells, ascending by sequence number: a packet is
  /// reported once as lost and, should it still come, once as received.
  void handle_feedback(const TransportFeedback& feedback, std::vector<PacketResult>& results);

  /// Bytes of the packets nothing was heard of yet.
  std::size_t bytes_in_flight() const { return bytes_in_flight_; }
  /// Statuses of packets that are unknown, or forgotten.
  std::uint64_t unknown() const { return unknown_; }

 private:
  enum class State : std::uint8_t { kInFlight, kLost, kReceived };
  struct Entry {
    Time sent;
    std::size_t size;
    State state;
  };

  void settle(Entry& entry, State state);

  std::deque<Entry> entries_;  // of the numbers first_, first_ + 1, ...
  std::int64_t first_ = 0;
  std::size_t bytes_in_flight_ = 0;
  std::uint64_t unknown_ = 0;
  std::int64_t reference_ = 0;  // unwrapped, in TransportFeedback::kReferenceUnit
  bool has_reference_ = false;
};

}  // namespace floe::rtp
