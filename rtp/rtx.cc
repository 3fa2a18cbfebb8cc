#include "floe/rtp/rtx.h"

#include <cstring>

namespace floe::rtp {

std::optional<Packet> unwrap_rtx(const Packet& rtx, std::uint32_t ssrc, std::uint8_t payload_type) {
  const MutableBytes payload = rtx.payload();
  if (payload.size() < kRtxOverhead) return std::nullopt;
  const auto sequence = static_cast<std::uint16_t>(payload[0] << 8 | payload[1]);
  const MutableBytes bytes = rtx.bytes();
  std::memmove(bytes.data() + kRtxOverhead, bytes.data(), rtx.header_size());
  auto packet = Packet::parse(bytes.subspan(kRtxOverhead));
  if (!packet) return std::nullopt;
  packet->set_sequence_number(sequence);
  packet->set_ssrc(ssrc);
  packet->set_payload_type(payload_type);
  return packet;
}

std::size_t write_rtx(const Packet& original, std::uint32_t ssrc, std::uint8_t payload_type,
                      std::uint16_t sequence_number, MutableBytes space) {
  const Bytes payload = original.payload();
  ByteWriter writer(space);
  writer.bytes(original.bytes().first(original.header_size()));
  writer.u16(original.sequence_number());
  writer.bytes(payload);
  if (!writer.ok()) return 0;
  space[0] &= 0xdf;  // without the padding
  auto packet = Packet::parse(writer.written());
  if (!packet) return 0;
  packet->set_ssrc(ssrc);
  packet->set_payload_type(payload_type);
  packet->set_sequence_number(sequence_number);
  return writer.size();
}

}  // namespace floe::rtp
