#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "floe/rtp/congestion/bitrate.h"
#include "floe/rtp/congestion/send_history.h"

namespace floe::rtp {

/// Notices that a queue stands which others fill, as TCP downloads do: giving way any further would
/// only leave the path to them (RFC 8836 section 2, requirement 4). Whether it is others is asked
/// by sending less for a moment: a queue of our own gets shorter. As long as it is, this says what
/// a TCP flow would send on that path (RFC 5348), below which the delay-based rate need not fall.
class StandingQueue {
 public:
  /// Shorter, and it is not worth the word.
  static constexpr Duration kShort = std::chrono::milliseconds(60);
  /// The queue of an overuse of ours has drained by then, as a rule.
  static constexpr Duration kPatience = std::chrono::seconds(4);
  /// How it is asked: by so much less for so long, which takes a second of our own rate out of the
  /// queue. Once it was others', the question is a shorter one.
  static constexpr double kAskRate = 0.5;
  static constexpr Duration kAskTime = std::chrono::seconds(2);
  static constexpr double kAskAgainRate = 0.7;
  static constexpr Duration kAskAgainTime = std::chrono::milliseconds(1500);
  /// An answer holds for so long.
  static constexpr Duration kAnswerHolds = std::chrono::seconds(8);
  /// A queue that comes back within this after others filled it is theirs without asking, and after
  /// less patience: TCP drains a queue now and then.
  static constexpr Duration kMemory = std::chrono::seconds(30);
  static constexpr Duration kLessPatience = std::chrono::seconds(1);

  struct Input {
    Time now{};
    std::span<const Outcome> outcomes;
    Duration queueing_delay{};
    Duration round_trip{};
  };
  /// After each feedback.
  void update(const Input& input);
  /// nullopt: no queue of others stands.
  std::optional<Bitrate> fair_share() const;
  /// The part that is to be sent of what may be sent.
  double part() const;

 private:
  /// RFC 5348 section 5.4: the average over so many intervals between losses.
  static constexpr std::size_t kIntervals = 8;

  enum class State { kWatching, kAsking, kSharing };

  void ask(const Input& input);
  void enter(Time now, State state);
  void count(const Outcome& outcome, Duration round_trip);
  double loss_event_rate() const;

  State state_ = State::kWatching;
  std::optional<Time> since_;      // In this state, and with a queue.
  Duration queue_before_{};        // When it was asked,
  Duration queue_least_{};         // and the shortest since.
  std::optional<Time> others_at_;  // When the last answer was: others.
  Duration round_trip_{};
  /// Packets from one loss event to the next, the one that is under way first.
  std::array<double, kIntervals + 1> intervals_{};
  std::size_t known_ = 0;  // Intervals that ended.
  std::optional<Time> lost_at_;
};

}  // namespace floe::rtp
