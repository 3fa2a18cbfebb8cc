#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "floe/core/limits.h"
#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/rtp/extension_map.h"
#include "floe/rtp/ntp_time.h"
#include "floe/rtp/payload/payload_format.h"
#include "floe/rtp/rtcp_packets.h"
#include "floe/rtp/send/packet_history.h"

namespace floe::rtp {

/// One RTP stream that is sent: from encoded frames to packets, which wait until the pacer takes
/// them, and again to packets when the receiver missed some.
class OutboundStream {
 public:
  struct Repair {
    std::uint32_t ssrc = 0;
    std::uint8_t payload_type = 0;
  };
  struct Config {
    std::uint32_t ssrc = 0;
    std::uint8_t payload_type = 0;
    std::uint32_t clock_rate = 90'000;  ///< Hz
    PayloadFormat format{};
    std::optional<Repair> repair{};  ///< RTX (RFC 4588). Without it, nothing is repeated.
    ExtensionMap extensions{};
    std::string mid{};  ///< Sent in each packet if the extension was agreed on.
    std::string rid{};
    /// The largest RTP packet, before protection: a datagram less what SRTP and the path add.
    std::size_t max_packet = kBaseDatagram - 32;
  };

  /// Packets that wait for the pacer: eight seconds of 1 Mbit/s. More means that the encoder does
  /// not follow the target bitrate.
  static constexpr std::size_t kMaxQueuedBytes = 1024 * 1024;
  /// Repeats that wait; the receiver asks again for what is dropped.
  static constexpr std::size_t kMaxQueuedRepeats = 1024;

  /// Sequence numbers and timestamps begin at random values (RFC 3550 section 5.1).
  /// Errors: kInvalidArgument for a packet size or payload type out of its range.
  [[nodiscard]] static Result<std::unique_ptr<OutboundStream>> create(Config config,
                                                                      Random& random);
  OutboundStream(const OutboundStream&) = delete;
  OutboundStream& operator=(const OutboundStream&) = delete;

  /// What goes into all packets of a frame beside it.
  struct FrameExtensions {
    std::optional<AudioLevel> audio_level{};
    std::optional<VideoOrientation> video_orientation{};
    std::optional<PlayoutDelay> playout_delay{};
  };
  /// Cuts a frame, captured at `now`, into packets that wait to be polled. Its timestamp counts
  /// from the application's own zero. Errors: those of `Packetizer::start`; kWouldBlock if too much
  /// waits: the frame is not sent, and the next should be a key frame.
  [[nodiscard]] Result<> send_frame(Time now, const FrameView& frame,
                                    const FrameExtensions& extensions);
  [[nodiscard]] Result<> send_frame(Time now, const FrameView& frame) {
    return send_frame(now, frame, {});
  }
  /// One packet as it is, for whoever packetizes or forwards: its marker, payload type, timestamp,
  /// payload, and extensions that both maps know. `sequence` and `timestamp` count from the
  /// application's own zero, so a forwarder keeps the gaps of what it received.
  /// A stream has either frames or packets. Errors: kLimitExceeded for a packet that does not fit,
  /// kWouldBlock.
  [[nodiscard]] Result<> send_packet(Time now, const Packet& packet, const ExtensionMap& its_map,
                                     std::uint16_t sequence, std::uint32_t timestamp);

  enum class Kind : std::uint8_t { kMedia, kRepair, kPadding };
  struct Polled {
    std::size_t size = 0;
    Kind kind = Kind::kMedia;
  };
  /// Writes the next packet into `space`, which has `Config::max_packet` bytes more than what
  /// protection adds. Repeats go first. Nothing if none waits. The transport-wide sequence number
  /// that it has place for is the transport's to fill in.
  std::optional<Polled> poll_packet(Time now, MutableBytes space);
  /// A packet to probe with, of about `size` bytes: a repeat of something recent, else padding on
  /// the repair stream. Nothing without a repair stream, or before the first packet.
  std::optional<Polled> poll_padding(Time now, MutableBytes space, std::size_t size);
  /// Bytes that wait, and since when the oldest does.
  std::size_t queued_bytes() const { return queued_bytes_ + queued_repeat_bytes_; }
  std::optional<Time> queued_since() const;

