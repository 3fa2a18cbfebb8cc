#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/rtp/congestion/bitrate_allocator.h"
#include "floe/rtp/congestion/congestion_controller.h"
#include "floe/rtp/congestion/paced_sender.h"
#include "floe/rtp/demux.h"
#include "floe/rtp/ntp_time.h"
#include "floe/rtp/receive/inbound_stream.h"
#include "floe/rtp/receive/transport_feedback_sender.h"
#include "floe/rtp/reporter.h"
#include "floe/rtp/section.h"
#include "floe/rtp/send/outbound_stream.h"
#include "floe/rtp/send/splice.h"
#include "floe/rtp/sent_sequences.h"

namespace floe::rtp {

/// All RTP and RTCP of one transport, in the clear: frames in and packets out, packets in and
/// frames out, with repair (NACK, RTX), reports, feedback, pacing and congestion control. An
/// engine; SRTP is the layer below.
///
/// Its code stands in session.cc (sections and time), session_send.cc, session_receive.cc and
/// session_rtcp.cc.
class Session {
 public:
  struct Config {
    std::string cname;  ///< RFC 7022
    /// RTP packets are no longer, nor compounds of RTCP; the tags of SRTP come on top.
    std::size_t max_packet = 1150;
    /// Unix time at the creation, for sender reports.
    Duration wall_clock{};
    BitrateLimits bitrate{};
    /// Null: Google congestion control.
    std::unique_ptr<CongestionController> congestion_control{};
  };

  /// A whole frame came.
  struct FrameReceived {
    std::uint32_t section = 0;
    std::string rid;
    Frame frame;
    CodecParameters codec;
    /// When it was captured, by the sender's clock, since 1970; absent before its first report.
    std::optional<Duration> captured{};
  };
  /// A packet came, repaired or not; only from sections that want packets.
  struct PacketReceived {
    std::uint32_t section = 0;
    std::string rid;
    std::vector<std::uint8_t> bytes;
    CodecParameters codec;
    std::shared_ptr<const ExtensionMap> extensions;  ///< What the packet's are.
  };
  /// The peer cannot go on without a key frame of this encoding.
  struct KeyFrameRequested {
    std::uint32_t section = 0;
    std::string rid;
  };
  /// What an encoding may have from now on, in bits per second; 0: it is to pause.
  struct TargetBitrateChanged {
    std::uint32_t section = 0;
    std::string rid;
    Bitrate bitrate;
  };
  using Event =
      std::variant<FrameReceived, PacketReceived, KeyFrameRequested, TargetBitrateChanged>;

  /// Events that wait for the application; a frame or packet beyond it is dropped.
  static constexpr std::size_t kMaxEvents = 4096;
  /// Streams of the peer at a time; the one that was silent longest gives way.
  static constexpr std::size_t kMaxReceiveStreams = 256;

  Session(Time now, Config config, Random& random);

  /// What the descriptions settled; replaces what was there, and keeps the state of streams that go
  /// on. Errors: kInvalidArgument when mids, ids or SSRCs clash.
  [[nodiscard]] Result<> set_sections(Time now, std::vector<Section> sections);

  // --- Sending ---

  /// Sends one encoded frame of an encoding; its timestamp counts from any origin. Errors:
  /// kNotFound when the section sends no such encoding, kWouldBlock while there is no path, or when
  /// the pacer's queue is full (encode less), and those of `Packetizer::start`.
  [[nodiscard]] Result<> send_frame(Time now, std::uint32_t section, std::string_view rid,
                                    const FrameView& frame);
  /// Sends a packet of somebody else's stream as one of this: payload type, SSRC, sequence number
  /// and header extensions become ours, the rest stays. `extensions` are those of its own session.
  /// Errors: kNotFound and kWouldBlock as above, kMessageTooLong.
  [[nodiscard]] Result<> send_packet(Time now, std::uint32_t section, std::string_view rid,
                                     const Packet& packet, const ExtensionMap& extensions);
  /// An encoding's share of the bitrate: none while it is not active, and at most `max_bitrate`, in
  /// bits per second.
  void set_limits(Time now, std::uint32_t section, std::string_view rid, bool active,
                  std::optional<std::uint64_t> max_bitrate);

  // --- Receiving ---

  /// Whole packets of the section come as events, instead of frames.
  void want_packets(std::uint32_t section, bool wanted);
  /// Asks the peer for a key frame of every stream of the section (PLI, or FIR).
  void request_key_frame(std::uint32_t section);

  // --- The transport ---

  void handle_rtp(Time now, MutableBytes packet);
  void handle_rtcp(Time now, Bytes packet);
  /// Nothing may leave while the path is down.
  void set_writable(Time now, bool writable);
  /// The path is another one: what congestion control learned does not hold.
  void handle_route_change(Time now);
  /// As ICE measures it.
  void set_round_trip(Time now, Duration round_trip);

  /// Writes one packet that is to leave now; its size, 0 when there is none. `space` has
  /// `Config::max_packet` bytes.
  std::size_t poll_rtp(Time now, MutableBytes space);
  std::size_t poll_rtcp(Time now, MutableBytes space);
  /// A goodbye for every stream (RFC 3550 section 6.6), of the same kind.
  std::size_t write_bye(Time now, MutableBytes space);

  Time next_timeout() const;
  void handle_timeout(Time now);
  std::optional<Event> poll_event();

  // --- Insight ---

