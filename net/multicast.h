#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "floe/core/result.h"
#include "floe/net/endpoint.h"

namespace floe::net {

/// What a UDP socket does with IP multicast (RFC 1112, RFC 3493 section 5.2).
struct Multicast {
  /// More than any protocol floe speaks joins at once, and what Linux allows a socket by default.
  static constexpr std::size_t kMaxGroups = 20;

  /// The groups it receives, of the family it is bound to. To receive, it must be bound to the
  /// wildcard address or to the group.
  std::vector<Address> groups{};
  /// `Interface::name` of where it joins the groups and where what it sends to groups leaves;
  /// empty: the system's choice.
  std::string interface {};
  /// The TTL or hop limit of all that it sends, to groups and to single hosts. mDNS wants 255
  /// (RFC 6762 section 11).
  std::uint8_t hops = 1;
  /// Sockets on this machine that joined the group get what is sent to it too.
  bool loop = true;

  /// What is wrong with it for a socket bound to `family`.
  [[nodiscard]] Result<> check(Family family) const;
};

}  // namespace floe::net
