#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <span>

#include "floe/rtp/congestion/bitrate.h"
#include "floe/rtp/congestion/send_history.h"

namespace floe::rtp {

/// The loss-based bound. Loss alone does not tell congestion from a bad radio, but how it changes
/// with the sending rate does. So there is a model of the path with two unknowns: packets are lost
/// by chance with a probability p, and what is sent beyond a bandwidth B is lost as well. Of some
/// bandwidths near the present one that is taken which makes the losses of the last seconds the
/// most likely, with a preference for more: one that is lower needs evidence.
///
/// This is what the controller of draft-ietf-rmcat-gcc-02 section 6 became in practice: that one
/// looks at the fraction lost alone, and at 10 % loss by chance falls until nothing is left.
class LossBasedControl {
 public:
  struct Input {
    Time now{};
    std::span<const Outcome> outcomes;
    /// The delay-based rate: there is no reason for a bound above it.
    Bitrate delay_based{};
    std::optional<Bitrate> acknowledged{};
    Duration round_trip{};
    std::optional<Bitrate> probed{};  ///< What a probe has just shown.
  };
  /// The bound after a feedback; `delay_based` if losses give no reason for a lower one.
  Bitrate update(const Input& input);

  /// Of all packets, the part that was lost in the last seconds, recent ones weighing more.
  double average_loss() const { return average_loss_; }
  /// The estimate of p.
  double inherent_loss() const { return inherent_loss_; }

  /// Observations: long enough that one holds a few packets, and some four seconds of them, so that
  /// several rates are compared and a few dozen packets tell 10 % from 5 %.
  static constexpr Duration kObservation = std::chrono::milliseconds(250);
  static constexpr std::size_t kMaxObservations = 16;

 private:
  struct Observation {
    double rate = 0;  // bit/s
    double lost = 0;  // Packets.
    double received = 0;
  };
  struct Fit {
    double inherent_loss = 0;
    double score = 0;
  };
  /// Adds what was reported; true if an observation became whole.
  bool observe(std::span<const Outcome> outcomes);
  void choose(const Input& input);
  Fit fit(Bitrate bandwidth) const;
  Bitrate present(const Input& input) const;
  bool may_grow(const Input& input) const;
  /// The bound while losses are looked into; unlimited otherwise.
  Bitrate inquire(const Input& input);
  Bitrate tcp_bound(Duration round_trip) const;
  void measure_size(double size);
  void average();

  std::deque<Observation> observations_;  // The latest first.
  std::optional<Time> began_at_;          // The one that is being made: when, and what it holds.
  Time latest_sent_{};
  std::size_t bytes_ = 0;
  std::size_t lost_ = 0;
  std::size_t received_ = 0;

  std::optional<Bitrate> bandwidth_;  // nullopt: no bound.
  std::optional<Bitrate> asked_at_;   // The rate below which losses were, or are, looked into,
  Time asked_{};                      // and since when.
  std::optional<Bitrate> probed_;     // Since the last observation.
  double average_loss_ = 0;
  double inherent_loss_ = 0;
  double packet_size_ = 0;
};

}  // namespace floe::rtp
