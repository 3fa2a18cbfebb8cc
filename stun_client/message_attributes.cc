#include <algorithm>

#include "floe/core/text.h"
#include "floe/stun_client/message.h"

// The typed getters of `Message`: each checks its own attribute's length and content.
namespace floe::stun {
namespace {

constexpr std::uint8_t kFamilyIpv4 = 0x01;  // RFC 8489 section 14.1
constexpr std::uint8_t kFamilyIpv6 = 0x02;
/// What a receiver must accept for text: 127 characters of up to 6 bytes, plus one
/// (RFC 8489 section 14.3).
constexpr std::size_t kMaxText = 763;
/// 32 algorithms without parameters, where the registry has two. The list is echoed in requests, so
/// the server must not decide how long they get.
constexpr std::size_t kMaxPasswordAlgorithms = 128;
constexpr std::size_t kMaxDomain = 255;  // RFC 8489 section 14.16

std::optional<net::Family> family_from(std::uint8_t code) {
  if (code == kFamilyIpv4) return net::Family::kIpv4;
  if (code == kFamilyIpv6) return net::Family::kIpv6;
  return std::nullopt;
}

/// RFC 8489 section 14.1. `mask` is what the address is XORed with, 16 bytes or none.
std::optional<net::Endpoint> read_endpoint(Bytes value, Bytes mask) {
  ByteReader reader(value);
  reader.skip(1);
  const std::optional<net::Family> family = family_from(reader.u8());
  std::uint16_t port = reader.u16();
  if (!family || !reader.ok()) return std::nullopt;
  const Bytes address = reader.rest();
  if (address.size() != (*family == net::Family::kIpv4 ? 4u : 16u)) return std::nullopt;

  std::array<std::uint8_t, 16> bytes{};
  for (std::size_t i = 0; i < address.size(); ++i) {
    bytes[i] = static_cast<std::uint8_t>(address[i] ^ (mask.empty() ? 0 : mask[i]));
  }
  if (!mask.empty()) port = static_cast<std::uint16_t>(port ^ (mask[0] << 8 | mask[1]));
  const std::span<const std::uint8_t, 16> whole(bytes);
  return net::Endpoint{
      *family == net::Family::kIpv4 ? net::Address::v4(whole.first<4>()) : net::Address::v6(whole),
      port};
}

/// The last two bytes of the first word, and the reason behind it (RFC 8489 section 14.8).
std::optional<ErrorCode> read_error(Bytes value) {
  if (value.size() < 4) return std::nullopt;
  const unsigned hundreds = value[2] & 0x07;
  const unsigned number = value[3];
  if (hundreds < 3 || hundreds > 6 || number > 99) return std::nullopt;
  ErrorCode error{static_cast<std::uint16_t>(hundreds * 100 + number), {}};
  const Bytes reason = value.subspan(4);
  if (reason.size() <= kMaxText && is_utf8(reason)) error.reason = as_text(reason);
  return error;
}

/// One entry of PASSWORD-ALGORITHM(S) (RFC 8489 section 14.11); false when it is cut short.
struct AlgorithmEntry {
  std::uint16_t number = 0;
  std::size_t parameters = 0;
};
bool read_algorithm(ByteReader& reader, AlgorithmEntry& entry) {
  entry.number = reader.u16();
  entry.parameters = reader.u16();
  reader.skip(entry.parameters);
  // The attribute's own length leaves out the padding of the last entry.
  const std::size_t padding = (4 - entry.parameters % 4) % 4;
  reader.skip(std::min(padding, reader.remaining()));
  return reader.ok();
}

/// Neither algorithm has parameters (RFC 8489 section 18.5.1); one that does is something else.
std::optional<PasswordAlgorithm> supported(const AlgorithmEntry& entry) {
  if (entry.parameters != 0) return std::nullopt;
  const PasswordAlgorithm algorithm{entry.number};
  if (algorithm == PasswordAlgorithm::kMd5 || algorithm == PasswordAlgorithm::kSha256) {
    return algorithm;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::uint32_t> Message::u32(AttributeType type) const {
  const std::optional<Bytes> value = find(type);
  if (!value || value->size() != 4) return std::nullopt;
  return ByteReader(*value).u32();
}

std::optional<std::uint64_t> Message::u64(AttributeType type) const {
  const std::optional<Bytes> value = find(type);
  if (!value || value->size() != 8) return std::nullopt;
  return ByteReader(*value).u64();
}

std::optional<std::string_view> Message::text(AttributeType type) const {
  const std::optional<Bytes> value = find(type);
  if (!value || value->size() > kMaxText || !is_utf8(*value)) return std::nullopt;
  return as_text(*value);
}

std::optional<net::Family> Message::family(AttributeType type) const {
  const std::optional<Bytes> value = find(type);
  if (!value || value->size() != 4) return std::nullopt;
  return family_from((*value)[0]);
}

std::optional<net::Endpoint> Message::address(AttributeType type, std::size_t index) const {
  const std::optional<Bytes> value = find(type, index);
  if (!value) return std::nullopt;
  return read_endpoint(*value, {});
}

std::optional<net::Endpoint> Message::xor_address(AttributeType type, std::size_t index) const {
  const std::optional<Bytes> value = find(type, index);
  if (!value) return std::nullopt;
  // The magic cookie and the transaction id are the header's bytes 4 to 19.
  return read_endpoint(*value, bytes_.subspan(4, 16));
}

std::optional<net::Endpoint> Message::mapped_address() const {
  return address(AttributeType::kMappedAddress);
}
std::optional<net::Endpoint> Message::xor_mapped_address() const {
  return xor_address(AttributeType::kXorMappedAddress);
}
std::optional<net::Endpoint> Message::xor_peer_address(std::size_t index) const {
  return xor_address(AttributeType::kXorPeerAddress, index);
}
std::optional<net::Endpoint> Message::xor_relayed_address(std::size_t index) const {
  return xor_address(AttributeType::kXorRelayedAddress, index);
}
std::optional<net::Endpoint> Message::alternate_server(std::size_t index) const {
  return address(AttributeType::kAlternateServer, index);
}
std::optional<net::Endpoint> Message::response_origin() const {
  return address(AttributeType::kResponseOrigin);
}
std::optional<net::Endpoint> Message::other_address() const {
  return address(AttributeType::kOtherAddress);
}

std::optional<std::string_view> Message::username() const {
  return text(AttributeType::kUsername);
}
std::optional<std::string_view> Message::realm() const {
  return text(AttributeType::kRealm);
}
std::optional<std::string_view> Message::nonce() const {
  const std::optional<Bytes> value = find(AttributeType::kNonce);
  if (!value || value->size() > kMaxText) return std::nullopt;
  return as_text(*value);
}
std::optional<std::string_view> Message::software() const {
  return text(AttributeType::kSoftware);
}
std::optional<std::string_view> Message::alternate_domain() const {
  const std::optional<std::string_view> domain = text(AttributeType::kAlternateDomain);
  if (!domain || domain->empty() || domain->size() > kMaxDomain) return std::nullopt;
  return domain;
}
std::optional<std::string_view> Message::third_party_authorization() const {
  return text(AttributeType::kThirdPartyAuthorization);
}

std::optional<Bytes> Message::userhash() const {
  const std::optional<Bytes> value = find(AttributeType::kUserhash);
  if (!value || value->size() != 32) return std::nullopt;
  return value;
}

std::optional<ErrorCode> Message::error_code() const {
  const std::optional<Bytes> value = find(AttributeType::kErrorCode);
  if (!value) return std::nullopt;
  return read_error(*value);
}

AttributeTypes Message::unknown_attributes() const {
  AttributeTypes types;
  ByteReader reader(find(AttributeType::kUnknownAttributes).value_or(Bytes()));
  while (reader.remaining() >= 2 && types.size() < kMaxAttributes) {
    types.push_back(AttributeType{reader.u16()});
  }
  return types;
}

std::optional<Bytes> Message::password_algorithms() const {
  const std::optional<Bytes> value = find(AttributeType::kPasswordAlgorithms);
  if (!value || value->empty() || value->size() > kMaxPasswordAlgorithms) return std::nullopt;
  ByteReader reader(*value);
  AlgorithmEntry entry;
  while (reader.remaining() > 0) {
    if (!read_algorithm(reader, entry)) return std::nullopt;
  }
  return value;
}

std::optional<PasswordAlgorithm> Message::first_supported_password_algorithm() const {
  ByteReader reader(password_algorithms().value_or(Bytes()));
  AlgorithmEntry entry;
  while (reader.remaining() > 0 && read_algorithm(reader, entry)) {
    if (const std::optional<PasswordAlgorithm> algorithm = supported(entry)) return algorithm;
  }
  return std::nullopt;
}

std::optional<PasswordAlgorithm> Message::password_algorithm() const {
  ByteReader reader(find(AttributeType::kPasswordAlgorithm).value_or(Bytes()));
  AlgorithmEntry entry;
  if (!read_algorithm(reader, entry) || reader.remaining() > 0) return std::nullopt;
  return supported(entry);
}

std::optional<std::uint32_t> Message::priority() const {
  return u32(AttributeType::kPriority);
}
std::optional<std::uint64_t> Message::ice_controlling() const {
  return u64(AttributeType::kIceControlling);
}
std::optional<std::uint64_t> Message::ice_controlled() const {
  return u64(AttributeType::kIceControlled);
}
std::optional<std::uint32_t> Message::nomination() const {
  return u32(AttributeType::kNomination);
}
std::optional<NetworkInfo> Message::goog_network_info() const {
  const std::optional<std::uint32_t> value = u32(AttributeType::kGoogNetworkInfo);
  if (!value) return std::nullopt;
  return NetworkInfo{static_cast<std::uint16_t>(*value >> 16), static_cast<std::uint16_t>(*value)};
}

std::optional<std::uint32_t> Message::lifetime() const {
  return u32(AttributeType::kLifetime);
}

std::optional<std::uint16_t> Message::channel_number() const {
  const std::optional<std::uint32_t> value = u32(AttributeType::kChannelNumber);
  if (!value) return std::nullopt;
  const std::uint16_t channel = static_cast<std::uint16_t>(*value >> 16);
  if (channel < 0x4000 || channel > 0x4fff) return std::nullopt;
  return channel;
}

std::optional<std::uint8_t> Message::requested_transport() const {
  const std::optional<std::uint32_t> value = u32(AttributeType::kRequestedTransport);
  if (!value) return std::nullopt;
  return static_cast<std::uint8_t>(*value >> 24);
}

std::optional<EvenPort> Message::even_port() const {
  const std::optional<Bytes> value = find(AttributeType::kEvenPort);
  if (!value || value->size() != 1) return std::nullopt;
  return EvenPort{((*value)[0] & 0x80) != 0};
}

std::optional<Bytes> Message::reservation_token() const {
  const std::optional<Bytes> value = find(AttributeType::kReservationToken);
  if (!value || value->size() != 8) return std::nullopt;
  return value;
}

std::optional<net::Family> Message::requested_address_family() const {
  return family(AttributeType::kRequestedAddressFamily);
}
std::optional<net::Family> Message::additional_address_family() const {
  return family(AttributeType::kAdditionalAddressFamily);
}

std::optional<Message::AddressError> Message::address_error_code(std::size_t index) const {
  const std::optional<Bytes> value = find(AttributeType::kAddressErrorCode, index);
  if (!value || value->empty()) return std::nullopt;
  const std::optional<net::Family> family = family_from((*value)[0]);
  const std::optional<ErrorCode> error = read_error(*value);
  if (!family || !error) return std::nullopt;
  return AddressError{*family, *error};
}

std::optional<Icmp> Message::icmp() const {
  // RFC 8656 section 18.13 draws the type 7 and the code 9 bits wide; ICMP's own fields are bytes,
  // and so do implementations write them.
  const std::optional<std::uint64_t> value = u64(AttributeType::kIcmp);
  if (!value) return std::nullopt;
  return Icmp{static_cast<std::uint8_t>(*value >> 40), static_cast<std::uint8_t>(*value >> 32),
              static_cast<std::uint32_t>(*value)};
}

std::optional<std::uint32_t> Message::connection_id() const {
  return u32(AttributeType::kConnectionId);
}

std::optional<ChangeRequest> Message::change_request() const {
  const std::optional<std::uint32_t> value = u32(AttributeType::kChangeRequest);
  if (!value) return std::nullopt;
  return ChangeRequest{(*value & 4) != 0, (*value & 2) != 0};
}

std::optional<std::uint16_t> Message::response_port() const {
  const std::optional<std::uint32_t> value = u32(AttributeType::kResponsePort);
  if (!value) return std::nullopt;
  return static_cast<std::uint16_t>(*value >> 16);
}

}  // namespace floe::stun
