// What lies between a base and the peer besides a socket: TURN servers and TCP connections.
#include <algorithm>
#include <utility>
#include <variant>

#include "floe/ice/gatherer.h"

namespace floe::ice {

void Gatherer::add_relay(const AskedServer& server, const LocalSocket& socket,
                         const net::Endpoint& address) {
  const ServerTransport transport = server.server.transport;
  std::size_t of_this_server = 0;
  bool taken = false;
  for (const auto& relay : relays_) {
    const auto& known = relay->config();
    if (known.server_id == server.id) ++of_this_server;
    // Two allocations from one address and port on one server would be one (RFC 8656 section 7.2),
    // and an ICE restart keeps those there are.
    if (known.base.id == socket.id && known.address == address &&
        known.server.transport == transport) {
      if (!is_replaced(*relay)) return;
      // The old one carries packets until the new generation has a path.
      taken = taken || relay->on_base();
    }
  }
  if (relays_.size() >= kMaxRelays || of_this_server >= kMaxRelaysPerServer) {
    ++stats_.relays_skipped;
    return;
  }
  Relay::Config config;
  config.server_id = server.id;
  config.server = server.server;
  config.address = address;
  config.base = socket;
  config.times = config_.times;
  config.deadline = config_.relay_timeout;
  config.own_socket = socket.shared || taken;
  relays_.push_back(
      std::make_unique<Relay>(std::move(config), random_, virtual_sockets_, last_dial_));
  // What the server sees of the base is then to be asked for.
  if (taken && transport == ServerTransport::kUdp) add_query(server, socket, address);
}

bool Gatherer::is_replaced(const Relay& relay) const {
  return std::none_of(servers_.begin(), servers_.end(), [&relay](const AskedServer& server) {
    return server.id == relay.config().server_id;
  });
}

void Gatherer::release_replaced(Time now, const std::function<bool(net::SocketId)>& in_use) {
  for (auto& relay : relays_) {
    const auto addresses = relay->addresses();
    const bool used = std::any_of(addresses.begin(), addresses.end(),
                                  [&](const auto& address) { return in_use(address.socket); });
    if (used || !is_replaced(*relay)) continue;
    relay->close(now);
    closing_.push_back(std::move(relay));
  }
  std::erase(relays_, nullptr);
}

void Gatherer::drop_relays(const std::function<bool(const Relay&)>& which, const std::string& why) {
  for (const auto& relay : relays_) {
    if (!which(*relay)) continue;
    relay->abandon(why);
    while (auto request = relay->poll_network_request()) requests_.push_back(std::move(*request));
  }
  drain_relays();
  std::erase_if(relays_, [&which](const auto& relay) { return which(*relay); });
}

Relay* Gatherer::relay_behind(net::SocketId base) const {
  const auto it = std::find_if(relays_.begin(), relays_.end(),
                               [base](const auto& relay) { return relay->owns(base); });
  return it == relays_.end() ? nullptr : it->get();
}

std::optional<NetworkRequest> Gatherer::poll_network_request() {
  if (!requests_.empty()) {
    NetworkRequest next = std::move(requests_.front());
    requests_.pop_front();
    return next;
  }
  for (const auto& relay : relays_) {
    if (auto request = relay->poll_network_request()) return request;
  }
  return tcp_.poll_network_request();
}

void Gatherer::handle_dialed(Time now, DialId id, net::SocketId socket) {
  if (tcp_.handle_dialed(now, id, socket)) return drain_tcp();
  for (const auto& relay : relays_) {
    if (relay->handle_dialed(now, id, socket)) break;
  }
  drain_relays();
}

void Gatherer::handle_dial_failed(Time now, DialId id, const Error& error) {
  if (tcp_.handle_dial_failed(now, id, error)) return drain_tcp();
  for (const auto& relay : relays_) {
    if (relay->handle_dial_failed(now, id, error)) break;
  }
  drain_relays();
}

bool Gatherer::handle_accepted(const net::Endpoint& local, net::SocketId stream,
                               const net::Endpoint& remote) {
  const bool taken = tcp_.handle_accepted(local, stream, remote);
  drain_tcp();
  return taken;
}

void Gatherer::handle_stream_closed(net::SocketId stream, const Error& error) {
  tcp_.handle_closed(stream, error);
  drain_tcp();
}

void Gatherer::drain_tcp() {
  while (auto event = tcp_.poll_event()) {
    if (const auto* opened = std::get_if<TcpStreams::Opened>(&*event)) {
      events_.push_back(WayOpened{opened->base, opened->remote});
    } else {
      auto& ended = std::get<TcpStreams::Ended>(*event);
      events_.push_back(WayClosed{ended.base, ended.remote, std::move(ended.why)});
    }
  }
}

turn::Received::Kind Gatherer::unwrap(Time now, net::Datagram& datagram) {
  for (const auto& relay : relays_) {
    const auto kind = relay->unwrap(now, datagram);
    if (kind == turn::Received::Kind::kConsumed) drain_relays();
    if (kind != turn::Received::Kind::kNotOurs) return kind;
  }
  return tcp_.unwrap(datagram) ? turn::Received::Kind::kRelayed : turn::Received::Kind::kNotOurs;
}

std::optional<net::Route> Gatherer::route(net::SocketId base,
                                          const net::Endpoint& destination) const {
  if (!is_virtual(base)) return net::Route{base, destination, {}};
  if (tcp_.owns(base)) return tcp_.route(base, destination);
  const Relay* relay = relay_behind(base);
  return relay != nullptr ? relay->route(destination) : std::nullopt;
}

void Gatherer::permit(Time now, net::SocketId base, const net::Address& peer) {
  if (!is_virtual(base)) return;
  if (Relay* relay = relay_behind(base)) relay->permit(now, base, peer);
  drain_relays();
}

void Gatherer::connect(net::SocketId base, const net::Endpoint& peer) {
  if (!tcp_.owns(base)) return;
  tcp_.connect(base, peer);
  drain_tcp();
}

void Gatherer::bind(Time now, net::SocketId base, const net::Endpoint& peer) {
  if (!is_virtual(base)) return;
  if (Relay* relay = relay_behind(base)) relay->bind(now, peer);
}

void Gatherer::suspect(Time now, net::SocketId base) {
  if (!is_virtual(base)) return;
  if (Relay* relay = relay_behind(base)) relay->suspect(now);
}

void Gatherer::close(Time now, net::SendBatch& batch) {
  for (const auto& relay : closing_) relay->poll_transmit(now, batch);
  for (const auto& relay : relays_) {
    relay->close(now);
    relay->poll_transmit(now, batch);
  }
  stop();
}

// -------------------------------------------------------------------------------------- events

void Gatherer::drain_relays() {
  for (const auto& relay : relays_) {
    while (auto event = relay->poll_event()) {
      std::visit([this, &relay](const auto& what) { handle_relay_event(*relay, what); }, *event);
    }
  }
}

void Gatherer::handle_relay_event(const Relay& relay, const Relay::Opened& opened) {
  if (is_replaced(relay)) return;
  add_relayed(relay, opened);
  // Over TCP the server sees an address that no UDP packet would ever reach.
  const auto& config = relay.config();
  const bool reflexive = config.server.transport == ServerTransport::kUdp && relay.on_base();
  if (opened.mapped && reflexive) {
    add_reflexive(config.base, *opened.mapped, config.address.address.to_string(),
                  config.server.to_string());
  }
}

void Gatherer::handle_relay_event(const Relay&, const Relay::Gone& gone) {
  forget_base(gone.socket, gone.why);
}

void Gatherer::handle_relay_event(const Relay& relay, const Relay::Failed& failed) {
  if (is_replaced(relay)) return;
  fail_server(relay.config().server, relay.config().base.local, failed.code, failed.text);
}

void Gatherer::handle_relay_event(const Relay&, const Relay::Permitted& permitted) {
  events_.push_back(WayOpened{permitted.socket, {permitted.peer, 0}});
}

void Gatherer::handle_relay_event(const Relay&, const Relay::Refused& refused) {
  events_.push_back(WayClosed{refused.socket,
                              {refused.peer, 0},
                              "the TURN server refuses the peer's address: " + refused.why});
}

}  // namespace floe::ice
