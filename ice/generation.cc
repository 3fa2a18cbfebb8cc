#include "floe/ice/generation.h"

#include <algorithm>

namespace floe::ice {
namespace {

PathKind kind_of(CandidateType type) {
  switch (type) {
    case CandidateType::kHost:
      return PathKind::kHost;
    case CandidateType::kServerReflexive:
    case CandidateType::kPeerReflexive:
      return PathKind::kReflexive;
    case CandidateType::kRelayed:
      return PathKind::kRelayed;
  }
  return PathKind::kRelayed;
}

}  // namespace

CandidatePair* Generation::path_pair() const {
  if (!path) return nullptr;
  CandidatePair* pair = check_list.find(*path);
  return pair != nullptr && pair->valid ? pair : nullptr;
}

std::uint32_t Generation::base_candidate(net::SocketId socket) const {
  const auto found = std::find_if(locals.begin(), locals.end(), [socket](const auto& local) {
    return local.socket == socket && local.is_base && !local.withdrawn;
  });
  return static_cast<std::uint32_t>(found - locals.begin());
}

std::uint32_t Generation::remote_candidate(const net::Endpoint& endpoint, Protocol protocol) const {
  const auto found = std::find_if(remotes.begin(), remotes.end(), [&](const auto& remote) {
    return remote.candidate.endpoint == endpoint && remote.candidate.protocol == protocol;
  });
  return static_cast<std::uint32_t>(found - remotes.begin());
}

bool Generation::is_own(const net::Endpoint& endpoint, Protocol protocol) const {
  return std::any_of(locals.begin(), locals.end(), [&](const LocalCandidate& local) {
    return local.is_base && !local.withdrawn && local.base == endpoint &&
           local.candidate.protocol == protocol;
  });
}

std::optional<std::uint32_t> Generation::add_local(LocalCandidate candidate) {
  if (locals.size() < kMaxLocals) {
    locals.push_back(std::move(candidate));
    return static_cast<std::uint32_t>(locals.size() - 1);
  }
  for (std::uint32_t i = 0; i < locals.size(); ++i) {
    const bool used =
        std::any_of(check_list.pairs().begin(), check_list.pairs().end(), [i](const auto& pair) {
          return pair->local == i || (pair->valid && pair->valid_local == i);
        });
    const bool learned = locals[i].candidate.type == CandidateType::kPeerReflexive;
    if (!locals[i].withdrawn && (used || !learned)) continue;
    check_list.forget_if([i](const CandidatePair& pair) {
      return pair.local == i || (pair.valid && pair.valid_local == i);
    });
    locals[i] = std::move(candidate);
    return i;
  }
  return std::nullopt;
}

std::optional<std::uint32_t> Generation::add_remote(RemoteCandidate candidate, std::size_t limit) {
  if (remotes.size() < limit) {
    remotes.push_back(std::move(candidate));
    return static_cast<std::uint32_t>(remotes.size() - 1);
  }
  // Before anything has worked, a peer whose every packet comes from a new port (two NATs that map
  // by port answer each other so) must not keep us hoping for ever.
  if (candidate.learned && !concluded) return std::nullopt;
  for (std::uint32_t i = 0; i < remotes.size(); ++i) {
    const bool useless =
        remotes[i].learned &&
        std::none_of(check_list.pairs().begin(), check_list.pairs().end(), [i](const auto& pair) {
          return pair->remote == i && pair->state != PairState::kFailed;
        });
    if (!useless) continue;
    check_list.forget_if([i](const CandidatePair& pair) { return pair.remote == i; });
    remotes[i] = std::move(candidate);
    return i;
  }
  return std::nullopt;
}

PathKind Generation::kind(const CandidatePair& pair) const {
  // A valid pair's own candidate may be a reflexive one that its relayed base was seen as.
  const PathKind base = kind_of(locals[pair.local].candidate.type);
  const PathKind ours = pair.valid ? kind_of(locals[pair.valid_local].candidate.type) : base;
  return std::max({base, ours, kind_of(remotes[pair.remote].candidate.type)});
}

}  // namespace floe::ice
