// TCP connections with peers (RFC 6062 sections 5.2 to 5.5): what passes
// through them once a client's stream is joined to one.
#include <utility>

#include "floe/servers/turn/internal/turn_streams.h"
#include "floe/servers/turn/turn_server.h"

namespace floe::server {
namespace {

/// Bytes kept for an end that does not read before the other end is held back.
constexpr std::size_t kHighWater = 256 * 1024;
static_assert(kHighWater < net::Stream::kMaxBuffered / 2, "a whole read must still find room");

/// Ids of relay listeners: above those of any network's sockets and sinks
/// (net/sink.h).
constexpr std::uint32_t kListenerBit = 0x8000'0000;

/// False if `to` takes no more, now or ever.
bool pass(MutableBytes data, net::Stream& from, net::Stream& to) {
  if (!data.empty() && !to.write(data)) return false;
  if (to.buffered() > kHighWater) from.pause_reading();
  return true;
}

}  // namespace

Result<net::SocketId> TurnServer::listen_relay(const net::Endpoint& local) {
  const net::SocketId id{kListenerBit | ++last_relay_listener_};
  auto relay = std::make_unique<RelayListener>(*this, id);
  Result<std::unique_ptr<net::Listener>> listener = network_.listen(local, *relay);
  if (!listener) return forward(listener);
  relay->start(std::move(*listener));
  relay_listeners_.emplace(id, std::move(relay));
  return id;
}

Result<> TurnServer::connect_peer(ConnectionId id, const net::Endpoint& local,
                                  const net::Endpoint& peer) {
  auto connection = std::make_unique<PeerStream>(*this, id);
  Result<std::unique_ptr<net::Stream>> stream = network_.connect(peer, local, *connection);
  if (!stream) return forward(stream);
  connection->take(std::move(*stream), false);
  peers_.emplace(id, std::move(connection));
  return {};
}

void TurnServer::accept_peer(net::SocketId relay, std::unique_ptr<net::Stream> stream) {
  net::SendBatch& batch = network_.batch();
  const std::optional<ConnectionId> id =
      relay_->handle_peer_connection(network_.now(), relay, stream->remote(), batch);
  if (id) {
    auto connection = std::make_unique<PeerStream>(*this, *id);
    connection->take(std::move(stream), true);
    peers_.emplace(*id, std::move(connection));
  }
  finish(batch);
}

void TurnServer::join(ConnectionId id, net::SocketId client) {
  PeerStream& peer = *peers_.at(id);
  ClientStream& stream = *streams_.at(client);
  peer.client = &stream;
  stream.peer = &peer;
}

void TurnServer::close_connection(ConnectionId id) {
  const auto found = peers_.find(id);
  if (found == peers_.end()) return;
  if (ClientStream* client = found->second->client) {
    const net::SocketId socket = client->client.socket;
    relay_->remove_socket(socket);
    streams_.erase(socket);
  }
  peers_.erase(found);
}

void TurnServer::handle_peer_connected(PeerStream& peer) {
  peer.stream().pause_reading();  // Until a client has asked for it.
  net::SendBatch& batch = network_.batch();
  relay_->handle_connected(network_.now(), peer.id, batch);
  finish(batch);
}

void TurnServer::handle_peer_data(PeerStream& peer, MutableBytes data) {
  // What comes back over a connection whose client is gone has nowhere to go.
  if (peer.client == nullptr) return;
  if (pass(data, peer.stream(), peer.client->stream())) return;
  close(*peer.client);
}

void TurnServer::handle_client_data(ClientStream& client, MutableBytes data) {
  if (client.is_ending || pass(data, client.stream(), client.peer->stream())) return;
  handle_peer_closed(*client.peer);
}

void TurnServer::handle_peer_drained(PeerStream& peer) {
  if (peer.is_ending) {
    peers_.erase(peer.id);
  } else if (peer.client != nullptr) {
    peer.client->stream().resume_reading();
  }
}

void TurnServer::handle_drained(ClientStream& client) {
  if (client.is_ending) {
    close(client);
  } else if (client.peer != nullptr) {
    client.peer->stream().resume_reading();
  }
}

void TurnServer::handle_peer_closed(PeerStream& peer) {
  ClientStream* client = std::exchange(peer.client, nullptr);
  const bool was_ending = peer.is_ending;
  const ConnectionId id = peer.id;
  peers_.erase(id);
  net::SendBatch& batch = network_.batch();
  if (!was_ending) relay_->handle_disconnected(network_.now(), id, batch);
  finish(batch);
  if (client == nullptr) return;
  client->peer = nullptr;
  if (client->stream().buffered() == 0) return close(*client);
  client->is_ending = true;
  client->since = network_.now();
  client->stream().shutdown();
}

/// The client's side of a joined pair is gone.
void TurnServer::end_peer(PeerStream& peer) {
  peer.client = nullptr;
  net::SendBatch& batch = network_.batch();
  relay_->handle_disconnected(network_.now(), peer.id, batch);
  finish(batch);
  if (peer.stream().buffered() == 0) {
    peers_.erase(peer.id);
    return;
  }
  peer.is_ending = true;
  peer.since = network_.now();
  peer.stream().shutdown();
}

}  // namespace floe::server
