// TCP between relay and peer (RFC 6062): Connect, ConnectionBind, and peers
// that connect.
#include <algorithm>
#include <utility>

#include "floe/servers/turn/internal/turn_relay_answers.h"
#include "floe/servers/turn/turn_relay.h"

namespace floe::server {

using stun::AttributeType;
using stun::Class;
using stun::Method;

/// RFC 6062 section 5.1, on top of the checks for any Allocate request.
std::uint16_t TurnRelay::check_tcp_allocate(const Request& request) const {
  const stun::Message& message = request.message;
  const bool is_for_udp = message.dont_fragment() || message.has(AttributeType::kEvenPort) ||
                          message.has(AttributeType::kReservationToken) ||
                          // A connection has one family; RFC 6062 knows no dual allocations.
                          message.has(AttributeType::kAdditionalAddressFamily);
  return is_for_udp || !is_stream(request.transport) ? stun::kBadRequest : 0;
}

void TurnRelay::handle_connect(Request& request) {
  Allocation& allocation = *request.allocation;
  const std::optional<net::Endpoint> peer = request.message.xor_peer_address();
  if (!allocation.is_tcp || !peer) return refuse(request, stun::kBadRequest);
  if (const std::uint16_t code = check_peer(allocation, peer->address)) {
    return refuse(request, code);
  }
  if (!may_reach(*peer)) return refuse(request, stun::kForbidden);
  if (allocation.connections.contains(*peer)) {
    return refuse(request, stun::kConnectionAlreadyExists);
  }
  if (allocation.connections.size() >= Allocation::kMaxConnections) {
    return refuse(request, stun::kInsufficientCapacity);
  }
  PeerConnection connection;
  connection.peer = *peer;
  connection.request = request.message.transaction_id();
  connection.sha256_integrity = request.caller.sha256_integrity;
  connection.fingerprint = request.message.has(AttributeType::kFingerprint);
  const ConnectionId id = add_connection(allocation, connection);
  set_end(id, connections_.at(id), request.now + kConnectTimeout);
  const Relay& relay = *allocation.relay(peer->family());
  if (host_.connect_peer(id, relay.local, destination_of(*peer))) return;
  forget_connection(id);
  refuse(request, stun::kConnectionTimeoutOrFailure);
}

void TurnRelay::handle_connected(Time now, ConnectionId id, net::SendBatch& batch) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  PeerConnection& connection = found->second;
  connection.state = PeerConnection::State::kWaiting;
  set_end(id, connection, now + kBindTimeout);
  ++stats_.connected;
  answer_connect(connection, id, 0, batch);
}

void TurnRelay::handle_disconnected(Time, ConnectionId id, net::SendBatch& batch) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  if (found->second.state == PeerConnection::State::kConnecting) {
    answer_connect(found->second, id, stun::kConnectionTimeoutOrFailure, batch);
  }
  forget_connection(id);
}

std::optional<ConnectionId> TurnRelay::handle_peer_connection(Time now, net::SocketId relay,
                                                              const net::Endpoint& source,
                                                              net::SendBatch& batch) {
  const auto found = relays_.find(relay);
  if (found == relays_.end()) return std::nullopt;
  Allocation& allocation = *found->second;
  const net::Endpoint peer = peer_at(source);
  if (allocation.permitted_until(now, peer.address) <= now) {
    ++stats_.dropped_no_permission;
    return std::nullopt;
  }
  if (allocation.connections.size() >= Allocation::kMaxConnections ||
      allocation.connections.contains(peer)) {
    return std::nullopt;
  }
  const MutableBytes space =
      batch.open({allocation.client.socket, allocation.client.endpoint, {}}, kMaxResponse);
  if (space.empty()) {
    ++stats_.dropped_batch_full;
    return std::nullopt;
  }
  PeerConnection connection;
  connection.peer = peer;
  connection.state = PeerConnection::State::kWaiting;
  const ConnectionId id = add_connection(allocation, connection);
  set_end(id, connections_.at(id), now + kBindTimeout);
  ++stats_.connected;
  stun::MessageBuilder indication(space, Class::kIndication, Method::kConnectionAttempt,
                                  stun::random_transaction_id(random_));
  indication.add_u32(AttributeType::kConnectionId, static_cast<std::uint32_t>(id));
  indication.add_xor_address(AttributeType::kXorPeerAddress, peer);
  batch.commit(indication.bytes().size());
  return id;
}

