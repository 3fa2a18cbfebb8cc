#pragma once

#include <cstdint>
#include <string>

#include "floe/net/datagram.h"

namespace floe::ice {

/// An open socket the agent may use.
struct LocalSocket {
  net::SocketId id = net::kNoSocket;
  net::Endpoint local;
  /// RFC 8445 section 5.1.2.1: 65535 for the best, different for each socket.
  std::uint16_t preference = 65535;
  /// The peer is not told the address but `name`, or nothing if that is empty.
  bool hidden = false;
  std::string name{};
  /// A router is being asked to map its port; `Agent::set_mapping` will say what came of it.
  bool awaits_mapping = false;
};

}  // namespace floe::ice
