#include "floe/net/prefix.h"

#include <cstring>

#include "floe/core/bytes.h"

namespace floe::net {
namespace {

constexpr std::size_t kChannelDataHeader = 4;
constexpr std::size_t kStunHeader = 20;            // RFC 8489 section 5
constexpr std::size_t kAttributeHeader = 4;        // RFC 8489 section 14: type, length
constexpr std::uint16_t kSendIndication = 0x0016;  // RFC 8656 section 17: method 0x006, class 0b01
constexpr std::uint32_t kMagicCookie = 0x2112a442;
constexpr std::uint16_t kXorPeerAddress = 0x0012;  // RFC 8656 section 18
constexpr std::uint16_t kData = 0x0013;
constexpr std::uint16_t kDontFragment = 0x001a;
constexpr std::size_t kMaxLength = 0xffff;  // Every length here is a 16-bit number.

std::size_t padded(std::size_t size) {
  return (size + 3) & ~std::size_t{3};
}

/// Header and value of XOR-PEER-ADDRESS: family, port and address.
std::size_t peer_attribute(const Endpoint& peer) {
  return kAttributeHeader + 4 + peer.address.bytes().size();
}

/// RFC 8656 section 11.1, up to where DATA's value begins.
void write_send_indication(ByteWriter& writer, const Prefix& prefix, std::size_t payload_size,
                           std::uint32_t serial) {
  const Endpoint& peer = prefix.peer;
  const std::size_t message = prefix.size() - kStunHeader + padded(payload_size);
  writer.u16(kSendIndication);
  writer.u16(static_cast<std::uint16_t>(message));
  writer.u32(kMagicCookie);
  // RFC 8489 section 5 has transaction ids random so that answers are found and not forged. Nothing
  // answers an indication, where it "serves as a debugging aid": a running number serves.
  writer.zeros(8);
  writer.u32(serial);

  // RFC 8489 section 14.2: the port is under the cookie, the address under cookie and transaction
  // id, which is zero but for its last four bytes.
  const Bytes address = peer.address.bytes();
  writer.u16(kXorPeerAddress);
  writer.u16(static_cast<std::uint16_t>(4 + address.size()));
  writer.u16(peer.address.is_v4() ? 0x01 : 0x02);
  writer.u16(static_cast<std::uint16_t>(peer.port ^ (kMagicCookie >> 16)));
  ByteReader reader(address);
  const std::uint32_t masks[] = {kMagicCookie, 0, 0, serial};
  for (std::size_t i = 0; i < address.size() / 4; ++i) writer.u32(reader.u32() ^ masks[i]);

  if (prefix.dont_fragment) {
    writer.u16(kDontFragment);
    writer.u16(0);
  }
  writer.u16(kData);
  writer.u16(static_cast<std::uint16_t>(payload_size));
}

}  // namespace

Prefix Prefix::rfc4571() {
  Prefix prefix;
  prefix.form = Form::kRfc4571;
  return prefix;
}

Prefix Prefix::channel_data(std::uint16_t channel, bool over_stream) {
  Prefix prefix;
  prefix.form = Form::kChannelData;
  prefix.channel = channel;
  prefix.over_stream = over_stream;
  return prefix;
}

Prefix Prefix::send_indication(const Endpoint& peer, bool dont_fragment) {
  Prefix prefix;
  prefix.dont_fragment = dont_fragment;
  prefix.form = Form::kSendIndication;
  prefix.peer = peer;
  return prefix;
}

std::size_t Prefix::size() const {
  switch (form) {
    case Form::kNone:
      return 0;
    case Form::kRfc4571:
      return 2;
    case Form::kChannelData:
      return kChannelDataHeader;
    case Form::kSendIndication:
      return kStunHeader + peer_attribute(peer) + (dont_fragment ? kAttributeHeader : 0) +
             kAttributeHeader;
  }
  return 0;
}

bool Prefix::can_carry(std::size_t payload_size) const {
  if (form == Form::kSendIndication) {
    return size() - kStunHeader + padded(payload_size) <= kMaxLength;
  }
  return payload_size <= kMaxLength;
}

std::size_t Prefix::frame(std::uint8_t* start, std::size_t payload_size,
                          std::uint32_t serial) const {
  const std::size_t before = size();
  ByteWriter writer({start, before});
  switch (form) {
    case Form::kNone:
      break;
    case Form::kRfc4571:
      writer.u16(static_cast<std::uint16_t>(payload_size));
      break;
    case Form::kChannelData:
      writer.u16(channel);
      writer.u16(static_cast<std::uint16_t>(payload_size));
      break;
    case Form::kSendIndication:
      write_send_indication(writer, *this, payload_size, serial);
      break;
  }
  const std::size_t end = before + payload_size;
  const bool pads = form == Form::kSendIndication || (form == Form::kChannelData && over_stream);
  if (!pads) return end;
  std::memset(start + end, 0, padded(end) - end);
  return padded(end);
}

}  // namespace floe::net