  struct Stats {
    std::uint64_t malformed_rtp = 0;
    std::uint64_t malformed_rtcp = 0;
    std::uint64_t unknown_rtcp = 0;
    std::uint64_t events_dropped = 0;
  };
  const Stats& stats() const { return stats_; }
  const Demux& demux() const { return demux_; }
  const CongestionController& congestion_control() const { return *controller_; }
  const NtpClock& clock() const { return clock_; }

  /// RTCP that was sent about a stream of the peer's, and what its sender reports say.
  struct Received {
    std::uint64_t nack_packets = 0;
    std::uint64_t picture_loss_packets = 0;
    std::uint64_t full_intra_packets = 0;
    std::uint64_t sender_reports = 0;
    std::uint32_t sender_packets = 0;
    std::uint32_t sender_octets = 0;
    std::optional<Time> sender_report_came{};
    NtpTime sender_report_time{};
  };

  /// The streams of one section.
  struct Sending {
    const Encoding* encoding = nullptr;
    const OutboundStream* stream = nullptr;
    std::uint8_t payload_type = 0;
    bool active = true;
    Bitrate target;
    Duration total_send_delay{};  ///< In the pacer, over all packets.
  };
  std::vector<Sending> sending(std::uint32_t section) const;
  struct Receiving {
    std::string_view rid;
    const InboundStream* stream = nullptr;
    std::uint8_t payload_type = 0;  ///< Of the last packet.
    Received counted;
  };
  std::vector<Receiving> receiving(std::uint32_t section) const;

 private:
  struct Sender {
    Sender(std::uint32_t its_section, Encoding its_encoding, const CodecParameters& its_codec,
           std::unique_ptr<OutboundStream> its_stream, std::uint32_t its_track)
        : section(its_section),
          encoding(std::move(its_encoding)),
          codec(its_codec),
          stream(std::move(its_stream)),
          track(its_track),
          splice(its_codec.clock_rate) {}

    std::uint32_t section = 0;
    Encoding encoding;
    CodecParameters codec;
    std::unique_ptr<OutboundStream> stream;
    std::uint32_t track = 0;  // for the pacer
    bool active = true;
    Bitrate limit = Bitrate::unlimited();
    Duration total_send_delay{};
    std::optional<Time> key_frame_requested{};
    Splice splice;  // of what is forwarded
  };
  struct Receiver {
    std::uint32_t section = 0;
    std::string rid;
    InboundStream stream;
    TimestampClock clock;
    Time last_packet{};
    std::uint8_t payload_type = 0;
    // To be sent with the next feedback.
    std::vector<std::uint16_t> nacks{};
    bool wants_key_frame = false;
    std::uint8_t full_intra_sequence = 0;
    Received counted{};
  };

  // session.cc
  const Section* section(std::uint32_t id) const;
  void set_senders();
  void forget_receivers();
  void emit(Event event);

  // session_send.cc
  Sender* sender(std::uint32_t section, std::string_view rid);
  Sender* sender_of(std::uint32_t ssrc);
  Result<Sender*> writable_sender(std::uint32_t section, std::string_view rid);
  bool is_audio(const Sender& sender) const;
  void queue_packets(Time now, Sender& sender);
  std::size_t write_padding(Time now, std::size_t size, std::uint32_t probe_cluster,
                            MutableBytes space);
  void number_packet(Time now, const Sender& sender, MutableBytes bytes,
                     std::uint32_t probe_cluster);
  void update_rates(Time now);
  void share(const Sender& sender);

  // session_receive.cc
  Receiver& receiver_for(const Section& section, const StreamKey& key);
  void handle_media(Time now, const Section& section, const StreamKey& key, const Packet& packet);
  void handle_repair(Time now, const Section& section, const StreamKey& key, const Packet& packet);
  bool wants_packets(std::uint32_t section) const;
  void deliver_packet(const Section& section, const Receiver& receiver, const Packet& packet);
  void take(Time now, Receiver& receiver);

  // session_rtcp.cc
  void handle(Time now, const RtcpPacket& packet);
  void handle_sender_report(Time now, Receiver& receiver, const SenderReport& report);
  void handle_report_block(Time now, const ReportBlock& block);
  void handle_key_frame_request(Time now, Sender& sender);
  void handle_nack(Time now, const Nack& nack);
  void write_requests(Receiver& receiver, std::uint32_t ours, RtcpWriter& writer);
  bool feedback_is_due(Time now) const;
  std::uint32_t own_ssrc() const;

  Config config_;
  Random& random_;
  NtpClock clock_;
  std::uint32_t ssrc_;  // of our feedback, when nothing is sent
  std::vector<Section> sections_;
  std::shared_ptr<const ExtensionMap> extensions_;  // of all: they are one BUNDLE group
  Demux demux_;
  std::vector<std::unique_ptr<Sender>> senders_;
  std::uint32_t next_track_ = 1;
  std::map<std::uint32_t, std::unique_ptr<Receiver>> receivers_;  // by SSRC
  std::vector<std::uint32_t> packet_sections_;                    // that want packets

  PacedSender pacer_;
  BitrateAllocator allocator_;
  std::unique_ptr<CongestionController> controller_;
  SentSequences sequences_;
  bool writable_ = false;

  Reporter reporter_;
  TransportFeedbackSender feedback_;
  std::optional<Duration> round_trip_;
  std::deque<Event> events_;
  Stats stats_;
};

}  // namespace floe::rtp
