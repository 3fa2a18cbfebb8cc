#pragma once

#include <chrono>
#include <cstddef>

#include "floe/core/result.h"
#include "floe/core/time.h"

namespace floe::server {

/// What one signalling server lets its clients do. Reaching a limit is answered with an error
/// message that names it, and counted in `SignalingStats`.
struct SignalingLimits {
  /// Connections at once. One costs a socket and a few kilobytes.
  std::size_t max_connections = 1'000;
  std::size_t max_rooms = 500;
  std::size_t max_peers_per_room = 16;

  /// Bytes of one message. Session descriptions with many candidates stay below 20 KB.
  std::size_t max_message_bytes = 64 * 1024;
  /// Bytes of UTF-8.
  std::size_t max_room_bytes = 64;
  std::size_t max_name_bytes = 64;

  /// A token bucket per connection: so many messages a second, and `message_burst` at once
  /// (a peer with many interfaces trickles dozens of candidates in one moment).
  double messages_per_second = 20;
  std::size_t message_burst = 100;

  /// Bytes kept for a connection that does not read. Past it the connection is dropped.
  std::size_t max_queued_bytes = 1024 * 1024;

  /// How long a connection may stay outside of any room, and how long it may take over the
  /// WebSocket handshake.
  Duration join_timeout = std::chrono::seconds(10);
  /// How long a connection may stay in a room without a message; 0 means for ever.
  Duration idle_timeout = Duration::zero();
  /// A connection that was silent for `ping_interval` is pinged; one that does not answer within
  /// `pong_timeout` is dropped. So a dead peer is noticed within the sum of the two.
  Duration ping_interval = std::chrono::seconds(15);
  Duration pong_timeout = std::chrono::seconds(10);
};

/// Refuses limits under which no conversation could ever take place.
[[nodiscard]] Result<> validate(const SignalingLimits& limits);

}  // namespace floe::server
