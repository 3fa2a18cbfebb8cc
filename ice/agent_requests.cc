// The agent's incoming side: checks from the peer (RFC 8445 section 7.3).
#include <algorithm>
#include <array>

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
  if (state_ == State::kFailed) return;
  // USERNAME is "ours:theirs" (RFC 8445 section 7.3). Whatever is not for this generation of ours
  // is left unanswered: an error would only tell a stranger that somebody lives here.
  const std::string_view username = message.username().value_or("");
  const std::size_t colon = username.find(':');
  if (colon == std::string_view::npos || username.substr(0, colon) != current_.local.ufrag) {
    ++stats_.dropped_wrong_username;
    return;
  }
  if (message.check_integrity_sha1(as_bytes(current_.local.pwd)) != stun::Message::Integrity::kOk) {
    ++stats_.dropped_bad_integrity;
    return;
  }
  const auto unknown = message.unknown_required(kKnownAttributes);
  if (!unknown.empty()) {
    ++stats_.unknown_attributes;
    reply_error(message, datagram, stun::kUnknownAttribute, "Unknown Attribute", unknown);
    return;
  }
  if (!resolve_role_conflict(message, datagram)) return;
  reply_success(message, datagram);

  const EarlyCheck check{datagram.socket, datagram.source, message.priority().value_or(0),
                         message.use_candidate(), std::string(username.substr(colon + 1))};
  if (!current_.remote || check.remote_ufrag != current_.remote->ufrag) {
    // Answered already; the rest waits until signalling says who this is. The same source asks
    // again and again: it takes one place.
    ++stats_.early_checks;
    for (EarlyCheck& known : early_checks_) {
      if (known.socket != check.socket || known.source != check.source) continue;
      known.use_candidate |= check.use_candidate;
      known.remote_ufrag = check.remote_ufrag;
      return;
    }
    if (early_checks_.size() >= kMaxEarlyChecks) {
      ++stats_.early_checks_dropped;
      return;
    }
    early_checks_.push_back(check);
    return;
  }
  learn_from_check(now, check);
}

/// RFC 8445 section 7.3.1.1. False if the request was answered with 487 and is done with.
bool Agent::resolve_role_conflict(const stun::Message& message, const net::Datagram& datagram) {
  const auto controlling = message.ice_controlling();
  const auto controlled = message.ice_controlled();
  const bool conflict =
      role_ == Role::kControlling ? controlling.has_value() : controlled.has_value();
  if (!conflict) return true;
  ++stats_.role_conflicts;
  const std::uint64_t theirs = role_ == Role::kControlling ? *controlling : *controlled;
  const bool ours_is_larger = tie_breaker_ >= theirs;
  // The larger tie-breaker controls: who has it and is controlling already, or has not and is
  // controlled already, keeps the role and tells the other.
  const bool keep = ours_is_larger == (role_ == Role::kControlling);
  if (keep) {
    reply_error(message, datagram, stun::kRoleConflict, "Role Conflict");
    return false;
  }
  switch_role(opposite(role_));
  return true;
}

/// What a check teaches besides being answered: an address of the peer (section 7.3.1.3), a path
/// worth checking in the other direction (7.3.1.4), a nomination (7.3.1.5).
void Agent::learn_from_check(Time now, const EarlyCheck& check) {
  CandidatePair* pair = current_.check_list.find(check.socket, check.source);
  if (pair == nullptr) {
    const std::uint32_t local = current_.base_candidate(check.socket);
    if (local >= current_.locals.size()) return;
    auto remote =
        static_cast<std::uint32_t>(std::find_if(current_.remotes.begin(), current_.remotes.end(),
                                                [&check](const RemoteCandidate& known) {
                                                  return known.candidate.endpoint == check.source;
                                                }) -
                                   current_.remotes.begin());
    if (remote == current_.remotes.size()) {
      if (current_.remotes.size() >= config_.max_remote_candidates) {
        ++stats_.pairs_dropped;
        return;
      }
      Candidate candidate;
      candidate.type = CandidateType::kPeerReflexive;
      candidate.endpoint = check.source;
      candidate.priority = std::clamp<std::uint32_t>(check.priority, 1, 0x7fffffff);
      // Section 7.3.1.3: a foundation of its own.
      candidate.foundation = "prflx" + std::to_string(current_.remotes.size());
      current_.remotes.push_back({candidate, true});
    }
    pair = current_.check_list.add_triggered(make_pair(local, remote));
    if (pair == nullptr) {
      ++stats_.pairs_dropped;
      return;
    }
  }
  pair->heard = true;
  ++pair->requests_received;
  ++pair->responses_sent;
  if (current_.path == pair->id) current_.consent.on_heard(now);

  if (pair->valid) {
    if (check.use_candidate && role_ == Role::kControlled && !pair->nominated) {
      pair->nominated = true;
      current_.check_list.stop_checks_below(pair->priority);
    }
    return;
  }
  // Also from Failed: a check that arrives shows that the path has opened (section 7.3.1.4). But
  // when patience has ended, a peer that gets our answers and never answers itself must not keep us
  // hoping for ever.
  const bool tried = pair->state == PairState::kFailed || pair->state == PairState::kInProgress;
  if (tried && now >= *patience_ends_) return;
  current_.check_list.trigger(*pair);
  if (check.use_candidate && role_ == Role::kControlled) pair->nominate_on_success = true;
}

void Agent::replay_early_checks(Time now) {
  const auto checks = std::exchange(early_checks_, {});
  for (const EarlyCheck& check : checks) {
    if (check.remote_ufrag == current_.remote->ufrag) learn_from_check(now, check);
  }
}

void Agent::reply_success(const stun::Message& request, const net::Datagram& datagram) {
  std::array<std::uint8_t, kMaxResponse> space;
  stun::MessageBuilder response(space, stun::Class::kSuccess, request);
  response.add_xor_address(stun::AttributeType::kXorMappedAddress, datagram.source);
  response.add_integrity_sha1(as_bytes(current_.local.pwd));
  response.add_fingerprint();
  send(datagram.socket, datagram.source, response.bytes());
}

void Agent::reply_error(const stun::Message& request, const net::Datagram& datagram,
                        std::uint16_t code, std::string_view reason,
                        std::span<const stun::AttributeType> unknown) {
  std::array<std::uint8_t, kMaxResponse> space;
  stun::MessageBuilder response(space, stun::Class::kError, request);
  response.add_error(code, reason);
  if (!unknown.empty()) response.add_unknown_attributes(unknown);
  response.add_integrity_sha1(as_bytes(current_.local.pwd));
  response.add_fingerprint();
  send(datagram.socket, datagram.source, response.bytes());
}

}  // namespace floe::ice
