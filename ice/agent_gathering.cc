// The agent's local side: its sockets, its servers and the candidates they give (RFC 8445 section
// 5.1), also while a session runs.
#include <utility>
#include <variant>

#include "floe/ice/agent.h"

namespace floe::ice {
namespace {

/// RFC 8839 section 5.1: an agent with privacy concerns announces this related address.
void conceal_base(Candidate& candidate) {
  if (!candidate.related) return;
  candidate.related = net::Endpoint{net::Address::unspecified(candidate.related->family()), 9};
}

bool leads_to(const CandidatePair& pair, net::SocketId base, const net::Endpoint& peer) {
  return pair.socket == base && pair.destination.address == peer.address &&
         (peer.port == 0 || pair.destination.port == peer.port);
}

}  // namespace

void Agent::set_servers(std::vector<Server> servers) {
  config_.gathering.servers = std::move(servers);
}

void Agent::set_policy(Policy policy) {
  config_.policy = policy;
  if (gathering_state_ == GatheringState::kNew) current_.policy = policy;
}

void Agent::gather(Time now, std::span<const LocalSocket> sockets) {
  if (gathering_state_ != GatheringState::kNew || state_ == State::kClosed) return;
  now_ = now;
  gathering_state_ = GatheringState::kGathering;
  emit(GatheringStateChanged{gathering_state_});
  gatherer_.reconfigure(config_.gathering.servers, current_.policy == Policy::kRelay);
  gatherer_.start(now, sockets);
  drain_gatherer();
  after_change(now);
}

void Agent::gather_again(Time now) {
  const bool may = gathering_state_ != GatheringState::kNew && state_ != State::kClosed &&
                   !current_.remote && !previous_ && current_.check_list.pairs().empty();
  if (!may) return;
  now_ = now;
  current_.policy = config_.policy;
  current_.locals.clear();
  forget_events_of_the_old_generation();
  gathering_state_ = GatheringState::kGathering;
  emit(GatheringStateChanged{gathering_state_});
  gatherer_.reconfigure(config_.gathering.servers, current_.policy == Policy::kRelay);
  gatherer_.restart(now);
  release_replaced_servers(now);
  drain_gatherer();
  after_change(now);
}

void Agent::set_server_addresses(Time now, ServerId server,
                                 std::span<const net::Address> addresses) {
  now_ = now;
  gatherer_.set_server_addresses(now, server, addresses);
  drain_gatherer();
  after_change(now);
}

void Agent::set_server_failed(Time now, ServerId server, const Error& error) {
  now_ = now;
  gatherer_.set_server_failed(server, error);
  drain_gatherer();
  after_change(now);
}

std::optional<NetworkRequest> Agent::poll_network_request() {
  if (resolves_.empty()) return gatherer_.poll_network_request();
  Resolve next = std::move(resolves_.front());
  resolves_.pop_front();
  return next;
}

void Agent::handle_dialed(Time now, DialId id, net::SocketId socket) {
  if (state_ == State::kClosed) return;
  now_ = now;
  gatherer_.handle_dialed(now, id, socket);
  drain_gatherer();
  after_change(now);
}

void Agent::handle_dial_failed(Time now, DialId id, const Error& error) {
  if (state_ == State::kClosed) return;
  now_ = now;
  gatherer_.handle_dial_failed(now, id, error);
  drain_gatherer();
  after_change(now);
}

bool Agent::handle_accepted(Time now, const net::Endpoint& local, net::SocketId stream,
                            const net::Endpoint& remote) {
  if (state_ == State::kClosed) return false;
  now_ = now;
  const bool taken = gatherer_.handle_accepted(local, stream, remote);
  drain_gatherer();
  after_change(now);
  return taken;
}

void Agent::handle_stream_closed(Time now, net::SocketId stream, const Error& error) {
  if (state_ == State::kClosed) return;
  now_ = now;
  gatherer_.handle_stream_closed(stream, error);
  drain_gatherer();
  after_change(now);
}

void Agent::drain_gatherer() {
  while (auto event = gatherer_.poll_event()) {
    if (auto* found = std::get_if<LocalCandidate>(&*event)) {
      take_local(std::move(*found));
    } else if (auto* failed = std::get_if<Gatherer::ServerFailed>(&*event)) {
      emit(std::move(*failed));
    } else if (const auto* gone = std::get_if<Gatherer::BaseGone>(&*event)) {
      withdraw_base(gone->socket, gone->why);
    } else if (const auto* unmapped = std::get_if<Gatherer::Unmapped>(&*event)) {
      retire(unmapped->socket, unmapped->external);
    } else if (const auto* opened = std::get_if<Gatherer::WayOpened>(&*event)) {
      check_again(opened->base, opened->peer);
    } else if (const auto* closed = std::get_if<Gatherer::WayClosed>(&*event)) {
      fail_way(closed->base, closed->peer, closed->why);
    }
  }
  if (gathering_state_ == GatheringState::kGathering && gatherer_.done()) {
    gathering_state_ = GatheringState::kComplete;
    emit(GatheringStateChanged{gathering_state_});
  }
}

void Agent::take_local(LocalCandidate found) {
  const bool relayed = found.candidate.type == CandidateType::kRelayed;
  if (current_.policy == Policy::kRelay && !relayed) return;
  // RFC 8445 section 5.2: a lite agent has host candidates only.
  if (config_.lite && found.candidate.type != CandidateType::kHost) return;
  if (current_.policy != Policy::kAll) conceal_base(found.candidate);
  if (current_.policy == Policy::kNoHost && found.candidate.type == CandidateType::kHost) {
    found.announced = false;
  }
  if (found.nameless) found.announced = false;
  // RFC 8838 section 4: which generation it belongs to.
  found.candidate.ufrag = current_.local.ufrag;
  const auto index = current_.add_local(found);
  if (!index) return;
  if (found.announced) emit(CandidateGathered{found.candidate});
  // Only bases form pairs; see CandidatePair.
  if (found.is_base) pair_with_remotes(*index);
}

void Agent::add_sockets(Time now, std::span<const LocalSocket> sockets) {
  if (gathering_state_ == GatheringState::kNew || state_ == State::kClosed) return;
  now_ = now;
  gatherer_.add_sockets(now, sockets);
  drain_gatherer();
  after_change(now);
}

void Agent::remove_socket(Time now, net::SocketId socket) {
  if (state_ == State::kClosed) return;
  now_ = now;
  gatherer_.remove_socket(socket);
  drain_gatherer();
  after_change(now);
}

void Agent::withdraw_base(net::SocketId socket, const std::string& why) {
  // As long as the peer's consent would last without a word from it, RFC 7675's 30 s.
  const CandidatePair* path = carrier().path_pair();
  if (path != nullptr && path->socket == socket) {
    reprieve_ends_ = now_ + config_.consent.timeout;
  }
  for (Generation* generation : {&current_, previous_ ? &*previous_ : nullptr}) {
    if (generation == nullptr) continue;
    for (std::uint32_t i = 0; i < generation->locals.size(); ++i) {
      if (generation->locals[i].socket == socket) withdraw(*generation, i, why);
    }
  }
}

/// Checks that had begun before the way was open went nowhere: they leave now. Over a connection
/// that was made anew the peer sees us at another port, which it learns from a check.
void Agent::check_again(net::SocketId base, const net::Endpoint& peer) {
  for (const auto& pair : current_.check_list.pairs()) {
    if (!leads_to(*pair, base, peer)) continue;
    if (pair->state == PairState::kInProgress && pair->responses_received == 0) {
      send_check(now_, *pair);
    } else if (pair->valid) {
      current_.check_list.trigger(*pair);
    }
  }
}

void Agent::fail_way(net::SocketId base, const net::Endpoint& peer, const std::string& why) {
  const CandidatePair* path = carrier().path_pair();
  // A peer whose connection broke connects again.
  if (path != nullptr && leads_to(*path, base, peer)) {
    reprieve_ends_ = now_ + config_.consent.timeout;
  }
  for (Generation* generation : {&current_, previous_ ? &*previous_ : nullptr}) {
    if (generation == nullptr) continue;
    for (const auto& pair : generation->check_list.pairs()) {
      if (!leads_to(*pair, base, peer) || pair->state == PairState::kFailed) continue;
      // A relay's permission is about the whole address, a connection about one port of it.
      pair->refused_by_relay = peer.port == 0;
      fail_pair(now_, *generation, *pair, why);
    }
  }
}

std::optional<net::Route> Agent::route_to(net::SocketId socket,
                                          const net::Endpoint& destination) const {
  return gatherer_.route(socket, destination);
}

void Agent::close(Time now, net::SendBatch& batch) {
  if (state_ == State::kClosed) return;
  gatherer_.close(now, batch);
  close();
}

}  // namespace floe::ice
