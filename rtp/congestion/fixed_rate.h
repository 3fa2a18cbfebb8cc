#pragma once

#include "floe/rtp/congestion/congestion_controller.h"
#include "floe/rtp/congestion/path_meter.h"

namespace floe::rtp {

/// Sends at one rate, whatever becomes of it: for networks whose capacity is known, and for peers
/// that send no transport-wide feedback. The limits' `start` is the rate. It still obeys the
/// receiver's limit, and measures.
class FixedRate final : public CongestionController {
 public:
  explicit FixedRate(Bitrate rate) : rate_(rate) { update(); }

  void on_packet_sent(const SentPacket& packet) override { meter_.on_packet_sent(packet); }
  void on_feedback(Time now, std::span<const PacketReport> reports) override;
  void on_rtt(Time now, Duration round_trip) override;
  void on_network_change(Time now) override;
  void on_receiver_limit(Time now, std::optional<Bitrate> limit) override;
  void set_limits(Time now, const BitrateLimits& limits) override;
  Time next_timeout() const override { return kNever; }
  void handle_timeout(Time) override {}
  std::optional<ProbePlan> poll_probe() override { return std::nullopt; }
  const Target& target() const override { return target_; }

 private:
  void update();

  Bitrate rate_;
  std::optional<Bitrate> receiver_limit_;
  PathMeter meter_;
  Target target_;
};

}  // namespace floe::rtp
