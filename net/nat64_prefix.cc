#include "floe/net/nat64_prefix.h"

#include <algorithm>
#include <array>

#include "floe/core/check.h"
#include "floe/core/text.h"

namespace floe::net {
namespace {

using V6Bytes = std::array<std::uint8_t, 16>;

constexpr std::array<std::uint8_t, 6> kLengths = {32, 40, 48, 56, 64, 96};
/// RFC 6052 section 2.2: bits 64 to 71 are zero ("u"); an IPv4 address goes around them.
constexpr std::size_t kReservedByte = 8;

V6Bytes bytes_of(const Address& address) {
  V6Bytes bytes{};
  std::ranges::copy(address.bytes(), bytes.begin());
  return bytes;
}

/// Where the `index`th byte of an IPv4 address stands under a prefix of `length` bits.
std::size_t position(std::uint8_t length, std::size_t index) {
  const std::size_t at = length / 8u + index;
  return length <= 64 && at >= kReservedByte ? at + 1 : at;
}

}  // namespace

Nat64Prefix Nat64Prefix::well_known() {
  V6Bytes bytes{0x00, 0x64, 0xff, 0x9b};
  return {Address::v6(bytes), 96};
}

std::optional<Nat64Prefix> Nat64Prefix::make(const Address& base, std::uint8_t length) {
  if (!base.is_v6() || std::ranges::find(kLengths, length) == kLengths.end()) return std::nullopt;
  V6Bytes bytes = bytes_of(base);
  std::fill(bytes.begin() + length / 8, bytes.end(), std::uint8_t{0});
  if (bytes[kReservedByte] != 0) return std::nullopt;
  return Nat64Prefix(Address::v6(bytes), length);
}

std::optional<Nat64Prefix> Nat64Prefix::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto base = Address::parse(text.substr(0, slash));
  const auto length = parse_decimal<std::uint8_t>(text.substr(slash + 1));
  if (!base || !length) return std::nullopt;
  return make(*base, *length);
}

std::optional<Nat64Prefix> Nat64Prefix::discover(const Address& synthesized) {
  std::optional<Nat64Prefix> found;
  for (const std::uint8_t length : kLengths) {
    const auto prefix = make(synthesized, length);
    if (!prefix) continue;
    const auto embedded = prefix->extract(synthesized);
    if (!embedded || std::ranges::find(kDiscoveryAddresses, *embedded) ==
                         std::ranges::end(kDiscoveryAddresses)) {
      continue;
    }
    if (found) return std::nullopt;
    found = prefix;
  }
  return found;
}

std::string Nat64Prefix::to_string() const {
  return base_.to_string() + "/" + std::to_string(length_);
}

Address Nat64Prefix::embed(const Address& address) const {
  FLOE_CHECK(address.is_v4());
  V6Bytes bytes = bytes_of(base_);
  for (std::size_t i = 0; i < 4; ++i) bytes[position(length_, i)] = address.bytes()[i];
  return Address::v6(bytes);
}

std::optional<Address> Nat64Prefix::extract(const Address& address) const {
  if (!address.is_v6()) return std::nullopt;
  const Bytes bytes = address.bytes();
  const Bytes base = base_.bytes();
  const std::size_t whole = length_ / 8u;
  if (!std::ranges::equal(bytes.first(whole), base.first(whole))) return std::nullopt;
  if (bytes[kReservedByte] != 0) return std::nullopt;
  std::array<std::uint8_t, 4> v4{};
  for (std::size_t i = 0; i < v4.size(); ++i) v4[i] = bytes[position(length_, i)];
  return Address::v4(std::span<const std::uint8_t, 4>(v4));
}

}  // namespace floe::net
