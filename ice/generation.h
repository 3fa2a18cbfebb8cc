#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "floe/ice/candidate_pair.h"
#include "floe/ice/check_list.h"
#include "floe/ice/consent.h"
#include "floe/ice/credentials.h"
#include "floe/ice/network_request.h"
#include "floe/ice/nomination.h"
#include "floe/ice/policy.h"

namespace floe::ice {

/// A candidate of the peer's with a name whose address is being looked for.
struct NamedCandidate {
  NameId id{};
  Candidate candidate;
  Time deadline{};
};

/// What one ICE generation knows. A restart begins a new one with nothing (RFC 8445 section 9);
/// the one before lives on beside it until the new one has a nominated pair.
struct Generation {
  /// What a host with 32 addresses and four servers makes, twice; a NAT that changes its mind with
  /// every answer must not grow the list for ever.
  static constexpr std::size_t kMaxLocals = 512;
  /// The first few show what is the matter.
  static constexpr std::size_t kMaxUnused = 32;

  Generation(Credentials credentials, Policy allowed, CheckList list, const Consent::Timing& timing)
      : local(std::move(credentials)),
        policy(allowed),
        check_list(std::move(list)),
        consent(timing) {}

  Credentials local;
  /// Which candidates come into it: those the policy bars never stand among `locals`.
  Policy policy;
  std::optional<Credentials> remote;
  bool remote_end_of_candidates = false;
  std::vector<LocalCandidate> locals;
  std::vector<RemoteCandidate> remotes;
  std::vector<NamedCandidate> named_remotes;    ///< At most Agent::kMaxNamedCandidates.
  std::vector<UnusedCandidate> unused_remotes;  ///< At most kMaxUnused, for reports.
  CheckList check_list;
  Consent consent;
  /// The pair that carries data, or would if no other generation did.
  std::optional<PairId> path;
  bool path_nominated = false;
  std::optional<Time> concluded;  ///< When a pair was nominated first.

  CandidatePair* path_pair() const;
  /// The local candidate that the packets of `socket` leave from; `locals.size()` if there is none.
  std::uint32_t base_candidate(net::SocketId socket) const;
  /// The remote candidate with this address; `remotes.size()` if there is none.
  std::uint32_t remote_candidate(const net::Endpoint& endpoint, Protocol protocol) const;
  /// True if packets sent there come back to ourselves.
  bool is_own(const net::Endpoint& endpoint, Protocol protocol) const;
  /// Adds a candidate, in the place of one that is of no use any more when there are kMaxLocals;
  /// nothing if there is no room.
  std::optional<std::uint32_t> add_local(LocalCandidate candidate);
  /// The same, in the place of one that was learned and leads nowhere any more: a NAT that
  /// reboots daily must not use up the peer's places.
  std::optional<std::uint32_t> add_remote(RemoteCandidate candidate, std::size_t limit);
  void note_unused(const Candidate& candidate, std::string why) {
    if (unused_remotes.size() < kMaxUnused) unused_remotes.push_back({candidate, std::move(why)});
  }
  PathKind kind(const CandidatePair& pair) const;
};

}  // namespace floe::ice
