#include "floe/sctp/dcep.h"

#include <limits>

#include "floe/core/text.h"

namespace floe::sctp {
namespace {

// RFC 8832 section 8.2.1
constexpr std::uint8_t kAck = 0x02;
constexpr std::uint8_t kOpen = 0x03;

// RFC 8832 section 8.2.2
constexpr std::uint8_t kUnordered = 0x80;
constexpr std::uint8_t kReliable = 0x00;
constexpr std::uint8_t kRexmit = 0x01;
constexpr std::uint8_t kTimed = 0x02;

constexpr std::size_t kOpenHeader = 12;
constexpr std::size_t kMaxText = std::numeric_limits<std::uint16_t>::max();

Result<DcepMessage> parse_open(ByteReader& reader) {
  DcepOpen open;
  const std::uint8_t channel_type = reader.u8();
  open.priority = reader.u16();
  const std::uint32_t reliability = reader.u32();
  const std::size_t label_length = reader.u16();
  const std::size_t protocol_length = reader.u16();
  const Bytes label = reader.bytes(label_length);
  const Bytes protocol = reader.bytes(protocol_length);
  if (!reader.ok()) return fail(Errc::kMalformed, "DATA_CHANNEL_OPEN ends too early");
  if (reader.remaining() != 0) {
    return fail(Errc::kMalformed, "DATA_CHANNEL_OPEN has bytes after its protocol");
  }
  open.ordered = (channel_type & kUnordered) == 0;
  switch (channel_type & ~kUnordered) {
    case kReliable:
      break;
    case kRexmit:
      open.max_retransmits = reliability;
      break;
    case kTimed:
      open.max_packet_life_time = reliability;
      break;
    default:
      return fail(Errc::kMalformed,
                  "DATA_CHANNEL_OPEN has the unknown channel type " + std::to_string(channel_type));
  }
  if (!is_utf8(label) || !is_utf8(protocol)) {
    return fail(Errc::kMalformed, "DATA_CHANNEL_OPEN has a label or protocol that is not UTF-8");
  }
  open.label = as_text(label);
  open.protocol = as_text(protocol);
  return open;
}

}  // namespace

Result<DcepMessage> parse_dcep(Bytes bytes) {
  ByteReader reader(bytes);
  const std::uint8_t type = reader.u8();
  if (!reader.ok()) return fail(Errc::kMalformed, "the DCEP message is empty");
  if (type == kOpen) return parse_open(reader);
  if (type != kAck) {
    return fail(Errc::kMalformed, "the DCEP message type " + std::to_string(type) + " is unknown");
  }
  if (reader.remaining() != 0) {
    return fail(Errc::kMalformed, "DATA_CHANNEL_ACK has bytes after its type");
  }
  return DcepAck{};
}

Result<std::vector<std::uint8_t>> serialize(const DcepOpen& open) {
  if (open.max_retransmits && open.max_packet_life_time) {
    return fail(Errc::kInvalidArgument,
                "max_retransmits and max_packet_life_time exclude each other: set one of them");
  }
  if (open.label.size() > kMaxText || open.protocol.size() > kMaxText) {
    return fail(Errc::kInvalidArgument,
                "a data channel's label and protocol have at most 65535 bytes");
  }
  if (!is_utf8(as_bytes(open.label)) || !is_utf8(as_bytes(open.protocol))) {
    return fail(Errc::kInvalidArgument, "a data channel's label and protocol must be UTF-8");
  }
  std::uint8_t type = kReliable;
  if (open.max_retransmits) type = kRexmit;
  if (open.max_packet_life_time) type = kTimed;
  if (!open.ordered) type |= kUnordered;

  std::vector<std::uint8_t> message(kOpenHeader + open.label.size() + open.protocol.size());
  ByteWriter writer(message);
  writer.u8(kOpen);
  writer.u8(type);
  writer.u16(open.priority);
  writer.u32(open.max_retransmits.value_or(open.max_packet_life_time.value_or(0)));
  writer.u16(static_cast<std::uint16_t>(open.label.size()));
  writer.u16(static_cast<std::uint16_t>(open.protocol.size()));
  writer.bytes(as_bytes(open.label));
  writer.bytes(as_bytes(open.protocol));
  return message;
}

std::vector<std::uint8_t> serialize(const DcepAck&) {
  return {kAck};
}

}  // namespace floe::sctp
