// Which pair carries data, and the state that follows from it.
#include <algorithm>

#include "floe/ice/agent.h"

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

Consent::Mode Agent::consent_mode() const {
  if (!config_.lite) return Consent::Mode::kAsk;
  return remote_lite_ ? Consent::Mode::kTrust : Consent::Mode::kListen;
}

/// The old generation's path goes on carrying data until the new one has a nominated pair (RFC 8445
/// section 12.1), unless it does not work and the new one has something that does.
const Generation& Agent::carrier() const {
  if (!previous_ || previous_->path_pair() == nullptr) return current_;
  const CandidatePair* path = current_.path_pair();
  if (path == nullptr) return *previous_;
  return path->nominated || previous_->consent.silent(now_) ? current_ : *previous_;
}

void Agent::start_checking(Time now) {
  // RFC 8863 section 4: the timer starts when both sides' credentials are known, with or without
  // candidates.
  patience_ends_ = now + config_.patience;
  nominator_.start(now);
  const bool works = carrier().path_pair() != nullptr && !carrier().consent.silent(now);
  if (!works) set_state(State::kChecking);
}

/// Everything that follows from a change, in one place: which pair carries data, whether to
/// nominate, whether to book a slot for the next check, and the state people see.
void Agent::after_change(Time now) {
  now_ = now;
  if (state_ == State::kClosed || state_ == State::kFailed) return;
  if (consent_mode() == Consent::Mode::kTrust) choose_locally(now);
  if (previous_) update_path(now, *previous_);
  update_path(now, current_);
  retire_previous(now);
  announce_path();
  consider_nomination(now);
  update_state(now);
  book_slot(now);
}

void Agent::update_path(Time now, Generation& generation) {
  while (fail_over(now, generation)) {
  }
  CandidatePair* best = generation.check_list.best_nominated();
  if (best == nullptr) best = generation.check_list.best_valid();
  const std::optional<PairId> id = best ? std::optional(best->id) : std::nullopt;
  generation.path_nominated = best != nullptr && best->nominated;
  if (id == generation.path) return;
  if (CandidatePair* left = generation.path_pair()) {
    left->spare_due = now + Consent::jitter(config_.consent.spare_interval, random_);
  }
  generation.path = id;
  if (best == nullptr) {
    generation.consent.stop();
    return;
  }
  generation.consent.start(now, best->last_success, consent_mode(), random_);
  gatherer_.bind(now, best->socket, best->destination);
  if (&generation != &current_) return;
  was_connected_ = true;
  // An aggressive agent's peer has several nominated pairs: it must hear which of them is left.
  const bool conclude = config_.nomination == Nomination::kAggressive && best->nominated &&
                        role_ == Role::kControlling && current_.concluded;
  if (conclude && now >= *current_.concluded + config_.settling) nominate(*best);
}

/// Gives a path up that does not answer when another pair does. True if there was a change.
bool Agent::fail_over(Time now, Generation& generation) {
  CandidatePair* path = generation.path_pair();
  const auto since = generation.consent.failover_since(now);
  if (path == nullptr || !since || path->silent) return false;
  const auto& pairs = generation.check_list.pairs();
  const bool other_answers = std::any_of(pairs.begin(), pairs.end(), [&](const auto& pair) {
    return pair->valid && !pair->silent && pair.get() != path && pair->last_success > *since;
  });
  if (!other_answers) return false;
  ++stats_.failovers;
  demote(*path, "it does not answer, another pair does");
  return true;
}

/// Two lite agents send no checks: each takes the best pair of the candidates it knows (RFC 8445
/// section 8.2). Pair priorities are the same on both sides, so both take the same one.
void Agent::choose_locally(Time now) {
  if (!current_.remote || current_.check_list.pairs().empty()) return;
  const auto& pairs = current_.check_list.pairs();
  const auto best = std::find_if(pairs.begin(), pairs.end(), [](const auto& pair) {
    return pair->state != PairState::kFailed;
  });
  for (const auto& pair : pairs) {
    const bool chosen = best != pairs.end() && pair == *best;
    if (pair->state == PairState::kFailed || pair->valid == chosen) continue;
    pair->valid = chosen;
    pair->nominated = chosen;
    pair->valid_local = pair->local;
    pair->state = chosen ? PairState::kSucceeded : PairState::kFrozen;
    if (chosen) pair->last_success = now;
  }
}

