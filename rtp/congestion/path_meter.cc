#include "floe/rtp/congestion/path_meter.h"

#include <algorithm>
#include <chrono>
#include <cmath>

namespace floe::rtp {

std::span<const Outcome> PathMeter::on_feedback(Time now, std::span<const PacketReport> reports) {
  const std::span<const Outcome> outcomes = history_.take(reports);
  received_.add(outcomes);
  measure_loss(now, outcomes);
  const Outcome* latest = nullptr;  // The last that left: it waited least at the receiver.
  for (const Outcome& outcome : outcomes) {
    if (!outcome.received) continue;
    measure_delay(now, outcome);
    if (latest == nullptr || outcome.packet.sent > latest->packet.sent) latest = &outcome;
  }
  if (latest != nullptr && (!told_rtt_at_ || now - *told_rtt_at_ > kRttFreshness)) {
    const Duration sample = std::max(now - latest->packet.sent, Duration::zero());
    // RFC 6298's smoothing.
    round_trip_ =
        round_trip_ == Duration::zero() ? sample : round_trip_ + (sample - round_trip_) / 8;
  }
  return outcomes;
}

void PathMeter::on_rtt(Time now, Duration round_trip) {
  round_trip_ = std::max(round_trip, Duration::zero());
  told_rtt_at_ = now;
}

void PathMeter::measure_delay(Time now, const Outcome& outcome) {
  // With the unknown difference of both clocks, which every one of them has.
  const Duration delay = *outcome.received - outcome.packet.sent.time_since_epoch();
  if (buckets_.empty() || now - buckets_.back().began >= kDelayBucket) {
    buckets_.push_back({now, delay});
    if (buckets_.size() > kDelayBuckets) buckets_.pop_front();
  }
  buckets_.back().least = std::min(buckets_.back().least, delay);
  Duration least = delay;
  for (const Bucket& bucket : buckets_) least = std::min(least, bucket.least);
  queueing_delay_ = delay - least;
}

void PathMeter::measure_loss(Time now, std::span<const Outcome> outcomes) {
  const double elapsed = std::chrono::duration<double>(now - aged_to_).count();
  const double remains = std::exp2(-std::max(elapsed, 0.0));
  aged_to_ = now;
  lost_ *= remains;
  sent_ *= remains;
  for (const Outcome& outcome : outcomes) {
    if (outcome.was_lost) {
      lost_ = std::max(lost_ - 1, 0.0);
      continue;
    }
    sent_ += 1;
    if (!outcome.received) lost_ += 1;
  }
}

}  // namespace floe::rtp
