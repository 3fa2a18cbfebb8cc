#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "floe/ice/candidate.h"
#include "floe/ice/candidate_pair.h"
#include "floe/ice/credentials.h"
#include "floe/peer/states.h"
#include "floe/sdp/data_section.h"

// RTCStatsReport: what W3C's "Identifiers for WebRTC's Statistics API" names, with its units and in
// its words (snake_case here, camelCase in `StatsReport::to_json`). A member that the specification
// allows to be missing is a std::optional, or an empty string.
namespace floe {

/// RTCStats. Ids are opaque, unique within the connection, and stay the same from one report to the
/// next.
struct Stats {
  std::string id;
  double timestamp = 0;  ///< Milliseconds since 1970-01-01, as all timestamps here.
};

/// "peer-connection"
struct PeerConnectionStats : Stats {
  std::uint64_t data_channels_opened = 0;
  std::uint64_t data_channels_closed = 0;
};

/// "transport"
struct TransportStats : Stats {
  std::uint64_t packets_sent = 0;  ///< Without ICE's own, as the next three.
  std::uint64_t packets_received = 0;
  std::uint64_t bytes_sent = 0;  ///< Of UDP payload, as the next one.
  std::uint64_t bytes_received = 0;
  ice::Role ice_role = ice::Role::kControlling;
  std::string ice_local_username_fragment;
  IceConnectionState ice_state = IceConnectionState::kNew;
  DtlsTransportState dtls_state = DtlsTransportState::kNew;
  std::string selected_candidate_pair_id;
  std::string local_certificate_id;
  std::string remote_certificate_id;
  std::string tls_version;  ///< "FEFD" for DTLS 1.2, "FEFC" for 1.3.
  std::string dtls_cipher;  ///< Its IANA name: "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256".
  std::optional<sdp::DtlsRole> dtls_role;
  std::uint64_t selected_candidate_pair_changes = 0;
};

/// "certificate"
struct CertificateStats : Stats {
  std::string fingerprint;  ///< "AB:CD:…"
  std::string fingerprint_algorithm;
  std::string base64_certificate;  ///< Of the DER form.
};

/// "local-candidate" and "remote-candidate"
struct IceCandidateStats : Stats {
  bool is_remote = false;
  std::string transport_id;
  std::string address;  ///< Empty where it is concealed behind a name.
  std::uint16_t port = 0;
  std::string protocol;  ///< "udp" or "tcp"
  ice::CandidateType candidate_type = ice::CandidateType::kHost;
  std::uint32_t priority = 0;
  std::string url;             ///< Of the server that yielded it.
  std::string relay_protocol;  ///< How its TURN server is reached: "udp", "tcp" or "tls".
  std::string foundation;
  std::string related_address;
  std::optional<std::uint16_t> related_port;
  std::string username_fragment;
  std::optional<ice::TcpType> tcp_type;
};

/// "candidate-pair"
struct CandidatePairStats : Stats {
  std::string transport_id;
  std::string local_candidate_id;
  std::string remote_candidate_id;
  ice::PairState state = ice::PairState::kFrozen;
  bool nominated = false;
  std::uint64_t packets_sent = 0;  ///< Without connectivity checks, as all up to the timestamps.
  std::uint64_t packets_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::optional<double> last_packet_sent_timestamp;
  std::optional<double> last_packet_received_timestamp;
  double total_round_trip_time = 0;               ///< Seconds, over all responses received.
  std::optional<double> current_round_trip_time;  ///< Seconds.
  std::uint64_t requests_received = 0;
  std::uint64_t requests_sent = 0;  ///< Connectivity checks without those for consent.
  std::uint64_t responses_received = 0;
  std::uint64_t responses_sent = 0;
  std::uint64_t consent_requests_sent = 0;
  /// Bits per second, of the selected pair once media flow; what congestion control deems possible.
  std::optional<double> available_outgoing_bitrate;
};

/// "data-channel"; of the channels there are.
struct DataChannelStats : Stats {
  std::string label;
  std::string protocol;
  std::optional<std::uint16_t> data_channel_identifier;
  DataChannelState state = DataChannelState::kConnecting;
  std::uint64_t messages_sent = 0;
  std::uint64_t messages_received = 0;
  std::uint64_t bytes_sent = 0;  ///< Of payload, as the next one.
  std::uint64_t bytes_received = 0;
};

/// "codec": one payload type that was agreed on and is used.
struct CodecStats : Stats {
  std::uint16_t payload_type = 0;
  std::string transport_id;
  std::string mime_type;  ///< "video/VP8"
  std::uint32_t clock_rate = 0;
  std::optional<std::uint16_t> channels;  ///< Audio only.
  std::string sdp_fmtp_line;
};

/// RTCRtpStreamStats
struct RtpStreamStats : Stats {
  std::uint32_t ssrc = 0;
  std::string kind;  ///< "audio" or "video"
  std::string transport_id;
  std::string codec_id;
};

/// "inbound-rtp": a stream that is received. What decoders know is theirs to tell.
struct InboundRtpStats : RtpStreamStats {
  std::string track_identifier;
  std::string mid;
  std::string remote_id;
  std::uint64_t packets_received = 0;
  std::int64_t packets_lost = 0;     ///< Negative if there were duplicates.
  double jitter = 0;                 ///< Seconds.
  std::uint64_t bytes_received = 0;  ///< Of payload, as all "bytes" here.
  std::uint64_t header_bytes_received = 0;
  std::uint64_t retransmitted_packets_received = 0;
  std::uint64_t retransmitted_bytes_received = 0;
  std::optional<double> last_packet_received_timestamp;
  std::optional<std::uint64_t> frames_received;  ///< Video only, as the next one.
  std::optional<std::uint64_t> frames_dropped;
  std::uint64_t nack_count = 0;
  std::optional<std::uint64_t> pli_count;  ///< Video only, as the next one.
  std::optional<std::uint64_t> fir_count;
};

/// "outbound-rtp": a stream that is sent.
struct OutboundRtpStats : RtpStreamStats {
  std::string mid;
  std::string rid;
  std::string remote_id;
  std::uint64_t packets_sent = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t header_bytes_sent = 0;
  std::uint64_t retransmitted_packets_sent = 0;
  std::uint64_t retransmitted_bytes_sent = 0;
  std::optional<std::uint32_t> rtx_ssrc;
  std::uint32_t encoding_index = 0;
  bool active = true;
  double target_bitrate = 0;                 ///< Bits per second.
  double total_packet_send_delay = 0;        ///< Seconds in the pacer, over all packets.
  std::optional<std::uint64_t> frames_sent;  ///< Video only.
  std::uint64_t nack_count = 0;
  std::optional<std::uint64_t> pli_count;  ///< Video only, as the next one.
  std::optional<std::uint64_t> fir_count;
};

/// "remote-inbound-rtp": what the peer reports about a stream that is sent.
struct RemoteInboundRtpStats : RtpStreamStats {
  std::string local_id;
  std::int64_t packets_lost = 0;
  double fraction_lost = 0;               ///< 0 to 1, in the last interval.
  double jitter = 0;                      ///< Seconds.
  std::optional<double> round_trip_time;  ///< Seconds.
  double total_round_trip_time = 0;
  std::uint64_t round_trip_time_measurements = 0;
};

/// "remote-outbound-rtp": what the peer reports about a stream that is received.
struct RemoteOutboundRtpStats : RtpStreamStats {
  std::string local_id;
  std::uint64_t packets_sent = 0;
  std::uint64_t bytes_sent = 0;
  double remote_timestamp = 0;  ///< By the peer's clock.
  std::uint64_t reports_sent = 0;
};

/// RTCStatsReport
struct StatsReport {
  using Entry =
      std::variant<PeerConnectionStats, TransportStats, CertificateStats, IceCandidateStats,
                   CandidatePairStats, DataChannelStats, CodecStats, InboundRtpStats,
                   OutboundRtpStats, RemoteInboundRtpStats, RemoteOutboundRtpStats>;
  std::vector<Entry> entries;

  /// The entry with this id if it is of this kind, or null. It lives as long as the report.
  template <typename T>
  const T* find(std::string_view id) const {
    for (const Entry& entry : entries) {
      const T* stats = std::get_if<T>(&entry);
      if (stats != nullptr && stats->id == id) return stats;
    }
    return nullptr;
  }
  /// All entries of one kind. They live as long as the report.
  template <typename T>
  std::vector<const T*> all() const {
    std::vector<const T*> found;
    for (const Entry& entry : entries) {
      if (const T* stats = std::get_if<T>(&entry)) found.push_back(stats);
    }
    return found;
  }
  /// An object with the entries by their ids, each with the W3C's names, `type` among them: what a
  /// browser's report is when it is made into an object.
  std::string to_json() const;
};

}  // namespace floe
