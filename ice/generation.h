#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "floe/ice/candidate_pair.h"
#include "floe/ice/check_list.h"
#include "floe/ice/consent.h"
#include "floe/ice/credentials.h"

namespace floe::ice {

/// What one ICE generation knows. A restart begins a new one with nothing (RFC 8445 section 9);
/// the one before lives on beside it until the new one has a nominated pair.
struct Generation {
  Generation(Credentials credentials, CheckList list, const Consent::Timing& timing)
      : local(std::move(credentials)), check_list(std::move(list)), consent(timing) {}

  Credentials local;
  std::optional<Credentials> remote;
  bool remote_end_of_candidates = false;
  std::vector<LocalCandidate> locals;
  std::vector<RemoteCandidate> remotes;
  CheckList check_list;
  Consent consent;
  /// The pair that carries data, or would if no other generation did.
  std::optional<PairId> path;
  bool path_nominated = false;

  CandidatePair* path_pair() const {
    if (!path) return nullptr;
    CandidatePair* pair = check_list.find(*path);
    return pair != nullptr && pair->valid ? pair : nullptr;
  }
  /// The local candidate that the packets of `socket` leave from; `locals.size()` if there is none.
  std::uint32_t base_candidate(net::SocketId socket) const {
    for (std::uint32_t i = 0; i < locals.size(); ++i) {
      if (locals[i].socket == socket && locals[i].is_base && !locals[i].withdrawn) return i;
    }
    return static_cast<std::uint32_t>(locals.size());
  }
};

}  // namespace floe::ice
