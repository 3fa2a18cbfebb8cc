#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "floe/net/endpoint.h"

namespace floe::net {

/// An IPv6 prefix under which a NAT64 reaches the IPv4 internet (RFC 6052): the address algebra
/// that translators and their users share.
class Nat64Prefix {
 public:
  /// The name that hosts look up to learn the prefix, and its IPv4 addresses (RFC 7050 section 8).
  static constexpr std::string_view kDiscoveryName = "ipv4only.arpa";
  static constexpr Address kDiscoveryAddresses[] = {Address::v4(192, 0, 0, 170),
                                                    Address::v4(192, 0, 0, 171)};

  /// 64:ff9b::/96 (RFC 6052 section 2.1).
  static Nat64Prefix well_known();
  /// A prefix of the network's own: `length` is 32, 40, 48, 56, 64 or 96, and bits 64 to 71 are 0
  /// (RFC 6052 section 2.2); else nullopt. Bits of `base` past the length are not looked at.
  static std::optional<Nat64Prefix> make(const Address& base, std::uint8_t length);
  /// "64:ff9b::/96".
  static std::optional<Nat64Prefix> parse(std::string_view text);
  /// The prefix behind an IPv6 address of `kDiscoveryName` (RFC 7050 section 3); nullopt if there
  /// is none, or if it is not clear which.
  static std::optional<Nat64Prefix> discover(const Address& synthesized);

  const Address& base() const { return base_; }
  std::uint8_t length() const { return length_; }
  std::string to_string() const;

  /// The IPv6 address that stands for `address`, an IPv4 one.
  Address embed(const Address& address) const;
  /// The IPv4 address that `address` stands for; nullopt if it is not under this prefix.
  std::optional<Address> extract(const Address& address) const;

  friend bool operator==(const Nat64Prefix&, const Nat64Prefix&) = default;

 private:
  Nat64Prefix(const Address& base, std::uint8_t length) : base_(base), length_(length) {}

  Address base_;  // With zeros behind the prefix.
  std::uint8_t length_;
};

}  // namespace floe::net
