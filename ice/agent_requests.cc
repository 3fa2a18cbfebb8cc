// The agent's incoming side: checks from the peer (RFC 8445 section 7.3).
#include <algorithm>
#include <array>
#include <utility>

#include "floe/ice/agent.h"

namespace floe::ice {
namespace {

// Enough for every address a real peer has; beyond it somebody is flooding.
constexpr std::size_t kMaxEarlyChecks = 32;
// A response: header, the mapped address, integrity, fingerprint; an error adds a reason or a list.
constexpr std::size_t kMaxResponse = 256;

constexpr std::array kKnownAttributes = {
    stun::AttributeType::kUsername,
    stun::AttributeType::kMessageIntegrity,
    stun::AttributeType::kPriority,
    stun::AttributeType::kUseCandidate,
    stun::AttributeType::kMappedAddress,
    stun::AttributeType::kXorMappedAddress,
    stun::AttributeType::kErrorCode,
    stun::AttributeType::kUnknownAttributes,
    stun::AttributeType::kMessageIntegritySha256,
    stun::AttributeType::kRealm,
    stun::AttributeType::kNonce,
};

}  // namespace

void Agent::handle_request(Time now, const stun::Message& message, const net::Datagram& datagram) {
  ++stats_.requests_received;
  // An answer would keep the peer's consent alive for a connection that is over here.
  if (state_ == State::kFailed && !revoked_) return;
  // USERNAME is "ours:theirs" (RFC 8445 section 7.3). Whatever is not for a generation of ours is
  // left unanswered: an error would only tell a stranger that somebody lives here.
  const std::string_view username = message.username().value_or("");
  const std::size_t colon = username.find(':');
  const std::string_view ours = username.substr(0, colon);
  const std::string_view theirs = username.substr(std::min(colon + 1, username.size()));
  const Credentials* local = colon == std::string_view::npos ? nullptr : credentials_of(ours);
  if (local == nullptr) {
    const bool reflected =
        current_.remote && ours == current_.remote->ufrag && theirs == current_.local.ufrag;
    ++(reflected ? stats_.own_checks : stats_.dropped_wrong_username);
    return;
  }
  // After a restart of the peer's, libwebrtc checks from its new ports with the fragment that it
  // knows of us, may keep to that for good, and wants to hear it from us on that pair. Such a check
  // is the present generation's, whatever it calls us.
  const bool is_old = previous_ && local == &previous_->local &&
                      (!previous_->remote || theirs == previous_->remote->ufrag);
  const bool is_former = former_ && local == &*former_;
  if (is_former && (!current_.remote || theirs != current_.remote->ufrag)) {
    ++stats_.dropped_wrong_username;
    return;
  }
  if (!authenticate(message, datagram, is_old ? *previous_ : current_, local->pwd)) return;
  if (is_old) {
    handle_old_request(now, message, datagram);
    return;
  }
  if (!resolve_role_conflict(message, datagram, local->pwd)) return;
  reply_success(message, datagram, local->pwd);

  const EarlyCheck check{datagram.socket,
                         datagram.source,
                         message.priority().value_or(0),
                         message.use_candidate(),
                         message.nomination(),
                         std::string(theirs),
                         local == &current_.local ? std::string() : std::string(ours)};
  // Answered already; the rest waits until signalling says who this is.
  if (!current_.remote || check.remote_ufrag != current_.remote->ufrag) {
    keep_early_check(check);
  } else {
    learn_from_check(now, check);
  }
}

/// True if the request is the peer's and is to be answered.
bool Agent::authenticate(const stun::Message& message, const net::Datagram& datagram,
                         const Generation& generation, std::string_view pwd) {
  if (message.check_integrity_sha1(as_bytes(pwd)) != stun::Message::Integrity::kOk) {
    ++stats_.dropped_bad_integrity;
    return false;
  }
  const std::uint32_t base = generation.base_candidate(datagram.socket);
  const bool filtered = config_.remote_filter && !config_.remote_filter(datagram.source);
  if (filtered || base >= generation.locals.size()) {
    ++stats_.dropped_by_policy;
    return false;
  }
  const auto unknown = message.unknown_required(kKnownAttributes);
  if (!unknown.empty()) {
    ++stats_.unknown_attributes;
    reply_error(message, datagram, pwd, stun::kUnknownAttribute, "Unknown Attribute", unknown);
    return false;
  }
  if (revoked_) {
    ++stats_.consent_refused;
    reply_error(message, datagram, pwd, stun::kForbidden, "Forbidden");
    return false;
  }
  return true;
}

/// A check for the generation before the restart keeps what works there working; it begins nothing.
void Agent::handle_old_request(Time now, const stun::Message& message,
                               const net::Datagram& datagram) {
  ++stats_.old_generation;
  Generation& generation = *previous_;
  CandidatePair* pair = generation.check_list.find(datagram.socket, datagram.source);
  if (pair == nullptr || !pair->valid) return;
  reply_success(message, datagram, generation.local.pwd);
  ++pair->requests_received;
  ++pair->responses_sent;
  pair->last_heard = now;
  if (generation.path == pair->id) generation.consent.on_heard(now);
  if (message.use_candidate() && role_ == Role::kControlled) {
    take_nomination(now, generation, *pair, message.nomination());
  }
}

/// The same source asks again and again: it takes one place.
void Agent::keep_early_check(const EarlyCheck& check) {
  ++stats_.early_checks;
  for (EarlyCheck& known : early_checks_) {
    if (known.socket != check.socket || known.source != check.source) continue;
    known.use_candidate |= check.use_candidate;
    if (check.nomination) known.nomination = check.nomination;
    known.remote_ufrag = check.remote_ufrag;
    known.former_ufrag = check.former_ufrag;
    return;
  }
  if (early_checks_.size() >= kMaxEarlyChecks) {
    ++stats_.early_checks_dropped;
    return;
  }
  early_checks_.push_back(check);
}

/// RFC 8445 section 7.3.1.1. False if the request was answered with 487 and is done with.
bool Agent::resolve_role_conflict(const stun::Message& message, const net::Datagram& datagram,
                                  std::string_view pwd) {
  const auto controlling = message.ice_controlling();
  const auto controlled = message.ice_controlled();
  const bool conflict =
      role_ == Role::kControlling ? controlling.has_value() : controlled.has_value();
  if (!conflict) return true;
  ++stats_.role_conflicts;
  const std::uint64_t theirs = role_ == Role::kControlling ? *controlling : *controlled;
  const bool ours_is_larger = tie_breaker_ >= theirs;
  // The larger tie-breaker controls: who has it and is controlling already, or has not and is
  // controlled already, keeps the role and tells the other. Whoever sends checks is full, so a lite
  // agent gives way (section 6.1.1).
  const bool keep = !config_.lite && ours_is_larger == (role_ == Role::kControlling);
  if (keep) {
    reply_error(message, datagram, pwd, stun::kRoleConflict, "Role Conflict");
    return false;
  }
  switch_role(config_.lite ? Role::kControlled : opposite(role_));
  return true;
}

/// The pair a check came over; a new one, perhaps with a new peer-reflexive candidate, if there is
/// room.
CandidatePair* Agent::pair_for(const EarlyCheck& check) {
  CandidatePair* known = current_.check_list.find(check.socket, check.source);
  if (known != nullptr) return known;
  const std::uint32_t local = current_.base_candidate(check.socket);
  if (local >= current_.locals.size()) return nullptr;
  const Protocol protocol = current_.locals[local].candidate.protocol;
  const net::Endpoint source = as_signalled(check.source);
  std::uint32_t remote = current_.remote_candidate(source, protocol);
  if (remote >= current_.remotes.size()) {
    Candidate candidate;
    candidate.type = CandidateType::kPeerReflexive;
    candidate.protocol = protocol;
    candidate.endpoint = source;
    candidate.priority = std::clamp<std::uint32_t>(check.priority, 1, 0x7fffffff);
    // Section 7.3.1.3: a foundation of its own.
    candidate.foundation = "prflx" + std::to_string(current_.remotes.size());
    const auto added =
        current_.add_remote({std::move(candidate), true}, config_.max_remote_candidates);
    if (!added) {
      ++stats_.pairs_dropped;
      return nullptr;
    }
    remote = *added;
    note(Timeline::Topic::kRemoteCandidate,
         "learned: " + current_.remotes[remote].candidate.to_string());
  }
  CandidatePair* added = current_.check_list.add_triggered(make_pair(local, remote));
  if (added == nullptr) ++stats_.pairs_dropped;
  return added;
}

/// What a check teaches besides being answered: an address of the peer (section 7.3.1.3), a path
/// worth checking in the other direction (7.3.1.4), a nomination (7.3.1.5).
void Agent::learn_from_check(Time now, const EarlyCheck& check) {
  CandidatePair* pair = pair_for(check);
  if (pair == nullptr) return;
  pair->heard = true;
  pair->former_ufrag = check.former_ufrag;
  pair->last_heard = now;
  ++pair->requests_received;
  ++pair->responses_sent;
  if (current_.path == pair->id) current_.consent.on_heard(now);

  const bool nominates = check.use_candidate && role_ == Role::kControlled;
  if (config_.lite && nominates && !pair->valid) {
    // Section 7.3.2: a lite agent takes the peer's word for it.
    pair->valid = true;
    pair->valid_local = pair->local;
    pair->state = PairState::kSucceeded;
    pair->last_success = now;
  }
  if (pair->valid) {
    if (nominates) take_nomination(now, current_, *pair, check.nomination);
    return;
  }
  if (config_.lite) return;
  // Also from Failed: a check that arrives shows that the path has opened (section 7.3.1.4). But
  // when patience has ended, a peer that gets our answers and never answers itself must not keep us
  // hoping for ever.
  const bool tried = pair->state == PairState::kFailed || pair->state == PairState::kInProgress;
  if (tried && now >= *patience_ends_) return;
  current_.check_list.trigger(*pair);
  if (nominates) take_nomination(now, current_, *pair, check.nomination);
}

/// The peer nominates: at once if the pair works, else as soon as it does (section 7.3.1.5).
void Agent::take_nomination(Time now, Generation& generation, CandidatePair& pair,
                            std::optional<std::uint32_t> value) {
  if (!nominator_.renominates()) value.reset();
  if (value) {
    const bool repeated = pair.nomination == *value || pair.nomination_on_success == *value;
    if (!repeated && !nominator_.accept(*value)) {
      ++stats_.nominations_ignored;
      return;
    }
  }
  if (!pair.valid) {
    pair.nominate_on_success = true;
    pair.nomination_on_success = value.value_or(0);
    return;
  }
  const bool newest = generation.check_list.best_nominated() == &pair;
  if (newest && (!value || pair.nomination == *value)) return;
  set_nominated(now, generation, pair, value);
}

void Agent::replay_early_checks(Time now) {
  const auto checks = std::exchange(early_checks_, {});
  for (const EarlyCheck& check : checks) {
    if (check.remote_ufrag == current_.remote->ufrag) learn_from_check(now, check);
  }
}

void Agent::reply_success(const stun::Message& request, const net::Datagram& datagram,
                          std::string_view pwd) {
  std::array<std::uint8_t, kMaxResponse> space;
  stun::MessageBuilder response(space, stun::Class::kSuccess, request);
  response.add_xor_address(stun::AttributeType::kXorMappedAddress, datagram.source);
  response.add_integrity_sha1(as_bytes(pwd));
  response.add_fingerprint();
  send(datagram.socket, datagram.source, response.bytes());
}

void Agent::reply_error(const stun::Message& request, const net::Datagram& datagram,
                        std::string_view pwd, std::uint16_t code, std::string_view reason,
                        std::span<const stun::AttributeType> unknown) {
  std::array<std::uint8_t, kMaxResponse> space;
  stun::MessageBuilder response(space, stun::Class::kError, request);
  response.add_error(code, reason);
  if (!unknown.empty()) response.add_unknown_attributes(unknown);
  response.add_integrity_sha1(as_bytes(pwd));
  response.add_fingerprint();
  send(datagram.socket, datagram.source, response.bytes());
}

}  // namespace floe::ice
