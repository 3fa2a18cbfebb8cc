#pragma once

#include <vector>

#include "floe/net/datagram.h"
#include "floe/net/uv/udp_calls.h"

namespace floe::net::uv {

class Reactor;

/// Takes several packets or trains of packets (UDP_GRO) from the Linux kernel in one call and
/// splits them where they lie.
///
/// Appends to `datagrams`, which point into the reactor's receive buffers. Returns how many pieces
/// the kernel gave (less than `Reactor::kReceiveBuffers`: there are no more now), or -1 and errno.
int receive_trains(int fd, UdpCalls& calls, Reactor& reactor, SocketId socket,
                   std::vector<Datagram>& datagrams);

}  // namespace floe::net::uv
