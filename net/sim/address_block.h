#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "floe/net/endpoint.h"

namespace floe::net::sim {

/// The addresses that share their first `length` bits, e.g. 10.0.0.0/24.
struct AddressBlock {
  Address base;
  std::uint8_t length = 0;

  /// "10.0.0.0/24" or "2001:db8:1::/64"; nullopt for anything else.
  static std::optional<AddressBlock> parse(std::string_view text);

  Family family() const { return base.family(); }
  bool contains(const Address& address) const;
  /// The `index`th address after the base; nullopt past the block's end.
  std::optional<Address> at(std::uint32_t index) const;
};

/// Packets carry no scope ids: those are each host's own names for its interfaces (RFC 4007).
inline Address without_scope(const Address& address) {
  return address.scope_id() == 0 ? address : Address::v6(address.bytes().first<16>());
}

}  // namespace floe::net::sim
