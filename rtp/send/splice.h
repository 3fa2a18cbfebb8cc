#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "floe/core/time.h"
#include "floe/rtp/packet.h"
#include "floe/rtp/sequence_number.h"

namespace floe::rtp {

/// Joins packets of several incoming streams to one outgoing one: what a forwarding server does
/// that changes from one simulcast encoding, or one speaker, to another, or leaves out layers. The
/// numbers that come out go on without a gap where it changes or leaves out, and with the gaps that
/// the network made.
///
///     if (const auto place = splice.place(now, packet)) {
///       stream->send_packet(now, packet, extensions, place->sequence, place->timestamp);
///     }
class Splice {
 public:
  /// In Hz, the same for all of them.
  explicit Splice(std::uint32_t clock_rate) : clock_rate_(clock_rate) {}

  struct Place {
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
  };
  /// Left-out packets that are remembered for those they overtook.
  static constexpr std::size_t kMaxShifts = 256;

  /// Where a packet belongs that is forwarded. One from another SSRC than the last begins a new
  /// part: for video it should begin a key frame. Nothing for a packet from before its part began:
  /// there is no number left for it.
  std::optional<Place> place(Time now, const Packet& packet);
  /// A packet of the present stream is not forwarded, so its number is given to the next.
  void leave_out(const Packet& packet);

 private:
  struct Shift {
    std::int64_t from;  // unwrapped incoming sequence number
    std::int64_t offset;
  };
  struct Last {
    std::int64_t sequence;  // outgoing
    std::uint32_t timestamp;
    Time at;
  };

  void begin(Time now, const Packet& packet);

  std::uint32_t clock_rate_;
  std::optional<std::uint32_t> ssrc_;
  SequenceUnwrapper incoming_;
  std::deque<Shift> shifts_;  // of the present part, ascending
  std::uint32_t timestamp_offset_ = 0;
  std::optional<Last> last_;
};

}  // namespace floe::rtp
