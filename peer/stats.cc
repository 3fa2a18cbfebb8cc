#include "floe/peer/stats.h"

#include "floe/core/json_writer.h"

namespace floe {
namespace {

/// Writes members of one entry; those without a value are left out.
class Members {
 public:
  explicit Members(JsonWriter& json) : json_(json) {}

  void text(std::string_view name, std::string_view value) {
    if (value.empty()) return;
    json_.key(name);
    json_.text(value);
  }
  void count(std::string_view name, std::uint64_t value) {
    json_.key(name);
    json_.number(value);
  }
  template <typename Number>
  void count(std::string_view name, const std::optional<Number>& value) {
    if (value) count(name, *value);
  }
  void decimal(std::string_view name, std::optional<double> value) {
    if (!value) return;
    json_.key(name);
    json_.decimal(*value);
  }
  void flag(std::string_view name, bool value) {
    json_.key(name);
    json_.boolean(value);
  }

 private:
  JsonWriter& json_;
};

std::string_view type_of(const StatsReport::Entry& entry) {
  if (std::holds_alternative<PeerConnectionStats>(entry)) return "peer-connection";
  if (std::holds_alternative<TransportStats>(entry)) return "transport";
  if (std::holds_alternative<CertificateStats>(entry)) return "certificate";
  if (std::holds_alternative<CandidatePairStats>(entry)) return "candidate-pair";
  if (std::holds_alternative<DataChannelStats>(entry)) return "data-channel";
  return std::get<IceCandidateStats>(entry).is_remote ? "remote-candidate" : "local-candidate";
}

void write(Members& to, const PeerConnectionStats& stats) {
  to.count("dataChannelsOpened", stats.data_channels_opened);
  to.count("dataChannelsClosed", stats.data_channels_closed);
}

void write(Members& to, const TransportStats& stats) {
  to.count("packetsSent", stats.packets_sent);
  to.count("packetsReceived", stats.packets_received);
  to.count("bytesSent", stats.bytes_sent);
  to.count("bytesReceived", stats.bytes_received);
  to.text("iceRole", to_string(stats.ice_role));
  to.text("iceLocalUsernameFragment", stats.ice_local_username_fragment);
  to.text("iceState", to_string(stats.ice_state));
  to.text("dtlsState", to_string(stats.dtls_state));
  to.text("selectedCandidatePairId", stats.selected_candidate_pair_id);
  to.text("localCertificateId", stats.local_certificate_id);
  to.text("remoteCertificateId", stats.remote_certificate_id);
  to.text("tlsVersion", stats.tls_version);
  to.text("dtlsCipher", stats.dtls_cipher);
  to.text("dtlsRole", !stats.dtls_role                             ? "unknown"
                      : *stats.dtls_role == sdp::DtlsRole::kClient ? "client"
                                                                   : "server");
  to.count("selectedCandidatePairChanges", stats.selected_candidate_pair_changes);
}

void write(Members& to, const CertificateStats& stats) {
  to.text("fingerprint", stats.fingerprint);
  to.text("fingerprintAlgorithm", stats.fingerprint_algorithm);
  to.text("base64Certificate", stats.base64_certificate);
}

void write(Members& to, const IceCandidateStats& stats) {
  to.text("transportId", stats.transport_id);
  to.text("address", stats.address);
  to.count("port", stats.port);
  to.text("protocol", stats.protocol);
  to.text("candidateType", to_string(stats.candidate_type));
  to.count("priority", stats.priority);
  to.text("url", stats.url);
  to.text("relayProtocol", stats.relay_protocol);
  to.text("foundation", stats.foundation);
  to.text("relatedAddress", stats.related_address);
  to.count("relatedPort", stats.related_port);
  to.text("usernameFragment", stats.username_fragment);
  if (stats.tcp_type) to.text("tcpType", to_string(*stats.tcp_type));
}

void write(Members& to, const CandidatePairStats& stats) {
  to.text("transportId", stats.transport_id);
  to.text("localCandidateId", stats.local_candidate_id);
  to.text("remoteCandidateId", stats.remote_candidate_id);
  to.text("state", to_string(stats.state));
  to.flag("nominated", stats.nominated);
  to.count("packetsSent", stats.packets_sent);
  to.count("packetsReceived", stats.packets_received);
  to.count("bytesSent", stats.bytes_sent);
  to.count("bytesReceived", stats.bytes_received);
  to.decimal("lastPacketSentTimestamp", stats.last_packet_sent_timestamp);
  to.decimal("lastPacketReceivedTimestamp", stats.last_packet_received_timestamp);
  to.decimal("totalRoundTripTime", stats.total_round_trip_time);
  to.decimal("currentRoundTripTime", stats.current_round_trip_time);
  to.count("requestsReceived", stats.requests_received);
  to.count("requestsSent", stats.requests_sent);
  to.count("responsesReceived", stats.responses_received);
  to.count("responsesSent", stats.responses_sent);
  to.count("consentRequestsSent", stats.consent_requests_sent);
}

void write(Members& to, const DataChannelStats& stats) {
  to.text("label", stats.label);
  to.text("protocol", stats.protocol);
  to.count("dataChannelIdentifier", stats.data_channel_identifier);
  to.text("state", to_string(stats.state));
  to.count("messagesSent", stats.messages_sent);
  to.count("messagesReceived", stats.messages_received);
  to.count("bytesSent", stats.bytes_sent);
  to.count("bytesReceived", stats.bytes_received);
}

}  // namespace

std::string StatsReport::to_json() const {
  JsonWriter json;
  json.begin_object();
  for (const Entry& entry : entries) {
    Members members(json);
    const Stats& stats = std::visit([](const auto& any) -> const Stats& { return any; }, entry);
    json.key(stats.id);
    json.begin_object();
    members.text("id", stats.id);
    members.text("type", type_of(entry));
    members.decimal("timestamp", stats.timestamp);
    std::visit([&members](const auto& any) { write(members, any); }, entry);
    json.end_object();
  }
  json.end_object();
  return json.take();
}

}  // namespace floe
