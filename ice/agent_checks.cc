// The agent's outgoing side: which check goes next (RFC 8445 section 6.1.4), what it says (section
// 7.2.2), which pair is nominated (section 8.1.1), consent requests (RFC 7675).
#include <algorithm>
#include <array>

#include "floe/ice/agent.h"

namespace floe::ice {
namespace {

// A Binding request: header, USERNAME of at most 513 bytes, and about 80 bytes of other attributes.
constexpr std::size_t kMaxRequest = 720;

}  // namespace

void Agent::book_slot(Time now) {
  const bool wanted = current_.remote && current_.check_list.has_work();
  // After a late timer the next slot may be free at once; Ta still lies between our own checks.
  if (wanted && !slot_) slot_ = pacer_.book(std::max(now, last_check_ + pacer_.ta()));
  if (!wanted && slot_) {
    pacer_.give_back(*slot_);
    slot_.reset();
  }
}

void Agent::perform_check(Time now) {
  if (!current_.remote) return;
  last_check_ = now;
  if (CandidatePair* pair = current_.check_list.take_next()) send_check(now, *pair);
}

void Agent::send_check(Time now, CandidatePair& pair) {
  // One running check a pair: an earlier one is no longer repeated, but may still be answered.
  checks_.cancel(pair.id);
  pair.state = PairState::kInProgress;
  Check check;
  check.id = stun::random_transaction_id(random_);
  check.pair = pair.id;
  check.role = role_;
  check.priority = prflx_priority(pair);
  check.use_candidate = role_ == Role::kControlling &&
                        (config_.nomination == Nomination::kAggressive || nominating_ == pair.id);
  transmit(checks_.start(now, check, pacer_.ta(), config_.consent.timeout), pair);
}

void Agent::send_consent_request(Time now, CandidatePair& pair) {
  Check check;
  check.id = stun::random_transaction_id(random_);
  check.kind = Check::Kind::kConsent;
  check.pair = pair.id;
  check.role = role_;
  check.priority = prflx_priority(pair);
  // RFC 8445 section 8.1.1: checks of a nominated pair may repeat USE-CANDIDATE; it costs nothing
  // and tells a controlled peer again that missed it.
  check.use_candidate = role_ == Role::kControlling && pair.nominated;
  ++pair.consent_requests_sent;
  transmit(checks_.start(now, check, pacer_.ta(), config_.consent.timeout), pair);
}

void Agent::transmit(const Check& check, CandidatePair& pair) {
  std::array<std::uint8_t, kMaxRequest> space;
  stun::MessageBuilder request(space, stun::Class::kRequest, stun::Method::kBinding, check.id);
  // RFC 8445 section 7.2.2: the receiver's fragment first.
  request.add_text(stun::AttributeType::kUsername,
                   current_.remote->ufrag + ':' + current_.local.ufrag);
  request.add_u64(check.role == Role::kControlling ? stun::AttributeType::kIceControlling
                                                   : stun::AttributeType::kIceControlled,
                  tie_breaker_);
  if (check.use_candidate) request.add_flag(stun::AttributeType::kUseCandidate);
  request.add_u32(stun::AttributeType::kPriority, check.priority);
  request.add_integrity_sha1(as_bytes(current_.remote->pwd));
  request.add_fingerprint();

  ++pair.requests_sent;
  send(pair.socket, pair.destination, request.bytes());
}

void Agent::expire_check(const Check& check) {
  if (check.kind == Check::Kind::kConsent || check.cancelled) return;
  CandidatePair* pair = current_.check_list.find(check.pair);
  if (pair == nullptr || pair->state != PairState::kInProgress) return;
  fail_pair(*pair, "no response to " + std::to_string(check.transmissions) + " requests");
}

void Agent::fail_pair(CandidatePair& pair, std::string why) {
  checks_.remove_all(pair.id);
  if (nominating_ == pair.id) nominating_.reset();
  current_.check_list.fail(pair, std::move(why));
}

/// RFC 8445 section 7.2.2: the priority a peer-reflexive candidate learned from this check would
/// have: the base's, but for the type.
std::uint32_t Agent::prflx_priority(const CandidatePair& pair) const {
  const auto local_preference =
      static_cast<std::uint16_t>(current_.locals[pair.local].candidate.priority >> 8);
  return candidate_priority(CandidateType::kPeerReflexive, local_preference, 1);
}

/// Regular nomination (RFC 8445 section 8.1.1): once, and of the best pair that works. It waits a
/// little for better pairs that are still being checked.
void Agent::consider_nomination(Time now) {
  if (role_ != Role::kControlling || config_.nomination != Nomination::kRegular) return;
  CandidatePair* best = current_.check_list.best_valid();
  if (best == nullptr || nominating_ || current_.check_list.best_nominated() != nullptr) {
    nomination_due_.reset();
    return;
  }
  if (current_.check_list.better_may_come(*best)) {
    if (!nomination_due_) nomination_due_ = now + config_.nomination_wait;
    if (now < *nomination_due_) return;
  }
  nomination_due_.reset();
  nominating_ = best->id;
  current_.check_list.trigger(*best);
}

}  // namespace floe::ice
