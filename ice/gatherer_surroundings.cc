// What the network around adds to the sockets' own addresses: names for them, ports that a router
// maps, a NAT64.
#include <algorithm>
#include <utility>

#include "floe/ice/gatherer.h"

namespace floe::ice {

LocalSocket* Gatherer::find_socket(net::SocketId socket) {
  const auto found = std::find_if(sockets_.begin(), sockets_.end(),
                                  [socket](const LocalSocket& one) { return one.id == socket; });
  return found == sockets_.end() ? nullptr : &*found;
}

void Gatherer::set_name(net::SocketId socket, const std::string& name) {
  if (LocalSocket* known = find_socket(socket)) known->name = name;
}

// ---------------------------------------------------------------------------------- mapped ports

bool Gatherer::awaits_mapping() const {
  return std::any_of(sockets_.begin(), sockets_.end(),
                     [](const LocalSocket& socket) { return socket.awaits_mapping; });
}

void Gatherer::set_mapping(Time now, net::SocketId socket,
                           const std::optional<net::Endpoint>& external) {
  LocalSocket* known = find_socket(socket);
  if (known == nullptr) return;
  known->awaits_mapping = false;
  const auto before = mappings_.find(socket);
  if (before != mappings_.end()) {
    if (before->second == external) return;
    const net::Endpoint old = before->second;
    mappings_.erase(before);
    std::erase_if(candidates_, [&](const LocalCandidate& candidate) {
      return candidate.socket == socket && candidate.candidate.endpoint == old;
    });
    events_.push_back(Unmapped{socket, old});
    // The router restarted, or its address changed: what STUN servers saw is no longer true.
    for (const auto& query : queries_) {
      const bool idle = query->answered && !query->client.running();
      if (query->socket.id == socket && idle) query->keepalive_due = now;
    }
  }
  if (!external) return;
  mappings_.insert_or_assign(socket, *external);
  add_mapped(*known);
}

void Gatherer::add_mapped(const LocalSocket& socket) {
  const auto mapped = mappings_.find(socket.id);
  if (mapped != mappings_.end()) add_reflexive(socket, mapped->second, "port mapping", "");
}

// ----------------------------------------------------------------------------------------- NAT64

void Gatherer::find_nat64(Time now) {
  if (nat64_.start_search(sockets_, now + config_.lookup_timeout)) {
    requests_.push_back(DiscoverNat64{});
  }
}

void Gatherer::set_nat64_prefix(Time now, const std::optional<net::Nat64Prefix>& prefix) {
  if (!started_) return;
  std::vector<std::pair<const AskedServer*, LocalSocket>> waiting;
  for (const AskedServer& server : servers_) {
    if (server.state != AskedServer::State::kAsking) continue;
    for (const LocalSocket& socket : sockets_) {
      if (!reachable(server, socket)) waiting.emplace_back(&server, socket);
    }
  }
  nat64_.set_prefix(prefix);
  for (const auto& [server, socket] : waiting) ask(now, *server, std::span(&socket, 1));
  for (const AskedServer& server : servers_) {
    for (const LocalSocket& socket : sockets_) ask_through_nat64(server, socket);
  }
  if (!slot_ && any_unstarted()) slot_ = pacer_.book(now);
}

/// A STUN server that is reached by IPv6 sees nothing of the NAT64. By its IPv4 address it sees
/// the one that IPv4 peers have to be told of, without which they meet nobody here who filters.
void Gatherer::ask_through_nat64(const AskedServer& server, const LocalSocket& socket) {
  if (server.state != AskedServer::State::kAsking || socket.tcp_type) return;
  if (server.server.kind != Server::Kind::kStun) return;
  if (!Nat64::serves(socket.local.address)) return;
  for (const net::Address& address : server.addresses) {
    const auto translated = nat64_.embed(address);
    if (!translated) continue;
    const net::Endpoint endpoint{*translated, server.server.port};
    const bool asked = std::any_of(queries_.begin(), queries_.end(), [&](const auto& query) {
      return query->socket.id == socket.id && query->client.server() == endpoint;
    });
    if (!asked) add_query(server, socket, endpoint);
    return;
  }
}

/// A server that gathering waits for has more to say by its IPv4 address, or has no other.
bool Gatherer::awaits_nat64() const {
  if (!nat64_.searching()) return false;
  for (const AskedServer& server : servers_) {
    if (server.state != AskedServer::State::kAsking) continue;
    const bool has_ipv4 = std::any_of(server.addresses.begin(), server.addresses.end(),
                                      [](const net::Address& address) { return address.is_v4(); });
    const bool is_stun = server.server.kind == Server::Kind::kStun;
    for (const LocalSocket& socket : sockets_) {
      if (!Nat64::serves(socket.local.address)) continue;
      if ((is_stun && has_ipv4) || !reachable(server, socket)) return true;
    }
  }
  return false;
}

/// The address of a server that a socket can reach.
std::optional<net::Address> Gatherer::reachable(const AskedServer& server,
                                                const LocalSocket& socket) const {
  for (const net::Address& candidate : server.addresses) {
    if (candidate.family() == socket.local.family() &&
        candidate.is_loopback() == socket.local.address.is_loopback()) {
      return candidate;
    }
  }
  if (!Nat64::serves(socket.local.address)) return std::nullopt;
  for (const net::Address& candidate : server.addresses) {
    if (const auto translated = nat64_.embed(candidate)) return translated;
  }
  return std::nullopt;
}

}  // namespace floe::ice