void Agent::expire_consent(Time now, Generation& generation) {
  // RFC 7675 section 5.1: nothing may be sent there any more, whatever else still arrives. Another
  // valid pair takes over if its own last response is young enough.
  while (CandidatePair* path = generation.path_pair()) {
    if (!generation.consent.expired(now)) return;
    fail_pair(now, generation, *path,
              "consent expired: no response for " +
                  std::to_string(to_ms(config_.consent.timeout) / 1000) + " s");
    update_path(now, generation);
  }
}

/// Tells the application which pair carries data, when that has changed.
void Agent::announce_path() {
  const Generation& generation = carrier();
  const CandidatePair* path = generation.path_pair();
  const std::optional<PairId> id = path ? std::optional(path->id) : std::nullopt;
  const bool nominated = path != nullptr && path->nominated;
  if (id == told_path_ && nominated == told_nominated_) return;
  if (path != nullptr && id != told_path_) ++stats_.selected_pair_changes;
  told_path_ = id;
  told_nominated_ = nominated;
  if (path == nullptr) return;
  if (nominated) gatherer_.stop_keepalives();
  emit(SelectedPairChanged{path->id, generation.locals[path->valid_local].candidate,
                           generation.remotes[path->remote].candidate, nominated,
                           path->round_trip});
}

void Agent::update_state(Time now) {
  now_ = now;
  if (state_ == State::kNew || state_ == State::kFailed || state_ == State::kClosed) return;
  const bool up = state_ == State::kConnected || state_ == State::kCompleted;
  const Generation& generation = carrier();
  const CandidatePair* path = generation.path_pair();
  const bool hope = !config_.lite && current_.check_list.any_unfinished(true);
  if (path == nullptr) {
    if (up) set_state(State::kDisconnected);
    // After a restart the peer's new credentials are what everything waits for.
    const bool over = current_.remote && !hope && current_.named_remotes.empty() &&
                      (was_connected_ || now >= *patience_ends_);
    if (over && now >= reprieve_ends_) set_state(State::kFailed);
    return;
  }
  if (generation.consent.silent(now)) {
    // A candidate that arrives while disconnected is a new hope: checking, until it is spent.
    set_state(hope && !up && current_.remote ? State::kChecking : State::kDisconnected);
    return;
  }
  const bool complete = &generation == &current_ && path->nominated &&
                        (config_.lite || !current_.check_list.any_unfinished(false)) &&
                        gathering_state_ == GatheringState::kComplete &&
                        current_.remote_end_of_candidates && current_.named_remotes.empty();
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
    drop_previous();
    if (slot_) pacer_.give_back(*slot_);
    slot_.reset();
  }
  emit(StateChanged{state});
}

std::optional<net::Route> Agent::route() const {
  const CandidatePair* pair = carrier().path_pair();
  const bool over = state_ == State::kFailed || state_ == State::kClosed;
  if (pair == nullptr || over) return std::nullopt;
  return route_to(pair->socket, pair->destination);
}

void Agent::count_sent(Time now, std::size_t packets, std::size_t bytes) {
  CandidatePair* pair = carrier().path_pair();
  if (pair == nullptr || packets == 0) return;
  pair->packets_sent += packets;
  pair->bytes_sent += bytes;
  pair->last_packet_sent = now;
}

std::optional<Duration> Agent::round_trip() const {
  const CandidatePair* pair = carrier().path_pair();
  if (pair == nullptr || pair->responses_received == 0) return std::nullopt;
  return pair->round_trip;
}

}  // namespace floe::ice
