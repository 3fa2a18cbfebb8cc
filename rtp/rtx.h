#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "floe/rtp/packet.h"

// Retransmission payload format (RFC 4588): the original sequence number, then the payload.
namespace floe::rtp {

inline constexpr std::size_t kRtxOverhead = 2;

/// Turns a retransmission into the packet it repeats, in place: the header moves up over the
/// original sequence number. Nothing for padding, which congestion control sends on this stream.
std::optional<Packet> unwrap_rtx(const Packet& rtx, std::uint32_t ssrc, std::uint8_t payload_type);

/// Writes the retransmission of `original`, a whole packet, into `space` and returns its size; 0 if
/// it does not fit. Padding of the original is left out.
std::size_t write_rtx(const Packet& original, std::uint32_t ssrc, std::uint8_t payload_type,
                      std::uint16_t sequence_number, MutableBytes space);

}  // namespace floe::rtp
