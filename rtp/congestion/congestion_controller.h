#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "floe/core/time.h"
#include "floe/rtp/congestion/bitrate.h"
#include "floe/rtp/congestion/send_history.h"

namespace floe::rtp {

struct BitrateLimits {
  Bitrate min = 30_kbps;  ///< Never below, whatever the path does: what audio alone needs.
  Bitrate start = 300_kbps;
  Bitrate max = 2500_kbps;  ///< No more than the tracks can use; probes go no higher either.
};

/// A few packets that are to leave at `rate`, faster than the media, to see whether they arrive so.
struct ProbePlan {
  std::uint32_t cluster = 0;  ///< For `SentPacket::probe_cluster`.
  Bitrate rate;
  std::size_t bytes = 0;    ///< At least so many,
  std::size_t packets = 0;  ///< in at least so many packets.
};

/// What is queued may leave that much faster than the target: a frame's packets leave within 40 %
/// of the time to the next one, and the queue of a key frame does not outlive a few frames.
inline constexpr double kPacingFactor = 2.5;

/// What the sender is to do, and why.
struct Target {
  Bitrate bitrate{};   ///< For everything that is sent, on average: what `SentPacket::size` counts.
  Bitrate pacing{};    ///< How fast what is queued may leave.
  Bitrate padding{};   ///< What is to be sent in any case, if need be with padding; usually 0.
  Bitrate received{};  ///< What arrived lately; 0 as long as nobody knows.
  Duration round_trip{};
  Duration queueing_delay{};  ///< On the way to the receiver: above the least of three minutes.
  double loss = 0;            ///< Of what was sent in the last seconds, from 0 to 1.
};

/// Decides how much may be sent, from what becomes of what is sent. This is the seam at which
/// another algorithm is plugged in. The sender's side of one path, whatever the number of tracks.
///
/// A sender uses it with a `PacedSender` and a `BitrateAllocator`:
///
///     encoder makes a frame:  pacer.push(now, packet) for each of its packets
///     the timer fires, at the earliest of the three next_timeout():
///       controller.handle_timeout(now);
///       while (auto plan = controller.poll_probe()) pacer.probe(now, *plan);
///       while (auto sending = pacer.poll(now)) {
///         number the packet (transport-wide), protect it, hand it to the network, and then
///         controller.on_packet_sent({number, now, size, sending->track, sending->probe_cluster});
///         pacer.sent(now, size); }
///     a transport-wide feedback arrives:  controller.on_feedback(now, reports);
///     after each of these:
///       pacer.set_rates(now, controller.target().pacing, controller.target().padding);
///       allocator.allocate(now, controller.target().bitrate);
///       while (auto change = allocator.poll_change()) tell the encoder of change->track.
///
/// Without transport-wide feedback there is nothing to control by: use `FixedRate` and
/// `on_receiver_limit`.
class CongestionController {
 public:
  virtual ~CongestionController() = default;

  virtual void on_packet_sent(const SentPacket& packet) = 0;
  /// Each report of one feedback packet, in any order.
  virtual void on_feedback(Time now, std::span<const PacketReport> reports) = 0;
  /// A round trip that was measured otherwise, as with sender and receiver reports.
  virtual void on_rtt(Time now, Duration round_trip) = 0;
  /// Packets take another route from now on: nothing that was learnt holds.
  virtual void on_network_change(Time now) = 0;
  /// The receiver's own limit (REMB, TMMBR); nullopt ends it.
  virtual void on_receiver_limit(Time now, std::optional<Bitrate> limit) = 0;
  /// `start` counts only until the first feedback, and after a change of the network.
  virtual void set_limits(Time now, const BitrateLimits& limits) = 0;

  virtual Time next_timeout() const = 0;
  virtual void handle_timeout(Time now) = 0;
  /// A probe that is to begin now.
  virtual std::optional<ProbePlan> poll_probe() = 0;
  virtual const Target& target() const = 0;
};

}  // namespace floe::rtp
