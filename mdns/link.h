#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "floe/net/datagram.h"
#include "floe/net/endpoint.h"
#include "floe/net/network.h"

namespace floe::mdns {

/// One network interface in one family: a socket that has joined the group there.
struct Link {
  net::SocketId socket = net::kNoSocket;
  net::Family family = net::Family::kIpv4;
  /// The interface's addresses, of both families, with their prefixes.
  std::vector<net::Interface> addresses{};

  net::Endpoint group() const;
  bool owns(const net::Address& address) const;
  /// True for a source on this link (RFC 6762 section 11); what comes from elsewhere is not ours
  /// to believe or to answer.
  bool is_on_link(const net::Address& source) const;
  /// The interface's index, for link-local addresses that came without (RFC 4007); 0 if unknown.
  std::uint32_t scope_id() const;
};

/// Links used at most: both families of 16 interfaces. Machines with more have virtual ones by the
/// dozen, where nobody asks.
inline constexpr std::size_t kMaxLinks = 32;

}  // namespace floe::mdns
