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

/// RTCStatsReport
struct StatsReport {
  using Entry = std::variant<PeerConnectionStats, TransportStats, CertificateStats,
                             IceCandidateStats, CandidatePairStats, DataChannelStats>;
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
