#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "floe/core/time.h"
#include "floe/rtp/congestion/congestion_controller.h"

namespace floe::rtp {

/// Spreads packets over time, so that a frame does not fill the queue of the path at once, and
/// decides which goes first: audio at once, then retransmissions, then video, each kind's tracks in
/// turn. When nothing is left to send it asks for padding, if there is a probe or a padding rate.
class PacedSender {
 public:
  enum class Kind : std::uint8_t { kAudio, kRetransmission, kVideo };

  /// An RTP packet but for what is known only when it leaves (its transport-wide sequence number).
  struct Packet {
    Kind kind = Kind::kVideo;
    std::uint32_t track = 0;
    std::vector<std::uint8_t> bytes;
  };

  /// What is to be sent now.
  struct Sending {
    std::optional<Packet> packet;  ///< nullopt: padding.
    std::size_t padding = 0;       ///< About so many bytes of it.
    std::uint32_t probe_cluster = 0;
    Duration queued_for{};
  };

  /// Packets that wait, all kinds together: a key frame of 5 MB, or seconds of a stalled path.
  static constexpr std::size_t kMaxPackets = 4096;
  /// What leaves within it leaves together, as fewer wake-ups and larger batches; shorter than what
  /// the receiver's `InterArrival` takes for one burst.
  static constexpr Duration kBurst = std::chrono::milliseconds(5);
  /// No packet is to wait longer: when it would, the queue drains faster than the pacing rate.
  static constexpr Duration kMaxQueueTime = std::chrono::seconds(2);
  /// Probes that wait for the one under way.
  static constexpr std::size_t kMaxProbes = 4;

  /// False if the queue is full, or its sender is paused: the packet is dropped and counted.
  bool push(Time now, Packet packet);
  /// Forgets the packets of `track`: it ended, or a key frame made them useless.
  void drop(std::uint32_t track);

  void set_rates(Time now, Bitrate pacing, Bitrate padding = Bitrate());
  /// Begins with the next packet, after the probes that wait already.
  void probe(Time now, const ProbePlan& plan);
  /// While paused nothing leaves and nothing is taken. What waits is forgotten: when the path is
  /// back it would be late.
  void set_paused(bool paused);

  /// What is to leave now, nullopt: nothing before `next_timeout()`. Each answer is to be sent, and
  /// then told of with `sent` before the next `poll`.
  std::optional<Sending> poll(Time now);
  /// The last answer has left, `size` bytes in the measure of the rates. 0: it could not be made
  /// (there is nothing to pad with): the probe or padding that it was for ends.
  void sent(Time now, std::size_t size);
  /// When `poll` will have something; kNever if nothing waits.
  Time next_timeout() const;

  std::size_t queued_packets() const { return packets_; }
  std::size_t queued_bytes() const { return bytes_; }
  /// How long the packet waits already that waits longest.
  Duration queue_time(Time now) const;
  /// How long a packet would wait that came now, behind all others.
  Duration expected_wait() const { return pacing_.time_for(bytes_); }
  std::uint64_t dropped() const { return dropped_; }

 private:
  struct Waiting {
    Packet packet;
    Time since;
  };
  struct Track {
    std::uint32_t track = 0;
    std::deque<Waiting> packets;
  };
  using Lane = std::deque<Track>;  // Its tracks take turns; each has packets.
  static constexpr std::size_t kKinds = 3;

  struct Probe {
    ProbePlan plan;
    std::optional<Time> began_at;
    std::size_t bytes = 0;
    std::size_t packets = 0;
    Time next() const;
    bool is_done() const { return bytes >= plan.bytes && packets >= plan.packets; }
  };

  bool can_probe() const;
  Lane& lane(Kind kind) { return lanes_[static_cast<std::size_t>(kind)]; }
  const Lane& lane(Kind kind) const { return lanes_[static_cast<std::size_t>(kind)]; }
  Waiting pop(Lane& from);
  std::optional<Waiting> pop_first();
  std::optional<Time> waiting_since() const;
  Bitrate drain_rate(Time now) const;
  std::size_t padding_size(Bitrate rate) const;

  Bitrate pacing_ = 300_kbps;
  Bitrate padding_;
  std::array<Lane, kKinds> lanes_;
  std::size_t packets_ = 0;
  std::size_t bytes_ = 0;
  std::uint64_t dropped_ = 0;
  bool is_paused_ = false;
  /// When the path has taken what was sent, at the pacing rate, and at the padding rate.
  Time next_media_{};
  Time next_padding_{};
  std::deque<Probe> probes_;
  bool is_padding_ = false;    // The last answer was,
  std::uint32_t cluster_ = 0;  // and of this probe.
};

}  // namespace floe::rtp
