#include "floe/servers/signaling/limits.h"

namespace floe::server {

Result<> validate(const SignalingLimits& limits) {
  // Error messages and the shortest of messages must fit.
  constexpr std::size_t kLeastMessageBytes = 256;
  if (limits.max_connections == 0 || limits.max_rooms == 0 || limits.max_peers_per_room == 0) {
    return fail(Errc::kInvalidArgument,
                "max_connections, max_rooms and max_peers_per_room must be at least 1");
  }
  if (limits.max_message_bytes < kLeastMessageBytes) {
    return fail(Errc::kInvalidArgument, "max_message_bytes must be at least 256");
  }
  if (limits.max_queued_bytes < limits.max_message_bytes) {
    return fail(Errc::kInvalidArgument,
                "max_queued_bytes must be at least max_message_bytes, or no message of that size "
                "could be delivered");
  }
  if (limits.max_room_bytes == 0) {
    return fail(Errc::kInvalidArgument, "max_room_bytes must be at least 1");
  }
  if (!(limits.messages_per_second > 0) || limits.message_burst == 0) {
    return fail(Errc::kInvalidArgument,
                "messages_per_second must be above 0 and message_burst at least 1");
  }
  if (limits.join_timeout <= Duration::zero() || limits.ping_interval <= Duration::zero() ||
      limits.pong_timeout <= Duration::zero() || limits.idle_timeout < Duration::zero()) {
    return fail(Errc::kInvalidArgument,
                "join_timeout, ping_interval and pong_timeout must be above 0, and idle_timeout "
                "not below");
  }
  return {};
}

}  // namespace floe::server
