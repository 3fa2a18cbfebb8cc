#include "floe/ice/gatherer.h"

#include <algorithm>
#include <utility>

#include "floe/core/check.h"

// Which servers are asked from where and when; what comes of it is in the other files.
namespace floe::ice {

Gatherer::Gatherer(Config config, Random& random, net::Pacer& pacer)
    : config_(std::move(config)), random_(random), pacer_(pacer) {
  reconfigure(std::exchange(config_.servers, {}), config_.relay_only);
}

void Gatherer::start(Time now, std::span<const LocalSocket> sockets) {
  started_ = true;
  for (const LocalSocket& socket : sockets) add_socket(socket);
  if (awaits_mapping()) mapping_deadline_ = now + config_.mapping_timeout;
  find_nat64(now);
  look_up(now);
}

void Gatherer::reconfigure(const std::vector<Server>& servers, bool relay_only) {
  config_.relay_only = relay_only;
  std::vector<AskedServer> before = std::exchange(servers_, {});
  for (const Server& server : servers) {
    const auto known = std::find_if(before.begin(), before.end(),
                                    [&](const AskedServer& one) { return one.server == server; });
    if (known == before.end()) {
      servers_.push_back({ServerId{next_server_++}, server});
    } else {
      servers_.push_back(std::move(*known));
      before.erase(known);
    }
  }
  std::erase_if(queries_, [this](const auto& query) { return !find_server(query->server); });
  std::erase_if(past_attempts_, [this](const auto& past) { return !find_server(past.server); });
  std::erase_if(requests_, [this](const NetworkRequest& request) {
    const auto* look_up = std::get_if<LookUp>(&request);
    return look_up != nullptr && !find_server(look_up->server);
  });
}

void Gatherer::add_sockets(Time now, std::span<const LocalSocket> sockets) {
  if (!started_ || sockets.empty()) return;
  for (const LocalSocket& socket : sockets) add_socket(socket);
  find_nat64(now);
  for (const AskedServer& server : servers_) {
    if (server.state == AskedServer::State::kAsking) ask(now, server, sockets);
  }
  look_up(now);  // without the new address the resolver may have been out of reach
}

void Gatherer::remove_socket(net::SocketId socket) {
  const std::string why = "its local address is gone";
  const auto found =
      std::find_if(sockets_.begin(), sockets_.end(),
                   [socket](const LocalSocket& known) { return known.id == socket; });
  if (found == sockets_.end()) return;
  const net::Address address = found->local.address;
  sockets_.erase(found);
  // What is left at the address are the ends of TCP connections.
  for (const net::SocketId base : tcp_.remove_bases(address)) {
    std::erase_if(sockets_, [base](const LocalSocket& known) { return known.id == base; });
    forget_base(base, why);
  }
  remember_attempts([socket](net::SocketId base) { return base == socket; }, why);
  std::erase_if(queries_, [socket](const auto& query) { return query->socket.id == socket; });
  drop_relays([socket](const Relay& relay) { return relay.config().base.id == socket; }, why);
  mappings_.erase(socket);
  nat64_.update(sockets_);
  forget_base(socket, why);
  if (slot_ && !any_unstarted()) {
    pacer_.give_back(*slot_);
    slot_.reset();
  }
}

void Gatherer::restart(Time now) {
  if (!started_) return;
  if (slot_) pacer_.give_back(*slot_);
  slot_.reset();
  queries_.clear();
  candidates_.clear();
  events_.clear();
  keepalives_ = true;
  for (const LocalSocket& socket : sockets_) {
    if (socket.tcp_type) {
      add_tcp_host(socket);
    } else {
      add_host(socket);
      add_mapped(socket);
    }
  }
  drop_relays([](const Relay& relay) { return relay.failed(); }, "");  // to be tried again
  for (const auto& relay : relays_) {
    if (is_replaced(*relay)) continue;
    for (const Relay::Opened& opened : relay->addresses()) handle_relay_event(*relay, opened);
    relay->suspect(now);
  }
  for (const AskedServer& server : servers_) {
    if (server.state == AskedServer::State::kAsking) ask(now, server, sockets_);
  }
  look_up(now);
}

Gatherer::AskedServer* Gatherer::find_server(ServerId id) {
  const auto found = std::find_if(servers_.begin(), servers_.end(),
                                  [id](const AskedServer& one) { return one.id == id; });
  return found == servers_.end() ? nullptr : &*found;
}

/// The servers that were never looked up, and those for which it failed.
void Gatherer::look_up(Time now) {
  for (AskedServer& server : servers_) {
    using State = AskedServer::State;
    if (server.state != State::kNew && server.state != State::kFailed) continue;
    server.state = State::kLookingUp;
    requests_.push_back(LookUp{server.id, server.server.host});
    lookup_deadline_ = now + config_.lookup_timeout;
  }
}

void Gatherer::set_server_addresses(Time now, ServerId id,
                                    std::span<const net::Address> addresses) {
  AskedServer* server = find_server(id);
  if (!started_ || server == nullptr || server->state != AskedServer::State::kLookingUp) return;
  server->state = AskedServer::State::kAsking;
  server->lookup_failure.reset();
  server->addresses.assign(addresses.begin(), addresses.end());
  const bool any = std::any_of(sockets_.begin(), sockets_.end(), [&](const LocalSocket& socket) {
    return reachable(*server, socket).has_value();
  });
  if (!any && !sockets_.empty()) {
    fail_server(server->server, std::nullopt, kUnreachable,
                "none of the local addresses in use can reach " +
                    (addresses.empty() ? server->server.host : addresses[0].to_string()));
  }
  ask(now, *server, sockets_);
}

void Gatherer::set_server_failed(ServerId id, const Error& error) {
  AskedServer* server = find_server(id);
  if (server == nullptr || server->state != AskedServer::State::kLookingUp) return;
  server->state = AskedServer::State::kFailed;
  server->lookup_failure = error;
  fail_server(server->server, std::nullopt, kUnreachable,
              "the name " + server->server.host + " could not be looked up: " + error.message);
}

void Gatherer::ask(Time now, const AskedServer& asked, std::span<const LocalSocket> sockets) {
  const Server& server = asked.server;
  if (server.kind == Server::Kind::kStun && is_secure(server.transport)) {
    fail_server(server, std::nullopt, kUnreachable,
                "over TLS a STUN server sees the address of a TCP connection, which is no use as a "
                "candidate: use stun: or turns:");
    return;
  }
  for (const LocalSocket& socket : sockets) {
    if (socket.tcp_type) continue;
    const auto address = reachable(asked, socket);
    if (!address) continue;
    const net::Endpoint endpoint{*address, server.port};
    if (server.kind == Server::Kind::kTurn) {
      add_relay(asked, socket, endpoint);
    } else {
      add_query(asked, socket, endpoint);
      ask_through_nat64(asked, socket);
    }
  }
  if (!slot_ && any_unstarted()) slot_ = pacer_.book(now);
}

void Gatherer::add_query(const AskedServer& server, const LocalSocket& socket,
                         const net::Endpoint& address) {
  if (config_.relay_only) return;  // nobody would be told the answer
  if (queries_.size() >= kMaxQueries) {
    ++stats_.queries_skipped;
    return;
  }
  stun::BindingClient::Configuration client;
  client.times = config_.times;
  auto query = std::make_unique<Query>(
      Query{server.id, socket, stun::BindingClient(socket.id, address, random_, client), {}});
  query->record.local = socket.local;
  queries_.push_back(std::move(query));
}

void Gatherer::stop_keepalives() {
  keepalives_ = false;
  for (const auto& query : queries_) query->keepalive_due = kNever;
}

void Gatherer::stop() {
  remember_attempts([](net::SocketId) { return true; }, "");
  if (slot_) pacer_.give_back(*slot_);
  slot_.reset();
  queries_.clear();
  relays_.clear();
  closing_.clear();
  requests_.clear();
  events_.clear();
  lookup_deadline_ = kNever;
  mapping_deadline_ = kNever;
  nat64_ = {};
  for (AskedServer& server : servers_) server.state = AskedServer::State::kFailed;
}

bool Gatherer::done() const {
  return started_ && !(awaits_mapping() && mapping_deadline_ != kNever) && !awaits_nat64() &&
         std::none_of(servers_.begin(), servers_.end(),
                      [](const AskedServer& server) {
                        return server.state == AskedServer::State::kLookingUp;
                      }) &&
         std::all_of(queries_.begin(), queries_.end(),
                     [](const auto& query) { return query->finished; }) &&
         std::all_of(relays_.begin(), relays_.end(),
                     [](const auto& relay) { return relay->settled(); });
}

// ---------------------------------------------------------------------------------------- time

bool Gatherer::any_unstarted() const {
  return std::any_of(queries_.begin(), queries_.end(),
                     [](const auto& query) { return !query->started; }) ||
         std::any_of(relays_.begin(), relays_.end(),
                     [](const auto& relay) { return !relay->started(); });
}

/// All that starts from the best address goes before all that starts from the next one: with many
/// addresses the useful answers are there long before the last question is asked. Of the relays of
/// one address the best go first.
void Gatherer::start_next(Time now) {
  const auto rank = [](const Relay& relay) {
    const auto& config = relay.config();
    return std::pair(65535 - config.base.preference, config.server.transport);
  };
  Query* query = nullptr;
  Relay* relay = nullptr;
  for (const auto& candidate : queries_) {
    if (candidate->started) continue;
    if (query == nullptr || candidate->socket.preference > query->socket.preference) {
      query = candidate.get();
    }
  }
  for (const auto& candidate : relays_) {
    if (candidate->started()) continue;
    if (relay == nullptr || rank(*candidate) < rank(*relay)) relay = candidate.get();
  }
  if (query != nullptr &&
      (relay == nullptr || query->socket.preference >= relay->config().base.preference)) {
    query->started = true;
    query->record.started = now;
    query->client.start(now);
  } else if (relay != nullptr) {
    relay->start(now);
  }
  // After a late timer the next slot may be free at once; Ta still lies between our own queries.
  if (any_unstarted()) slot_ = pacer_.book(now + pacer_.ta());
}

bool Gatherer::handle_packet(Time now, const net::Datagram& datagram) {
  for (const auto& query : queries_) {
    if (query->socket.id != datagram.socket || !query->client.handle_packet(now, datagram))
      continue;
    drain(now, *query);
    return true;
  }
  return false;
}

void Gatherer::handle_send_failure(Time now, const net::Route& route, const Error& error) {
  for (const auto& query : queries_) {
    if (query->socket.id != route.socket || query->client.server() != route.destination) continue;
    query->client.handle_unreachable(error);
    drain(now, *query);
  }
  for (const auto& relay : relays_) {
    if (relay->uses(route)) relay->handle_send_failure(now, error);
  }
  drain_relays();
}

void Gatherer::poll_transmit(Time now, net::SendBatch& batch) {
  for (const auto& query : queries_) {
    if (query->client.running()) query->client.poll_transmit(now, batch);
  }
  for (const auto& relay : relays_) relay->poll_transmit(now, batch);
  for (const auto& relay : closing_) {
    relay->poll_transmit(now, batch);
    relay->abandon("");
    while (auto request = relay->poll_network_request()) requests_.push_back(std::move(*request));
  }
  closing_.clear();
}

Time Gatherer::next_timeout() const {
  Time next = slot_.value_or(kNever);
  const bool looking_up = std::any_of(
      servers_.begin(), servers_.end(),
      [](const AskedServer& server) { return server.state == AskedServer::State::kLookingUp; });
  if (started_ && looking_up) next = std::min(next, lookup_deadline_);
  next = std::min({next, mapping_deadline_, nat64_.next_timeout()});
  for (const auto& query : queries_) {
    next = std::min({next, query->client.next_timeout(), query->keepalive_due});
  }
  for (const auto& relay : relays_) next = std::min(next, relay->next_timeout());
  return std::min(next, tcp_.next_timeout());
}

void Gatherer::handle_timeout(Time now) {
  if (now >= lookup_deadline_) {
    lookup_deadline_ = kNever;
    for (const AskedServer& server : servers_) {
      set_server_failed(server.id, {Errc::kTimedOut, "the resolver did not answer"});
    }
  }
  if (now >= mapping_deadline_) mapping_deadline_ = kNever;
  nat64_.handle_timeout(now);
  if (slot_ && *slot_ <= now) {
    slot_.reset();
    start_next(now);
  }
  for (const auto& query : queries_) {
    if (now >= query->keepalive_due) {
      query->keepalive_due = kNever;
      query->client.start(now);
    }
    if (now >= query->client.next_timeout()) query->client.handle_timeout(now);
    drain(now, *query);
  }
  for (const auto& relay : relays_) {
    if (now >= relay->next_timeout()) relay->handle_timeout(now);
  }
  drain_relays();
  tcp_.handle_timeout(now);
}

void Gatherer::drain(Time now, Query& query) {
  const AskedServer* asked = find_server(query.server);
  FLOE_CHECK(asked != nullptr);  // queries do not outlive their server
  while (auto event = query.client.poll_event()) {
    if (const auto* reflexive = std::get_if<stun::BindingClient::Reflexive>(&*event)) {
      add_reflexive(query.socket, reflexive->address, query.client.server().address.to_string(),
                    asked->server.to_string());
      if (!query.answered) query.record.ended = now;
      query.record.mapped = reflexive->address;
      query.answered = true;
      query.finished = true;
      if (keepalives_) query.keepalive_due = now + config_.keepalive;
    } else if (std::holds_alternative<stun::BindingClient::Redirected>(*event)) {
      // A redirect leads the host's own traffic to an address the server picked; its loop limit is
      // the client's.
      if (auto followed = query.client.follow_redirect(now); !followed) {
        query.finished = true;
        query.record.error = followed.error();
      }
    } else {
      const auto& failed = std::get<stun::BindingClient::Failed>(*event);
      query.finished = true;
      if (query.answered) continue;  // a keepalive that went unanswered is no gathering error
      query.record.ended = now;
      query.record.error = failed.error;
      query.record.code = failed.code;
      fail_server(asked->server, query.socket.local, failed.code, failed.error.message);
    }
  }
}

void Gatherer::fail_server(const Server& server, const std::optional<net::Endpoint>& local,
                           std::uint16_t code, std::string text) {
  events_.push_back(
      ServerFailed{server.to_string(), local, code != 0 ? code : kUnreachable, std::move(text)});
}

std::optional<Gatherer::Event> Gatherer::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event next = std::move(events_.front());
  events_.pop_front();
  return next;
}

}  // namespace floe::ice
