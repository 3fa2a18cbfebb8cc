#include <algorithm>
#include <cstring>
#include <tuple>

#include "floe/crypto/crypto.h"
#include "floe/stun_client/message.h"

namespace floe::stun {
namespace {

constexpr std::size_t kAttributeHeaderSize = 4;
constexpr std::size_t kMaxLength = 0xfffc;             ///< The largest multiple of 4 in 16 bits.
constexpr std::uint32_t kFingerprintXor = 0x5354554e;  // RFC 8489 section 14.7
/// RFC 8489 section 14.8: fewer than 128 characters.
constexpr std::size_t kMaxReasonCharacters = 127;

void put_u16(MutableBytes at, std::size_t value) {
  at[0] = static_cast<std::uint8_t>(value >> 8);
  at[1] = static_cast<std::uint8_t>(value);
}
void put_u32(MutableBytes at, std::uint32_t value) {
  put_u16(at, value >> 16);
  put_u16(at.subspan(2), value);
}

void copy(MutableBytes to, Bytes from) {
  if (!from.empty()) std::memcpy(to.data(), from.data(), from.size());
}

std::uint8_t family_code(net::Family family) {
  return family == net::Family::kIpv4 ? 0x01 : 0x02;  // RFC 8489 section 14.1
}

/// RFC 8489 section 5: the method's bits stand around the class's bits 8 and 4.
std::uint16_t message_type(Class cls, Method method) {
  const unsigned m = static_cast<unsigned>(method) & 0xfff;
  const unsigned c = static_cast<unsigned>(cls);
  return static_cast<std::uint16_t>((m & 0x00f) | (m & 0x070) << 1 | (m & 0xf80) << 2 |
                                    (c & 1) << 4 | (c & 2) << 7);
}

/// `text` up to `max` characters, without cutting one in two.
std::string_view cut(std::string_view text, std::size_t max) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool starts_character = (static_cast<std::uint8_t>(text[i]) & 0xc0) != 0x80;
    if (starts_character && characters++ == max) return text.substr(0, i);
  }
  return text;
}

}  // namespace

MessageBuilder::MessageBuilder(MutableBytes space, Class cls, Method method,
                               const TransactionId& id)
    : space_(space) {
  write_header(cls, method, kMagicCookie, id);
}

MessageBuilder::MessageBuilder(MutableBytes space, Class cls, const Message& request)
    : space_(space) {
  write_header(cls, request.method(), request.cookie(), request.transaction_id());
}

void MessageBuilder::write_header(Class cls, Method method, std::uint32_t cookie,
                                  const TransactionId& id) {
  if (space_.size() < kHeaderSize) {
    ok_ = false;
    return;
  }
  put_u16(space_, message_type(cls, method));
  put_u16(space_.subspan(2), 0);
  put_u32(space_.subspan(4), cookie);
  copy(space_.subspan(8), id);
  size_ = kHeaderSize;
}

MutableBytes MessageBuilder::append(AttributeType type, std::size_t length,
                                    Stage last_stage_allowed) {
  const std::size_t padded = (length + 3) / 4 * 4;
  if (!ok_ || stage_ > last_stage_allowed || length > kMaxLength ||
      size_ - kHeaderSize + kAttributeHeaderSize + padded > kMaxLength ||
      kAttributeHeaderSize + padded > space_.size() - size_) {
    ok_ = false;
    return {};
  }
  const MutableBytes header = space_.subspan(size_, kAttributeHeaderSize);
  const MutableBytes value = space_.subspan(size_ + kAttributeHeaderSize, padded);
  put_u16(header, static_cast<std::uint16_t>(type));
  put_u16(header.subspan(2), length);
  std::fill(value.begin(), value.end(), std::uint8_t{0});
  size_ += kAttributeHeaderSize + padded;
  put_u16(space_.subspan(2), size_ - kHeaderSize);
  return value.first(length);
}

void MessageBuilder::add(AttributeType type, Bytes value) {
  const MutableBytes space = append(type, value.size());
  if (ok_) copy(space, value);
}

void MessageBuilder::add_u32(AttributeType type, std::uint32_t value) {
  const MutableBytes space = append(type, 4);
  if (ok_) put_u32(space, value);
}

void MessageBuilder::add_u64(AttributeType type, std::uint64_t value) {
  const MutableBytes space = append(type, 8);
  if (!ok_) return;
  put_u32(space, static_cast<std::uint32_t>(value >> 32));
  put_u32(space.subspan(4), static_cast<std::uint32_t>(value));
}

void MessageBuilder::add_endpoint(AttributeType type, const net::Endpoint& endpoint, bool xored) {
  const Bytes address = endpoint.address.bytes();
  const MutableBytes value = append(type, 4 + address.size());
  if (!ok_) return;
  value[1] = family_code(endpoint.family());
  put_u16(value.subspan(2), endpoint.port);
  copy(value.subspan(4), address);
  if (!xored) return;
  // RFC 8489 section 14.2: the mask is the cookie and the transaction id, header bytes 4 to 19.
  value[2] ^= space_[4];
  value[3] ^= space_[5];
  for (std::size_t i = 0; i < address.size(); ++i) value[4 + i] ^= space_[4 + i];
}

