// Names in the place of addresses: the peer's, which have to be resolved, and our own. They are
// multicast DNS names (draft-ietf-mmusic-mdns-ice-candidates), with which browsers conceal local
// addresses.
#include <algorithm>
#include <utility>

#include "floe/core/text.h"
#include "floe/ice/agent.h"

namespace floe::ice {
namespace {

/// One label under ".local": the names that hosts give themselves. Others would have to be asked
/// for at a server that the peer chose.
bool is_local_name(std::string_view name) {
  constexpr std::string_view kSuffix = ".local";
  if (name.size() <= kSuffix.size()) return false;
  const std::string_view label = name.substr(0, name.size() - kSuffix.size());
  return equals_ignoring_case(name.substr(label.size()), kSuffix) &&
         label.find('.') == std::string_view::npos;
}

}  // namespace

// ------------------------------------------------------------------------------------ the peer's

Result<> Agent::take_name(const Candidate& candidate) {
  if (!is_local_name(candidate.hostname)) {
    return refuse(candidate, Errc::kUnsupported, "only names under .local are resolved");
  }
  if (current_.policy == Policy::kRelay) {
    return refuse(candidate, Errc::kUnsupported,
                  "asking for its address would show the peer's neighbours that we are here");
  }
  auto& named = current_.named_remotes;
  if (named.size() >= kMaxNamedCandidates) {
    return refuse(candidate, Errc::kLimitExceeded,
                  std::to_string(named.size()) + " names of the peer's are being looked for");
  }
  const NameId id{++last_name_};
  named.push_back({id, candidate, now_ + config_.resolve_timeout});
  // Those of a generation that a restart ended may still stand here.
  if (resolves_.size() >= 2 * kMaxNamedCandidates) resolves_.pop_front();
  resolves_.push_back({id, candidate.hostname});
  note(Timeline::Topic::kRemoteCandidate, "to be resolved: " + candidate.to_string());
  after_change(now_);
  return {};
}

void Agent::set_resolved(Time now, NameId id, const Result<std::vector<net::Address>>& addresses) {
  if (state_ == State::kClosed) return;
  now_ = now;
  auto& named = current_.named_remotes;
  const auto found =
      std::find_if(named.begin(), named.end(), [id](const auto& one) { return one.id == id; });
  if (found == named.end()) return;  // too late, or the generation is over
  Candidate candidate = std::move(found->candidate);
  named.erase(found);
  if (!addresses || addresses->empty()) {
    drop_name(candidate, addresses ? "it has no address" : addresses.error().message);
    after_change(now);
    return;
  }
  // The name of a host stands for one of its addresses; where it has more, one that we can reach.
  candidate.endpoint.address = addresses->front();
  for (const net::Address& address : *addresses) {
    Candidate other = candidate;
    other.endpoint.address = address;
    if (!is_within_reach(other)) continue;
    candidate = std::move(other);
    break;
  }
  // A refusal is in the report; nobody waits for it here.
  static_cast<void>(take_remote(candidate));
  after_change(now);
}

bool Agent::is_within_reach(const Candidate& candidate) {
  return std::any_of(current_.locals.begin(), current_.locals.end(), [&](const auto& local) {
    return local.is_base && can_pair(local, candidate);
  });
}

void Agent::expire_names(Time now) {
  auto& named = current_.named_remotes;
  for (std::size_t i = named.size(); i-- > 0;) {
    if (now < named[i].deadline) continue;
    const Candidate candidate = std::move(named[i].candidate);
    named.erase(named.begin() + static_cast<std::ptrdiff_t>(i));
    drop_name(candidate, "nobody answered");
  }
}

void Agent::drop_name(const Candidate& candidate, const std::string& why) {
  const auto refused = refuse(candidate, Errc::kNotFound, "its name could not be resolved: " + why);
  note(Timeline::Topic::kRemoteCandidate, refused.value().message);
}

// ------------------------------------------------------------------------------------------ ours

void Agent::set_name(Time now, net::SocketId socket, const std::string& name) {
  if (state_ == State::kClosed) return;
  now_ = now;
  gatherer_.set_name(socket, name);
  for (LocalCandidate& local : current_.locals) {
    const bool named = local.socket == socket && !local.candidate.hostname.empty();
    if (!named || local.withdrawn) continue;
    if (local.announced) emit(CandidateRemoved{local.candidate});
    local.candidate.hostname = name;
    local.nameless = name.empty();
    local.announced = local.announced && !local.nameless;
    if (local.announced) emit(CandidateGathered{local.candidate});
  }
  after_change(now);
}

}  // namespace floe::ice
