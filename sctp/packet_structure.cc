#include "floe/sctp/packet_structure.h"

#include <algorithm>

namespace floe::sctp::internal {
namespace {

constexpr std::size_t kCommonHeader = 12;
constexpr std::size_t kTlvHeader = 4;

// RFC 9260 section 3.2, RFC 6525 section 3.1
constexpr std::uint8_t kInit = 1;
constexpr std::uint8_t kInitAck = 2;
constexpr std::uint8_t kReconfig = 130;
// RFC 9260 section 3.3.2: tag, window, two stream counts and the TSN come before the parameters.
constexpr std::size_t kInitFixed = 16;

constexpr std::size_t padded(std::size_t length) {
  return (length + 3) / 4 * 4;
}

bool parameters_add_up(Bytes parameters) {
  ByteReader reader(parameters);
  while (reader.remaining() > 0) {
    reader.skip(2);
    const std::size_t length = reader.u16();
    if (length < kTlvHeader || length - kTlvHeader > reader.remaining()) return false;
    reader.skip(std::min(padded(length) - kTlvHeader, reader.remaining()));
  }
  return reader.ok();
}

}  // namespace

bool is_well_formed(Bytes packet) {
  ByteReader reader(packet);
  reader.skip(kCommonHeader);
  if (!reader.ok() || reader.remaining() < kTlvHeader) return false;
  while (reader.remaining() >= kTlvHeader) {
    const bool first = reader.position() == kCommonHeader;
    const std::uint8_t type = reader.u8();
    reader.skip(1);
    const std::size_t length = reader.u16();
    if (length < kTlvHeader || length - kTlvHeader > reader.remaining()) return false;
    const Bytes value = reader.bytes(length - kTlvHeader);
    reader.skip(std::min(padded(length) - length, reader.remaining()));
    if (type == kInit || type == kInitAck) {
      // RFC 9260 section 6.10: never bundled.
      if (!first || reader.remaining() > 0 || value.size() < kInitFixed) return false;
      if (!parameters_add_up(value.subspan(kInitFixed))) return false;
    }
    if (type == kReconfig && !parameters_add_up(value)) return false;
  }
  return true;
}

}  // namespace floe::sctp::internal
