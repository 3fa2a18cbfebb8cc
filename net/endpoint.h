#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "floe/core/bytes.h"

namespace floe::net {

enum class Family : std::uint8_t { kIpv4, kIpv6 };

/// An IPv4 or IPv6 address. A value; the default is 0.0.0.0.
class Address {
 public:
  constexpr Address() = default;
  static constexpr Address v4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    Address address;
    address.bytes_ = {a, b, c, d};
    return address;
  }
  static Address v4(std::span<const std::uint8_t, 4> bytes);
  /// `scope_id` is the interface index of a link-local address (RFC 4007), else 0.
  static Address v6(std::span<const std::uint8_t, 16> bytes, std::uint32_t scope_id = 0);
  /// Dotted quad or RFC 4291 text; no brackets, no zone.
  static std::optional<Address> parse(std::string_view text);
  static Address unspecified(Family family);

  Family family() const { return family_; }
  bool is_v4() const { return family_ == Family::kIpv4; }
  bool is_v6() const { return family_ == Family::kIpv6; }
  /// 4 or 16 bytes in network order; valid while the address lives.
  Bytes bytes() const { return Bytes(bytes_).first(is_v4() ? 4 : 16); }
  std::uint32_t scope_id() const { return scope_id_; }

  bool is_unspecified() const;
  bool is_loopback() const;
  /// 169.254/16 (RFC 3927) or fe80::/10 (RFC 4291).
  bool is_link_local() const;
  /// RFC 1918, RFC 6598 (100.64/10) or fc00::/7 (RFC 4193).
  bool is_private() const;
  bool is_multicast() const;
  bool is_broadcast() const;
  /// ::ffff:a.b.c.d
  bool is_v4_mapped() const;

  /// RFC 5952 text for IPv6; no zone.
  std::string to_string() const;

  friend auto operator<=>(const Address&, const Address&) = default;
  std::size_t hash() const;

 private:
  std::array<std::uint8_t, 16> bytes_{};
  std::uint32_t scope_id_ = 0;
  Family family_ = Family::kIpv4;
};

/// An address and a port.
struct Endpoint {
  Address address;
  std::uint16_t port = 0;

  /// "192.0.2.1:80" or "[2001:db8::1]:80".
  static std::optional<Endpoint> parse(std::string_view text);
  std::string to_string() const;
  Family family() const { return address.family(); }

  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
  std::size_t hash() const;
};

}  // namespace floe::net

template <>
struct std::hash<floe::net::Address> {
  std::size_t operator()(const floe::net::Address& address) const { return address.hash(); }
};
template <>
struct std::hash<floe::net::Endpoint> {
  std::size_t operator()(const floe::net::Endpoint& endpoint) const { return endpoint.hash(); }
};
