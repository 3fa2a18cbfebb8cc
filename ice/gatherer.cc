#include "floe/ice/gatherer.h"

#include <algorithm>
#include <utility>
#include <variant>

namespace floe::ice {
namespace {

// A NAT that maps anew with every keepalive must not grow the list for ever.
constexpr std::size_t kMaxCandidates = 256;

}  // namespace

Gatherer::Gatherer(Config config, Random& random, net::Pacer& pacer)
    : config_(std::move(config)),
      random_(random),
      pacer_(pacer),
      servers_(config_.servers.size(), ServerState::kLookingUp),
      server_addresses_(config_.servers.size()) {}

void Gatherer::start(Time now, std::span<const LocalSocket> sockets) {
  started_ = true;
  lookup_deadline_ = now + config_.lookup_timeout;
  sockets_.assign(sockets.begin(), sockets.end());
  for (const LocalSocket& socket : sockets_) {
    LocalCandidate host;
    host.socket = socket.id;
    host.base = socket.local;
    host.is_base = true;
    host.candidate.type = CandidateType::kHost;
    host.candidate.endpoint = socket.local;
    host.candidate.priority = candidate_priority(CandidateType::kHost, socket.preference, 1);
    host.candidate.foundation = foundation(CandidateType::kHost, socket.local.address, "");
    candidates_.push_back(host);
    found_.push_back(host);
  }
}

void Gatherer::restart(Time now) {
  if (!started_) return;
  if (slot_) pacer_.give_back(*slot_);
  slot_.reset();
  queries_.clear();
  candidates_.clear();
  found_.clear();
  failures_.clear();
  keepalives_ = true;
  const std::vector<LocalSocket> sockets = sockets_;
  start(now, sockets);
  for (std::size_t i = 0; i < servers_.size(); ++i) {
    // A name that could not be looked up before stays failed: only the network can ask again.
    if (servers_[i] != ServerState::kAsking) continue;
    servers_[i] = ServerState::kLookingUp;
    const std::vector<net::Address> addresses = server_addresses_[i];
    set_server_addresses(now, i, addresses);
  }
}

void Gatherer::set_server_addresses(Time now, std::size_t index,
                                    std::span<const net::Address> addresses) {
  if (!started_ || index >= servers_.size() || servers_[index] != ServerState::kLookingUp) return;
  servers_[index] = ServerState::kAsking;
  server_addresses_[index].assign(addresses.begin(), addresses.end());
  stun::BindingClient::Configuration client;
  client.times = config_.times;
  for (const LocalSocket& socket : sockets_) {
    const auto address =
        std::find_if(addresses.begin(), addresses.end(), [&socket](const net::Address& candidate) {
          return candidate.family() == socket.local.family() &&
                 candidate.is_loopback() == socket.local.address.is_loopback();
        });
    if (address == addresses.end()) continue;
    if (queries_.size() >= kMaxQueries) {
      ++stats_.queries_skipped;
      continue;
    }
    const net::Endpoint server{*address, config_.servers[index].port};
    queries_.push_back(std::make_unique<Query>(
        Query{index, socket, stun::BindingClient(socket.id, server, random_, client)}));
    if (!slot_) slot_ = pacer_.book(now);
  }
}

void Gatherer::set_server_failed(std::size_t index, const Error& error) {
  if (index >= servers_.size() || servers_[index] != ServerState::kLookingUp) return;
  servers_[index] = ServerState::kFailed;
  failures_.push_back(
      {config_.servers[index].to_string(), std::nullopt, kUnreachable,
       "the name " + config_.servers[index].host + " could not be looked up: " + error.message});
}

void Gatherer::stop_keepalives() {
  keepalives_ = false;
  for (const auto& query : queries_) query->keepalive_due = kNever;
}

void Gatherer::stop() {
  if (slot_) pacer_.give_back(*slot_);
  slot_.reset();
  queries_.clear();
  found_.clear();
  failures_.clear();
  lookup_deadline_ = kNever;
  std::fill(servers_.begin(), servers_.end(), ServerState::kFailed);
}

bool Gatherer::done() const {
  return started_ &&
         std::none_of(servers_.begin(), servers_.end(),
                      [](ServerState state) { return state == ServerState::kLookingUp; }) &&
         std::all_of(queries_.begin(), queries_.end(),
                     [](const auto& query) { return query->finished; });
}

void Gatherer::begin_query(Time now) {
  const auto next = std::find_if(queries_.begin(), queries_.end(),
                                 [](const auto& query) { return !query->started; });
  if (next == queries_.end()) return;
  (*next)->started = true;
  (*next)->client.start(now);
  const bool more =
      std::any_of(next, queries_.end(), [](const auto& query) { return !query->started; });
  // After a late timer the next slot may be free at once; Ta still lies between our own queries.
  if (more) slot_ = pacer_.book(now + pacer_.ta());
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
}

void Gatherer::poll_transmit(Time now, net::SendBatch& batch) {
  for (const auto& query : queries_) {
    if (query->client.running()) query->client.poll_transmit(now, batch);
  }
}

Time Gatherer::next_timeout() const {
  Time next = slot_.value_or(kNever);
  const bool looking_up = std::any_of(servers_.begin(), servers_.end(), [](ServerState state) {
    return state == ServerState::kLookingUp;
  });
  if (started_ && looking_up) next = std::min(next, lookup_deadline_);
  for (const auto& query : queries_) {
    next = std::min({next, query->client.next_timeout(), query->keepalive_due});
  }
  return next;
}

void Gatherer::handle_timeout(Time now) {
  if (now >= lookup_deadline_) {
    lookup_deadline_ = kNever;
    for (std::size_t i = 0; i < servers_.size(); ++i) {
      set_server_failed(i, {Errc::kTimedOut, "the resolver did not answer"});
    }
  }
  if (slot_ && *slot_ <= now) {
    slot_.reset();
    begin_query(now);
  }
  for (const auto& query : queries_) {
    if (now >= query->keepalive_due) {
      query->keepalive_due = kNever;
      query->client.start(now);
    }
    if (now >= query->client.next_timeout()) query->client.handle_timeout(now);
    drain(now, *query);
  }
}

void Gatherer::drain(Time now, Query& query) {
  while (auto event = query.client.poll_event()) {
    if (const auto* reflexive = std::get_if<stun::BindingClient::Reflexive>(&*event)) {
      add_reflexive(query, reflexive->address);
      query.answered = true;
      query.finished = true;
      if (keepalives_) query.keepalive_due = now + config_.keepalive;
    } else if (std::holds_alternative<stun::BindingClient::Redirected>(*event)) {
      // A redirect leads the host's own traffic to an address the server picked; its loop limit is
      // the client's.
      if (!query.client.follow_redirect(now)) query.finished = true;
    } else {
      const auto& failed = std::get<stun::BindingClient::Failed>(*event);
      query.finished = true;
      if (query.answered) continue;  // a keepalive that went unanswered is no gathering error
      failures_.push_back({config_.servers[query.server].to_string(), query.socket.local,
                           failed.code != 0 ? failed.code : kUnreachable, failed.error.message});
    }
  }
}

void Gatherer::add_reflexive(const Query& query, const net::Endpoint& mapped) {
  // RFC 8445 section 5.1.3: the same address with the same base is redundant. That is a host
  // without NAT, a second server behind a cone NAT, or a keepalive that found nothing new.
  const bool known = std::any_of(candidates_.begin(), candidates_.end(), [&](const auto& other) {
    return other.socket == query.socket.id && other.candidate.endpoint == mapped;
  });
  if (known || candidates_.size() >= kMaxCandidates) {
    ++stats_.redundant_candidates;
    return;
  }
  LocalCandidate found;
  found.socket = query.socket.id;
  found.base = query.socket.local;
  found.candidate.type = CandidateType::kServerReflexive;
  found.candidate.endpoint = mapped;
  found.candidate.related = query.socket.local;
  found.candidate.priority =
      candidate_priority(CandidateType::kServerReflexive, query.socket.preference, 1);
  found.candidate.foundation =
      foundation(CandidateType::kServerReflexive, query.socket.local.address,
                 query.client.server().address.to_string());
  candidates_.push_back(found);
  found_.push_back(std::move(found));
}

/// RFC 8445 section 5.1.1.3: equal for candidates of the same type, base address and server.
std::string Gatherer::foundation(CandidateType type, const net::Address& base,
                                 const std::string& server) {
  const std::string key = std::string(to_string(type)) + ' ' + base.to_string() + ' ' + server;
  const auto known = std::find(foundations_.begin(), foundations_.end(), key);
  const auto index = static_cast<std::size_t>(known - foundations_.begin());
  if (known == foundations_.end()) foundations_.push_back(key);
  return std::to_string(index + 1);
}

std::optional<LocalCandidate> Gatherer::poll_candidate() {
  if (found_.empty()) return std::nullopt;
  LocalCandidate next = std::move(found_.front());
  found_.pop_front();
  return next;
}

std::optional<Gatherer::ServerFailed> Gatherer::poll_failure() {
  if (failures_.empty()) return std::nullopt;
  ServerFailed next = std::move(failures_.front());
  failures_.pop_front();
  return next;
}

}  // namespace floe::ice
