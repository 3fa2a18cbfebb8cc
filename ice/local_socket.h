#pragma once

#include <cstdint>

#include "floe/net/datagram.h"

namespace floe::ice {

/// An open socket the agent may use.
struct LocalSocket {
  net::SocketId id = net::kNoSocket;
  net::Endpoint local;
  /// RFC 8445 section 5.1.2.1: 65535 for the best, different for each socket.
  std::uint16_t preference = 65535;
};

}  // namespace floe::ice
