#include "floe/rtp/congestion/fixed_rate.h"

#include <algorithm>

namespace floe::rtp {

void FixedRate::on_feedback(Time now, std::span<const PacketReport> reports) {
  meter_.on_feedback(now, reports);
  update();
}

void FixedRate::on_rtt(Time now, Duration round_trip) {
  meter_.on_rtt(now, round_trip);
  update();
}

void FixedRate::on_network_change(Time) {
  meter_.reset();
  update();
}

void FixedRate::on_receiver_limit(Time, std::optional<Bitrate> limit) {
  receiver_limit_ = limit;
  update();
}

void FixedRate::set_limits(Time, const BitrateLimits& limits) {
  rate_ = limits.start;
  update();
}

void FixedRate::update() {
  const Bitrate rate = std::min(rate_, receiver_limit_.value_or(rate_));
  target_ = {.bitrate = rate,
             .pacing = rate * kPacingFactor,
             .received = meter_.received().value_or(Bitrate()),
             .round_trip = meter_.round_trip(),
             .queueing_delay = meter_.queueing_delay(),
             .loss = meter_.loss()};
}

}  // namespace floe::rtp
