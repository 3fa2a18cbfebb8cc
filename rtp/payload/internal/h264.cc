#include "floe/rtp/payload/internal/h264.h"

#include <algorithm>

namespace floe::rtp {
namespace {

// ITU-T H.264 table 7-1, and RFC 6184 table 1.
constexpr std::uint8_t kIdr = 5;
constexpr std::uint8_t kSps = 7;
constexpr std::uint8_t kPps = 8;
constexpr std::uint8_t kDelimiter = 9;
constexpr std::uint8_t kLastSingle = 23;
constexpr std::uint8_t kStapA = 24;
constexpr std::uint8_t kFuA = 28;

constexpr std::uint8_t kForbidden = 0x80;
constexpr std::uint8_t kImportance = 0x60;
constexpr std::uint8_t kFuStart = 0x80;
constexpr std::uint8_t kFuEnd = 0x40;

std::uint8_t type_of(std::uint8_t header) {
  return header & 0x1f;
}

}  // namespace

bool is_h264_key_frame(Bytes annex_b) {
  const std::vector<Bytes> units = split_annex_b(annex_b);
  return std::any_of(units.begin(), units.end(),
                     [](Bytes unit) { return type_of(unit[0]) == kIdr; });
}

void H264Packetizer::write_aggregation_header(ByteWriter& writer,
                                              std::span<const Bytes> units) const {
  // Section 5.7.1: F if any has it, and the greatest NRI.
  std::uint8_t forbidden = 0;
  std::uint8_t importance = 0;
  for (const Bytes unit : units) {
    forbidden |= unit[0] & kForbidden;
    importance = std::max<std::uint8_t>(importance, unit[0] & kImportance);
  }
  writer.u8(static_cast<std::uint8_t>(forbidden | importance | kStapA));
}

void H264Packetizer::write_fragment_header(ByteWriter& writer, Bytes unit, bool first,
                                           bool last) const {
  writer.u8(static_cast<std::uint8_t>((unit[0] & (kForbidden | kImportance)) | kFuA));
  writer.u8(
      static_cast<std::uint8_t>((first ? kFuStart : 0) | (last ? kFuEnd : 0) | type_of(unit[0])));
}

bool H264Depacketizer::read(Bytes payload, std::vector<NalPart>& parts) const {
  if (payload.empty()) return false;
  const std::uint8_t type = type_of(payload[0]);
  if (type >= 1 && type <= kLastSingle) {
    parts.push_back(whole(payload, type));
    return true;
  }
  ByteReader reader(payload);
  const std::uint8_t indicator = reader.u8();
  if (type == kStapA) {
    while (reader.remaining() > 0) {
      const Bytes unit = reader.bytes(reader.u16());
      if (!reader.ok() || unit.empty()) return false;
      const std::uint8_t inner = type_of(unit[0]);
      if (inner == 0 || inner > kLastSingle) return false;
      parts.push_back(whole(unit, inner));
    }
    return !parts.empty();
  }
  if (type != kFuA) return false;
  const std::uint8_t header = reader.u8();
  NalPart part;
  part.type = type_of(header);
  part.begins = (header & kFuStart) != 0;
  part.ends = (header & kFuEnd) != 0;
  part.header[0] = static_cast<std::uint8_t>((indicator & (kForbidden | kImportance)) | part.type);
  part.body = reader.rest();
  // Section 5.8: a unit that fits one fragment must not be fragmented.
  if (!reader.ok() || part.type == 0 || part.type > kLastSingle || (part.begins && part.ends)) {
    return false;
  }
  parts.push_back(part);
  return true;
}

bool H264Depacketizer::is_key(std::uint8_t type) const {
  return type == kIdr;
}

bool H264Depacketizer::is_parameter_set(std::uint8_t type) const {
  return type == kSps || type == kPps;
}

bool H264Depacketizer::begins_picture(const NalPart& part) const {
  if (part.type == kSps || part.type == kDelimiter) return true;
  // first_mb_in_slice is 0 where the slice header begins with a one bit.
  return part.type == kIdr && !part.body.empty() && (part.body[0] & 0x80) != 0;
}

}  // namespace floe::rtp