void MessageBuilder::add_address(AttributeType type, const net::Endpoint& endpoint) {
  add_endpoint(type, endpoint, false);
}

void MessageBuilder::add_xor_address(AttributeType type, const net::Endpoint& endpoint) {
  add_endpoint(type, endpoint, true);
}

void MessageBuilder::write_error(MutableBytes value, std::uint16_t code, std::string_view reason) {
  if (!ok_) return;
  if (code < 300 || code > 699) {
    ok_ = false;
    return;
  }
  value[2] = static_cast<std::uint8_t>(code / 100);
  value[3] = static_cast<std::uint8_t>(code % 100);
  copy(value.subspan(4), as_bytes(reason));
}

void MessageBuilder::add_error(std::uint16_t code, std::string_view reason) {
  reason = cut(reason, kMaxReasonCharacters);
  write_error(append(AttributeType::kErrorCode, 4 + reason.size()), code, reason);
}

void MessageBuilder::add_address_error(net::Family family, std::uint16_t code,
                                       std::string_view reason) {
  reason = cut(reason, kMaxReasonCharacters);
  const MutableBytes value = append(AttributeType::kAddressErrorCode, 4 + reason.size());
  write_error(value, code, reason);
  if (ok_) value[0] = family_code(family);
}

void MessageBuilder::add_unknown_attributes(std::span<const AttributeType> types) {
  const MutableBytes value = append(AttributeType::kUnknownAttributes, 2 * types.size());
  if (!ok_) return;
  for (std::size_t i = 0; i < types.size(); ++i) {
    put_u16(value.subspan(2 * i), static_cast<std::uint16_t>(types[i]));
  }
}

void MessageBuilder::add_password_algorithms(std::span<const PasswordAlgorithm> algorithms) {
  const MutableBytes value = append(AttributeType::kPasswordAlgorithms, 4 * algorithms.size());
  if (!ok_) return;
  for (std::size_t i = 0; i < algorithms.size(); ++i) {
    put_u16(value.subspan(4 * i), static_cast<std::uint16_t>(algorithms[i]));
  }
}

void MessageBuilder::add_password_algorithm(PasswordAlgorithm algorithm) {
  add_u32(AttributeType::kPasswordAlgorithm, static_cast<std::uint32_t>(algorithm) << 16);
}

void MessageBuilder::add_channel_number(std::uint16_t channel) {
  add_u32(AttributeType::kChannelNumber, static_cast<std::uint32_t>(channel) << 16);
}

void MessageBuilder::add_requested_transport(std::uint8_t protocol) {
  add_u32(AttributeType::kRequestedTransport, static_cast<std::uint32_t>(protocol) << 24);
}

void MessageBuilder::add_address_family(AttributeType type, net::Family family) {
  add_u32(type, static_cast<std::uint32_t>(family_code(family)) << 24);
}

void MessageBuilder::add_even_port(EvenPort value) {
  const std::uint8_t flags = value.reserve_next ? 0x80 : 0;
  add(AttributeType::kEvenPort, Bytes(&flags, 1));
}

void MessageBuilder::add_icmp(const Icmp& icmp) {
  add_u64(AttributeType::kIcmp, static_cast<std::uint64_t>(icmp.type) << 40 |
                                    static_cast<std::uint64_t>(icmp.code) << 32 | icmp.error_data);
}

void MessageBuilder::add_change_request(ChangeRequest value) {
  add_u32(AttributeType::kChangeRequest, (value.address ? 4u : 0u) | (value.port ? 2u : 0u));
}

void MessageBuilder::add_goog_network_info(NetworkInfo value) {
  add_u32(AttributeType::kGoogNetworkInfo, static_cast<std::uint32_t>(value.id) << 16 | value.cost);
}

void MessageBuilder::add_integrity_sha1(Bytes key) {
  const std::size_t covered = size_;
  const MutableBytes value =
      append(AttributeType::kMessageIntegrity, std::tuple_size_v<crypto::Sha1>);
  if (!ok_) return;
  const Bytes text = space_.first(covered);
  copy(value, crypto::hmac_sha1(key, {&text, 1}));
  stage_ = Stage::kSha1Done;
}

void MessageBuilder::add_integrity_sha256(Bytes key) {
  const std::size_t covered = size_;
  const MutableBytes value = append(AttributeType::kMessageIntegritySha256,
                                    std::tuple_size_v<crypto::Sha256>, Stage::kSha1Done);
  if (!ok_) return;
  const Bytes text = space_.first(covered);
  copy(value, crypto::hmac_sha256(key, {&text, 1}));
  stage_ = Stage::kSha256Done;
}

void MessageBuilder::add_fingerprint() {
  const std::size_t covered = size_;
  const MutableBytes value = append(AttributeType::kFingerprint, 4, Stage::kSha256Done);
  if (!ok_) return;
  put_u32(value, crypto::crc32(space_.first(covered)) ^ kFingerprintXor);
  stage_ = Stage::kFinished;
}

}  // namespace floe::stun
