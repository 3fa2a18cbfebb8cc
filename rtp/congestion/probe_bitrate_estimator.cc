#include "floe/rtp/congestion/probe_bitrate_estimator.h"

#include <algorithm>

namespace floe::rtp {
namespace {

/// Of the plan's packets and bytes: what must have been reported before anything is concluded.
constexpr double kEnough = 0.8;
/// Packets of one cluster lie within this; else something paused between them.
constexpr Duration kLongest = std::chrono::seconds(1);
/// Arriving that much faster than it left, it was held back and released: a radio's scheduler.
constexpr double kMostCompressed = 2;
/// Arriving slower than that, it has filled the path: that is the capacity, of which a little is
/// left so that the queue of the probe drains.
constexpr double kUnfilled = 0.9;
constexpr double kUsable = 0.95;

}  // namespace

void ProbeBitrateEstimator::expect(const ProbePlan& plan) {
  clusters_.push_back({plan});
  if (clusters_.size() > kMaxClusters) clusters_.pop_front();
}

std::optional<Bitrate> ProbeBitrateEstimator::add(std::span<const Outcome> outcomes) {
  std::optional<Bitrate> shown;
  for (const Outcome& outcome : outcomes) {
    if (!outcome.received || outcome.packet.probe_cluster == 0) continue;
    const auto cluster =
        std::find_if(clusters_.begin(), clusters_.end(), [&](const Cluster& candidate) {
          return candidate.plan.cluster == outcome.packet.probe_cluster;
        });
    if (cluster == clusters_.end()) continue;
    count(*cluster, outcome);
    if (const std::optional<Bitrate> its_rate = rate(*cluster)) shown = its_rate;
  }
  return shown;
}

void ProbeBitrateEstimator::count(Cluster& cluster, const Outcome& outcome) {
  const Time sent = outcome.packet.sent;
  const Duration received = *outcome.received;
  if (cluster.packets == 0 || sent < cluster.first_sent) cluster.first_sent = sent;
  if (cluster.packets == 0 || sent >= cluster.last_sent) {
    cluster.last_sent = sent;
    cluster.last_sent_size = outcome.packet.size;
  }
  if (cluster.packets == 0 || received < cluster.first_received) {
    cluster.first_received = received;
    cluster.first_received_size = outcome.packet.size;
  }
  if (cluster.packets == 0 || received > cluster.last_received) cluster.last_received = received;
  ++cluster.packets;
  cluster.bytes += outcome.packet.size;
}

std::optional<Bitrate> ProbeBitrateEstimator::rate(const Cluster& cluster) {
  if (static_cast<double>(cluster.packets) < kEnough * static_cast<double>(cluster.plan.packets) ||
      static_cast<double>(cluster.bytes) < kEnough * static_cast<double>(cluster.plan.bytes)) {
    return std::nullopt;
  }
  const Duration sent_over = cluster.last_sent - cluster.first_sent;
  const Duration received_over = cluster.last_received - cluster.first_received;
  if (sent_over <= Duration::zero() || sent_over > kLongest || received_over <= Duration::zero() ||
      received_over > kLongest) {
    return std::nullopt;
  }
  // The last to leave left after the interval, the first to arrive arrived before it.
  const Bitrate left = Bitrate::of(cluster.bytes - cluster.last_sent_size, sent_over);
  const Bitrate arrived = Bitrate::of(cluster.bytes - cluster.first_received_size, received_over);
  if (left == Bitrate() || arrived == Bitrate() || arrived > left * kMostCompressed) {
    return std::nullopt;
  }
  return arrived < left * kUnfilled ? arrived * kUsable : std::min(left, arrived);
}

}  // namespace floe::rtp
