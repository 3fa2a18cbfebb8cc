#include "floe/ice/agent.h"

#include <algorithm>
#include <utility>

namespace floe::ice {
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

std::string_view to_string(Policy policy) {
  switch (policy) {
    case Policy::kAll:
      return "all";
    case Policy::kNoHost:
      return "no-host";
    case Policy::kRelay:
      return "relay";
  }
  return "unknown";
}

Agent::Agent(Config config, Random& random, net::Pacer& pacer)
    : config_(std::move(config)),
      random_(random),
      pacer_(pacer),
      role_(config_.role),
      tie_breaker_(config_.tie_breaker ? *config_.tie_breaker : random.u64()),
      gatherer_(config_.gathering, random, pacer),
      current_(config_.credentials ? *config_.credentials : Credentials::generate(random),
               config_.policy, CheckList(config_.max_pairs), config_.consent),
      checks_(config_.checks),
      nominator_(config_.acceptance, config_.renomination) {}

void Agent::set_role(Role role) {
  if (role_ != role && current_.check_list.pairs().empty() && !previous_) role_ = role;
}

void Agent::set_remote_lite(bool lite) {
  remote_lite_ = lite;
  if (lite && !config_.lite) switch_role(Role::kControlling);
}

Agent::Stats Agent::stats() const {
  Stats stats = stats_;
  stats.pairs_pruned = current_.check_list.dropped();
  stats.gathering = gatherer_.stats();
  return stats;
}

// ---------------------------------------------------------------------------------- local side

void Agent::invalidate(Time now, CandidateType type, const net::Endpoint& endpoint) {
  if (state_ == State::kClosed) return;
  now_ = now;
  for (Generation* generation : {&current_, previous_ ? &*previous_ : nullptr}) {
    if (generation == nullptr) continue;
    for (std::uint32_t i = 0; i < generation->locals.size(); ++i) {
      const Candidate& candidate = generation->locals[i].candidate;
      if (candidate.type != type || candidate.endpoint != endpoint) continue;
      withdraw(*generation, i, "its local candidate was invalidated");
    }
  }
  after_change(now);
}

void Agent::withdraw(Generation& generation, std::uint32_t local, std::string_view why) {
  LocalCandidate& candidate = generation.locals[local];
  if (candidate.withdrawn) return;
  candidate.withdrawn = true;
  for (const auto& pair : generation.check_list.pairs()) {
    const bool uses = pair->local == local || (pair->valid && pair->valid_local == local);
    if (uses && pair->state != PairState::kFailed) {
      fail_pair(now_, generation, *pair, std::string(why));
    }
  }
  if (&generation == &current_ && candidate.announced) emit(CandidateRemoved{candidate.candidate});
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
  if (credentials.ufrag == current_.local.ufrag) {
    return fail(Errc::kInvalidArgument,
                "the peer's ICE credentials are our own: signalling gave our description back");
  }
  now_ = now;
  current_.remote = credentials;
  // Candidates that came before the credentials may turn out to be another generation's.
  for (std::uint32_t i = 0; i < current_.remotes.size(); ++i) {
    const std::string& ufrag = current_.remotes[i].candidate.ufrag;
    if (ufrag.empty() || ufrag == credentials.ufrag) continue;
    ++stats_.remote_candidates_refused;
    current_.remotes[i].learned = true;  // its place may be taken
    current_.check_list.forget_if([i](const CandidatePair& pair) { return pair.remote == i; });
  }
  if (config_.lite && !remote_lite_) switch_role(Role::kControlled);
  start_checking(now);
  replay_early_checks(now);
  after_change(now);
  return {};
}

Result<> Agent::add_remote_candidate(Time now, const Candidate& candidate) {
  if (state_ == State::kClosed) {
    return refuse(candidate, Errc::kClosed, "the ICE agent is closed");
  }
  if (!candidate.hostname.empty() && !config_.resolve_names) {
    current_.note_unused(candidate, "names are ignored");
    return fail(Errc::kUnsupported, "remote candidate " + candidate.hostname +
                                        ": names are ignored (RFC 8839 section 5.1)");
  }
  if (candidate.protocol == Protocol::kTcp && !candidate.tcp_type) {
    return refuse(candidate, Errc::kInvalidArgument,
                  "a TCP candidate says how to connect (tcptype)");
  }
  if (candidate.component != 1) {
    return refuse(candidate, Errc::kUnsupported, "only component 1 is used");
  }
  if (candidate.priority == 0) {
    return refuse(candidate, Errc::kInvalidArgument, "its priority is 0");
  }
  if (candidate.endpoint.port == 0) {
    return refuse(candidate, Errc::kInvalidArgument, "its port is 0");
  }
  now_ = now;
  return candidate.hostname.empty() ? take_remote(candidate) : take_name(candidate);
}

tl::unexpected<Error> Agent::refuse(const Candidate& candidate, Errc code, std::string_view why) {
  ++stats_.remote_candidates_refused;
  current_.note_unused(candidate, std::string(why));
  const std::string which =
      candidate.hostname.empty() ? candidate.endpoint.to_string() : candidate.hostname;
  return fail(code, "remote candidate " + which + ": " + std::string(why));
}

/// A candidate whose address is known.
Result<> Agent::take_remote(const Candidate& candidate) {
  const net::Address& address = candidate.endpoint.address;
  if (address.is_unspecified() || address.is_broadcast() || address.is_multicast()) {
    return refuse(candidate, Errc::kInvalidArgument, "nobody can be reached at this address");
  }
  if (config_.remote_filter && !config_.remote_filter(candidate.endpoint)) {
    return refuse(candidate, Errc::kUnsupported, "the filter for the peer's addresses refuses it");
  }
  if (!candidate.ufrag.empty() && current_.remote && candidate.ufrag != current_.remote->ufrag) {
    return refuse(candidate, Errc::kInvalidArgument,
                  "it belongs to another ICE generation (ufrag " + candidate.ufrag + ")");
  }
  const std::uint32_t known = current_.remote_candidate(candidate.endpoint, candidate.protocol);
  if (known < current_.remotes.size()) {
    // Met in a check before signalling told of it: it stays where it is, only what is known of it
    // changes (RFC 8838 section 11.4), so no pair and no path moves.
    if (current_.remotes[known].learned) {
      current_.remotes[known] = {candidate, false};
      current_.check_list.set_priorities(role_, current_.locals, current_.remotes);
    }
    after_change(now_);
    return {};
  }
  const auto added = current_.add_remote({candidate, false}, config_.max_remote_candidates);
  if (!added) {
    return refuse(
        candidate, Errc::kLimitExceeded,
        "the peer has sent " + std::to_string(current_.remotes.size()) + " candidates already");
  }
  note(Timeline::Topic::kRemoteCandidate, candidate.to_string());
  pair_with_locals(*added);
  drain_gatherer();  // a relay may refuse the address at once
  after_change(now_);
  return {};
}

void Agent::set_remote_end_of_candidates(Time now) {
  current_.remote_end_of_candidates = true;
  after_change(now);
}

// --------------------------------------------------------------------------------------- pairs

bool Agent::can_pair(const LocalCandidate& local, const Candidate& remote) {
  if (local.withdrawn || local.candidate.protocol != remote.protocol) {
    return false;
  }
  if (remote.protocol == Protocol::kTcp && !can_connect(local.candidate, remote)) return false;
  // RFC 8445 section 6.1.2.2: same component and family, and link-local only with link-local.
  const std::optional<net::Endpoint> destination = destination_for(local, remote);
  if (!destination) return false;
  const net::Address& ours = local.base.address;
  const net::Address& theirs = destination->address;
  if (ours.is_v6() && ours.is_link_local() != theirs.is_link_local()) return false;
  // A loopback address reaches only its own host; pairing it with others can but fail.
  if (ours.is_loopback() != theirs.is_loopback()) return false;
  if (current_.is_own(remote.endpoint, remote.protocol)) {
    ++stats_.own_addresses;
    return false;
  }
  return true;
}

CandidatePair Agent::make_pair(std::uint32_t local, std::uint32_t remote) const {
  const LocalCandidate& ours = current_.locals[local];
  const Candidate& theirs = current_.remotes[remote].candidate;
  CandidatePair pair;
  pair.local = local;
  pair.remote = remote;
  pair.socket = ours.socket;
  pair.base = ours.base;
  pair.destination = destination_for(ours, theirs).value_or(theirs.endpoint);
  pair.foundation = ours.candidate.foundation + ':' + theirs.foundation;
  pair.priority = role_ == Role::kControlling
                      ? pair_priority(ours.candidate.priority, theirs.priority)
                      : pair_priority(theirs.priority, ours.candidate.priority);
  return pair;
}

/// A relay has to let the peer in before a check can pass.
void Agent::add_pair(std::uint32_t local, std::uint32_t remote) {
  const CandidatePair* pair = current_.check_list.add(make_pair(local, remote));
  if (pair != nullptr) gatherer_.permit(now_, pair->socket, pair->destination.address);
}

void Agent::pair_with_remotes(std::uint32_t local) {
  for (std::uint32_t remote = 0; remote < current_.remotes.size(); ++remote) {
    if (can_pair(current_.locals[local], current_.remotes[remote].candidate)) {
      add_pair(local, remote);
    }
  }
}

void Agent::pair_with_locals(std::uint32_t remote) {
  for (std::uint32_t local = 0; local < current_.locals.size(); ++local) {
    if (current_.locals[local].is_base &&
        can_pair(current_.locals[local], current_.remotes[remote].candidate)) {
      add_pair(local, remote);
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
  emit(RoleChanged{role_});
}

}  // namespace floe::ice
