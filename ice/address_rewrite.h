#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "floe/core/result.h"
#include "floe/net/endpoint.h"

namespace floe::ice {

/// What is known of a 1:1 NAT in front of this machine (a cloud's elastic address, a forwarded
/// port): a local address the peer should not be told, and the one it should. No server has to be
/// asked then.
struct AddressRewrite {
  enum class Advertise : std::uint8_t {
    kHost,             ///< In the place of the host candidate's address.
    kServerReflexive,  ///< As a reflexive candidate beside the host candidate.
  };

  /// The local addresses meant: the first `prefix_length` bits of `local`; all bits if absent.
  net::Address local;
  std::optional<std::uint8_t> prefix_length{};
  std::uint16_t local_port = 0;  ///< 0: any port.
  net::Address external;
  std::uint16_t external_port = 0;  ///< 0: the same as the local one.
  Advertise advertise = Advertise::kHost;

  bool matches(const net::Endpoint& endpoint) const;
  net::Endpoint apply(const net::Endpoint& endpoint) const;
  friend bool operator==(const AddressRewrite&, const AddressRewrite&) = default;
};

/// The first of `rewrites` that matches, or null.
const AddressRewrite* find_rewrite(std::span<const AddressRewrite> rewrites,
                                   const net::Endpoint& endpoint);

/// kInvalidArgument for a rule whose two addresses are of different families, whose prefix is
/// longer than the address, or whose external address nobody can be reached at.
[[nodiscard]] Result<> validate(std::span<const AddressRewrite> rewrites);

}  // namespace floe::ice
