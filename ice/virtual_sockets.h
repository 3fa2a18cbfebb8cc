#pragma once

#include <cstdint>

#include "floe/net/datagram.h"

namespace floe::ice {

/// The ids of relayed addresses and of other bases that no network knows have this bit.
inline constexpr std::uint32_t kVirtualBit = 0x8000'0000;
constexpr bool is_virtual(net::SocketId id) {
  return (static_cast<std::uint32_t>(id) & kVirtualBit) != 0;
}

/// Hands out ids for what an agent treats like a socket and no network knows.
class VirtualSockets {
 public:
  net::SocketId next() { return net::SocketId{kVirtualBit | ++last_}; }

 private:
  std::uint32_t last_ = 0;
};

}  // namespace floe::ice
