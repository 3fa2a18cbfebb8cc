#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "floe/core/bytes.h"
#include "floe/rtp/rtcp_packets.h"

namespace floe::rtp {

/// Walks the packets of a compound (RFC 3550 section 6.1) or reduced-size (RFC 5506) RTCP packet.
///
///     RtcpReader reader(bytes);
///     while (const auto packet = reader.next()) std::visit(..., *packet);
///
/// Packets of unknown types and malformed ones are skipped and counted. Nothing more comes once the
/// lengths stop adding up.
class RtcpReader {
 public:
  explicit RtcpReader(Bytes bytes) : reader_(bytes) {}

  std::optional<RtcpPacket> next();

  /// Types or formats that floe does not know.
  std::size_t unknown() const { return unknown_; }
  /// Not of version 2, or lengths that do not add up.
  std::size_t malformed() const { return malformed_; }

 private:
  enum class Outcome : std::uint8_t { kRead, kUnknown, kMalformed };
  Outcome read(std::uint8_t count, std::uint8_t type, Bytes body, RtcpPacket& packet);

  ByteReader reader_;
  std::size_t unknown_ = 0;
  std::size_t malformed_ = 0;
};

}  // namespace floe::rtp
