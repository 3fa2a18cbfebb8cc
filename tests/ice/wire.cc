#include "tests/ice/wire.h"

#include <algorithm>
#include <variant>

#include "floe/core/check.h"

namespace floe::ice {

std::optional<stun::Message> Packet::stun() const {
  if (!stun::looks_like_stun(bytes)) return std::nullopt;
  auto message = stun::Message::parse(bytes);
  return message ? std::optional(*message) : std::nullopt;
}
bool Packet::is_request() const {
  const auto message = stun();
  return message && message->cls() == stun::Class::kRequest;
}
bool Packet::is_success() const {
  const auto message = stun();
  return message && message->cls() == stun::Class::kSuccess;
}

Peer::Peer(Agent::Config config, std::uint64_t seed)
    : random(seed), agent(std::move(config), random, own_pacer) {}

const CandidatePair* Peer::pair_to(std::string_view remote) const {
  for (const auto& pair : agent.pairs()) {
    if (pair->destination == endpoint(remote)) return pair.get();
  }
  return nullptr;
}

Peer& Wire::add_idle(Agent::Config config, const std::vector<std::string>& addresses) {
  peers_.push_back(std::make_unique<Peer>(std::move(config), 100 + peers_.size()));
  Peer& peer = *peers_.back();
  for (const std::string& address : addresses) {
    LocalSocket socket;
    socket.id = net::SocketId{next_socket_++};
    socket.local = endpoint(address);
    socket.preference = static_cast<std::uint16_t>(65535 - peer.sockets.size());
    peer.sockets.push_back(socket);
  }
  return peer;
}

Peer& Wire::add(Agent::Config config, const std::vector<std::string>& addresses) {
  Peer& peer = add_idle(std::move(config), addresses);
  gather(peer);
  return peer;
}

void Wire::gather(Peer& peer) {
  peer.agent.gather(now, peer.sockets);
  flush();
}

void Wire::signal(const Peer& from, Peer& to) {
  FLOE_CHECK(to.agent.set_remote_credentials(now, from.agent.local_credentials()).has_value());
  for (const Candidate& candidate : from.candidates) {
    FLOE_CHECK(to.agent.add_remote_candidate(now, candidate).has_value());
  }
  if (from.gathered) to.agent.set_remote_end_of_candidates(now);
  flush();
}

void Wire::restart(Peer& peer) {
  peer.candidates.clear();
  peer.gathered = false;
  FLOE_CHECK(peer.agent.restart(now).has_value());
  flush();
}

void Wire::inject(std::string_view source, std::string_view destination, Bytes bytes) {
  travel({now, endpoint(source), endpoint(destination), to_vector(bytes)});
}

void Wire::travel(Packet packet) {
  travelling_.emplace(now + latency, std::move(packet));
}

void Wire::flush() {
  for (const auto& peer : peers_) {
    net::SendBatch batch;
    peer->agent.poll_transmit(now, batch);
    for (const auto& run : batch.runs()) {
      const auto socket = std::find_if(peer->sockets.begin(), peer->sockets.end(),
                                       [&run](const auto& s) { return s.id == run.route.socket; });
      FLOE_CHECK(socket != peer->sockets.end());
      for (std::size_t i = 0; i < run.segments; ++i) {
        Packet packet{now, socket->local, run.route.destination, to_vector(batch.packet(run, i))};
        log.push_back(packet);
        if (!filter || filter(packet)) travel(std::move(packet));
      }
    }
    while (auto event = peer->agent.poll_event()) {
      if (const auto* found = std::get_if<Agent::CandidateGathered>(&*event)) {
        peer->candidates.push_back(found->candidate);
      } else if (const auto* removed = std::get_if<Agent::CandidateRemoved>(&*event)) {
        peer->removed.push_back(removed->candidate);
      } else if (const auto* state = std::get_if<Agent::StateChanged>(&*event)) {
        peer->states.push_back(state->state);
      } else if (const auto* path = std::get_if<Agent::SelectedPairChanged>(&*event)) {
        peer->paths.push_back(*path);
      } else if (const auto* failure = std::get_if<Gatherer::ServerFailed>(&*event)) {
        peer->server_failures.push_back(*failure);
      } else if (const auto* role = std::get_if<Agent::RoleChanged>(&*event)) {
        peer->roles.push_back(role->role);
      } else if (const auto* gathering = std::get_if<Agent::GatheringStateChanged>(&*event)) {
        peer->gathered = gathering->state == GatheringState::kComplete;
      }
    }
  }
}

void Wire::deliver(Packet packet) {
  for (const auto& peer : peers_) {
    for (const LocalSocket& socket : peer->sockets) {
      if (socket.local != packet.destination) continue;
      net::Datagram datagram{packet.bytes, packet.source, socket.id};
      if (peer->agent.handle_packet(now, datagram) == Agent::Verdict::kApplication) {
        peer->data.emplace_back(as_text(packet.bytes));
      }
      return;
    }
  }
  if (elsewhere) elsewhere(packet);
}

/// Moves to the next thing that happens, at `until` at the latest.
void Wire::step(Time until) {
  flush();
  Time next = until;
  if (!travelling_.empty()) next = std::min(next, travelling_.begin()->first);
  for (const auto& peer : peers_) next = std::min(next, peer->agent.next_timeout());
  now = std::max(now, next);
  for (const auto& peer : peers_) {
    if (peer->agent.next_timeout() > now) continue;
    peer->agent.handle_timeout(now);
    FLOE_CHECK(peer->agent.next_timeout() > now);
  }
  if (!travelling_.empty() && travelling_.begin()->first <= now) {
    Packet packet = std::move(travelling_.begin()->second);
    travelling_.erase(travelling_.begin());
    deliver(std::move(packet));
  }
  flush();
}

void Wire::run_for(Duration duration) {
  const Time end = now + duration;
  while (now < end) step(end);
}

bool Wire::run_until(const std::function<bool()>& done, Duration bound) {
  const Time end = now + bound;
  while (!done() && now < end) step(end);
  return done();
}

bool Wire::send_data(Peer& peer, std::string_view text) {
  const auto route = peer.agent.route();
  if (!route) return false;
  const auto socket = std::find_if(peer.sockets.begin(), peer.sockets.end(),
                                   [&route](const auto& s) { return s.id == route->socket; });
  Packet packet{now, socket->local, route->destination, to_vector(as_bytes(text))};
  log.push_back(packet);
  if (!filter || filter(packet)) travel(std::move(packet));
  return true;
}

std::size_t Wire::count(const std::function<bool(const Packet&)>& matches) const {
  return static_cast<std::size_t>(std::count_if(log.begin(), log.end(), matches));
}

std::vector<std::uint8_t> binding_request(const Credentials& from, const Credentials& to, Role role,
                                          std::uint64_t tie_breaker,
                                          const std::function<void(stun::MessageBuilder&)>& edit,
                                          std::uint32_t priority) {
  static SeededRandom random(77);
  std::vector<std::uint8_t> space(600);
  stun::MessageBuilder request(space, stun::Class::kRequest, stun::Method::kBinding,
                               stun::random_transaction_id(random));
  request.add_text(stun::AttributeType::kUsername, to.ufrag + ':' + from.ufrag);
  request.add_u64(role == Role::kControlling ? stun::AttributeType::kIceControlling
                                             : stun::AttributeType::kIceControlled,
                  tie_breaker);
  request.add_u32(stun::AttributeType::kPriority, priority);
  if (edit) edit(request);
  request.add_integrity_sha1(as_bytes(to.pwd));
  request.add_fingerprint();
  FLOE_CHECK(request.ok());
  return to_vector(request.bytes());
}

Agent::Config config(Role role) {
  Agent::Config config;
  config.role = role;
  return config;
}

bool connected(const Peer& peer) {
  return peer.agent.state() == State::kConnected || peer.agent.state() == State::kCompleted;
}

bool agree(const Peer& a, const Peer& b) {
  const CandidatePair* ours = a.agent.selected_pair();
  const CandidatePair* theirs = b.agent.selected_pair();
  return ours != nullptr && theirs != nullptr && ours->nominated && theirs->nominated &&
         ours->destination == theirs->base && ours->base == theirs->destination;
}

Candidate host_candidate(std::string_view address, std::uint32_t priority) {
  Candidate candidate;
  candidate.foundation = "1";
  candidate.priority = priority;
  candidate.endpoint = endpoint(address);
  return candidate;
}

}  // namespace floe::ice
