#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "floe/core/time.h"
#include "floe/rtp/packet.h"
#include "floe/rtp/receive/frame_buffer.h"
#include "floe/rtp/receive/missing_packets.h"
#include "floe/rtp/receive/reception_statistics.h"
#include "floe/rtp/receive/ulpfec_receiver.h"
#include "floe/rtp/sequence_number.h"

namespace floe::rtp {

/// Why a packet of a stream was not used.
enum class InboundDrop : std::uint8_t {
  kUnknownFormat,  ///< A payload type that is not configured.
  kMalformed,      ///< Its payload is not what its type says.
  kDuplicate,
  kLate,        ///< Its frame was delivered or given up.
  kSuspicious,  ///< Its sequence number is far from all others.
  kFull,        ///< The packet buffer is full: nobody takes the frames.
};
inline constexpr std::size_t kInboundDrops = 6;
std::string_view to_string(InboundDrop reason);

/// One RTP stream that is received: from its packets, and those of its repair stream, to frames.
/// An engine: it is told the time and handed packets; it is asked for frames, for packets to ask
/// the sender for, and whether to ask for a key frame.
class InboundStream {
 public:
  struct Format {
    std::uint8_t payload_type = 0;
    PayloadFormat format{};
    std::vector<std::uint8_t> parameter_sets{};  ///< H.264, H.265: Annex B, from signalling.
  };
  struct Repair {
    std::uint8_t payload_type = 0;
    std::uint8_t repaired = 0;  ///< apt=: the payload type of what is repeated.
  };
  struct Config {
    std::uint32_t ssrc = 0;
    std::uint32_t clock_rate = 90'000;  ///< Hz
    bool video = true;
    std::vector<Format> formats{};
    std::vector<Repair> repairs{};               ///< RTX (RFC 4588).
    std::optional<std::uint32_t> repair_ssrc{};  ///< If signalled; else the first is taken.
    /// Payload types of RED (RFC 2198), and of the ULPFEC (RFC 5109) that video has in it.
    std::optional<std::uint8_t> red{};
    std::optional<std::uint8_t> ulpfec{};
    bool nack = true;  ///< a=rtcp-fb: nack was agreed on.
    /// How long a missing packet is waited for; nothing: 1.5 s for video with NACK, which is time
    /// for four repeats over 300 ms, else 100 ms.
    std::optional<Duration> max_wait{};
  };

  /// Frames that wait for the application; more stay in the packet buffer, which is bounded.
  static constexpr std::size_t kMaxFrames = 64;
  /// A request for a key frame that has not come is repeated after this, or one and a half round
  /// trips if that is longer: an encoder takes a frame's time, and the frame its way.
  static constexpr Duration kKeyFrameInterval = std::chrono::milliseconds(300);

  explicit InboundStream(Config config);

  /// A packet of this stream.
  void handle_packet(Time now, const Packet& packet);
  /// A packet of its repair stream, which is changed in place.
  void handle_repair(Time now, const Packet& packet);
  /// A packet that was recovered otherwise, by forward error correction.
  void handle_recovered(Time now, const Packet& packet);
  void handle_sender_report(Time now, const SenderReport& report);
  void set_round_trip(Duration round_trip);

  std::optional<ReceivedFrame> poll_frame(Time now);
  /// Sequence numbers to ask for now, ascending; they are handed out once.
  std::vector<std::uint16_t> take_nacks();
  /// True if a PLI or FIR shall leave now; handed out once.
  bool take_key_frame_request();

  Time next_timeout() const;
  void handle_timeout(Time now);

  std::uint32_t ssrc() const { return config_.ssrc; }
  ReceptionStatistics& reception() { return reception_; }
  const ReceptionStatistics& reception() const { return reception_; }
  /// The repair stream's own, which is reported like any other source.
  ReceptionStatistics* repair_reception() { return repair_ ? &*repair_ : nullptr; }

  struct Stats {
    std::uint64_t packets_received = 0;       ///< Without the repair stream's.
    std::uint64_t bytes_received = 0;         ///< Of payload.
    std::uint64_t header_bytes_received = 0;  ///< Headers and padding.
    std::uint64_t retransmitted_packets_received = 0;
    std::uint64_t retransmitted_bytes_received = 0;
    std::uint64_t parity_packets_received = 0;  ///< ULPFEC.
    std::uint64_t recovered_packets = 0;        ///< From redundancy, that would have been missing.
    std::uint64_t frames_received = 0;          ///< That were handed out.
    std::uint64_t key_frames_received = 0;
    std::uint64_t frames_dropped = 0;
    std::uint64_t nack_count = 0;  ///< Requests of packets, repeated ones included.
    std::uint64_t key_frame_requests = 0;
    std::array<std::uint64_t, kInboundDrops> dropped{};  ///< By `InboundDrop`.

    std::uint64_t drops(InboundDrop reason) const {
      return dropped[static_cast<std::size_t>(reason)];
    }
  };
  Stats stats() const;

 private:
  enum class Origin : std::uint8_t { kStream, kRepair, kRedundancy };

  void insert(Time now, Origin origin, std::int64_t sequence, const Packet& packet);
  void insert_red(Time now, Origin origin, std::int64_t sequence, const Packet& packet);
  void insert_protected(Time now, Origin origin, std::int64_t sequence, const Packet& packet);
  void insert_recovered(Time now);
  void keep(Time now, Origin origin, const FrameBuffer::Payload& payload);
  void insert_late(Time now, Origin origin, const Packet& packet);
  void deliver(Time now);
  void drop(InboundDrop reason) { ++stats_.dropped[static_cast<std::size_t>(reason)]; }

  Config config_;
  FrameBuffer buffer_;
  MissingPackets missing_;
  ReceptionStatistics reception_;
  std::optional<ReceptionStatistics> repair_;
  std::optional<UlpfecReceiver> ulpfec_;
  SequenceUnwrapper sequences_;
  std::deque<ReceivedFrame> frames_;
  std::vector<std::uint16_t> nacks_;
  Duration round_trip_ = std::chrono::milliseconds(100);
  bool key_frame_wanted_ = false;   // until one has come
  bool key_frame_request_ = false;  // to be handed out
  Time next_key_frame_request_ = kNever;
  Stats stats_;
};

}  // namespace floe::rtp
