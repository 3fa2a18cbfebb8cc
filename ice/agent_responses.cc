// Answers to the agent's own checks (RFC 8445 section 7.2.5).
#include <algorithm>

#include "floe/ice/agent.h"

namespace floe::ice {

void Agent::handle_response(Time now, const stun::Message& message, const net::Datagram& datagram) {
  ++stats_.responses_received;
  const Check* found = checks_.find(message.transaction_id());
  if (found == nullptr || !current_.remote) {
    ++stats_.dropped_unknown_transaction;
    return;
  }
  // An unauthenticated answer may be anybody's; the transaction goes on waiting for the real one.
  if (message.check_integrity_sha1(as_bytes(current_.remote->pwd)) !=
      stun::Message::Integrity::kOk) {
    ++stats_.dropped_unauthenticated_response;
    return;
  }
  const Check check = *found;
  checks_.remove(check.id);
  CandidatePair* pair = current_.check_list.find(check.pair);
  if (pair == nullptr) return;

  // Section 7.2.5.2.1: an answer that took another way than the request shows an asymmetric path.
  if (datagram.source != pair->destination || datagram.socket != pair->socket) {
    ++stats_.asymmetric_responses;
    if (check.kind == Check::Kind::kConnectivity) {
      fail_pair(*pair, "the response came from " + datagram.source.to_string());
    }
    return;
  }
  if (const auto error = message.error_code()) {
    handle_error(check, *pair, error->code, error->reason);
    return;
  }
  const auto mapped = message.xor_mapped_address();
  if (message.cls() != stun::Class::kSuccess || !mapped) {
    ++stats_.dropped_malformed;
    return;
  }
  handle_success(now, check, *pair, *mapped);
}

void Agent::handle_success(Time now, const Check& check, CandidatePair& pair,
                           const net::Endpoint& mapped) {
  ++pair.responses_received;
  pair.last_success = now;
  // Only an answer to a single transmission tells the round trip (Karn's rule). Until there is one,
  // the time since the first transmission is a bound: timers that follow from it may be slow, but
  // never repeat what is still on its way.
  if (check.transmissions == 1 || pair.responses_received == 1) {
    pair.round_trip = std::max<Duration>(now - check.first_sent, Duration(1));
  }
  pair.total_round_trip += pair.round_trip;

  if (current_.path == pair.id) current_.consent.on_response(now);
  if (check.kind == Check::Kind::kConsent) return;

  // Whatever check of the pair is answered first ends the others.
  checks_.cancel(pair.id);
  pair.valid = true;
  pair.valid_local = local_candidate_for(pair, mapped, check.priority);
  if (!pair.triggered) pair.state = PairState::kSucceeded;
  current_.check_list.succeeded(pair);

  const bool we_nominated =
      check.use_candidate && role_ == Role::kControlling && check.role == Role::kControlling;
  const bool peer_nominated = pair.nominate_on_success && role_ == Role::kControlled;
  if (we_nominated || peer_nominated) {
    pair.nominated = true;
    if (nominating_ == pair.id) nominating_.reset();
    current_.check_list.stop_checks_below(
        we_nominated && config_.nomination == Nomination::kRegular ? ~0ull : pair.priority);
  }
  pair.nominate_on_success = false;
}

void Agent::handle_error(const Check& check, CandidatePair& pair, std::uint16_t code,
                         std::string_view reason) {
  if (check.kind == Check::Kind::kConsent) {
    // RFC 7675 section 5.2: the peer revokes its consent; nothing more may be sent there.
    if (code == stun::kForbidden) fail_pair(pair, "the peer revoked its consent (403)");
    return;
  }
  if (code == stun::kRoleConflict) {
    // Section 7.2.5.1. If the role has changed since the request was sent, the conflict is over.
    if (check.role == role_) {
      ++stats_.role_conflicts;
      switch_role(opposite(role_));
      // "The agent MUST change the tiebreaker value": it is what parts two agents that drew the
      // same.
      tie_breaker_ = random_.u64();
    }
    current_.check_list.trigger(pair);
    return;
  }
  if (check.cancelled && pair.state != PairState::kInProgress) return;
  fail_pair(pair, "the peer answered " + std::to_string(code) + " " + std::string(reason));
}

/// Section 7.2.5.3.1: the address the peer saw is one of our candidates, or a new peer-reflexive
/// one.
std::uint32_t Agent::local_candidate_for(const CandidatePair& pair, const net::Endpoint& mapped,
                                         std::uint32_t priority) {
  for (std::uint32_t i = 0; i < current_.locals.size(); ++i) {
    const LocalCandidate& known = current_.locals[i];
    if (known.socket == pair.socket && known.candidate.endpoint == mapped && !known.withdrawn) {
      return i;
    }
  }
  // One a pair at the most, and pairs are bounded; a NAT that changes its mind with every answer
  // must not grow the list for ever.
  constexpr std::size_t kMaxLocals = 512;
  if (current_.locals.size() >= kMaxLocals) return pair.local;
  Candidate candidate;
  candidate.type = CandidateType::kPeerReflexive;
  candidate.endpoint = mapped;
  candidate.priority = priority;
  candidate.related = pair.base;
  candidate.foundation = "prflx" + std::to_string(current_.locals.size());
  current_.locals.push_back({candidate, pair.socket, pair.base, false});
  return static_cast<std::uint32_t>(current_.locals.size() - 1);
}

}  // namespace floe::ice
