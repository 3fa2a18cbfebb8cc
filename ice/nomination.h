#pragma once

#include <cstdint>
#include <optional>

#include "floe/core/time.h"
#include "floe/ice/candidate.h"

namespace floe::ice {

enum class Nomination : std::uint8_t {
  kRegular,     ///< RFC 8445: one pair is chosen, then nominated.
  kAggressive,  ///< RFC 5245: every check nominates; the best that succeeds wins.
};

/// What kind of path a pair is, the better the smaller: that of its worse end.
enum class PathKind : std::uint8_t { kHost, kReflexive, kRelayed };

/// When the controlling agent nominates, and which of several nominations counts. Times and
/// numbers only: the agent sends the checks.
class Nominator {
 public:
  struct Timing {
    /// How long a valid pair waits while checks of better ones are under way. Data flows on the
    /// best valid pair meanwhile.
    Duration better_pair = std::chrono::milliseconds(250);
    /// A pair of this kind is not nominated before this long after checking began, unless nothing
    /// better can come any more: a relay must not win by a hair over a direct path whose candidates
    /// or checks are a little slower. With the relay policy no path waits.
    Duration host{0};
    Duration reflexive = std::chrono::milliseconds(500);
    Duration relayed = std::chrono::seconds(2);
  };

  /// draft-thatcher-ice-renomination: the controlling agent may move to another valid pair at any
  /// time. Both sides must have said the ICE option "renomination".
  struct Renomination {
    bool enabled = false;
    /// Moves by itself from a relayed to a direct path, and to a faster one.
    bool automatic = true;
    /// Between two moves of its own.
    Duration interval = std::chrono::seconds(3);
    /// A path of the same or a worse kind must be faster by this much.
    Duration gain = std::chrono::milliseconds(10);
  };

  /// A valid pair as a choice.
  struct Path {
    PathKind kind = PathKind::kHost;
    Duration round_trip{};
    std::uint32_t responses = 0;
  };

  Nominator(const Timing& timing, const Renomination& renomination)
      : timing_(timing), renomination_(renomination) {}

  bool renominates() const { return renomination_.enabled; }
  bool moves_by_itself() const { return renomination_.enabled && renomination_.automatic; }

  /// Checking began.
  void start(Time now);
  /// When a valid pair of `kind` may be nominated that is the best at `now`. `better_pair`: a check
  /// of a better pair is under way; `better_candidate`: candidates may still come.
  Time earliest(Time now, PathKind kind, bool better_pair, bool better_candidate, bool relay_only);
  /// There is nothing to nominate at present.
  void rest() { first_seen_.reset(); }

  /// Whether the automatic renomination moves from `current` to `other` now.
  bool worth_moving(Time now, const Path& current, const Path& other) const;
  void moved(Time now) { last_move_ = now; }
  /// When `worth_moving` may change by time alone; kNever if it does not.
  Time next_move(Time now) const;

  /// The value of our next nomination: 24 bits, never 0.
  std::uint32_t next_value();
  /// True if a nomination of `value` by the peer counts: it is newer than all before.
  bool accept(std::uint32_t value);
  /// True if the 24-bit `a` comes after `b` (RFC 1982: the values wrap).
  static bool is_newer(std::uint32_t a, std::uint32_t b);

 private:
  Timing timing_;
  Renomination renomination_;
  Time started_{};
  std::optional<Time> first_seen_;
  std::optional<Time> last_move_;
  std::uint32_t value_ = 0;     ///< Our last one.
  std::uint32_t accepted_ = 0;  ///< The peer's newest.
};

}  // namespace floe::ice
