// Answers to the agent's own checks (RFC 8445 section 7.2.5).
#include <algorithm>

#include "floe/ice/agent.h"

namespace floe::ice {

void Agent::handle_response(Time now, const stun::Message& message, const net::Datagram& datagram) {
  ++stats_.responses_received;
  const Check* found = checks_.find(message.transaction_id());
  Generation* generation = found ? generation_of(found->pair) : nullptr;
  if (generation == nullptr || !generation->remote) {
    ++stats_.dropped_unknown_transaction;
    return;
  }
  // An unauthenticated answer may be anybody's; the transaction goes on waiting for the real one.
  if (message.check_integrity_sha1(as_bytes(generation->remote->pwd)) !=
      stun::Message::Integrity::kOk) {
    ++stats_.dropped_unauthenticated_response;
    return;
  }
  const Check check = *found;
  checks_.remove(check.id);
  CandidatePair& pair = *generation->check_list.find(check.pair);

  // Section 7.2.5.2.1: an answer that took another way than the request shows an asymmetric path.
  if (datagram.source != pair.destination || datagram.socket != pair.socket) {
    ++stats_.asymmetric_responses;
    pair.answered_from = datagram.source;
    if (check.kind == Check::Kind::kConnectivity && !pair.valid) {
      fail_pair(now, *generation, pair, "the response came from " + datagram.source.to_string());
    }
    return;
  }
  if (const auto error = message.error_code()) {
    ++pair.errors_received;
    pair.last_error = error->code;
    pair.last_error_reason = error->reason;
    handle_error(now, *generation, check, pair, error->code, error->reason);
    return;
  }
  const auto mapped = message.xor_mapped_address();
  if (message.cls() != stun::Class::kSuccess || !mapped) {
    ++stats_.dropped_malformed;
    return;
  }
  handle_success(now, *generation, check, pair, *mapped);
}

void Agent::handle_success(Time now, Generation& generation, const Check& check,
                           CandidatePair& pair, const net::Endpoint& mapped) {
  ++pair.responses_received;
  pair.last_success = now;
  pair.silent = false;
  // Only an answer to a single transmission tells the round trip (Karn's rule). Until there is one,
  // the time since the first transmission is a bound: timers that follow from it may be slow, but
  // never repeat what is still on its way.
  if (check.transmissions == 1 || pair.responses_received == 1) {
    pair.round_trip = std::max<Duration>(now - check.first_sent, Duration(1));
    pair.smoothed_round_trip = pair.responses_received == 1
                                   ? pair.round_trip
                                   : (7 * pair.smoothed_round_trip + pair.round_trip) / 8;
  }
  pair.total_round_trip += pair.round_trip;
  pair.valid_local = local_candidate_for(generation, pair, mapped, check.priority);

  if (generation.path == pair.id) generation.consent.on_response(now, pair.round_trip);
  if (check.kind == Check::Kind::kConsent) return;

  // Whatever check of the pair is answered first ends the others.
  checks_.cancel(pair.id);
  if (!pair.valid) {
    pair.spare_due = now + Consent::jitter(config_.consent.spare_interval, random_);
    note(Timeline::Topic::kPair,
         "valid: " + pair.base.to_string() + " -> " + pair.destination.to_string(), pair.id);
  }
  pair.valid = true;
  if (!pair.triggered) pair.state = PairState::kSucceeded;
  generation.check_list.succeeded(pair);

  const bool we_nominated =
      check.use_candidate && role_ == Role::kControlling && check.role == Role::kControlling;
  const bool peer_nominated = pair.nominate_on_success && role_ == Role::kControlled;
  const std::uint32_t value = we_nominated ? check.nomination : pair.nomination_on_success;
  if (nominating_ == pair.id && we_nominated) nominating_.reset();
  if (we_nominated || peer_nominated) {
    set_nominated(now, generation, pair, value != 0 ? std::optional(value) : std::nullopt);
  }
  pair.nominate_on_success = false;
}

void Agent::set_nominated(Time now, Generation& generation, CandidatePair& pair,
                          std::optional<std::uint32_t> value) {
  const CandidatePair* last = generation.check_list.best_nominated();
  const bool settling = !generation.concluded || now < *generation.concluded + config_.settling;
  if (value) {
    pair.nomination = *value;
  } else if (last != &pair && !settling) {
    // The peer, or we, moved for good; an aggressive agent has long finished.
    pair.nomination = last != nullptr ? last->nomination + 1 : pair.nomination;
  }
  pair.nominated = true;
  if (!generation.concluded) generation.concluded = now;
  note(Timeline::Topic::kNomination, "nominated", pair.id);
  if (config_.lite) return;
  // Section 8.1.2. With an aggressive peer, or when a move to a better pair is wanted, the checks
  // of better pairs go on.
  const bool final = role_ == Role::kControlling && config_.nomination == Nomination::kRegular &&
                     !nominator_.moves_by_itself();
  generation.check_list.stop_checks_below(final ? ~0ull : pair.priority, pair);
}

void Agent::handle_error(Time now, Generation& generation, const Check& check, CandidatePair& pair,
                         std::uint16_t code, std::string_view reason) {
  if (code == stun::kForbidden) {
    lose_consent(now, generation);
    return;
  }
  if (check.kind == Check::Kind::kConsent) return;
  if (code == stun::kRoleConflict) {
    // Section 7.2.5.1. If the role has changed since the request was sent, the conflict is over.
    if (check.role == role_) {
      ++stats_.role_conflicts;
      switch_role(opposite(role_));
      // "The agent MUST change the tiebreaker value": it is what parts two agents that drew the
      // same.
      tie_breaker_ = random_.u64();
    }
    generation.check_list.trigger(pair);
    return;
  }
  if (check.cancelled && pair.state != PairState::kInProgress) return;
  fail_pair(now, generation, pair,
            "the peer answered " + std::to_string(code) + " " + std::string(reason));
}

/// RFC 7675 section 5.2: the peer wants no more; that holds for every way to it.
void Agent::lose_consent(Time now, Generation& generation) {
  ++stats_.consent_revoked;
  note(Timeline::Topic::kConsent, "revoked by the peer (403)");
  for (const auto& pair : generation.check_list.pairs()) {
    if (pair->state == PairState::kFailed) continue;
    fail_pair(now, generation, *pair, "the peer revoked its consent (403)");
  }
}

/// Section 7.2.5.3.1: the address the peer saw is one of our candidates, or a new peer-reflexive
/// one.
std::uint32_t Agent::local_candidate_for(Generation& generation, const CandidatePair& pair,
                                         const net::Endpoint& mapped, std::uint32_t priority) {
  for (std::uint32_t i = 0; i < generation.locals.size(); ++i) {
    const LocalCandidate& known = generation.locals[i];
    if (known.socket == pair.socket && known.candidate.endpoint == mapped && !known.withdrawn) {
      return i;
    }
  }
  LocalCandidate learned;
  learned.candidate.type = CandidateType::kPeerReflexive;
  learned.candidate.protocol = generation.locals[pair.local].candidate.protocol;
  learned.candidate.endpoint = mapped;
  learned.candidate.priority = priority;
  learned.candidate.related = pair.base;
  learned.candidate.foundation = "prflx" + std::to_string(generation.locals.size());
  learned.socket = pair.socket;
  learned.base = pair.base;
  learned.announced = false;
  return generation.add_local(std::move(learned)).value_or(pair.local);
}

}  // namespace floe::ice
