#include "floe/rtp/packet.h"

#include "floe/core/check.h"

namespace floe::rtp {
namespace {

std::uint32_t load(Bytes bytes, std::size_t at, std::size_t count) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) value = value << 8 | bytes[at + i];
  return value;
}

void store(MutableBytes bytes, std::size_t at, std::uint32_t value, std::size_t count) {
  for (std::size_t i = count; i-- > 0; value >>= 8) {
    bytes[at + i] = static_cast<std::uint8_t>(value);
  }
}

}  // namespace

bool looks_like_rtcp(Bytes packet) {
  return packet.size() >= 2 && packet[1] >= 192 && packet[1] <= 223;
}

std::optional<ExtensionElement> ExtensionReader::next() {
  const bool two_byte = is_two_byte_profile(profile_);
  if (!two_byte && profile_ != kOneByteProfile) return std::nullopt;
  // RFC 8285 section 4.1.2: single bytes of zero between the elements are padding.
  while (position_ < block_.size() && block_[position_] == 0) ++position_;
  if (position_ >= block_.size()) return std::nullopt;

  ExtensionElement element;
  std::size_t size = 0;
  const std::uint8_t first = block_[position_++];
  if (two_byte) {
    element.id = first;
    if (position_ < block_.size())
      size = block_[position_++];
    else
      position_ = block_.size() + 1;
  } else {
    element.id = first >> 4;
    size = (first & 0x0f) + std::size_t{1};
    // Sections 4.1.2 and 4.2: padding with a length, and the reserved id, end the block.
    if (element.id == 0 || element.id == 15) position_ = block_.size() + 1;
  }
  if (position_ > block_.size() || size > block_.size() - position_) {
    block_ = {};
    return std::nullopt;
  }
  element.value = block_.subspan(position_, size);
  position_ += size;
  return element;
}

std::optional<Packet> Packet::parse(MutableBytes bytes) {
  if (bytes.size() < kFixedHeaderSize || bytes[0] >> 6 != 2) return std::nullopt;
  Packet packet;
  packet.bytes_ = bytes;
  std::size_t at = kFixedHeaderSize + 4 * packet.csrc_count();
  packet.extension_at_ = at;
  if (packet.has_extension_block()) {
    if (bytes.size() < at + 4) return std::nullopt;
    packet.extension_profile_ = static_cast<std::uint16_t>(load(bytes, at, 2));
    packet.extension_at_ = at + 4;
    at += 4 + 4 * std::size_t{load(bytes, at + 2, 2)};
  }
  if (at > bytes.size()) return std::nullopt;
  packet.payload_at_ = at;
  if ((bytes[0] & 0x20) != 0) {
    packet.padding_ = bytes.back();
    // RFC 3550 section 5.1: the count is one of the bytes it counts.
    if (packet.padding_ == 0 || packet.padding_ > bytes.size() - at) return std::nullopt;
  }
  return packet;
}

std::uint16_t Packet::sequence_number() const {
  return static_cast<std::uint16_t>(load(bytes_, 2, 2));
}
std::uint32_t Packet::timestamp() const {
  return load(bytes_, 4, 4);
}
std::uint32_t Packet::ssrc() const {
  return load(bytes_, 8, 4);
}

std::uint32_t Packet::csrc(std::size_t index) const {
  FLOE_CHECK(index < csrc_count());
  return load(bytes_, kFixedHeaderSize + 4 * index, 4);
}

void Packet::set_marker(bool marker) {
  bytes_[1] = static_cast<std::uint8_t>((bytes_[1] & 0x7f) | (marker ? 0x80 : 0));
}
void Packet::set_payload_type(std::uint8_t payload_type) {
  bytes_[1] = static_cast<std::uint8_t>((bytes_[1] & 0x80) | (payload_type & 0x7f));
}
void Packet::set_sequence_number(std::uint16_t sequence_number) {
  store(bytes_, 2, sequence_number, 2);
}
void Packet::set_timestamp(std::uint32_t timestamp) {
  store(bytes_, 4, timestamp, 4);
}
void Packet::set_ssrc(std::uint32_t ssrc) {
  store(bytes_, 8, ssrc, 4);
}

std::optional<MutableBytes> Packet::extension(std::uint8_t id) const {
  ExtensionReader reader = extensions();
  while (const auto element = reader.next()) {
    if (element->id == id) return element->value;
  }
  return std::nullopt;
}

}  // namespace floe::rtp