  /// The receiver asks for packets. Ignored without a repair stream.
  void handle_nack(Time now, const Nack& nack);
  /// The receiver asks for a key frame: true if the encoder should be told; a FIR that repeats the
  /// last one (RFC 5104 section 4.3.1.1) is no new request.
  bool handle_picture_loss();
  bool handle_full_intra_request(std::uint8_t sequence);
  /// What the receiver reported. `ntp_now` is by the clock of `sender_report`.
  void handle_report(Time now, NtpTime ntp_now, const ReportBlock& block);
  /// From reports, or measured otherwise; 100 ms until then.
  void set_round_trip(Duration round_trip) { round_trip_ = round_trip; }

  /// For a report that leaves now; nothing before the first packet.
  std::optional<SenderReport> sender_report(Time now, NtpTime ntp_now) const;

  std::uint32_t ssrc() const { return config_.ssrc; }
  std::optional<std::uint32_t> repair_ssrc() const {
    return config_.repair ? std::optional(config_.repair->ssrc) : std::nullopt;
  }
  /// Forgets packets that wait: the encoder starts again with a key frame.
  void clear_queue();

  struct Stats {
    std::uint64_t packets_sent = 0;  ///< Without repeats and padding.
    std::uint64_t bytes_sent = 0;    ///< Of payload.
    std::uint64_t header_bytes_sent = 0;
    std::uint64_t retransmitted_packets_sent = 0;
    std::uint64_t retransmitted_bytes_sent = 0;
    std::uint64_t padding_packets_sent = 0;
    std::uint64_t padding_bytes_sent = 0;
    std::uint64_t frames_sent = 0;
    std::uint64_t key_frames_sent = 0;
    std::uint64_t nack_count = 0;  ///< Feedback packets, as W3C counts them.
    std::uint64_t pli_count = 0;
    std::uint64_t fir_count = 0;
    Duration total_packet_send_delay{};  ///< From being queued to being polled, over all packets.
    /// What the receiver said last.
    struct Remote {
      Time reported{};
      std::uint32_t highest_sequence = 0;
      std::int64_t packets_lost = 0;
      double fraction_lost = 0;
      Duration jitter{};
      std::optional<Duration> round_trip{};
      Duration total_round_trip{};
      std::uint64_t round_trip_measurements = 0;
    };
    std::optional<Remote> remote{};
  };
  const Stats& stats() const { return stats_; }

 private:
  struct Queued {
    std::vector<std::uint8_t> packet;
    Time queued;
  };

  explicit OutboundStream(Config config, Random& random);
  void write_extensions(PacketBuilder& builder, const FrameExtensions& extensions) const;
  std::size_t header_size(const FrameExtensions& extensions) const;
  void enqueue(Time now, Bytes packet);
  std::optional<Polled> poll_repeat(Time now, MutableBytes space);
  std::optional<Polled> repeat(Time now, MutableBytes original, MutableBytes space);
  Polled finish(Time now, MutableBytes packet, Kind kind) const;

  Config config_;
  std::unique_ptr<Packetizer> packetizer_;
  std::uint16_t first_sequence_;
  std::uint16_t next_sequence_;
  std::uint16_t next_repair_sequence_;
  std::uint32_t first_timestamp_;
  std::deque<Queued> queue_;
  std::size_t queued_bytes_ = 0;
  struct Repeat {
    std::uint16_t sequence;
    std::size_t size;
  };
  std::deque<Repeat> repeats_;
  std::size_t queued_repeat_bytes_ = 0;
  std::vector<std::uint8_t> scratch_;
  PacketHistory history_;
  Duration round_trip_ = std::chrono::milliseconds(100);
  std::optional<std::uint8_t> last_fir_;
  struct Anchor {
    Time captured;
    std::uint32_t timestamp;
  };
  std::optional<Anchor> anchor_;  // of the last frame
  Stats stats_;
};

}  // namespace floe::rtp
