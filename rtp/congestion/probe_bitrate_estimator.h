#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <span>

#include "floe/rtp/congestion/congestion_controller.h"

namespace floe::rtp {

/// What the probes show: how fast the packets of a cluster left and arrived.
class ProbeBitrateEstimator {
 public:
  /// Results are expected for this plan's cluster.
  void expect(const ProbePlan& plan);
  /// The rate that the latest cluster shows of which enough has been reported now, if it shows one.
  std::optional<Bitrate> add(std::span<const Outcome> outcomes);
  void reset() { clusters_.clear(); }

 private:
  /// Those whose feedback may still come: probes are rare, and never more than a few at once.
  static constexpr std::size_t kMaxClusters = 8;

  struct Cluster {
    ProbePlan plan;
    std::size_t packets = 0;
    std::size_t bytes = 0;
    Time first_sent{};
    Time last_sent{};
    std::size_t last_sent_size = 0;
    Duration first_received{};
    Duration last_received{};
    std::size_t first_received_size = 0;
  };
  static void count(Cluster& cluster, const Outcome& outcome);
  static std::optional<Bitrate> rate(const Cluster& cluster);

  std::deque<Cluster> clusters_;
};

}  // namespace floe::rtp