void TurnRelay::handle_connection_bind(Request& request) {
  const std::optional<std::uint32_t> number = request.message.connection_id();
  if (!is_stream(request.transport) || request.allocation != nullptr || !number) {
    return refuse(request, stun::kBadRequest);
  }
  const ConnectionId id{*number};
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second.state != PeerConnection::State::kWaiting) {
    return refuse(request, stun::kBadRequest);
  }
  PeerConnection& connection = found->second;
  if (find(connection.client)->caller.username != request.caller.username) {
    return refuse(request, stun::kWrongCredentials);
  }
  connection.state = PeerConnection::State::kJoined;
  set_end(id, connection, kNever);
  succeed(request, [](stun::MessageBuilder&) {});
  host_.join(id, request.client.socket);
}

// RFC 6062 section 4.3 has a client authenticate its data connections as it does
// the control connection. Some have one nonce for all of them, coturn's client
// among these: refusing the control connection's nonce here, and giving them
// another, would make the next request on the control connection stale.
const net::Endpoint* TurnRelay::control_of(const Request& request) const {
  if (request.message.method() != Method::kConnectionBind) return nullptr;
  const std::optional<std::uint32_t> number = request.message.connection_id();
  if (!number) return nullptr;
  const auto found = connections_.find(ConnectionId{*number});
  return found == connections_.end() ? nullptr : &found->second.client.endpoint;
}

ConnectionId TurnRelay::add_connection(Allocation& allocation, PeerConnection connection) {
  ConnectionId id{};
  do {
    id = ConnectionId{random_.u32()};
  } while (connections_.contains(id));
  connection.client = allocation.client;
  allocation.connections.emplace(connection.peer, id);
  connections_.emplace(id, std::move(connection));
  return id;
}

void TurnRelay::forget_connection(ConnectionId id) {
  const auto found = connections_.find(id);
  set_end(id, found->second, kNever);
  find(found->second.client)->connections.erase(found->second.peer);
  connections_.erase(found);
}

void TurnRelay::close_connections(Allocation& allocation) {
  for (const auto& [peer, id] : std::exchange(allocation.connections, {})) {
    const auto found = connections_.find(id);
    set_end(id, found->second, kNever);
    connections_.erase(found);
    host_.close_connection(id);
  }
}

void TurnRelay::expire_connections(Time now, net::SendBatch& batch) {
  while (!connection_ends_.empty() && connection_ends_.begin()->first <= now) {
    const ConnectionId id = connection_ends_.begin()->second;
    host_.close_connection(id);
    handle_disconnected(now, id, batch);
  }
}

/// `code` 0 is success.
void TurnRelay::answer_connect(const PeerConnection& connection, ConnectionId id,
                               std::uint16_t code, net::SendBatch& batch) {
  const MutableBytes space =
      batch.open({connection.client.socket, connection.client.endpoint, {}}, kMaxResponse);
  if (space.empty()) {
    ++stats_.dropped_batch_full;
    return;
  }
  stun::MessageBuilder response(space, code == 0 ? Class::kSuccess : Class::kError,
                                Method::kConnect, connection.request);
  if (code == 0) {
    ++stats_.succeeded;
    response.add_u32(AttributeType::kConnectionId, static_cast<std::uint32_t>(id));
  } else {
    count(code);
    response.add_error(code, {});
  }
  Caller caller = find(connection.client)->caller;
  caller.sha256_integrity = connection.sha256_integrity;
  sign(response, caller);
  if (connection.fingerprint) response.add_fingerprint();
  batch.commit(response.bytes().size());
}

void TurnRelay::set_end(ConnectionId id, PeerConnection& connection, Time ends) {
  if (connection.ends != kNever) connection_ends_.erase({connection.ends, id});
  connection.ends = ends;
  if (ends != kNever) connection_ends_.insert({ends, id});
}

}  // namespace floe::server
