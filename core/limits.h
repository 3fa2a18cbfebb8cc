#pragma once

#include <cstddef>

// Bounds that more than one layer must agree on. A bound that belongs to one layer stands there,
// next to the code that enforces it.
namespace floe {

/// The largest UDP payload: 65,535 less the IPv4 (20) and UDP (8) headers.
inline constexpr std::size_t kMaxUdpPayload = 65'507;

/// The datagram size every path is assumed to carry before it was probed: IPv6's minimum MTU of
/// 1,280 less the IPv6 (40) and UDP (8) headers is 1,232; 1,200 leaves room for a TURN channel
/// header and is what other WebRTC stacks use.
inline constexpr std::size_t kBaseDatagram = 1'200;

}  // namespace floe
