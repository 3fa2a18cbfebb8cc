#include "floe/rtp/rtcp_packets.h"

namespace floe::rtp {
namespace {

// RFC 3611 sections 4.4 and 4.5.
constexpr std::uint8_t kXrReferenceTime = 4;
constexpr std::uint8_t kXrDlrr = 5;

}  // namespace

ReportBlock ReportBlock::read(ByteReader& reader) {
  ReportBlock block;
  block.ssrc = reader.u32();
  block.fraction_lost = reader.u8();
  const std::uint32_t lost = reader.u24();
  block.cumulative_lost = static_cast<std::int32_t>(lost << 8) >> 8;
  block.highest_sequence = reader.u32();
  block.jitter = reader.u32();
  block.last_report = reader.u32();
  block.delay = reader.u32();
  return block;
}

void ReportBlock::write(ByteWriter& writer) const {
  writer.u32(ssrc);
  writer.u8(fraction_lost);
  writer.u24(static_cast<std::uint32_t>(cumulative_lost) & 0xff'ffff);
  writer.u32(highest_sequence);
  writer.u32(jitter);
  writer.u32(last_report);
  writer.u32(delay);
}

DlrrRecord DlrrRecord::read(ByteReader& reader) {
  DlrrRecord record;
  record.ssrc = reader.u32();
  record.last_report = reader.u32();
  record.delay = reader.u32();
  return record;
}

NackPair NackPair::read(ByteReader& reader) {
  NackPair pair;
  pair.first = reader.u16();
  pair.following = reader.u16();
  return pair;
}

FirEntry FirEntry::read(ByteReader& reader) {
  FirEntry entry;
  entry.ssrc = reader.u32();
  entry.sequence = reader.u8();
  reader.skip(3);
  return entry;
}

std::optional<SdesItem> SdesReader::next() {
  while (reader_.ok() && reader_.remaining() > 0) {
    if (!in_chunk_) {
      ssrc_ = reader_.u32();
      in_chunk_ = true;
      continue;
    }
    const std::uint8_t type = reader_.u8();
    if (type == 0) {
      // RFC 3550 section 6.5: a chunk ends with a null item and is padded to 32 bits.
      reader_.skip((4 - reader_.position() % 4) % 4);
      in_chunk_ = false;
      continue;
    }
    const Bytes text = reader_.bytes(reader_.u8());
    if (!reader_.ok()) return std::nullopt;
    return SdesItem{ssrc_, static_cast<SdesType>(type), as_text(text)};
  }
  return std::nullopt;
}

std::optional<XrBlock> XrReader::next() {
  if (reader_.remaining() == 0) return std::nullopt;
  XrBlock block;
  block.type = reader_.u8();
  block.type_specific = reader_.u8();
  block.body = reader_.bytes(4 * std::size_t{reader_.u16()});
  return reader_.ok() ? std::optional(block) : std::nullopt;
}

std::optional<NtpTime> XrBlock::reference_time() const {
  if (type != kXrReferenceTime || body.size() < 8) return std::nullopt;
  return NtpTime{ByteReader(body).u64()};
}

std::optional<Records<DlrrRecord>> XrBlock::dlrr() const {
  if (type != kXrDlrr) return std::nullopt;
  return Records<DlrrRecord>(body);
}

}  // namespace floe::rtp
