#include "floe/peer/stats.h"

#include "floe/core/json_writer.h"

namespace floe {
namespace {

std::string_view type_of(const StatsReport::Entry& entry) {
  if (std::holds_alternative<PeerConnectionStats>(entry)) return "peer-connection";
  if (std::holds_alternative<TransportStats>(entry)) return "transport";
  if (std::holds_alternative<CertificateStats>(entry)) return "certificate";
  if (std::holds_alternative<CandidatePairStats>(entry)) return "candidate-pair";
  if (std::holds_alternative<DataChannelStats>(entry)) return "data-channel";
  if (std::holds_alternative<CodecStats>(entry)) return "codec";
  if (std::holds_alternative<InboundRtpStats>(entry)) return "inbound-rtp";
  if (std::holds_alternative<OutboundRtpStats>(entry)) return "outbound-rtp";
  if (std::holds_alternative<RemoteInboundRtpStats>(entry)) return "remote-inbound-rtp";
  if (std::holds_alternative<RemoteOutboundRtpStats>(entry)) return "remote-outbound-rtp";
  return std::get<IceCandidateStats>(entry).is_remote ? "remote-candidate" : "local-candidate";
}

void write(JsonMembers& to, const PeerConnectionStats& stats) {
  to.number("dataChannelsOpened", stats.data_channels_opened);
  to.number("dataChannelsClosed", stats.data_channels_closed);
}

void write(JsonMembers& to, const TransportStats& stats) {
  to.number("packetsSent", stats.packets_sent);
  to.number("packetsReceived", stats.packets_received);
  to.number("bytesSent", stats.bytes_sent);
  to.number("bytesReceived", stats.bytes_received);
  to.text("iceRole", to_string(stats.ice_role));
  to.text_if("iceLocalUsernameFragment", stats.ice_local_username_fragment);
  to.text("iceState", to_string(stats.ice_state));
  to.text("dtlsState", to_string(stats.dtls_state));
  to.text_if("selectedCandidatePairId", stats.selected_candidate_pair_id);
  to.text_if("localCertificateId", stats.local_certificate_id);
  to.text_if("remoteCertificateId", stats.remote_certificate_id);
  to.text_if("tlsVersion", stats.tls_version);
  to.text_if("dtlsCipher", stats.dtls_cipher);
  to.text("dtlsRole", !stats.dtls_role                             ? "unknown"
                      : *stats.dtls_role == sdp::DtlsRole::kClient ? "client"
                                                                   : "server");
  to.number("selectedCandidatePairChanges", stats.selected_candidate_pair_changes);
}

void write(JsonMembers& to, const CertificateStats& stats) {
  to.text_if("fingerprint", stats.fingerprint);
  to.text_if("fingerprintAlgorithm", stats.fingerprint_algorithm);
  to.text_if("base64Certificate", stats.base64_certificate);
}

void write(JsonMembers& to, const IceCandidateStats& stats) {
  to.text_if("transportId", stats.transport_id);
  to.text_if("address", stats.address);
  to.number("port", stats.port);
  to.text_if("protocol", stats.protocol);
  to.text("candidateType", to_string(stats.candidate_type));
  to.number("priority", stats.priority);
  to.text_if("url", stats.url);
  to.text_if("relayProtocol", stats.relay_protocol);
  to.text_if("foundation", stats.foundation);
  to.text_if("relatedAddress", stats.related_address);
  to.number_if("relatedPort", stats.related_port);
  to.text_if("usernameFragment", stats.username_fragment);
  if (stats.tcp_type) to.text("tcpType", to_string(*stats.tcp_type));
}

void write(JsonMembers& to, const CandidatePairStats& stats) {
  to.text_if("transportId", stats.transport_id);
  to.text_if("localCandidateId", stats.local_candidate_id);
  to.text_if("remoteCandidateId", stats.remote_candidate_id);
  to.text("state", to_string(stats.state));
  to.boolean("nominated", stats.nominated);
  to.number("packetsSent", stats.packets_sent);
  to.number("packetsReceived", stats.packets_received);
  to.number("bytesSent", stats.bytes_sent);
  to.number("bytesReceived", stats.bytes_received);
  to.decimal_if("lastPacketSentTimestamp", stats.last_packet_sent_timestamp);
  to.decimal_if("lastPacketReceivedTimestamp", stats.last_packet_received_timestamp);
  to.decimal("totalRoundTripTime", stats.total_round_trip_time);
  to.decimal_if("currentRoundTripTime", stats.current_round_trip_time);
  to.number("requestsReceived", stats.requests_received);
  to.number("requestsSent", stats.requests_sent);
  to.number("responsesReceived", stats.responses_received);
  to.number("responsesSent", stats.responses_sent);
  to.number("consentRequestsSent", stats.consent_requests_sent);
  to.decimal_if("availableOutgoingBitrate", stats.available_outgoing_bitrate);
}

void write(JsonMembers& to, const DataChannelStats& stats) {
  to.text_if("label", stats.label);
  to.text_if("protocol", stats.protocol);
  to.number_if("dataChannelIdentifier", stats.data_channel_identifier);
  to.text("state", to_string(stats.state));
  to.number("messagesSent", stats.messages_sent);
  to.number("messagesReceived", stats.messages_received);
  to.number("bytesSent", stats.bytes_sent);
  to.number("bytesReceived", stats.bytes_received);
}

void write(JsonMembers& to, const CodecStats& stats) {
  to.number("payloadType", stats.payload_type);
  to.text_if("transportId", stats.transport_id);
  to.text("mimeType", stats.mime_type);
  to.number("clockRate", stats.clock_rate);
  to.number_if("channels", stats.channels);
  to.text_if("sdpFmtpLine", stats.sdp_fmtp_line);
}

void write_stream(JsonMembers& to, const RtpStreamStats& stats) {
  to.number("ssrc", stats.ssrc);
  to.text("kind", stats.kind);
  to.text_if("transportId", stats.transport_id);
  to.text_if("codecId", stats.codec_id);
}

void write(JsonMembers& to, const InboundRtpStats& stats) {
  write_stream(to, stats);
  to.text_if("trackIdentifier", stats.track_identifier);
  to.text_if("mid", stats.mid);
  to.text_if("remoteId", stats.remote_id);
  to.number("packetsReceived", stats.packets_received);
  to.decimal("packetsLost", static_cast<double>(stats.packets_lost));
  to.decimal("jitter", stats.jitter);
  to.number("bytesReceived", stats.bytes_received);
  to.number("headerBytesReceived", stats.header_bytes_received);
  to.number("retransmittedPacketsReceived", stats.retransmitted_packets_received);
  to.number("retransmittedBytesReceived", stats.retransmitted_bytes_received);
  to.decimal_if("lastPacketReceivedTimestamp", stats.last_packet_received_timestamp);
  to.number_if("framesReceived", stats.frames_received);
  to.number_if("framesDropped", stats.frames_dropped);
  to.number("nackCount", stats.nack_count);
  to.number_if("pliCount", stats.pli_count);
  to.number_if("firCount", stats.fir_count);
}

void write(JsonMembers& to, const OutboundRtpStats& stats) {
  write_stream(to, stats);
  to.text_if("mid", stats.mid);
  to.text_if("rid", stats.rid);
  to.text_if("remoteId", stats.remote_id);
  to.number("packetsSent", stats.packets_sent);
  to.number("bytesSent", stats.bytes_sent);
  to.number("headerBytesSent", stats.header_bytes_sent);
  to.number("retransmittedPacketsSent", stats.retransmitted_packets_sent);
  to.number("retransmittedBytesSent", stats.retransmitted_bytes_sent);
  to.number_if("rtxSsrc", stats.rtx_ssrc);
  to.number("encodingIndex", stats.encoding_index);
  to.boolean("active", stats.active);
  to.decimal("targetBitrate", stats.target_bitrate);
  to.decimal("totalPacketSendDelay", stats.total_packet_send_delay);
  to.number_if("framesSent", stats.frames_sent);
  to.number("nackCount", stats.nack_count);
  to.number_if("pliCount", stats.pli_count);
  to.number_if("firCount", stats.fir_count);
}

void write(JsonMembers& to, const RemoteInboundRtpStats& stats) {
  write_stream(to, stats);
  to.text("localId", stats.local_id);
  to.decimal("packetsLost", static_cast<double>(stats.packets_lost));
  to.decimal("fractionLost", stats.fraction_lost);
  to.decimal("jitter", stats.jitter);
  to.decimal_if("roundTripTime", stats.round_trip_time);
  to.decimal("totalRoundTripTime", stats.total_round_trip_time);
  to.number("roundTripTimeMeasurements", stats.round_trip_time_measurements);
}

void write(JsonMembers& to, const RemoteOutboundRtpStats& stats) {
  write_stream(to, stats);
  to.text("localId", stats.local_id);
  to.number("packetsSent", stats.packets_sent);
  to.number("bytesSent", stats.bytes_sent);
  to.decimal("remoteTimestamp", stats.remote_timestamp);
  to.number("reportsSent", stats.reports_sent);
}

}  // namespace

std::string StatsReport::to_json() const {
  JsonWriter json;
  json.begin_object();
  for (const Entry& entry : entries) {
    JsonMembers members(json);
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
