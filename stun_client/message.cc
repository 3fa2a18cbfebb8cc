#include "floe/stun_client/message.h"

#include <algorithm>
#include <string>
#include <tuple>

#include "floe/core/text.h"
#include "floe/crypto/crypto.h"

namespace floe::stun {
namespace {

constexpr std::size_t kAttributeHeaderSize = 4;
constexpr std::size_t kFingerprintSize = 4;
/// RFC 8489 section 14.7: keeps a CRC-32 of the application's own from passing as a fingerprint.
constexpr std::uint32_t kFingerprintXor = 0x5354554e;

std::uint16_t u16_at(Bytes bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}
std::uint32_t u32_at(Bytes bytes, std::size_t at) {
  return static_cast<std::uint32_t>(u16_at(bytes, at)) << 16 | u16_at(bytes, at + 2);
}

std::string describe(AttributeType type) {
  const std::uint16_t number = static_cast<std::uint16_t>(type);
  const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(number >> 8),
                                          static_cast<std::uint8_t>(number)};
  const std::string_view known = name(type);
  return known.empty() ? "attribute 0x" + to_hex(bytes) : std::string(known);
}

}  // namespace

TransactionId random_transaction_id(Random& random) {
  TransactionId id;
  random.fill(id);
  return id;
}

std::optional<std::size_t> message_size(Bytes bytes) {
  if (bytes.size() < 4 || (bytes[0] & 0xc0) != 0 || (bytes[3] & 3) != 0) return std::nullopt;
  return kHeaderSize + u16_at(bytes, 2);
}

bool looks_like_stun(Bytes bytes) {
  if (bytes.size() < kHeaderSize) return false;
  const std::optional<std::size_t> size = message_size(bytes);
  return size && *size <= bytes.size() && u32_at(bytes, 4) == kMagicCookie;
}

Result<Message> Message::parse(Bytes bytes) {
  Result<Message> message = parse_classic(bytes);
  if (message && !message->has_magic_cookie()) {
    return fail(Errc::kMalformed, "the STUN message lacks the magic cookie");
  }
  return message;
}

Result<Message> Message::parse_classic(Bytes bytes) {
  if (bytes.size() < kHeaderSize) {
    return fail(Errc::kMalformed, "a STUN message has at least 20 bytes, this one has " +
                                      std::to_string(bytes.size()));
  }
  if ((bytes[0] & 0xc0) != 0) {
    return fail(Errc::kMalformed, "the first two bits of a STUN message are zero, these are not");
  }
  const std::size_t length = u16_at(bytes, 2);
  if (length % 4 != 0) {
    return fail(Errc::kMalformed,
                "the STUN message's length " + std::to_string(length) + " is not a multiple of 4");
  }
  if (kHeaderSize + length != bytes.size()) {
    return fail(Errc::kMalformed, "the STUN message's header says " + std::to_string(length) +
                                      " bytes of attributes, there are " +
                                      std::to_string(bytes.size() - kHeaderSize));
  }
  Message message;
  message.bytes_ = bytes;
  message.type_ = u16_at(bytes, 0);
  message.cookie_ = u32_at(bytes, 4);
  std::copy_n(bytes.begin() + 8, message.transaction_id_.size(), message.transaction_id_.begin());
  if (Result<> parsed = message.parse_attributes(); !parsed) return forward(parsed);
  return message;
}

Result<> Message::parse_attributes() {
  // RFC 8489 section 9: behind the message integrity only a second integrity and the fingerprint
  // count, behind MESSAGE-INTEGRITY-SHA256 only the fingerprint.
  bool after_sha1 = false;
  bool after_sha256 = false;
  std::size_t seen = 0;
  for (std::size_t at = kHeaderSize; at < bytes_.size();) {
    const AttributeType type{u16_at(bytes_, at)};
    const std::size_t length = u16_at(bytes_, at + 2);
    const std::size_t value = at + kAttributeHeaderSize;
    if (length > bytes_.size() - value) {
      return fail(Errc::kMalformed, describe(type) + " runs past the end of the STUN message");
    }
    if (++seen > kMaxAttributes) {
      return fail(Errc::kLimitExceeded, "the STUN message has more than " +
                                            std::to_string(kMaxAttributes) + " attributes");
    }
    at = value + (length + 3) / 4 * 4;
    if (type == AttributeType::kFingerprint && at != bytes_.size()) {
      return fail(Errc::kMalformed, "FINGERPRINT is not the last attribute of the STUN message");
    }
    const bool visible = type == AttributeType::kFingerprint || (!after_sha256 && !after_sha1) ||
                         (!after_sha256 && type == AttributeType::kMessageIntegritySha256);
    if (!visible) continue;
    after_sha1 = after_sha1 || type == AttributeType::kMessageIntegrity;
    after_sha256 = after_sha256 || type == AttributeType::kMessageIntegritySha256;
    attributes_[attribute_count_++] = {type, static_cast<std::uint16_t>(value),
                                       static_cast<std::uint16_t>(length)};
  }
  return {};
}

