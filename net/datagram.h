#pragma once

#include <cstdint>

#include "floe/core/bytes.h"
#include "floe/net/endpoint.h"

namespace floe::net {

/// Names one open socket or stream of a `Network`. A network never hands out the same id twice, so
/// a packet for a socket that was closed meanwhile goes nowhere instead of somewhere else.
enum class SocketId : std::uint32_t {};
inline constexpr SocketId kNoSocket{0};

/// One received packet: a view that its receiver may write to (decryption happens in place). Valid
/// until the handler it was given to returns.
struct Datagram {
  MutableBytes payload;
  Endpoint source;
  SocketId socket = kNoSocket;
};

}  // namespace floe::net
