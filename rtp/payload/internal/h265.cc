#include "floe/rtp/payload/internal/h265.h"

#include <algorithm>

namespace floe::rtp {
namespace {

// ITU-T H.265 table 7-1, and RFC 7798 section 4.4.
constexpr std::uint8_t kFirstIrap = 16;
constexpr std::uint8_t kLastIrap = 21;
constexpr std::uint8_t kVps = 32;
constexpr std::uint8_t kSps = 33;
constexpr std::uint8_t kPps = 34;
constexpr std::uint8_t kDelimiter = 35;
constexpr std::uint8_t kLastSingle = 47;
constexpr std::uint8_t kAggregation = 48;
constexpr std::uint8_t kFragmentation = 49;

constexpr std::uint8_t kTypeMask = 0x7e;
constexpr std::uint8_t kFuStart = 0x80;
constexpr std::uint8_t kFuEnd = 0x40;

std::uint8_t type_of(Bytes unit) {
  return (unit[0] & kTypeMask) >> 1;
}

std::uint8_t with_type(std::uint8_t first, std::uint8_t type) {
  return static_cast<std::uint8_t>((first & ~kTypeMask) | type << 1);
}

bool is_irap(std::uint8_t type) {
  return type >= kFirstIrap && type <= kLastIrap;
}

}  // namespace

bool is_h265_key_frame(Bytes annex_b) {
  const std::vector<Bytes> units = split_annex_b(annex_b);
  return std::any_of(units.begin(), units.end(), [](Bytes unit) { return is_irap(type_of(unit)); });
}

void H265Packetizer::write_aggregation_header(ByteWriter& writer,
                                              std::span<const Bytes> units) const {
  // RFC 7798 section 4.4.2: F if any has it, the lowest layer and the lowest temporal id.
  std::uint8_t forbidden = 0;
  std::uint16_t layer = 0x3f;
  std::uint8_t temporal = 7;
  for (const Bytes unit : units) {
    forbidden |= unit[0] & 0x80;
    layer = std::min(layer, static_cast<std::uint16_t>((unit[0] & 1) << 5 | unit[1] >> 3));
    temporal = std::min<std::uint8_t>(temporal, unit[1] & 7);
  }
  writer.u16(
      static_cast<std::uint16_t>(forbidden << 8 | kAggregation << 9 | layer << 3 | temporal));
}

void H265Packetizer::write_fragment_header(ByteWriter& writer, Bytes unit, bool first,
                                           bool last) const {
  writer.u8(with_type(unit[0], kFragmentation));
  writer.u8(unit[1]);
  writer.u8(
      static_cast<std::uint8_t>((first ? kFuStart : 0) | (last ? kFuEnd : 0) | type_of(unit)));
}

bool H265Depacketizer::read(Bytes payload, std::vector<NalPart>& parts) const {
  if (payload.size() < header_size()) return false;
  const std::uint8_t type = type_of(payload);
  if (type <= kLastSingle) {
    parts.push_back(whole(payload, type));
    return true;
  }
  ByteReader reader(payload);
  reader.skip(header_size());
  if (type == kAggregation) {
    while (reader.remaining() > 0) {
      const Bytes unit = reader.bytes(reader.u16());
      if (!reader.ok() || unit.size() < header_size() || type_of(unit) > kLastSingle) return false;
      parts.push_back(whole(unit, type_of(unit)));
    }
    return !parts.empty();
  }
  if (type != kFragmentation) return false;
  const std::uint8_t header = reader.u8();
  NalPart part;
  part.type = header & 0x3f;
  part.begins = (header & kFuStart) != 0;
  part.ends = (header & kFuEnd) != 0;
  part.header = {with_type(payload[0], part.type), payload[1]};
  part.body = reader.rest();
  // Section 4.4.3: a unit that fits one fragment must not be fragmented.
  if (!reader.ok() || part.type > kLastSingle || (part.begins && part.ends)) return false;
  parts.push_back(part);
  return true;
}

bool H265Depacketizer::is_key(std::uint8_t type) const {
  return is_irap(type);
}

bool H265Depacketizer::is_parameter_set(std::uint8_t type) const {
  return type >= kVps && type <= kPps;
}

bool H265Depacketizer::begins_picture(const NalPart& part) const {
  if (part.type == kVps || part.type == kSps || part.type == kDelimiter) return true;
  // first_slice_segment_in_pic_flag is the slice header's first bit.
  return is_irap(part.type) && !part.body.empty() && (part.body[0] & 0x80) != 0;
}

}  // namespace floe::rtp