Class Message::cls() const {
  // RFC 8489 section 5: the class's two bits are bits 8 and 4 of the message type.
  return static_cast<Class>((type_ >> 7 & 2) | (type_ >> 4 & 1));
}

Method Message::method() const {
  return static_cast<Method>((type_ & 0x000f) | (type_ & 0x00e0) >> 1 | (type_ & 0x3e00) >> 2);
}

AttributeTypes Message::attribute_types() const {
  AttributeTypes types;
  for (std::size_t i = 0; i < attribute_count_; ++i) types.push_back(attributes_[i].type);
  return types;
}

const Message::Attribute* Message::find_attribute(AttributeType type, std::size_t index) const {
  for (std::size_t i = 0; i < attribute_count_; ++i) {
    if (attributes_[i].type == type && index-- == 0) return &attributes_[i];
  }
  return nullptr;
}

std::optional<Bytes> Message::find(AttributeType type, std::size_t index) const {
  const Attribute* attribute = find_attribute(type, index);
  if (attribute == nullptr) return std::nullopt;
  return bytes_.subspan(attribute->offset, attribute->length);
}

AttributeTypes Message::unknown_required(std::span<const AttributeType> known) const {
  const auto contains = [](std::span<const AttributeType> list, AttributeType type) {
    return std::find(list.begin(), list.end(), type) != list.end();
  };
  AttributeTypes unknown;
  for (std::size_t i = 0; i < attribute_count_; ++i) {
    const AttributeType type = attributes_[i].type;
    if (is_comprehension_required(type) && !contains(known, type) && !contains(unknown, type)) {
      unknown.push_back(type);
    }
  }
  return unknown;
}

namespace {

/// What the integrity covers (RFC 8489 sections 14.5, 14.6): everything before the attribute, with
/// the header's length as if the message ended with it.
struct CoveredText {
  CoveredText(Bytes message, std::size_t attribute_at, std::size_t attribute_end)
      : length{static_cast<std::uint8_t>((attribute_end - kHeaderSize) >> 8),
               static_cast<std::uint8_t>(attribute_end - kHeaderSize)},
        parts{message.first(2), Bytes(length), message.subspan(4, attribute_at - 4)} {}

  CoveredText(const CoveredText&) = delete;  // `parts` points at `length`.
  CoveredText& operator=(const CoveredText&) = delete;

  std::array<std::uint8_t, 2> length;
  std::array<Bytes, 3> parts;
};

}  // namespace

Message::Integrity Message::check_integrity_sha1(Bytes key) const {
  const Attribute* attribute = find_attribute(AttributeType::kMessageIntegrity);
  if (attribute == nullptr) return Integrity::kMissing;
  if (attribute->length != std::tuple_size_v<crypto::Sha1>) return Integrity::kBad;
  const CoveredText text(bytes_, attribute->offset - kAttributeHeaderSize,
                         std::size_t{attribute->offset} + attribute->length);
  const crypto::Sha1 expected = crypto::hmac_sha1(key, text.parts);
  return crypto::constant_time_equal(expected, bytes_.subspan(attribute->offset, expected.size()))
             ? Integrity::kOk
             : Integrity::kBad;
}

Message::Integrity Message::check_integrity_sha256(Bytes key, std::size_t min_size) const {
  const Attribute* attribute = find_attribute(AttributeType::kMessageIntegritySha256);
  if (attribute == nullptr) return Integrity::kMissing;
  constexpr std::size_t kMinSize = 16;
  constexpr std::size_t kFullSize = std::tuple_size_v<crypto::Sha256>;
  if (attribute->length < std::clamp(min_size, kMinSize, kFullSize) ||
      attribute->length > kFullSize || attribute->length % 4 != 0) {
    return Integrity::kBad;
  }
  const CoveredText text(bytes_, attribute->offset - kAttributeHeaderSize,
                         std::size_t{attribute->offset} + attribute->length);
  const crypto::Sha256 expected = crypto::hmac_sha256(key, text.parts);
  return crypto::constant_time_equal(Bytes(expected).first(attribute->length),
                                     bytes_.subspan(attribute->offset, attribute->length))
             ? Integrity::kOk
             : Integrity::kBad;
}

Message::Fingerprint Message::check_fingerprint() const {
  const Attribute* attribute = find_attribute(AttributeType::kFingerprint);
  if (attribute == nullptr) return Fingerprint::kMissing;
  if (attribute->length != kFingerprintSize) return Fingerprint::kBad;
  const Bytes covered = bytes_.first(attribute->offset - kAttributeHeaderSize);
  return u32_at(bytes_, attribute->offset) == (crypto::crc32(covered) ^ kFingerprintXor)
             ? Fingerprint::kOk
             : Fingerprint::kBad;
}

}  // namespace floe::stun
