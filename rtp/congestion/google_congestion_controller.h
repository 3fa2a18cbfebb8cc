#pragma once

#include <algorithm>
#include <optional>

#include "floe/rtp/congestion/aimd_rate_control.h"
#include "floe/rtp/congestion/alr_detector.h"
#include "floe/rtp/congestion/congestion_controller.h"
#include "floe/rtp/congestion/inter_arrival.h"
#include "floe/rtp/congestion/loss_based_control.h"
#include "floe/rtp/congestion/overuse_detector.h"
#include "floe/rtp/congestion/path_meter.h"
#include "floe/rtp/congestion/probe_bitrate_estimator.h"
#include "floe/rtp/congestion/probe_controller.h"
#include "floe/rtp/congestion/standing_queue.h"
#include "floe/rtp/congestion/trendline.h"

namespace floe::rtp {

/// Google congestion control at the sender (draft-ietf-rmcat-gcc-02, and what became of it in
/// practice): the smaller of a rate that falls as soon as the delay grows, and one that falls when
/// more is lost than chance explains; with probes for what the media does not use.
class GoogleCongestionController final : public CongestionController {
 public:
  GoogleCongestionController(Time now, const BitrateLimits& limits);

  void on_packet_sent(const SentPacket& packet) override;
  void on_feedback(Time now, std::span<const PacketReport> reports) override;
  void on_rtt(Time now, Duration round_trip) override;
  void on_network_change(Time now) override;
  void on_receiver_limit(Time now, std::optional<Bitrate> limit) override;
  void set_limits(Time now, const BitrateLimits& limits) override;
  Time next_timeout() const override;
  void handle_timeout(Time now) override;
  std::optional<ProbePlan> poll_probe() override;
  const Target& target() const override { return target_; }

  /// After this long without feedback on packets that left, on top of a round trip, the path counts
  /// as congested, and each kSilenceStep more takes a fifth of the rate (RFC 8836 section 2,
  /// requirement 9: what to do when feedback is lost). Receivers send it every 50 to 250 ms.
  static constexpr Duration kSilence = std::chrono::seconds(1);
  static constexpr Duration kSilenceStep = std::chrono::milliseconds(500);
  /// When nothing was sent for so long there are neither probes nor timeouts.
  static constexpr Duration kIdle = std::chrono::seconds(2);

 private:
  /// What is learnt of one route.
  struct Path {
    Path(Time now, const BitrateLimits& limits);

    PathMeter meter;
    InterArrival groups;
    Trendline trend;
    OveruseDetector detector;
    AimdRateControl delay_based;
    StandingQueue standing_queue;
    LossBasedControl loss_based;
    ProbeBitrateEstimator probes;
    AlrDetector alr;
    Bitrate loss_bound = Bitrate::unlimited();
    bool has_feedback = false;
    std::optional<Time> last_sent;
    std::optional<Time> silence_counted_at;
  };

  void detect(std::span<const Outcome> outcomes);
  std::optional<Time> silent_from() const;
  bool is_silent(Time now) const;
  /// Only while packets leave does it mean anything that no feedback comes.
  bool was_sending(Time at) const;
  void update_probes(Time now);
  Bitrate most() const { return std::min(limits_.max, receiver_limit_.value_or(limits_.max)); }
  PathUse use() const;
  double drain_part() const;
  void update_target(Time now);

  BitrateLimits limits_;
  std::optional<Bitrate> receiver_limit_;
  ProbeController probe_controller_;
  Path path_;
  Target target_;
};

}  // namespace floe::rtp
