#include "floe/servers/turn/turn_relay.h"

#include <algorithm>
#include <cstring>

#include "floe/core/text.h"
#include "floe/stun_client/stream_framer.h"

namespace floe::server {
namespace {

/// RFC 8489 section 14.14: fewer than 128 characters. ASCII is what servers
/// write.
constexpr std::size_t kMaxSoftware = 127;

/// The addresses that a client could reach this machine's own services by.
std::vector<net::Address> own_addresses(const TurnRelay::Configuration& configuration) {
  std::vector<net::Address> own = configuration.own_addresses;
  for (const RelayAddress& address : configuration.relay_addresses) {
    own.push_back(address.local);
    if (address.external) own.push_back(*address.external);
  }
  return own;
}

Result<> check_relay_addresses(const std::vector<RelayAddress>& addresses) {
  if (addresses.empty()) {
    return fail(Errc::kInvalidArgument, "a TURN server needs an address to relay from");
  }
  std::array<int, 2> of_family{};
  for (const RelayAddress& address : addresses) {
    const std::string text = address.local.to_string();
    if (address.local.is_unspecified() || address.local.is_multicast()) {
      return fail(Errc::kInvalidArgument, text +
                                              " cannot be relayed from: name one address of this "
                                              "machine, which peers are to see");
    }
    if (address.external && address.external->family() != address.local.family()) {
      return fail(Errc::kInvalidArgument, "the external address " + address.external->to_string() +
                                              " of " + text + " is of another family");
    }
    if (++of_family[static_cast<std::size_t>(address.local.family())] > 1) {
      return fail(Errc::kInvalidArgument,
                  "there are two relay addresses of the family of " + text + ": give one of each");
    }
  }
  return {};
}

Result<> check(const TurnRelay::Configuration& configuration) {
  if (Result<> checked = check_relay_addresses(configuration.relay_addresses); !checked) {
    return checked;
  }
  if (configuration.min_port == 0 || configuration.min_port > configuration.max_port) {
    return fail(Errc::kInvalidArgument,
                "the relay ports " + std::to_string(configuration.min_port) + " to " +
                    std::to_string(configuration.max_port) + " are not a range");
  }
  if (configuration.software.size() > kMaxSoftware || !is_utf8(as_bytes(configuration.software))) {
    return fail(Errc::kInvalidArgument,
                "the TURN server's software text must be UTF-8 of at most " +
                    std::to_string(kMaxSoftware) + " bytes");
  }
  if (configuration.default_lifetime <= Duration() ||
      configuration.max_lifetime < configuration.default_lifetime) {
    return fail(Errc::kInvalidArgument,
                "the longest lifetime of an allocation must not be below the "
                "default, and both "
                "must be above zero");
  }
  if (configuration.always_redirect && configuration.alternate_servers.empty()) {
    return fail(Errc::kInvalidArgument,
                "to redirect every client, the TURN server needs an alternate server");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<TurnRelay>> TurnRelay::create(Configuration configuration, RelayHost& host,
                                                     Random& random) {
  if (Result<> checked = check(configuration); !checked) return forward(checked);
  Result<Accounts> accounts =
      Accounts::create(configuration.realm, configuration.users, configuration.secret);
  if (!accounts) return forward(accounts);
  return std::unique_ptr<TurnRelay>(
      new TurnRelay(std::move(configuration), std::move(*accounts), host, random));
}

TurnRelay::TurnRelay(Configuration configuration, Accounts accounts, RelayHost& host,
                     Random& random)
    : configuration_(std::move(configuration)),
      host_(host),
      random_(random),
      authenticator_(std::move(accounts), configuration_.nonce_lifetime, random),
      limiter_(configuration_.unauthenticated, random),
      responder_({.software = configuration_.software, .rate = configuration_.unauthenticated},
                 random),
      policy_(configuration_.peers, own_addresses(configuration_)) {
  for (const RelayAddress& address : configuration_.relay_addresses) {
    pools_[static_cast<std::size_t>(address.local.family())].emplace(
        Pool{address, PortPool(configuration_.min_port, configuration_.max_port)});
  }
}

TurnRelay::~TurnRelay() = default;

void TurnRelay::add_socket(net::SocketId socket, TurnTransport transport) {
  sockets_[socket] = transport;
}

void TurnRelay::remove_client(const TurnClient& client) {
  if (Allocation* allocation = find(client)) end(*allocation);
}

void TurnRelay::handle_packet(Time now, const net::Datagram& datagram, net::SendBatch& batch) {
  const TurnClient from{datagram.socket, datagram.source};
  if (from == to_client_.from && now < to_client_.until) {
    return relay_to_client(to_client_.route, datagram.payload, batch);
  }
  if (const auto relay = relays_.find(datagram.socket); relay != relays_.end()) {
    return handle_peer_packet(now, *relay->second, datagram, batch);
  }
  if (datagram.payload.empty()) {
    ++stats_.dropped_malformed;
  } else if (stun::is_channel_data(datagram.payload[0])) {
    handle_channel_data(now, datagram, batch);
  } else {
    handle_message(now, datagram, batch);
  }
}

Time TurnRelay::next_timeout() const {
  Time next = deadlines_.empty() ? kNever : deadlines_.begin()->when;
  if (!reservation_ends_.empty()) next = std::min(next, reservation_ends_.front().first);
  if (!connection_ends_.empty()) next = std::min(next, connection_ends_.begin()->first);
  return next;
}

void TurnRelay::handle_timeout(Time now, net::SendBatch& batch) {
  expire_connections(now, batch);
  while (!reservation_ends_.empty() && reservation_ends_.front().first <= now) {
    const auto found = reservations_.find(reservation_ends_.front().second);
    if (found != reservations_.end()) {
      close(found->second.relay);
      reservations_.erase(found);
    }
    reservation_ends_.pop_front();
  }
  while (!deadlines_.empty() && deadlines_.begin()->when <= now) {
    Allocation* allocation = find(deadlines_.begin()->client);
    for (const net::Family family : {net::Family::kIpv4, net::Family::kIpv6}) {
      const std::optional<Relay>& relay = allocation->relay(family);
      if (relay && relay->expires <= now) end_family(*allocation, family);
    }
    if (allocation->expires() != kNever) continue;
    ++stats_.expired;
    end(*allocation);
  }
}

TurnRelay::Stats TurnRelay::stats() const {
  Stats stats = stats_;
  stats.allocations = allocations_.size();
  stats.peer_connections = connections_.size();
  stats.binding = responder_.stats();
  return stats;
}

Allocation* TurnRelay::find(const TurnClient& client) {
  const auto found = allocations_.find(client);
  return found == allocations_.end() ? nullptr : found->second.get();
}

void TurnRelay::end(Allocation& allocation) {
  forget_courses();
  close_connections(allocation);  // RFC 6062 section 5.5
  deadlines_.erase({allocation.expires(), allocation.client});
  for (const std::optional<Relay>& relay : allocation.relays) {
    if (relay) close(*relay);
  }
  const auto owner = owners_.find(allocation.caller.owner);
  if (--owner->second == 0) owners_.erase(owner);
  const TurnClient client = allocation.client;  // The table's node dies with its key.
  allocations_.erase(client);
}

/// The allocation stays, even without any relay: `end` is the caller's.
void TurnRelay::end_family(Allocation& allocation, net::Family family) {
  forget_courses();
  if (allocation.is_tcp) close_connections(allocation);  // Its only family.
  deadlines_.erase({allocation.expires(), allocation.client});
  close(*allocation.relay(family));
  allocation.forget(family);
  schedule(allocation);
}

void TurnRelay::close(const Relay& relay) {
  relays_.erase(relay.socket);
  host_.close_relay(relay.socket);
  pool(relay.local.family())->ports.give_back(relay.local.port);
}

void TurnRelay::schedule(Allocation& allocation) {
  if (const Time when = allocation.expires(); when != kNever) {
    deadlines_.insert({when, allocation.client});
  }
}

void TurnRelay::forget_courses() {
  to_peer_ = {};
  to_client_ = {};
}

TurnRelay::Pool* TurnRelay::pool(net::Family family) {
  std::optional<Pool>& found = pools_[static_cast<std::size_t>(family)];
  return found ? &*found : nullptr;
}

const TurnRelay::Pool* TurnRelay::pool(net::Family family) const {
  const std::optional<Pool>& found = pools_[static_cast<std::size_t>(family)];
  return found ? &*found : nullptr;
}

std::size_t TurnRelay::ReservationTokenHash::operator()(const ReservationToken& token) const {
  std::size_t hash = 0;  // Drawn at random, so any part of it is a good hash.
  std::memcpy(&hash, token.data(), std::min(sizeof hash, token.size()));
  return hash;
}

}  // namespace floe::server
