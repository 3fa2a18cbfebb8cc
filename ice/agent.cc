#include "floe/ice/agent.h"

#include <algorithm>

#include "floe/core/check.h"

namespace floe::ice {

std::string_view to_string(State state) {
  switch (state) {
    case State::kNew:
      return "new";
    case State::kChecking:
      return "checking";
    case State::kConnected:
      return "connected";
    case State::kCompleted:
      return "completed";
    case State::kDisconnected:
      return "disconnected";
    case State::kFailed:
      return "failed";
    case State::kClosed:
      return "closed";
  }
  return "unknown";
}

std::string_view to_string(GatheringState state) {
  switch (state) {
    case GatheringState::kNew:
      return "new";
    case GatheringState::kGathering:
      return "gathering";
    case GatheringState::kComplete:
      return "complete";
  }
  return "unknown";
}

namespace {

/// RFC 6544 section 6.2: who opens the connection. A passive base of ours forms no pairs; the
/// peer's connection does.
bool can_connect(const Candidate& local, const Candidate& remote) {
  if (!local.tcp_type || !remote.tcp_type) return false;
  if (*local.tcp_type == TcpType::kActive) return *remote.tcp_type == TcpType::kPassive;
  return *local.tcp_type == TcpType::kSimultaneousOpen &&
         *remote.tcp_type == TcpType::kSimultaneousOpen;
}

}  // namespace

Agent::Agent(Config config, Random& random, net::Pacer& pacer)
    : config_(std::move(config)),
      random_(random),
      pacer_(pacer),
      role_(config_.role),
      tie_breaker_(config_.tie_breaker ? *config_.tie_breaker : random.u64()),
      gatherer_(config_.gathering, random, pacer),
      current_(config_.credentials ? *config_.credentials : Credentials::generate(random),
               CheckList(config_.max_pairs), config_.consent),
      checks_(config_.checks) {}

void Agent::set_role(Role role) {
  if (role_ != role && current_.check_list.pairs().empty()) role_ = role;
}

// ---------------------------------------------------------------------------------- local side

void Agent::gather(Time now, std::span<const LocalSocket> sockets) {
  if (gathering_state_ != GatheringState::kNew || state_ == State::kClosed) return;
  gathering_state_ = GatheringState::kGathering;
  events_.push_back(GatheringStateChanged{gathering_state_});
  gatherer_.start(now, sockets);
  drain_gatherer();
  after_change(now);
}

void Agent::set_server_addresses(Time now, std::size_t index,
                                 std::span<const net::Address> addresses) {
  gatherer_.set_server_addresses(now, index, addresses);
  drain_gatherer();
  after_change(now);
}

void Agent::set_server_failed(Time now, std::size_t index, const Error& error) {
  gatherer_.set_server_failed(index, error);
  drain_gatherer();
  after_change(now);
}

void Agent::drain_gatherer() {
  while (auto found = gatherer_.poll_candidate()) {
    current_.locals.push_back(*found);
    events_.push_back(CandidateGathered{found->candidate});
    // Only bases form pairs; see CandidatePair.
    if (found->is_base) {
      pair_with_remotes(static_cast<std::uint32_t>(current_.locals.size() - 1));
    }
  }
  while (auto failure = gatherer_.poll_failure()) events_.push_back(*failure);
  if (gathering_state_ == GatheringState::kGathering && gatherer_.done()) {
    gathering_state_ = GatheringState::kComplete;
    events_.push_back(GatheringStateChanged{gathering_state_});
  }
}

void Agent::remove_socket(Time now, net::SocketId socket) {
  if (state_ == State::kClosed) return;
  for (std::uint32_t i = 0; i < current_.locals.size(); ++i) {
    if (current_.locals[i].socket == socket) withdraw(i, "its socket is gone");
  }
  after_change(now);
}

void Agent::invalidate(Time now, CandidateType type, const net::Endpoint& endpoint) {
  if (state_ == State::kClosed) return;
  for (std::uint32_t i = 0; i < current_.locals.size(); ++i) {
    const Candidate& candidate = current_.locals[i].candidate;
    if (candidate.type == type && candidate.endpoint == endpoint) {
      withdraw(i, "its local candidate was invalidated");
    }
  }
  after_change(now);
}

void Agent::withdraw(std::uint32_t local, std::string_view why) {
  LocalCandidate& candidate = current_.locals[local];
  if (candidate.withdrawn) return;
  candidate.withdrawn = true;
  for (const auto& pair : current_.check_list.pairs()) {
    const bool uses = pair->local == local || (pair->valid && pair->valid_local == local);
    if (uses && pair->state != PairState::kFailed) fail_pair(*pair, std::string(why));
  }
  // A peer-reflexive one was never announced: only the peer knew of it.
  if (candidate.candidate.type != CandidateType::kPeerReflexive) {
    events_.push_back(CandidateRemoved{candidate.candidate});
  }
}

// --------------------------------------------------------------------------------- remote side

Result<> Agent::set_remote_credentials(Time now, const Credentials& credentials) {
  if (auto ok = validate(credentials); !ok) return ok;
  if (current_.remote) {
    if (*current_.remote == credentials) return {};
    return fail(Errc::kInvalidState,
                "the peer's ICE credentials are already set; new ones need an "
                "ICE restart");
  }
  if (state_ == State::kClosed) return fail(Errc::kClosed, "the ICE agent is closed");
  current_.remote = credentials;
  start_checking(now);
  replay_early_checks(now);
  after_change(now);
  return {};
}

Result<> Agent::add_remote_candidate(Time now, const Candidate& candidate) {
  const auto refuse = [&candidate](Errc code, std::string_view why) {
    return fail(code,
                "remote candidate " + candidate.endpoint.to_string() + ": " + std::string(why));
  };
  if (state_ == State::kClosed) return refuse(Errc::kClosed, "the ICE agent is closed");
  if (!candidate.hostname.empty()) {
    return fail(Errc::kUnsupported, "remote candidate " + candidate.hostname +
                                        ": names are ignored (RFC 8839 section 5.1)");
  }
  if (candidate.protocol != Protocol::kUdp) {
    return refuse(Errc::kUnsupported, "TCP candidates are not supported");
  }
  if (candidate.component != 1) return refuse(Errc::kUnsupported, "only component 1 is used");
  const net::Address& address = candidate.endpoint.address;
  if (candidate.priority == 0) return refuse(Errc::kInvalidArgument, "its priority is 0");
  if (candidate.endpoint.port == 0) return refuse(Errc::kInvalidArgument, "its port is 0");
  if (address.is_unspecified() || address.is_broadcast() || address.is_multicast()) {
    return refuse(Errc::kInvalidArgument, "nobody can be reached at this address");
  }
  if (!candidate.ufrag.empty() && current_.remote && candidate.ufrag != current_.remote->ufrag) {
    return refuse(Errc::kInvalidArgument,
                  "it belongs to another ICE generation (ufrag " + candidate.ufrag + ")");
  }

  for (std::uint32_t i = 0; i < current_.remotes.size(); ++i) {
    if (current_.remotes[i].candidate.endpoint != candidate.endpoint) continue;
    // Met in a check before signalling told of it: it stays where it is, only what is known of it
    // changes (RFC 8838 section 11.4), so no pair and no path moves.
    if (current_.remotes[i].learned) {
      current_.remotes[i] = {candidate, false};
      current_.check_list.set_priorities(role_, current_.locals, current_.remotes);
    }
    after_change(now);
    return {};
  }
  if (current_.remotes.size() >= config_.max_remote_candidates) {
    return refuse(
        Errc::kLimitExceeded,
        "the peer has sent " + std::to_string(current_.remotes.size()) + " candidates already");
  }
  current_.remotes.push_back({candidate, false});
  pair_with_locals(static_cast<std::uint32_t>(current_.remotes.size() - 1));
  after_change(now);
  return {};
}

void Agent::set_remote_end_of_candidates(Time now) {
  current_.remote_end_of_candidates = true;
  after_change(now);
}

// --------------------------------------------------------------------------------------- pairs

bool Agent::can_pair(const LocalCandidate& local, const Candidate& remote) const {
  if (local.withdrawn || local.candidate.protocol != remote.protocol) return false;
  if (remote.protocol == Protocol::kTcp && !can_connect(local.candidate, remote)) return false;
  const net::Address& ours = local.base.address;
  const net::Address& theirs = remote.endpoint.address;
  // RFC 8445 section 6.1.2.2: same component and family, and link-local only with link-local.
  if (ours.family() != theirs.family()) return false;
  if (ours.is_v6() && ours.is_link_local() != theirs.is_link_local()) return false;
  // A loopback address reaches only its own host; pairing it with others can but fail.
  return ours.is_loopback() == theirs.is_loopback();
}

CandidatePair Agent::make_pair(std::uint32_t local, std::uint32_t remote) const {
  const LocalCandidate& ours = current_.locals[local];
  const Candidate& theirs = current_.remotes[remote].candidate;
  CandidatePair pair;
  pair.local = local;
  pair.remote = remote;
  pair.socket = ours.socket;
  pair.base = ours.base;
  pair.destination = theirs.endpoint;
  pair.foundation = ours.candidate.foundation + ':' + theirs.foundation;
  pair.priority = role_ == Role::kControlling
                      ? pair_priority(ours.candidate.priority, theirs.priority)
                      : pair_priority(theirs.priority, ours.candidate.priority);
  return pair;
}

void Agent::pair_with_remotes(std::uint32_t local) {
  for (std::uint32_t remote = 0; remote < current_.remotes.size(); ++remote) {
    if (can_pair(current_.locals[local], current_.remotes[remote].candidate)) {
      current_.check_list.add(make_pair(local, remote));
    }
  }
}

void Agent::pair_with_locals(std::uint32_t remote) {
  for (std::uint32_t local = 0; local < current_.locals.size(); ++local) {
    if (current_.locals[local].is_base &&
        can_pair(current_.locals[local], current_.remotes[remote].candidate)) {
      current_.check_list.add(make_pair(local, remote));
    }
  }
}

void Agent::switch_role(Role role) {
  if (role_ == role) return;
  role_ = role;
  // RFC 8445 section 7.3.1.1: all pair priorities change; what succeeded stays.
  current_.check_list.set_priorities(role_, current_.locals, current_.remotes);
  nominating_.reset();
  nomination_due_.reset();
  events_.push_back(RoleChanged{role_});
}

// -------------------------------------------------------------------------------------- engine

Agent::Verdict Agent::handle_packet(Time now, net::Datagram& datagram) {
  if (state_ == State::kClosed) return Verdict::kDropped;
  if (!stun::looks_like_stun(datagram.payload)) {
    if (!is_validated(datagram)) {
      ++stats_.dropped_unvalidated_data;
      return Verdict::kDropped;
    }
    const CandidatePair* path = current_.path_pair();
    if (path != nullptr && path->socket == datagram.socket &&
        path->destination == datagram.source) {
      current_.consent.on_heard(now);
      update_state(now);
    }
    return Verdict::kApplication;
  }

  const auto message = stun::Message::parse(datagram.payload);
  if (!message || message->method() != stun::Method::kBinding) {
    ++stats_.dropped_malformed;
    return Verdict::kConsumed;
  }
  if (message->check_fingerprint() == stun::Message::Fingerprint::kBad) {
    ++stats_.dropped_bad_fingerprint;
    return Verdict::kConsumed;
  }
  switch (message->cls()) {
    case stun::Class::kRequest:
      handle_request(now, *message, datagram);
      break;
    case stun::Class::kIndication:  // a keepalive (RFC 8445 section 11): nothing to do
      ++stats_.indications_received;
      break;
    case stun::Class::kSuccess:
    case stun::Class::kError:
      if (gatherer_.handle_packet(now, datagram)) {
        drain_gatherer();
      } else {
        handle_response(now, *message, datagram);
      }
      break;
  }
  after_change(now);
  return Verdict::kConsumed;
}

/// Somebody who knows our password has sent a check from there, or has answered ours.
bool Agent::is_validated(const net::Datagram& datagram) const {
  if (state_ == State::kFailed) return false;
  const CandidatePair* pair = current_.check_list.find(datagram.socket, datagram.source);
  if (pair != nullptr) return pair->valid || pair->heard;
  return std::any_of(early_checks_.begin(), early_checks_.end(), [&datagram](const auto& check) {
    return check.socket == datagram.socket && check.source == datagram.source;
  });
}

void Agent::handle_send_failure(Time now, const net::Route& route, const Error& error) {
  if (state_ == State::kClosed) return;
  gatherer_.handle_send_failure(now, route, error);
  drain_gatherer();
  // The system knows no way there (a firewall, no route): waiting for a timeout teaches nothing.
  for (const auto& pair : current_.check_list.pairs()) {
    if (pair->state == PairState::kFailed || pair->valid) continue;
    if (route_to(pair->socket, pair->destination) == route) {
      fail_pair(*pair, "could not send: " + error.message);
    }
  }
  after_change(now);
}

std::optional<net::Route> Agent::route_to(net::SocketId socket,
                                          const net::Endpoint& destination) const {
  return net::Route{socket, destination, {}};
}

void Agent::send(net::SocketId socket, const net::Endpoint& destination, Bytes packet) {
  const auto route = route_to(socket, destination);
  if (!route) return;
  if (!output_.push(*route, packet)) ++stats_.dropped_output_full;
}

void Agent::poll_transmit(Time now, net::SendBatch& batch) {
  if (state_ == State::kClosed) return;
  gatherer_.poll_transmit(now, batch);
  output_.drain(batch);
}

Time Agent::next_timeout() const {
  if (state_ == State::kClosed) return kNever;
  Time next = gatherer_.next_timeout();
  if (state_ == State::kFailed) return next;
  next = std::min({next, checks_.next_timeout(), current_.consent.next_timeout(updated_)});
  if (slot_) next = std::min(next, *slot_);
  if (nomination_due_) next = std::min(next, *nomination_due_);
  if (state_ == State::kChecking && *patience_ends_ > updated_) {
    next = std::min(next, *patience_ends_);
  }
  return next;
}

void Agent::handle_timeout(Time now) {
  if (state_ == State::kClosed) return;
  gatherer_.handle_timeout(now);
  drain_gatherer();

  while (Check* check = checks_.next_to_transmit(now)) {
    if (CandidatePair* pair = current_.check_list.find(check->pair)) transmit(*check, *pair);
  }
  while (const auto check = checks_.take_expired(now)) expire_check(*check);

  update_state(now);  // "disconnected" goes before "failed", however late this timer is
  expire_consent(now);
  CandidatePair* path = current_.path_pair();
  if (path != nullptr && current_.consent.request_due(now)) {
    send_consent_request(now, *path);
    current_.consent.plan_request(now, random_);
  }
  after_change(now);
  if (slot_ && *slot_ <= now) {
    slot_.reset();
    perform_check(now);
    book_slot(now);
  }
}

std::optional<Agent::Event> Agent::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void Agent::close() {
  if (state_ == State::kClosed) return;
  if (slot_) pacer_.give_back(*slot_);
  slot_.reset();
  gatherer_.stop();
  checks_.clear();
  current_.consent.stop();
  output_.clear();
  early_checks_.clear();
  current_.path.reset();
  set_state(State::kClosed);
}

// -------------------------------------------------------------------------------------- states

void Agent::start_checking(Time now) {
  // RFC 8863 section 4: the timer starts when both sides' credentials are known, with or without
  // candidates.
  patience_ends_ = now + config_.patience;
  set_state(State::kChecking);
}

/// Everything that follows from a change, in one place: which pair carries data, whether to
/// nominate, whether to book a slot for the next check, and the state people see.
void Agent::after_change(Time now) {
  if (state_ == State::kClosed || state_ == State::kFailed) return;
  update_path(now);
  consider_nomination(now);
  update_state(now);
  book_slot(now);
}

void Agent::update_path(Time now) {
  CandidatePair* best = current_.check_list.best_nominated();
  if (best == nullptr) best = current_.check_list.best_valid();
  const bool nominated = best != nullptr && best->nominated;
  const std::optional<PairId> id = best ? std::optional(best->id) : std::nullopt;
  if (id == current_.path && nominated == current_.path_nominated) return;
  const bool moved = id != current_.path;
  current_.path = id;
  current_.path_nominated = nominated;
  if (best == nullptr) {
    current_.consent.stop();
    return;
  }
  if (moved) current_.consent.start(now, best->last_success, random_);
  was_connected_ = true;
  if (nominated) gatherer_.stop_keepalives();
  events_.push_back(SelectedPairChanged{best->id, current_.locals[best->valid_local].candidate,
                                        current_.remotes[best->remote].candidate, nominated,
                                        best->round_trip});
}

void Agent::expire_consent(Time now) {
  // RFC 7675 section 5.1: nothing may be sent there any more, whatever else still arrives. Another
  // valid pair takes over if its own last response is young enough.
  while (CandidatePair* path = current_.path_pair()) {
    if (!current_.consent.expired(now)) return;
    fail_pair(*path, "consent expired: no response for " +
                         std::to_string(to_ms(config_.consent.timeout) / 1000) + " s");
    update_path(now);
  }
}

void Agent::update_state(Time now) {
  if (state_ == State::kNew || state_ == State::kFailed || state_ == State::kClosed) return;
  const CandidatePair* path = current_.path_pair();
  updated_ = now;
  if (path == nullptr) {
    if (current_.check_list.any_unfinished()) {
      if (was_connected_ && state_ != State::kChecking) set_state(State::kDisconnected);
    } else if (was_connected_ || now >= *patience_ends_) {
      if (was_connected_) set_state(State::kDisconnected);
      set_state(State::kFailed);
    }
    return;
  }
  if (current_.consent.silent(now)) {
    // A candidate that arrives while disconnected is a new hope: checking, until it is spent.
    const bool hope = current_.check_list.any_unfinished() &&
                      (state_ == State::kDisconnected || state_ == State::kChecking);
    set_state(hope ? State::kChecking : State::kDisconnected);
    return;
  }
  const bool complete = path->nominated && gathering_state_ == GatheringState::kComplete &&
                        current_.remote_end_of_candidates && !current_.check_list.any_unfinished();
  set_state(complete ? State::kCompleted : State::kConnected);
}

void Agent::set_state(State state) {
  if (state_ == state) return;
  // A pair that comes late does not undo "completed".
  if (state_ == State::kCompleted && state == State::kConnected) return;
  state_ = state;
  if (state == State::kFailed) {
    checks_.clear();
    current_.consent.stop();
    if (slot_) pacer_.give_back(*slot_);
    slot_.reset();
  }
  events_.push_back(StateChanged{state});
}

std::optional<net::Route> Agent::route() const {
  const CandidatePair* pair = current_.path_pair();
  if (pair == nullptr || state_ == State::kFailed || state_ == State::kClosed) return std::nullopt;
  return route_to(pair->socket, pair->destination);
}

std::optional<Duration> Agent::round_trip() const {
  const CandidatePair* pair = current_.path_pair();
  if (pair == nullptr || pair->responses_received == 0) return std::nullopt;
  return pair->round_trip;
}

}  // namespace floe::ice
