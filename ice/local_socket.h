#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "floe/ice/candidate.h"
#include "floe/net/datagram.h"

namespace floe::ice {

/// An open socket the agent may use, or one end of TCP connections (RFC 6544).
struct LocalSocket {
  net::SocketId id = net::kNoSocket;  ///< Of TCP: the agent's own choice.
  net::Endpoint local;
  /// RFC 8445 section 5.1.2.1: 65535 for the best, different for each socket.
  std::uint16_t preference = 65535;
  /// The peer is not told the address but `name`, or nothing if that is empty.
  bool hidden = false;
  std::string name{};
  /// A router is being asked to map its port; `Agent::set_mapping` will say what came of it.
  bool awaits_mapping = false;
  /// TCP: a listener's address and port, or an address to connect from. None: UDP.
  std::optional<TcpType> tcp_type{};
  /// Others use the port too, and the server would take them all for one client.
  bool shared = false;
};

}  // namespace floe::ice
