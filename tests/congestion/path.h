#pragma once

#include <algorithm>
#include <cstdint>
#include <ostream>
#include <vector>

#include "floe/rtp/congestion/congestion_controller.h"

namespace floe::rtp {

/// For messages of tests.
inline void PrintTo(Bitrate rate, std::ostream* out) {
  *out << rate.kbps() << " kbit/s";
}

/// A path by arithmetic, for tests of engines at literal times: a queue in front of a link of some
/// capacity. It numbers packets, carries them, and reports them.
class Path {
 public:
  static constexpr Duration kDelay = std::chrono::milliseconds(20);
  /// The receiver's clock is behind the sender's by that.
  static constexpr Duration kClockOffset = -std::chrono::hours(7);

  explicit Path(Bitrate capacity) : capacity(capacity) {}

  SentPacket send(Time now, std::size_t size, std::uint32_t cluster = 0) {
    const SentPacket packet{next_++, now, size, 1, cluster};
    idle_at_ = std::max(idle_at_, now) + capacity.time_for(size);
    reports_.push_back({packet.sequence, (idle_at_ + kDelay + kClockOffset).time_since_epoch()});
    return packet;
  }
  /// A packet that is lost on the way.
  SentPacket lose(Time now, std::size_t size) {
    const SentPacket packet{next_++, now, size, 1, 0};
    reports_.push_back({packet.sequence, std::nullopt});
    return packet;
  }
  /// The reports of all that arrived by `now`, and of what was lost before it.
  std::vector<PacketReport> feedback(Time now) {
    std::vector<PacketReport> ready;
    std::size_t taken = 0;
    for (const PacketReport& report : reports_) {
      if (report.received && Time(*report.received) > now + kClockOffset) break;
      ready.push_back(report);
      ++taken;
    }
    reports_.erase(reports_.begin(), reports_.begin() + static_cast<std::ptrdiff_t>(taken));
    return ready;
  }
  Duration queue(Time now) const { return std::max(idle_at_ - now, Duration::zero()); }

  Bitrate capacity;

 private:
  std::int64_t next_ = 70'000;  // Beyond 16 bits.
  Time idle_at_{};
  std::vector<PacketReport> reports_;
};

}  // namespace floe::rtp
