#include "floe/ice/nomination.h"

#include <algorithm>

namespace floe::ice {
namespace {

constexpr std::uint32_t kValueMask = 0xffffff;
// Round trips that were measured this often are no accident of one packet.
constexpr std::uint32_t kEnoughResponses = 3;

}  // namespace

void Nominator::start(Time now) {
  started_ = now;
  first_seen_.reset();
}

Time Nominator::earliest(Time now, PathKind kind, bool better_pair, bool better_candidate,
                         bool relay_only) {
  if (!first_seen_) first_seen_ = now;
  Time earliest = better_pair ? *first_seen_ + timing_.better_pair : now;
  if (relay_only || (!better_pair && !better_candidate)) return earliest;
  switch (kind) {
    case PathKind::kHost:
      return std::max(earliest, started_ + timing_.host);
    case PathKind::kReflexive:
      return std::max(earliest, started_ + timing_.reflexive);
    case PathKind::kRelayed:
      return std::max(earliest, started_ + timing_.relayed);
  }
  return earliest;
}

bool Nominator::worth_moving(Time now, const Path& current, const Path& other) const {
  if (!moves_by_itself() || next_move(now) > now) return false;
  if (current.kind == PathKind::kRelayed && other.kind != PathKind::kRelayed) return true;
  if (current.responses < kEnoughResponses || other.responses < kEnoughResponses) return false;
  // A direct path is not given up for a relay: a relay costs somebody.
  if (other.kind == PathKind::kRelayed && current.kind != PathKind::kRelayed) return false;
  return other.round_trip + renomination_.gain <= current.round_trip;
}

Time Nominator::next_move(Time now) const {
  return last_move_ ? *last_move_ + renomination_.interval : now;
}

std::uint32_t Nominator::next_value() {
  value_ = (value_ + 1) & kValueMask;
  if (value_ == 0) value_ = 1;
  return value_;
}

bool Nominator::accept(std::uint32_t value) {
  value &= kValueMask;
  if (value == 0 || (accepted_ != 0 && !is_newer(value, accepted_))) return false;
  accepted_ = value;
  return true;
}

bool Nominator::is_newer(std::uint32_t a, std::uint32_t b) {
  const std::uint32_t ahead = (a - b) & kValueMask;
  return ahead != 0 && ahead < 0x800000;
}

}  // namespace floe::ice
