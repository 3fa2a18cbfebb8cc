#include "floe/rtp/packet_builder.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "floe/core/check.h"
#include "floe/rtp/packet.h"

namespace floe::rtp {
namespace {

// RFC 8285 section 4.2: 14 ids, each with a byte before at most 16.
constexpr std::size_t kMaxOneByteId = 14;
constexpr std::size_t kMaxOneByteValue = 16;
// Elements of one packet may repeat ids, but nobody sends more than a few dozen bytes of them; this
// is what widening copies aside.
constexpr std::size_t kMaxOneByteBlock = kMaxOneByteId * (1 + kMaxOneByteValue);

}  // namespace

PacketBuilder::PacketBuilder(MutableBytes space, const Header& header, bool mixed_extensions)
    : space_(space), mixed_(mixed_extensions) {
  FLOE_CHECK(header.csrcs.size() <= kMaxCsrcs && header.payload_type < 128);
  ByteWriter writer(space_);
  writer.u8(static_cast<std::uint8_t>(0x80 | header.csrcs.size()));
  writer.u8(static_cast<std::uint8_t>(header.payload_type | (header.marker ? 0x80 : 0)));
  writer.u16(header.sequence_number);
  writer.u32(header.timestamp);
  writer.u32(header.ssrc);
  for (const std::uint32_t csrc : header.csrcs) writer.u32(csrc);
  ok_ = writer.ok();
  size_ = writer.size();
}

bool PacketBuilder::add_extension(std::uint8_t id, Bytes value) {
  FLOE_CHECK(id != 0 && !ended_);
  if (!ok_ || value.size() > 255) return false;
  const bool narrow = id <= kMaxOneByteId && !value.empty() && value.size() <= kMaxOneByteValue;
  if (!narrow && !mixed_) return false;
  const std::size_t before = size_;
  if (block_at_ == 0) {
    if (space_.size() < size_ + 4) return false;
    two_byte_ = !narrow;
  } else if (!narrow && !two_byte_ && !widen_extensions()) {
    return false;
  }
  const std::size_t block_header = block_at_ == 0 ? 4 : 0;
  const std::size_t element = (two_byte_ ? 2 : 1) + value.size();
  // The three bytes are the padding that may be needed behind the last element.
  if (element + block_header + 3 > space_.size() - size_) return false;
  if (!two_byte_ && block_at_ != 0 && size_ - block_at_ - 4 + element > kMaxOneByteBlock) {
    return false;
  }
  if (block_at_ == 0) {
    block_at_ = before;
    size_ += 4;
  }
  if (two_byte_) {
    space_[size_++] = id;
    space_[size_++] = static_cast<std::uint8_t>(value.size());
  } else {
    space_[size_++] = static_cast<std::uint8_t>(id << 4 | (value.size() - 1));
  }
  std::copy(value.begin(), value.end(), space_.begin() + static_cast<std::ptrdiff_t>(size_));
  size_ += value.size();
  return true;
}

bool PacketBuilder::widen_extensions() {
  std::array<std::uint8_t, kMaxOneByteBlock> narrow;
  const std::size_t narrow_size = size_ - block_at_ - 4;
  FLOE_CHECK(narrow_size <= narrow.size());
  std::memcpy(narrow.data(), space_.data() + block_at_ + 4, narrow_size);
  ByteWriter writer(space_.subspan(block_at_ + 4));
  ExtensionReader reader(kOneByteProfile, MutableBytes(narrow).first(narrow_size));
  std::size_t elements = 0;
  while (reader.next()) ++elements;
  if (narrow_size + elements + 3 > writer.space_left()) return false;
  reader = ExtensionReader(kOneByteProfile, MutableBytes(narrow).first(narrow_size));
  while (const auto element = reader.next()) {
    writer.u8(element->id);
    writer.u8(static_cast<std::uint8_t>(element->value.size()));
    writer.bytes(element->value);
  }
  size_ = block_at_ + 4 + writer.size();
  two_byte_ = true;
  return true;
}

void PacketBuilder::end_extensions() {
  if (ended_ || !ok_) return;
  ended_ = true;
  if (block_at_ == 0) return;
  // Every add_extension() left room for the padding.
  while ((size_ - block_at_) % 4 != 0) space_[size_++] = 0;
  space_[0] |= 0x10;
  ByteWriter writer(space_.subspan(block_at_, 4));
  writer.u16(two_byte_ ? kTwoByteProfile : kOneByteProfile);
  writer.u16(static_cast<std::uint16_t>((size_ - block_at_ - 4) / 4));
}

MutableBytes PacketBuilder::payload_space() {
  end_extensions();
  return ok_ ? space_.subspan(size_) : MutableBytes();
}

std::size_t PacketBuilder::finish(std::size_t payload_size, std::size_t padding_size) {
  FLOE_CHECK(padding_size <= 255);
  const MutableBytes space = payload_space();
  if (!ok_ || payload_size > space.size() || padding_size > space.size() - payload_size) {
    ok_ = false;
    return 0;
  }
  if (padding_size > 0) {
    space_[0] |= 0x20;
    const MutableBytes padding = space.subspan(payload_size, padding_size);
    std::fill(padding.begin(), padding.end(), std::uint8_t{0});
    padding.back() = static_cast<std::uint8_t>(padding_size);
  }
  size_ += payload_size + padding_size;
  return size_;
}

}  // namespace floe::rtp
