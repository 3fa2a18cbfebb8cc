// The agent's outgoing side: which check goes next (RFC 8445 section 6.1.4), what it says (section
// 7.2.2), which pair is nominated (section 8.1.1), consent requests (RFC 7675).
#include <algorithm>
#include <array>

#include "floe/ice/agent.h"

namespace floe::ice {
namespace {

// A Binding request: header, USERNAME of at most 513 bytes, and about 90 bytes of other attributes.
constexpr std::size_t kMaxRequest = 720;
// Valid pairs beside the path that are kept ready to take over. More would be traffic for nothing:
// they rarely fail apart.
constexpr std::size_t kMaxSpares = 3;

}  // namespace

void Agent::book_slot(Time now) {
  const bool wanted = current_.remote && !config_.lite && state_ != State::kFailed &&
                      current_.check_list.has_work();
  // After a late timer the next slot may be free at once; Ta still lies between our own checks.
  if (wanted && !slot_) slot_ = pacer_.book(std::max(now, last_check_ + pacer_.ta()));
  if (!wanted && slot_) {
    pacer_.give_back(*slot_);
    slot_.reset();
  }
}

void Agent::perform_check(Time now) {
  if (!current_.remote || config_.lite) return;
  last_check_ = now;
  if (CandidatePair* pair = current_.check_list.take_next()) send_check(now, *pair);
}

void Agent::send_check(Time now, CandidatePair& pair) {
  // One running check a pair: an earlier one is no longer repeated, but may still be answered.
  checks_.cancel(pair.id);
  pair.state = PairState::kInProgress;
  gatherer_.connect(pair.socket, pair.destination);
  Check check;
  check.id = stun::random_transaction_id(random_);
  check.pair = pair.id;
  check.role = role_;
  check.priority = prflx_priority(current_, pair);
  if (role_ == Role::kControlling) {
    // Once it works, only the pair that is used is nominated again.
    const bool aggressive =
        config_.nomination == Nomination::kAggressive && (!pair.valid || current_.path == pair.id);
    check.use_candidate = aggressive || nominating_ == pair.id;
    if (nominating_ == pair.id) check.nomination = nominating_value_;
  }
  if (current_.path == pair.id) current_.consent.on_request(now);
  transmit(now, current_, checks_.start(now, check, pacer_.ta(), config_.consent.timeout), pair);
}

void Agent::send_consent_request(Time now, Generation& generation, CandidatePair& pair) {
  Check check;
  check.id = stun::random_transaction_id(random_);
  check.kind = Check::Kind::kConsent;
  check.pair = pair.id;
  check.role = role_;
  check.priority = prflx_priority(generation, pair);
  const bool path = generation.path == pair.id;
  // RFC 8445 section 8.1.1: checks of the selected pair may repeat USE-CANDIDATE; it costs nothing
  // and tells a controlled peer again that missed it.
  check.use_candidate = role_ == Role::kControlling && pair.nominated && path;
  if (check.use_candidate && nominator_.renominates()) check.nomination = pair.nomination;
  if (path) generation.consent.on_request(now);
  ++pair.consent_requests_sent;
  transmit(now, generation, checks_.start(now, check, pacer_.ta(), config_.consent.timeout), pair);
}

/// Asks for consent when that is due, and checks at once when something seems wrong.
void Agent::watch_path(Time now, Generation& generation) {
  CandidatePair* path = generation.path_pair();
  if (path == nullptr) return;
  if (generation.consent.request_due(now)) {
    send_consent_request(now, generation, *path);
    generation.consent.plan_request(now, random_);
  }
  const bool suspicion = generation.consent.take_suspicion(now);
  if (!suspicion && !generation.consent.take_quiet(now)) return;
  if (&generation != &current_) {
    // Checks are the new generation's; the old one asks for consent out of turn.
    send_consent_request(now, generation, *path);
    return;
  }
  current_.check_list.trigger(*path);
  if (!suspicion) return;
  note(Timeline::Topic::kConsent, "a request went unanswered", path->id);
  // A relay that was restarted has forgotten us and drops everything without a word.
  gatherer_.suspect(now, path->socket);
  std::size_t spares = 0;
  for (const auto& pair : current_.check_list.pairs()) {
    if (!pair->valid || pair.get() == path || spares++ >= kMaxSpares) continue;
    current_.check_list.trigger(*pair);
  }
}

/// Other valid pairs stay valid only if they answer, and the best of them are asked: when the path
/// dies they take over without a word of signalling.
void Agent::keep_spares(Time now) {
  if (config_.lite || state_ == State::kFailed) return;
  std::size_t spares = 0;
  for (const auto& pair : current_.check_list.pairs()) {
    if (!pair->valid || current_.path == pair->id) continue;
    if (now >= pair->last_success + config_.consent.timeout) {
      fail_pair(now, current_, *pair, "consent expired while it was not in use");
    } else if (spares++ < kMaxSpares && now >= pair->spare_due) {
      send_consent_request(now, current_, *pair);
      pair->spare_due = now + Consent::jitter(config_.consent.spare_interval, random_);
    }
  }
}

Time Agent::next_spare() const {
  if (config_.lite) return kNever;
  Time next = kNever;
  std::size_t spares = 0;
  for (const auto& pair : current_.check_list.pairs()) {
    if (!pair->valid || current_.path == pair->id) continue;
    next = std::min(next, pair->last_success + config_.consent.timeout);
    if (spares++ < kMaxSpares) next = std::min(next, pair->spare_due);
  }
  return next;
}

void Agent::transmit(Time now, const Generation& generation, const Check& check,
                     CandidatePair& pair) {
  std::array<std::uint8_t, kMaxRequest> space;
  stun::MessageBuilder request(space, stun::Class::kRequest, stun::Method::kBinding, check.id);
  // RFC 8445 section 7.2.2: the receiver's fragment first.
  const std::string& ours = pair.former_ufrag.empty() ? generation.local.ufrag : pair.former_ufrag;
  request.add_text(stun::AttributeType::kUsername, generation.remote->ufrag + ':' + ours);
  request.add_u64(check.role == Role::kControlling ? stun::AttributeType::kIceControlling
                                                   : stun::AttributeType::kIceControlled,
                  tie_breaker_);
  if (check.use_candidate) request.add_flag(stun::AttributeType::kUseCandidate);
  if (check.nomination != 0) request.add_u32(stun::AttributeType::kNomination, check.nomination);
  request.add_u32(stun::AttributeType::kPriority, check.priority);
  request.add_integrity_sha1(as_bytes(generation.remote->pwd));
  request.add_fingerprint();

  if (pair.requests_sent++ == 0) pair.first_sent = now;
  pair.last_sent = now;
  send(pair.socket, pair.destination, request.bytes());
}

void Agent::expire_check(Time now, const Check& check) {
  if (check.kind == Check::Kind::kConsent || check.cancelled) return;
  CandidatePair* pair = current_.check_list.find(check.pair);
  if (pair == nullptr || pair->state != PairState::kInProgress) return;
  if (pair->valid) {
    // It has worked before: consent decides when it is over. A nomination goes to another one.
    pair->state = PairState::kSucceeded;
    if (nominating_ == pair->id) demote(*pair, "its nomination was not answered");
    return;
  }
  fail_pair(now, current_, *pair,
            "no response to " + std::to_string(check.transmissions) + " requests");
}

void Agent::demote(CandidatePair& pair, std::string_view why) {
  pair.silent = true;
  pair.nominated = false;
  if (nominating_ == pair.id) nominating_.reset();
  note(Timeline::Topic::kPair, std::string(why), pair.id);
}

void Agent::fail_pair(Time now, Generation& generation, CandidatePair& pair, std::string why) {
  checks_.remove_all(pair.id);
  if (nominating_ == pair.id) nominating_.reset();
  note(Timeline::Topic::kPair, "failed: " + why, pair.id);
  generation.check_list.fail(pair, now, std::move(why));
}

/// RFC 8445 section 7.2.2: the priority a peer-reflexive candidate learned from this check would
/// have: the base's, but for the type.
std::uint32_t Agent::prflx_priority(const Generation& generation, const CandidatePair& pair) const {
  const auto local_preference =
      static_cast<std::uint16_t>(generation.locals[pair.local].candidate.priority >> 8);
  return candidate_priority(CandidateType::kPeerReflexive, local_preference, 1,
                            generation.locals[pair.local].candidate.protocol);
}

// ---------------------------------------------------------------------------------- nomination

bool Agent::candidates_may_come() const {
  return gathering_state_ != GatheringState::kComplete || !current_.remote_end_of_candidates ||
         !current_.named_remotes.empty();
}

/// When all candidates are known, a check of the peer's may still show an address that nobody
/// signalled: direct paths through NATs that map anew are found in no other way, and a lost packet
/// is enough to delay them behind the relay. Who announces relayed candidates alone will not.
bool Agent::peer_may_come_directly() const {
  return std::any_of(current_.remotes.begin(), current_.remotes.end(),
                     [](const RemoteCandidate& remote) {
                       return remote.candidate.type != CandidateType::kRelayed;
                     });
}

/// Regular nomination (RFC 8445 section 8.1.1) of the best pair that works. It waits a little for
/// better ones. A nominated pair that died leaves none, so the next best is nominated: the RFC
/// would have the session restarted, but the path is needed while signalling may be away.
void Agent::consider_nomination(Time now) {
  if (role_ != Role::kControlling || config_.lite || config_.nomination != Nomination::kRegular) {
    return;
  }
  CandidatePair* nominated = current_.check_list.best_nominated();
  CandidatePair* best = current_.check_list.best_valid();
  if (best == nullptr || nominating_ || nominated != nullptr) {
    nomination_due_.reset();
    nominator_.rest();
    if (nominated != nullptr && !nominating_) consider_moving(now, *nominated);
    return;
  }
  const PathKind kind = current_.kind(*best);
  const bool more =
      candidates_may_come() || (kind == PathKind::kRelayed && peer_may_come_directly());
  const Time earliest = nominator_.earliest(now, kind, current_.check_list.better_may_come(*best),
                                            more, current_.policy == Policy::kRelay);
  if (now < earliest) {
    nomination_due_ = earliest;
    return;
  }
  nomination_due_.reset();
  nominate(*best);
}

/// Automatic renomination: from a relayed path to a direct one, or to a faster one.
void Agent::consider_moving(Time now, const CandidatePair& nominated) {
  if (!nominator_.moves_by_itself()) return;
  const auto path = [this](const CandidatePair& pair) {
    return Nominator::Path{current_.kind(pair), pair.smoothed_round_trip, pair.responses_received};
  };
  for (const auto& pair : current_.check_list.pairs()) {
    if (!pair->valid || pair->silent || pair->id == nominated.id) continue;
    if (!nominator_.worth_moving(now, path(nominated), path(*pair))) continue;
    nominator_.moved(now);
    nominate(*pair);
    return;
  }
}

void Agent::nominate(CandidatePair& pair) {
  nominating_ = pair.id;
  nominating_value_ = nominator_.renominates() ? nominator_.next_value() : 0;
  note(Timeline::Topic::kNomination, "sent", pair.id);
  current_.check_list.trigger(pair);
}

Result<> Agent::renominate(Time now, PairId id) {
  if (!nominator_.renominates()) {
    return fail(Errc::kInvalidState, "renomination is off: set Config::renomination.enabled");
  }
  if (role_ != Role::kControlling) {
    return fail(Errc::kInvalidState, "only the controlling agent nominates");
  }
  CandidatePair* pair = current_.check_list.find(id);
  if (pair == nullptr || !pair->valid || state_ == State::kClosed || state_ == State::kFailed) {
    return fail(Errc::kInvalidState, "the pair is not valid, so it cannot be nominated");
  }
  nominator_.moved(now);
  nominate(*pair);
  after_change(now);
  return {};
}

void Agent::revoke_consent(Time now) {
  if (state_ == State::kClosed) return;
  now_ = now;
  revoked_ = true;
  note(Timeline::Topic::kConsent, "revoked by us");
  for (const auto& pair : current_.check_list.pairs()) {
    if (pair->state != PairState::kFailed)
      fail_pair(now, current_, *pair, "we revoked our consent");
  }
  update_path(now, current_);
  set_state(State::kFailed);
}

}  // namespace floe::ice
