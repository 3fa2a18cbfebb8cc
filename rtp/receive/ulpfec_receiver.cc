#include "floe/rtp/receive/ulpfec_receiver.h"

#include <algorithm>

namespace floe::rtp {
namespace {

// RFC 5109 sections 7.3 and 7.4.
constexpr std::size_t kHeaderSize = 10;
constexpr std::uint8_t kExtension = 0x80;
constexpr std::uint8_t kLongMask = 0x40;
constexpr unsigned kShortMaskBits = 16;
constexpr unsigned kLongMaskBits = 48;

/// What of a packet goes into the parity's header: all but the SSRC, with the length of what
/// follows the fixed header in place of the sequence number (section 8.2).
void add(Bytes packet, std::vector<std::uint8_t>& header) {
  const std::size_t length = packet.size() - kFixedHeaderSize;
  header[0] ^= packet[0] & 0x3f;
  header[1] ^= packet[1];
  for (std::size_t i = 4; i < 8; ++i) header[i] ^= packet[i];
  header[8] ^= static_cast<std::uint8_t>(length >> 8);
  header[9] ^= static_cast<std::uint8_t>(length);
}

}  // namespace

void UlpfecReceiver::handle_media(const Packet& packet) {
  keep(sequences_.unwrap(packet.sequence_number()), packet.bytes());
}

void UlpfecReceiver::keep(std::int64_t sequence, Bytes packet) {
  media_.emplace(sequence, to_vector(packet));
  while (media_.size() > kMaxMedia) media_.erase(media_.begin());
}

bool UlpfecReceiver::handle_parity(Bytes payload) {
  ByteReader reader(payload);
  Parity parity;
  parity.header = to_vector(reader.bytes(kHeaderSize));
  if (!reader.ok() || (parity.header[0] & kExtension) != 0) return false;
  const unsigned bits = (parity.header[0] & kLongMask) != 0 ? kLongMaskBits : kShortMaskBits;
  const auto base = static_cast<std::uint16_t>(parity.header[2] << 8 | parity.header[3]);
  const std::size_t protection_length = reader.u16();
  std::uint64_t mask = reader.u16();
  if (bits == kLongMaskBits) mask = mask << 32 | reader.u32();
  parity.payload = to_vector(reader.bytes(protection_length));
  if (!reader.ok() || mask == 0) return false;
  // Before there is media its numbers mean nothing.
  if (!sequences_.last()) return true;
  const std::int64_t first = sequences_.peek(base);
  for (unsigned bit = 0; bit < bits; ++bit) {
    if ((mask >> (bits - 1 - bit) & 1) != 0) parity.protects.push_back(first + bit);
  }
  if (parity_.size() == kMaxParity) parity_.pop_front();
  parity_.push_back(std::move(parity));
  return true;
}

std::optional<std::vector<std::uint8_t>> UlpfecReceiver::poll_recovered() {
  // Each turn removes a parity packet or is the last, so this ends.
  for (std::size_t i = 0; i < parity_.size();) {
    const Parity& parity = parity_[i];
    std::size_t missing = 0;
    std::int64_t which = 0;
    for (const std::int64_t sequence : parity.protects) {
      if (media_.contains(sequence)) continue;
      ++missing;
      which = sequence;
    }
    const bool too_old = !media_.empty() && parity.protects.back() < media_.begin()->first;
    if (missing > 1 && !too_old) {
      ++i;
      continue;
    }
    auto recovered = missing == 1 && !too_old ? recover(parity, which) : std::nullopt;
    parity_.erase(parity_.begin() + static_cast<std::ptrdiff_t>(i));
    if (!recovered) continue;
    keep(which, *recovered);
    return recovered;
  }
  return std::nullopt;
}

std::optional<std::vector<std::uint8_t>> UlpfecReceiver::recover(const Parity& parity,
                                                                 std::int64_t missing) const {
  std::vector<std::uint8_t> header = parity.header;
  std::vector<std::uint8_t> payload = parity.payload;
  header[0] &= 0x3f;
  for (const std::int64_t sequence : parity.protects) {
    if (sequence == missing) continue;
    const std::vector<std::uint8_t>& packet = media_.at(sequence);
    add(packet, header);
    const std::size_t length = std::min(payload.size(), packet.size() - kFixedHeaderSize);
    for (std::size_t i = 0; i < length; ++i) payload[i] ^= packet[kFixedHeaderSize + i];
  }
  const std::size_t length = static_cast<std::size_t>(header[8] << 8 | header[9]);
  // A longer packet than what is protected cannot be recovered as a whole.
  if (length > payload.size()) return std::nullopt;
  std::vector<std::uint8_t> packet(kFixedHeaderSize + length);
  ByteWriter writer(packet);
  writer.u8(0x80 | header[0]);
  writer.u8(header[1]);
  writer.u16(static_cast<std::uint16_t>(missing));
  writer.bytes(Bytes(header).subspan(4, 4));
  writer.u32(ssrc_);
  writer.bytes(Bytes(payload).first(length));
  if (!Packet::parse(packet)) return std::nullopt;
  return packet;
}

}  // namespace floe::rtp
