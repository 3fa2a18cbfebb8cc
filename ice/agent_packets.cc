// Packets in and out of the agent, time, and what it tells.
#include <algorithm>
#include <type_traits>

#include "floe/ice/agent.h"

namespace floe::ice {

Agent::Verdict Agent::handle_packet(Time now, net::Datagram& datagram) {
  if (state_ == State::kClosed) return Verdict::kDropped;
  now_ = now;
  if (gatherer_.unwrap(now, datagram) == turn::Received::Kind::kConsumed) {
    drain_gatherer();
    after_change(now);
    return Verdict::kConsumed;
  }
  if (!stun::looks_like_stun(datagram.payload)) return handle_data(now, datagram);

  stats_.stun_bytes_received += datagram.payload.size();
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
    case stun::Class::kIndication:
      handle_indication(now, datagram);
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

/// Data counts from where somebody who knows our password has sent a check, or has answered ours.
Agent::Verdict Agent::handle_data(Time now, const net::Datagram& datagram) {
  const auto from_here = [&datagram](const auto& early) {
    return early.socket == datagram.socket && early.source == datagram.source;
  };
  bool valid = false;
  for (Generation* generation : {&current_, previous_ ? &*previous_ : nullptr}) {
    if (generation == nullptr || state_ == State::kFailed) continue;
    CandidatePair* pair = generation->check_list.find(datagram.socket, datagram.source);
    // Lite agents with each other send no checks: the addresses that signalling named must do.
    const bool trusted = consent_mode() == Consent::Mode::kTrust;
    if (pair == nullptr || !(pair->valid || pair->heard || trusted)) continue;
    valid = true;
    ++pair->packets_received;
    pair->bytes_received += datagram.payload.size();
    pair->last_packet_received = now;
    if (generation->path == pair->id) generation->consent.on_data(now);
  }
  if (!valid && (state_ == State::kFailed ||
                 std::none_of(early_checks_.begin(), early_checks_.end(), from_here))) {
    ++stats_.dropped_unvalidated_data;
    return Verdict::kDropped;
  }
  update_state(now);
  return Verdict::kApplication;
}

/// A keepalive (RFC 8445 section 11). Anybody can send one, so it renews nothing; but to a lite
/// agent, which cannot ask, it may be the only sign of an idle peer.
void Agent::handle_indication(Time now, const net::Datagram& datagram) {
  ++stats_.indications_received;
  const CandidatePair* path = current_.path_pair();
  if (path == nullptr || consent_mode() != Consent::Mode::kListen) return;
  if (path->socket == datagram.socket && path->destination == datagram.source) {
    current_.consent.on_heard(now);
  }
}

void Agent::handle_send_failure(Time now, const net::Route& route, const Error& error) {
  if (state_ == State::kClosed) return;
  now_ = now;
  gatherer_.handle_send_failure(now, route, error);
  drain_gatherer();
  // A packet that is too long, or one too many, says nothing about the way.
  const bool no_way = error.code != Errc::kMessageTooLong && error.code != Errc::kWouldBlock;
  for (Generation* generation : {&current_, previous_ ? &*previous_ : nullptr}) {
    if (generation == nullptr || !no_way) continue;
    const auto& pairs = generation->check_list.pairs();
    for (const auto& pair : pairs) {
      if (pair->state == PairState::kFailed) continue;
      if (route_to(pair->socket, pair->destination) != route) continue;
      ++pair->send_failures;
      const bool last = pair->valid && std::none_of(pairs.begin(), pairs.end(), [&](const auto& p) {
                          return p != pair && (p->valid || p->state != PairState::kFailed);
                        });
      // The system knows no way there (a firewall, no route): waiting for a timeout teaches
      // nothing. Only the last pair waits for its consent to expire, because a network that is
      // being changed has no route for a moment.
      if (last) {
        generation->consent.suspect(now);
      } else {
        fail_pair(now, *generation, *pair, "could not send: " + error.message);
      }
    }
  }
  after_change(now);
}

void Agent::send(net::SocketId socket, const net::Endpoint& destination, Bytes packet) {
  const auto route = route_to(socket, destination);
  if (!route) return;
  if (!output_.push(*route, packet)) {
    ++stats_.dropped_output_full;
    return;
  }
  stats_.stun_bytes_sent += packet.size();
}

void Agent::poll_transmit(Time now, net::SendBatch& batch) {
  if (state_ == State::kClosed) return;
  gatherer_.poll_transmit(now, batch);
  output_.drain(batch);
}

// ---------------------------------------------------------------------------------------- time

Time Agent::next_timeout() const {
  if (state_ == State::kClosed) return kNever;
  Time next = gatherer_.next_timeout();
  if (previous_) next = std::min(next, previous_->consent.next_timeout(now_));
  if (previous_ends_) next = std::min(next, *previous_ends_);
  for (const NamedCandidate& named : current_.named_remotes) next = std::min(next, named.deadline);
  if (state_ == State::kFailed) return next;
  next =
      std::min({next, checks_.next_timeout(), current_.consent.next_timeout(now_), next_spare()});
  if (slot_) next = std::min(next, *slot_);
  if (nomination_due_) next = std::min(next, *nomination_due_);
  if (patience_ends_ && *patience_ends_ > now_) next = std::min(next, *patience_ends_);
  if (reprieve_ends_ > now_) next = std::min(next, reprieve_ends_);
  return next;
}

void Agent::handle_timeout(Time now) {
  if (state_ == State::kClosed) return;
  now_ = now;
  gatherer_.handle_timeout(now);
  drain_gatherer();
  expire_names(now);

  while (Check* check = checks_.next_to_transmit(now)) {
    Generation* generation = generation_of(check->pair);
    if (generation == nullptr) continue;
    transmit(now, *generation, *check, *generation->check_list.find(check->pair));
  }
  while (const auto check = checks_.take_expired(now)) expire_check(now, *check);

  update_state(now);  // "disconnected" goes before "failed", however late this timer is
  for (Generation* generation : {&current_, previous_ ? &*previous_ : nullptr}) {
    if (generation == nullptr || state_ == State::kFailed) continue;
    expire_consent(now, *generation);
    watch_path(now, *generation);
  }
  keep_spares(now);
  after_change(now);
  if (slot_ && *slot_ <= now) {
    slot_.reset();
    perform_check(now);
    book_slot(now);
  }
}

void Agent::close() {
  if (state_ == State::kClosed) return;
  if (slot_) pacer_.give_back(*slot_);
  slot_.reset();
  gatherer_.stop();
  drop_previous();
  checks_.clear();
  current_.consent.stop();
  output_.clear();
  early_checks_.clear();
  current_.path.reset();
  set_state(State::kClosed);
}

// -------------------------------------------------------------------------------------- events

std::optional<Agent::Event> Agent::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void Agent::emit(Event event) {
  using Topic = Timeline::Topic;
  if (const auto* found = std::get_if<CandidateGathered>(&event)) {
    note(Topic::kLocalCandidate, found->candidate.to_string());
  } else if (const auto* removed = std::get_if<CandidateRemoved>(&event)) {
    note(Topic::kLocalCandidate, "withdrawn: " + removed->candidate.to_string());
  } else if (const auto* failed = std::get_if<Gatherer::ServerFailed>(&event)) {
    note(Topic::kServer, failed->url + ": " + failed->text);
  } else if (const auto* gathering = std::get_if<GatheringStateChanged>(&event)) {
    note(Topic::kGathering, std::string(to_string(gathering->state)));
  } else if (const auto* state = std::get_if<StateChanged>(&event)) {
    note(Topic::kState, std::string(to_string(state->state)));
  } else if (const auto* path = std::get_if<SelectedPairChanged>(&event)) {
    note(Topic::kPath,
         path->local.endpoint.to_string() + " -> " + path->remote.endpoint.to_string() +
             (path->nominated ? ", nominated" : ""),
         path->pair);
  } else if (const auto* role = std::get_if<RoleChanged>(&event)) {
    note(Topic::kRole, std::string(to_string(role->role)));
  }
  // Whoever does not poll wants the latest.
  if (events_.size() >= kMaxEvents) {
    events_.pop_front();
    ++stats_.events_dropped;
  }
  events_.push_back(std::move(event));
}

void Agent::note(Timeline::Topic topic, std::string text, PairId pair) {
  timeline_.add(now_, topic, std::move(text), pair);
}

}  // namespace floe::ice
