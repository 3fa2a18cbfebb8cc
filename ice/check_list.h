#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "floe/ice/candidate_pair.h"

namespace floe::ice {

/// The checklist and valid list of one data stream (RFC 8445 sections 6.1.2 and 6.1.4.2): which
/// pairs there are, in which order they are checked, and which is the best that works. It knows
/// nothing of packets or time.
class CheckList {
 public:
  /// RFC 8445 section 6.1.2.5 limits the pairs of a session, 100 by default. A triggered pair may
  /// go over it (a peer that reaches us is worth a check) up to twice the limit.
  /// Ids count from `first_id`, so that the lists of two generations share none.
  explicit CheckList(std::size_t max_pairs, std::uint32_t first_id = 1)
      : max_pairs_(max_pairs), next_id_(first_id) {}

  using Pairs = std::vector<std::unique_ptr<CandidatePair>>;

  /// Adds a pair that signalling brought, or returns null if it is redundant or would be the worst
  /// of too many. Room is made by dropping the worst pair that nothing is known about.
  CandidatePair* add(CandidatePair pair);
  /// Adds a pair that an inbound check brought.
  CandidatePair* add_triggered(CandidatePair pair);

  CandidatePair* find(net::SocketId socket, const net::Endpoint& destination) const;
  CandidatePair* find(PairId id) const;

  /// Queues a check that goes before all ordinary ones (section 6.1.4.1).
  void trigger(CandidatePair& pair);
  /// The pair to check next: triggered first, then the best waiting one, then the best frozen one
  /// whose foundation nobody is busy with. Null if none. After a few triggered ones in a row
  /// another gets its turn.
  CandidatePair* take_next();
  bool has_work() const;

  /// Unfreezes what the success of `pair` makes promising (section 7.2.5.3.3).
  void succeeded(const CandidatePair& pair);
  /// Puts the pair in `kFailed` and takes it out of every queue.
  void fail(CandidatePair& pair, Time now, std::string why);
  /// Forgets the pairs for which `gone` holds, e.g. because their candidate is.
  template <typename Predicate>
  void forget_if(Predicate gone) {
    std::erase_if(pairs_, [&gone](const auto& pair) { return gone(*pair); });
  }
  /// Drops the pairs below `priority` whose checks have not started: `nominated` has made them
  /// pointless (section 8.1.2). A few stay as `spare`.
  void stop_checks_below(std::uint64_t priority, const CandidatePair& nominated);

  /// Recomputes all pair priorities, for a new role or a changed candidate.
  void set_priorities(Role role, std::span<const LocalCandidate> locals,
                      std::span<const RemoteCandidate> remotes);

  /// The valid pair of the highest priority; silent ones only if there is no other.
  CandidatePair* best_valid() const;
  /// Of the nominated pairs that are not silent, the one nominated last (`nomination`), of equals
  /// the one of the highest priority.
  CandidatePair* best_nominated() const;
  /// True if a pair of higher priority than `pair` may still succeed.
  bool better_may_come(const CandidatePair& pair) const;
  /// True if a pair may still become valid; `spares` counts those that are checked only to stand
  /// ready.
  bool any_unfinished(bool spares) const;

  const Pairs& pairs() const { return pairs_; }
  std::size_t dropped() const { return dropped_; }
  std::uint32_t next_id() const { return next_id_; }

 private:
  CandidatePair* insert(CandidatePair pair);
  CandidatePair* take_ordinary();
  bool make_room(std::uint64_t priority);
  bool foundation_busy(const std::string& foundation) const;
  void sort();

  std::size_t max_pairs_;
  std::uint32_t next_id_;
  Pairs pairs_;  // best first
  std::deque<PairId> triggered_;
  unsigned triggered_in_a_row_ = 0;
  std::size_t dropped_ = 0;
};

}  // namespace floe::ice
