#pragma once

#include <deque>
#include <optional>
#include <span>

#include "floe/core/time.h"
#include "floe/rtp/congestion/acknowledged_bitrate.h"
#include "floe/rtp/congestion/send_history.h"

namespace floe::rtp {

/// What can be measured of a path without judging it: round trip, queueing delay, loss, and the
/// rate of what arrives.
class PathMeter {
 public:
  void on_packet_sent(const SentPacket& packet) { history_.add(packet); }
  /// What the reports tell anew, as `SendHistory::take` orders it.
  std::span<const Outcome> on_feedback(Time now, std::span<const PacketReport> reports);
  void on_rtt(Time now, Duration round_trip);
  void reset() { *this = PathMeter(); }

  /// 0 until there is one.
  Duration round_trip() const { return round_trip_; }
  Duration queueing_delay() const { return queueing_delay_; }
  double loss() const { return sent_ > 0 ? lost_ / sent_ : 0; }
  std::optional<Bitrate> received() const { return received_.rate(); }
  std::optional<Time> oldest_outstanding() const { return history_.oldest_outstanding(); }

 private:
  /// The least one-way delay counts as the empty queue's for three minutes: clocks drift by less
  /// than 18 ms in it (100 ppm), and a queue that stands for longer is rare.
  static constexpr Duration kDelayBucket = std::chrono::seconds(30);
  static constexpr std::size_t kDelayBuckets = 6;
  /// Reports of the RTCP kind are exact but rare; feedback waits a little at the receiver.
  static constexpr Duration kRttFreshness = std::chrono::seconds(10);

  void measure_delay(Time now, const Outcome& outcome);
  void measure_loss(Time now, std::span<const Outcome> outcomes);

  SendHistory history_;
  AcknowledgedBitrate received_;
  Duration round_trip_{};
  std::optional<Time> told_rtt_at_;
  struct Bucket {
    Time began;
    Duration least;
  };
  std::deque<Bucket> buckets_;
  Duration queueing_delay_{};
  double lost_ = 0;  // Packets, each counting half as much after each second.
  double sent_ = 0;
  Time aged_to_{};
};

}  // namespace floe::rtp
