#include "floe/servers/signaling/rooms.h"

#include <algorithm>

#include "floe/core/check.h"
#include "floe/servers/signaling/internal/overloaded.h"

namespace floe::server {
namespace {

// Whoever knows an id may send to it, so it must not be guessed: 22 characters of 62 carry 131
// bits.
constexpr std::size_t kIdLength = 22;
constexpr std::string_view kIdAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

// Connections above `max_connections` that are still being told so. Above that they are cut
// without a word: a flood must not be able to fill memory with farewells.
constexpr std::size_t kMaxTurningAway = 64;

// How long a client may take to read what is queued for it and close after it was told to.
constexpr Duration kCloseTimeout = std::chrono::seconds(5);

// RFC 6455 section 7.4.1.
constexpr std::uint16_t kUnsupportedData = 1003;
constexpr std::uint16_t kPolicyViolation = 1008;
constexpr std::uint16_t kMessageTooBigCode = 1009;
constexpr std::uint16_t kTryAgainLater = 1013;  // registered with IANA after the RFC

}  // namespace

Rooms::Rooms(const SignalingLimits& limits, std::vector<IceServer> ice_servers, Random& random)
    : limits_(limits), ice_servers_(std::move(ice_servers)), random_(random) {}

void Rooms::handle_connect(Time now, ConnectionId key) {
  ++stats_.connected;
  if (connections_.size() >= limits_.max_connections + kMaxTurningAway) {
    ++stats_.turned_away;
    events_.push_back(Drop{key, "the server is full"});
    return;
  }
  const auto [entry, is_new] = connections_.try_emplace(key);
  FLOE_CHECK(is_new);
  Connection& connection = entry->second;
  connection.key = key;
  connection.outside_since = connection.last_message = connection.heard = now;
  connection.tokens = static_cast<double>(limits_.message_burst);
  connection.tokens_at = now;
  ++open_;
  schedule(connection);
  if (open_ > limits_.max_connections) {
    refuse_and_close(now, connection, Refused::kServerFull,
                     "this server takes " + std::to_string(limits_.max_connections) +
                         " connections at once; try again later",
                     kTryAgainLater);
  }
}

void Rooms::handle_message(Time now, ConnectionId key, std::string_view text) {
  if (text.size() > limits_.max_message_bytes) return handle_oversized(now, key);
  Connection* connection = find(key);
  if (!connection || !may_speak(now, *connection)) return;
  const tl::expected<ClientMessage, Refusal> message = parse_client_message(text, limits_);
  if (message) {
    std::visit([&](const auto& parsed) { handle(now, *connection, parsed); }, *message);
  } else {
    refuse(*connection, message.error().code, message.error().message);
  }
  drop_doomed(now);
}

void Rooms::handle_binary(Time now, ConnectionId key) {
  Connection* connection = find(key);
  if (!connection || !may_speak(now, *connection)) return;
  refuse_and_close(now, *connection, Refused::kNotText, "messages are JSON text, never binary",
                   kUnsupportedData);
  drop_doomed(now);
}

void Rooms::handle_oversized(Time now, ConnectionId key) {
  Connection* connection = find(key);
  if (!connection || !may_speak(now, *connection)) return;
  refuse_and_close(now, *connection, Refused::kMessageTooBig,
                   "a message has at most " + std::to_string(limits_.max_message_bytes) + " bytes",
                   kMessageTooBigCode);
  drop_doomed(now);
}

void Rooms::handle_pong(Time now, ConnectionId key) {
  if (Connection* connection = find(key)) {
    connection->heard = now;
    connection->pinged.reset();
  }
}

void Rooms::handle_disconnect(Time now, ConnectionId key) {
  Connection* connection = find(key);
  if (!connection) return;
  erase(now, *connection);
  drop_doomed(now);
}

/// Anything that a client sends passes here first: it shows that the client lives, and it costs.
bool Rooms::may_speak(Time now, Connection& connection) {
  connection.heard = connection.last_message = now;
  connection.pinged.reset();
  if (connection.close || connection.doomed) return false;
  ++stats_.messages;

  const double elapsed = std::chrono::duration<double>(now - connection.tokens_at).count();
  const double burst = static_cast<double>(limits_.message_burst);
  connection.tokens = std::min(burst, connection.tokens + elapsed * limits_.messages_per_second);
  connection.tokens_at = now;
  if (connection.tokens >= 1) {
    connection.tokens -= 1;
    connection.excess = 0;
    return true;
  }
  // One answer to a row of them: a flood is not to be answered with a flood.
  ++connection.excess;
  const std::string message = "more messages than " + std::to_string(limits_.message_burst) +
                              " at once; this one was not handled";
  if (connection.excess == 1) {
    refuse(connection, Refused::kTooManyMessages, message);
  } else if (connection.excess <= limits_.message_burst) {
    ++stats_.refused[static_cast<std::size_t>(Refused::kTooManyMessages)];
  } else {
    refuse_and_close(now, connection, Refused::kTooManyMessages, message, kPolicyViolation);
  }
  drop_doomed(now);
  return false;
}

void Rooms::handle(Time, Connection& connection, const Join& join) {
  if (!connection.room.empty()) {
    return refuse(connection, Refused::kAlreadyJoined,
                  "already in a room; \"leave\" it before joining another");
  }
  auto room = rooms_.find(join.room);
  if (room == rooms_.end()) {
    if (rooms_.size() >= limits_.max_rooms) {
      return refuse(connection, Refused::kTooManyRooms,
                    "this server has " + std::to_string(limits_.max_rooms) +
                        " rooms and no place for another");
    }
    room = rooms_.try_emplace(join.room).first;
  }
  std::vector<ConnectionId>& members = room->second.members;
  if (members.size() >= limits_.max_peers_per_room) {
    return refuse(
        connection, Refused::kRoomFull,
        "the room has its " + std::to_string(limits_.max_peers_per_room) + " peers already");
  }

  connection.room = join.room;
  connection.peer = Peer{random_.text(kIdLength, kIdAlphabet), join.name};
  FLOE_CHECK(peers_.try_emplace(connection.peer.id, connection.key).second);

  Joined joined{join.room, connection.peer.id, {}, ice_servers_};
  const std::string arrival = serialize(PeerJoined{connection.peer});
  for (const ConnectionId member : members) {
    Connection& other = connections_.at(member);
    joined.peers.push_back(other.peer);
    send(other, arrival);
  }
  members.push_back(connection.key);
  send(connection, serialize(joined));
  schedule(connection);
}

void Rooms::handle(Time now, Connection& connection, const Leave&) {
  if (connection.room.empty()) {
    return refuse(connection, Refused::kNotJoined, "not in a room; \"join\" one first");
  }
  leave_room(now, connection);
  send(connection, serialize(Left{}));
  schedule(connection);
}

void Rooms::handle(Time, Connection& connection, const Relay& relay) {
  if (connection.room.empty()) {
    return refuse(connection, Refused::kNotJoined, "not in a room; \"join\" one first");
  }
  const auto found = peers_.find(relay.to);
  Connection* receiver = found == peers_.end() ? nullptr : find(found->second);
  // A peer in another room gets the same answer as one that does not exist: ids tell nothing.
  if (!receiver || receiver->room != connection.room) {
    return refuse(connection, Refused::kNoSuchPeer,
                  "\"to\" is nobody in this room; the peer may just have left");
  }
  ++stats_.relayed;
  send(*receiver, serialize(Delivery{connection.peer.id, relay.json}));
}

void Rooms::leave_room(Time now, Connection& connection) {
  if (connection.room.empty()) return;
  const auto room = rooms_.find(connection.room);
  std::vector<ConnectionId>& members = room->second.members;
  std::erase(members, connection.key);
  const std::string departure = serialize(PeerLeft{connection.peer.id});
  for (const ConnectionId member : members) send(connections_.at(member), departure);
  if (members.empty()) rooms_.erase(room);
  peers_.erase(connection.peer.id);
  connection.room.clear();
  connection.peer = {};
  connection.outside_since = now;
}

Rooms::Connection* Rooms::find(ConnectionId key) {
  const auto found = connections_.find(key);
  return found == connections_.end() ? nullptr : &found->second;
}

void Rooms::send(Connection& connection, std::string text) {
  if (connection.doomed || connection.close) return;
  if (connection.queued_bytes + text.size() > limits_.max_queued_bytes) {
    return doom(connection, "it does not read what is sent to it", stats_.slow);
  }
  connection.queued_bytes += text.size();
  connection.queue.push_back(std::move(text));
  raise_ready(connection);
}

void Rooms::refuse(Connection& connection, Refused code, std::string message) {
  ++stats_.refused[static_cast<std::size_t>(code)];
  send(connection, serialize(Refusal{code, std::move(message)}));
}

void Rooms::refuse_and_close(Time now, Connection& connection, Refused code, std::string message,
                             std::uint16_t close_code) {
  refuse(connection, code, std::move(message));
  if (connection.doomed) return;
  connection.close = CloseFrame{close_code, std::string(to_string(code))};
  connection.close_by = now + kCloseTimeout;
  --open_;
  leave_room(now, connection);
  raise_ready(connection);
  schedule(connection);
}

void Rooms::raise_ready(Connection& connection) {
  if (connection.ready) return;
  connection.ready = true;
  events_.push_back(Ready{connection.key});
}

/// Marks a connection that has to go. It goes in `drop_doomed`, when nobody iterates over rooms.
void Rooms::doom(Connection& connection, std::string reason, std::uint64_t& counter) {
  ++counter;
  connection.doomed = true;
  doomed_.emplace_back(connection.key, std::move(reason));
}

void Rooms::drop_doomed(Time now) {
  // Those who hear that one left may be too slow for that as well; each can be doomed only once.
  while (!doomed_.empty()) {
    auto [key, reason] = std::move(doomed_.back());
    doomed_.pop_back();
    erase(now, connections_.at(key));
    events_.push_back(Drop{key, std::move(reason)});
  }
}

void Rooms::erase(Time now, Connection& connection) {
  leave_room(now, connection);
  if (!connection.close) --open_;
  timers_.erase({connection.due, connection.key});
  connections_.erase(connection.key);
}

std::optional<Rooms::Event> Rooms::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

std::optional<Frame> Rooms::poll_transmit(ConnectionId key) {
  Connection* connection = find(key);
  if (!connection) return std::nullopt;
  // Before what is queued, so that a slow but living reader answers in time.
  if (std::exchange(connection->ping_wanted, false)) return PingFrame{};
  if (!connection->queue.empty()) {
    TextFrame text{std::move(connection->queue.front())};
    connection->queue.pop_front();
    connection->queued_bytes -= text.text.size();
    return text;
  }
  if (connection->close && !std::exchange(connection->close_sent, true)) return connection->close;
  connection->ready = false;
  return std::nullopt;
}

Time Rooms::deadline(const Connection& connection) const {
  if (connection.close) return connection.close_by;
  Time earliest = connection.pinged ? *connection.pinged + limits_.pong_timeout
                                    : connection.heard + limits_.ping_interval;
  if (connection.room.empty()) {
    earliest = std::min(earliest, connection.outside_since + limits_.join_timeout);
  } else if (limits_.idle_timeout > Duration::zero()) {
    earliest = std::min(earliest, connection.last_message + limits_.idle_timeout);
  }
  return earliest;
}

/// Moves the connection's timer if it has to fire earlier. One that may fire later is left: it
/// finds nothing to do and is set anew, which is cheaper than to move it with every message.
void Rooms::schedule(Connection& connection) {
  const Time due = deadline(connection);
  if (due >= connection.due) return;
  timers_.erase({connection.due, connection.key});
  connection.due = due;
  timers_.emplace(due, connection.key);
}

Time Rooms::next_timeout() const {
  return timers_.empty() ? kNever : timers_.begin()->first;
}

void Rooms::handle_timeout(Time now) {
  while (!timers_.empty() && timers_.begin()->first <= now) {
    Connection& connection = connections_.at(timers_.begin()->second);
    timers_.erase(timers_.begin());
    connection.due = kNever;
    while (!connection.doomed && deadline(connection) <= now) expire(now, connection);
    if (!connection.doomed) schedule(connection);
  }
  drop_doomed(now);
}

/// Acts on the connection's deadline; every branch moves it past `now` or dooms the connection.
void Rooms::expire(Time now, Connection& connection) {
  if (connection.close) {
    return doom(connection, "it was told to close and did not", stats_.unclosed);
  }
  if (connection.room.empty() && now >= connection.outside_since + limits_.join_timeout) {
    return refuse_and_close(
        now, connection, Refused::kJoinTimeout,
        "no room joined within " + std::to_string(to_ms(limits_.join_timeout)) + " ms",
        kPolicyViolation);
  }
  if (!connection.room.empty() && limits_.idle_timeout > Duration::zero() &&
      now >= connection.last_message + limits_.idle_timeout) {
    return refuse_and_close(
        now, connection, Refused::kIdleTimeout,
        "no message within " + std::to_string(to_ms(limits_.idle_timeout)) + " ms",
        kPolicyViolation);
  }
  if (connection.pinged) {
    // A timer that comes late by more than the client was given means that this machine slept:
    // the pong may lie unread in the socket, so the client is asked once more.
    const Duration late = now - (*connection.pinged + limits_.pong_timeout);
    if (late < limits_.pong_timeout) {
      return doom(connection, "it did not answer a ping", stats_.dead);
    }
  }
  connection.pinged = now;
  connection.ping_wanted = true;
  raise_ready(connection);
}

SignalingStats Rooms::stats() const {
  SignalingStats stats = stats_;
  stats.connections = connections_.size();
  stats.rooms = rooms_.size();
  stats.peers = peers_.size();
  return stats;
}

}  // namespace floe::server
