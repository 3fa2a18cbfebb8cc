#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/rtp/congestion/congestion_controller.h"

namespace floe::rtp {

/// Shares what may be sent among tracks: first each one's least, by priority, then the rest in
/// proportion to the priorities, up to each one's most. Tracks for whose least there is not enough
/// are paused, and go on when there is some more than that for a while.
class BitrateAllocator {
 public:
  /// A session with more senders is run by a server that forwards, not by one that encodes.
  static constexpr std::size_t kMaxTracks = 64;
  /// A track goes on when there is so much more than its least, for so long: what a controller does
  /// around the capacity must not pause and resume it again and again.
  static constexpr double kResumeFactor = 1.1;
  static constexpr Bitrate kResumeMargin = 20_kbps;
  static constexpr Duration kResumeAfter = std::chrono::seconds(1);
  /// Encoders are not told of smaller changes than this, but for the last one to a bound.
  static constexpr double kNotable = 0.03;

  struct Track {
    std::uint32_t track = 0;
    Bitrate min{};  ///< Less is of no use.
    Bitrate max = Bitrate::unlimited();
    /// From the W3C's webrtc-priority: 0.5 very-low, 1 low, 2 medium, 4 high.
    double priority = 1;
    /// False for audio, as a rule: it gets its least even if there is not enough.
    bool may_pause = true;
  };
  /// What the application is to be told.
  struct Change {
    std::uint32_t track = 0;
    Bitrate bitrate{};  ///< In the measure of the target, headers included. 0: paused.
  };

  /// Adds the track, or changes it; it counts from the next `allocate` on.
  [[nodiscard]] Result<> set_track(const Track& track);
  void remove_track(std::uint32_t track);
  /// `total` is the controller's target. To be called after each feedback, even if it is the same.
  void allocate(Time now, Bitrate total);
  std::optional<Change> poll_change();

  /// 0: paused, or unknown.
  Bitrate allocation(std::uint32_t track) const;
  /// For the controller: what the tracks together need at least, and can use at most.
  Bitrate least() const;
  Bitrate most() const;

 private:
  struct Share {
    Track track;
    Bitrate bitrate{};
    bool is_paused = true;
    std::optional<Time> affordable_since{};
    std::optional<Bitrate> told{};
  };
  /// Says for each whether it runs, and returns what is left beyond their least.
  Bitrate give_least(Time now, Bitrate total);
  bool can_run(Share& share, Time now, Bitrate left) const;
  void give_rest(Bitrate rest);
  static bool is_notable(const Share& share);

  std::vector<Share> shares_;  // By priority, the highest first.
};

}  // namespace floe::rtp
