#include "floe/ice/check_list.h"

#include <algorithm>

#include "floe/ice/nomination.h"

namespace floe::ice {
namespace {

// Checks of other pairs that go on beside a nominated one. RFC 8445 section 8.1.2 would end them
// all; but a pair that was never tried cannot take over when the nominated one dies. Eight are
// enough for two of each family from two interfaces.
constexpr std::size_t kMaxSpareChecks = 8;

// Triggered checks in a row while an ordinary one waits. RFC 8445 section 6.1.4.2 would let them
// all go first; but between two NATs that map by port each one brings another for as long as the
// peer has places for our addresses, and a relayed pair would wait behind them for seconds.
constexpr unsigned kMaxTriggeredInARow = 4;

}  // namespace

std::string_view to_string(Role role) {
  return role == Role::kControlling ? "controlling" : "controlled";
}

std::string_view to_string(PairState state) {
  switch (state) {
    case PairState::kFrozen:
      return "frozen";
    case PairState::kWaiting:
      return "waiting";
    case PairState::kInProgress:
      return "in-progress";
    case PairState::kSucceeded:
      return "succeeded";
    case PairState::kFailed:
      return "failed";
  }
  return "unknown";
}

CandidatePair* CheckList::add(CandidatePair pair) {
  if (find(pair.socket, pair.destination) != nullptr) return nullptr;  // redundant, section 6.1.2.4
  if (pairs_.size() >= max_pairs_ && !make_room(pair.priority)) {
    ++dropped_;
    return nullptr;
  }
  // Section 6.1.2.6: the best pair of each foundation starts waiting, the others frozen. Pairs
  // trickle in, so "the best" is the first one nobody of its foundation precedes (RFC 8838
  // section 12).
  pair.state = foundation_busy(pair.foundation) ? PairState::kFrozen : PairState::kWaiting;
  return insert(std::move(pair));
}

CandidatePair* CheckList::add_triggered(CandidatePair pair) {
  if (pairs_.size() >= 2 * max_pairs_ && !make_room(pair.priority)) {
    ++dropped_;
    return nullptr;
  }
  pair.state = PairState::kWaiting;
  return insert(std::move(pair));
}

CandidatePair* CheckList::insert(CandidatePair pair) {
  pair.id = PairId{next_id_++};
  CandidatePair* added =
      pairs_.emplace_back(std::make_unique<CandidatePair>(std::move(pair))).get();
  sort();
  return added;
}

bool CheckList::make_room(std::uint64_t priority) {
  // From the worst upwards: failed pairs first, then pairs nobody has started on.
  for (const bool failed_only : {true, false}) {
    for (auto it = pairs_.rbegin(); it != pairs_.rend(); ++it) {
      const CandidatePair& pair = **it;
      const bool untouched =
          (pair.state == PairState::kFrozen || pair.state == PairState::kWaiting) &&
          !pair.triggered && !pair.heard && pair.priority < priority;
      if (failed_only ? pair.state != PairState::kFailed : !untouched) continue;
      pairs_.erase(std::next(it).base());
      ++dropped_;
      return true;
    }
  }
  return false;
}

CandidatePair* CheckList::find(net::SocketId socket, const net::Endpoint& destination) const {
  for (const auto& pair : pairs_) {
    if (pair->socket == socket && pair->destination == destination) return pair.get();
  }
  return nullptr;
}

CandidatePair* CheckList::find(PairId id) const {
  for (const auto& pair : pairs_) {
    if (pair->id == id) return pair.get();
  }
  return nullptr;
}

void CheckList::trigger(CandidatePair& pair) {
  pair.state = PairState::kWaiting;
  if (pair.triggered) return;
  pair.triggered = true;
  triggered_.push_back(pair.id);
}

CandidatePair* CheckList::take_next() {
  if (triggered_in_a_row_ >= kMaxTriggeredInARow) {
    if (CandidatePair* pair = take_ordinary()) return pair;
  }
  while (!triggered_.empty()) {
    CandidatePair* pair = find(triggered_.front());
    triggered_.pop_front();
    if (pair == nullptr || !pair->triggered) continue;
    pair->triggered = false;
    ++triggered_in_a_row_;
    return pair;
  }
  return take_ordinary();
}

CandidatePair* CheckList::take_ordinary() {
  triggered_in_a_row_ = 0;
  for (const auto& pair : pairs_) {
    if (pair->state == PairState::kWaiting && !pair->triggered) return pair.get();
  }
  for (const auto& pair : pairs_) {
    if (pair->state == PairState::kFrozen && !foundation_busy(pair->foundation)) return pair.get();
  }
  return nullptr;
}

bool CheckList::has_work() const {
  return std::any_of(pairs_.begin(), pairs_.end(), [this](const auto& pair) {
    return pair->triggered || pair->state == PairState::kWaiting ||
           (pair->state == PairState::kFrozen && !foundation_busy(pair->foundation));
  });
}

bool CheckList::foundation_busy(const std::string& foundation) const {
  return std::any_of(pairs_.begin(), pairs_.end(), [&foundation](const auto& pair) {
    return (pair->state == PairState::kWaiting || pair->state == PairState::kInProgress) &&
           pair->foundation == foundation;
  });
}

void CheckList::succeeded(const CandidatePair& pair) {
  for (const auto& other : pairs_) {
    if (other->state == PairState::kFrozen && other->foundation == pair.foundation) {
      other->state = PairState::kWaiting;
    }
  }
}

void CheckList::fail(CandidatePair& pair, Time now, std::string why) {
  pair.state = PairState::kFailed;
  pair.failed_at = now;
  pair.triggered = false;
  pair.valid = false;
  pair.nominated = false;
  pair.failure = std::move(why);
}

void CheckList::stop_checks_below(std::uint64_t priority, const CandidatePair& nominated) {
  // Those from another base first: what kills the nominated pair is often its interface.
  std::size_t kept = 0;
  for (const bool other_base : {true, false}) {
    for (const auto& pair : pairs_) {
      const bool open = pair->state == PairState::kFrozen || pair->state == PairState::kWaiting;
      if (!open || pair->valid || pair->priority >= priority || pair.get() == &nominated) continue;
      if ((pair->base != nominated.base) != other_base) continue;
      pair->spare = kept < kMaxSpareChecks;
      kept += pair->spare;
    }
  }
  std::erase_if(pairs_, [priority, &nominated](const auto& pair) {
    if (pair->priority >= priority || pair.get() == &nominated || pair->spare) return false;
    if (pair->valid) {  // a repeated check was queued; the pair works all the same
      pair->triggered = false;
      pair->state = PairState::kSucceeded;
      return false;
    }
    return pair->state == PairState::kFrozen || pair->state == PairState::kWaiting;
  });
}

void CheckList::set_priorities(Role role, std::span<const LocalCandidate> locals,
                               std::span<const RemoteCandidate> remotes) {
  for (const auto& pair : pairs_) {
    const std::uint32_t ours = locals[pair->local].candidate.priority;
    const std::uint32_t theirs = remotes[pair->remote].candidate.priority;
    pair->priority =
        role == Role::kControlling ? pair_priority(ours, theirs) : pair_priority(theirs, ours);
    pair->foundation =
        locals[pair->local].candidate.foundation + ':' + remotes[pair->remote].candidate.foundation;
  }
  sort();
}

CandidatePair* CheckList::best_valid() const {
  CandidatePair* silent = nullptr;
  for (const auto& pair : pairs_) {
    if (!pair->valid) continue;
    if (!pair->silent) return pair.get();
    if (silent == nullptr) silent = pair.get();
  }
  return silent;
}

CandidatePair* CheckList::best_nominated() const {
  CandidatePair* best = nullptr;
  for (const auto& pair : pairs_) {
    if (!pair->valid || !pair->nominated || pair->silent) continue;
    if (best == nullptr || Nominator::is_newer(pair->nomination, best->nomination)) {
      best = pair.get();
    }
  }
  return best;
}

bool CheckList::better_may_come(const CandidatePair& pair) const {
  return std::any_of(pairs_.begin(), pairs_.end(), [&pair](const auto& other) {
    return other->priority > pair.priority && !other->valid && other->state != PairState::kFailed;
  });
}

bool CheckList::any_unfinished(bool spares) const {
  return std::any_of(pairs_.begin(), pairs_.end(), [spares](const auto& pair) {
    return !pair->valid && pair->state != PairState::kFailed && (spares || !pair->spare);
  });
}

void CheckList::sort() {
  std::stable_sort(pairs_.begin(), pairs_.end(),
                   [](const auto& a, const auto& b) { return a->priority > b->priority; });
}

}  // namespace floe::ice
