// What stands between the agent's addresses and the world: a NAT64, through which IPv4 is reached,
// and a router that maps ports.
#include <algorithm>

#include "floe/ice/agent.h"

namespace floe::ice {

// ----------------------------------------------------------------------------------------- NAT64

void Agent::set_nat64_prefix(Time now, const std::optional<net::Nat64Prefix>& prefix) {
  if (state_ == State::kClosed) return;
  now_ = now;
  gatherer_.set_nat64_prefix(now, prefix);
  if (prefix) note(Timeline::Topic::kGathering, "NAT64 with prefix " + prefix->to_string());
  for (std::uint32_t i = 0; i < current_.remotes.size(); ++i) {
    if (current_.remotes[i].candidate.endpoint.address.is_v4()) pair_with_locals(i);
  }
  drain_gatherer();
  after_change(now);
}

/// Where packets for `remote` are sent from `local`. The IPv4 candidate of a peer is reached from
/// a host candidate of ours by the IPv6 address that stands for it; it stays the candidate it is,
/// with its priority. Nothing: the two families do not meet.
std::optional<net::Endpoint> Agent::destination_for(const LocalCandidate& local,
                                                    const Candidate& remote) const {
  const net::Endpoint& endpoint = remote.endpoint;
  if (local.base.family() == endpoint.family()) return endpoint;
  const bool translates =
      local.candidate.type == CandidateType::kHost && Nat64::serves(local.base.address);
  if (!translates) return std::nullopt;
  const auto address = gatherer_.nat64().embed(endpoint.address);
  if (!address) return std::nullopt;
  return net::Endpoint{*address, endpoint.port};
}

/// The peer's address as the peer itself, or its NAT, has it, when its packets came through our
/// NAT64.
net::Endpoint Agent::as_signalled(const net::Endpoint& source) const {
  const auto address = gatherer_.nat64().extract(source.address);
  return address ? net::Endpoint{*address, source.port} : source;
}

// ---------------------------------------------------------------------------------- mapped ports

void Agent::set_mapping(Time now, net::SocketId socket,
                        const std::optional<net::Endpoint>& external) {
  if (state_ == State::kClosed) return;
  now_ = now;
  gatherer_.set_mapping(now, socket, external);
  drain_gatherer();
  after_change(now);
}

/// The router maps no port there any more. The candidate is withdrawn, but pairs that were found
/// to work go on: their packets pass the router all the same, perhaps from another port, and the
/// peer learns of that.
void Agent::retire(net::SocketId socket, const net::Endpoint& mapped) {
  for (LocalCandidate& local : current_.locals) {
    const bool same = local.socket == socket && local.candidate.endpoint == mapped &&
                      local.candidate.type == CandidateType::kServerReflexive;
    if (!same || local.withdrawn) continue;
    local.withdrawn = true;
    if (local.announced) emit(CandidateRemoved{local.candidate});
  }
}

}  // namespace floe::ice
