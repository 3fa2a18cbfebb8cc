#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/time.h"
#include "floe/servers/signaling/frame.h"
#include "floe/servers/signaling/limits.h"
#include "floe/servers/signaling/message.h"

namespace floe::server {

/// Names one WebSocket connection; its driver chooses the value and never uses one twice.
enum class ConnectionId : std::uint64_t {};

struct SignalingStats {
  std::size_t connections = 0;  ///< Now.
  std::size_t rooms = 0;        ///< Now.
  std::size_t peers = 0;        ///< Connections in a room, now.

  // Since the start.
  std::uint64_t connected = 0;
  std::uint64_t messages = 0;     ///< Received from clients.
  std::uint64_t relayed = 0;      ///< Passed from one peer to another.
  std::uint64_t dead = 0;         ///< Dropped: no answer to a ping.
  std::uint64_t slow = 0;         ///< Dropped: did not read what was queued for it.
  std::uint64_t unclosed = 0;     ///< Dropped: told to close and did not.
  std::uint64_t turned_away = 0;  ///< Dropped at once: even the place to refuse it was full.
  std::array<std::uint64_t, kRefusedCount> refused{};  ///< By `Refused`.
};

/// Who is in which room, and what they may say to each other: the signalling server without its
/// sockets. After each call its driver takes the events, and whenever a connection that was
/// `Ready` can be written to, what `poll_transmit` gives.
class Rooms {
 public:
  /// `random` must outlive the rooms; peers' ids come from it.
  Rooms(const SignalingLimits& limits, std::vector<IceServer> ice_servers, Random& random);

  void handle_connect(Time now, ConnectionId connection);
  void handle_message(Time now, ConnectionId connection, std::string_view text);
  /// A binary message came.
  void handle_binary(Time now, ConnectionId connection);
  /// A message came that was longer than `max_message_bytes`; its driver need not have kept it.
  void handle_oversized(Time now, ConnectionId connection);
  void handle_pong(Time now, ConnectionId connection);
  void handle_disconnect(Time now, ConnectionId connection);

  /// `poll_transmit` has something for this connection.
  struct Ready {
    ConnectionId connection;
  };
  /// Cut this connection now, without a closing handshake. The rooms have forgotten it.
  struct Drop {
    ConnectionId connection;
    std::string reason;
  };
  using Event = std::variant<Ready, Drop>;
  std::optional<Event> poll_event();

  /// One thing to write, or nothing; call again when the socket takes more.
  std::optional<Frame> poll_transmit(ConnectionId connection);

  Time next_timeout() const;
  void handle_timeout(Time now);

  SignalingStats stats() const;
  const SignalingLimits& limits() const { return limits_; }

 private:
  struct Connection {
    ConnectionId key{};
    std::string room;  ///< Empty while in none.
    Peer peer;

    std::deque<std::string> queue;
    std::size_t queued_bytes = 0;
    bool ready = false;  ///< A `Ready` was raised and `poll_transmit` has not run dry since.

    Time outside_since;  ///< Connected, or left a room.
    Time last_message;
    Time heard;  ///< Anything, pongs too.
    std::optional<Time> pinged;
    bool ping_wanted = false;

    double tokens = 0;
    Time tokens_at;
    std::size_t excess = 0;  ///< Messages in a row that found the bucket empty.

    std::optional<CloseFrame> close;
    bool close_sent = false;
    bool doomed = false;  ///< Listed in `doomed_`.
    Time close_by = kNever;

    Time due = kNever;  ///< The key in `timers_`.
  };
  struct Room {
    std::vector<ConnectionId> members;  ///< In the order they came.
  };

  Connection* find(ConnectionId connection);
  bool may_speak(Time now, Connection& connection);
  void handle(Time now, Connection& connection, const Join& message);
  void handle(Time now, Connection& connection, const Leave& message);
  void handle(Time now, Connection& connection, const Relay& message);
  void leave_room(Time now, Connection& connection);

  void send(Connection& connection, std::string text);
  void refuse(Connection& connection, Refused code, std::string message);
  void refuse_and_close(Time now, Connection& connection, Refused code, std::string message,
                        std::uint16_t close_code);
  void raise_ready(Connection& connection);
  void doom(Connection& connection, std::string reason, std::uint64_t& counter);
  void drop_doomed(Time now);
  void erase(Time now, Connection& connection);

  Time deadline(const Connection& connection) const;
  void schedule(Connection& connection);
  void expire(Time now, Connection& connection);

  const SignalingLimits limits_;
  const std::vector<IceServer> ice_servers_;
  Random& random_;
  std::unordered_map<ConnectionId, Connection> connections_;
  std::size_t open_ = 0;  ///< Connections that were not told to close.
  std::map<std::string, Room, std::less<>> rooms_;
  std::unordered_map<std::string, ConnectionId> peers_;  ///< By the peer's id.
  std::set<std::pair<Time, ConnectionId>> timers_;
  std::vector<std::pair<ConnectionId, std::string>> doomed_;
  std::deque<Event> events_;
  SignalingStats stats_;
};

}  // namespace floe::server
