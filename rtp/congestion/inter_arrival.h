#pragma once

#include <cstddef>
#include <optional>

#include "floe/core/time.h"

namespace floe::rtp {

/// Gathers packets into groups that left, or arrived, as one burst, and compares each group with
/// the one before (draft-ietf-rmcat-gcc-02 sections 5.1 and 5.2). Single packets of a burst say how
/// fast the sender's pacer or a radio's scheduler was, not how long the queue is.
class InterArrival {
 public:
  /// The draft's burst_time: what leaves within it is one group.
  static constexpr Duration kBurst = std::chrono::milliseconds(5);
  /// What arrives closer than kBurst belongs together, but for no longer than this.
  static constexpr Duration kLongestBurst = std::chrono::milliseconds(100);
  /// More change than this from group to group is a clock that was set, not a queue.
  static constexpr Duration kLargestJump = std::chrono::seconds(3);

  struct Deltas {
    Duration sent{};      ///< Between the last packets of both groups.
    Duration received{};  ///< Likewise, by the receiver's clock.
  };

  /// Packets in the order of arrival. Deltas come when a packet begins a new group: of the two
  /// groups before it.
  std::optional<Deltas> add(Time sent, Duration received);

 private:
  struct Group {
    Time first_sent{};
    Time last_sent{};
    Duration first_received{};
    Duration last_received{};
  };
  bool belongs_to_burst(Time sent, Duration received) const;
  std::optional<Deltas> compare() const;

  std::optional<Group> previous_;
  std::optional<Group> current_;
};

}  // namespace floe::rtp
