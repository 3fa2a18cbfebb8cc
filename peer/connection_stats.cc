// The statistics reports.
#include <utility>

#include "floe/core/text.h"
#include "floe/ice/server.h"
#include "floe/peer/connection.h"

namespace floe {
namespace {

constexpr const char* kTransportId = "T0";
constexpr const char* kLocalCertificateId = "CFlocal";
constexpr const char* kRemoteCertificateId = "CFremote";

/// An ICE restart begins to number anew, so the generation is part of the id.
std::string candidate_id(const char* side, const std::string& ufrag, std::size_t index) {
  return side + ufrag + '_' + std::to_string(index);
}

std::string pair_id(ice::PairId id) {
  return "CP" + std::to_string(static_cast<std::uint32_t>(id));
}

double seconds(Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

/// W3C RTCIceServerTransportProtocol, which has no word for DTLS of its own.
std::string relay_protocol(const ice::Candidate& candidate) {
  if (candidate.type != ice::CandidateType::kRelayed || candidate.url.empty()) return {};
  const auto server = ice::Server::parse(candidate.url);
  if (!server) return {};
  switch (server->transport) {
    case ice::ServerTransport::kUdp:
      return "udp";
    case ice::ServerTransport::kTcp:
      return "tcp";
    case ice::ServerTransport::kTls:
    case ice::ServerTransport::kDtls:
      return "tls";
  }
  return {};
}

IceCandidateStats candidate_stats(const ice::Candidate& candidate, const std::string& ufrag) {
  IceCandidateStats stats;
  stats.transport_id = kTransportId;
  if (candidate.hostname.empty()) stats.address = candidate.endpoint.address.to_string();
  stats.port = candidate.endpoint.port;
  stats.protocol = to_string(candidate.protocol);
  stats.candidate_type = candidate.type;
  stats.priority = candidate.priority;
  stats.url = candidate.url;
  stats.relay_protocol = relay_protocol(candidate);
  stats.foundation = candidate.foundation;
  if (candidate.related) {
    stats.related_address = candidate.related->address.to_string();
    stats.related_port = candidate.related->port;
  }
  stats.username_fragment = candidate.ufrag.empty() ? ufrag : candidate.ufrag;
  stats.tcp_type = candidate.tcp_type;
  return stats;
}

CertificateStats certificate_stats(Bytes der) {
  CertificateStats stats;
  const auto fingerprint = dtls::Fingerprint::of(der);
  if (fingerprint) {
    stats.fingerprint_algorithm = fingerprint->algorithm;
    stats.fingerprint = fingerprint->value();
  }
  stats.base64_certificate = to_base64(der);
  return stats;
}

/// The version as it stands in a record's header.
std::string tls_version(const std::string& name) {
  if (name == "DTLSv1.2") return "FEFD";
  if (name == "DTLSv1.3") return "FEFC";
  return {};
}

}  // namespace

StatsReport Connection::stats() const {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  const Time now = pump_.now();
  const double wall = Milliseconds(pump_.network().wall_clock().time_since_epoch()).count();
  const auto when = [now, wall](Time time) { return wall - Milliseconds(now - time).count(); };
  const ice::Agent& agent = transport_.ice();
  StatsReport report;
  const auto add = [&report, wall](std::string id, auto stats) {
    stats.id = std::move(id);
    stats.timestamp = wall;
    report.entries.push_back(std::move(stats));
  };

  PeerConnectionStats whole;
  whole.data_channels_opened = transport_.channels().stats().channels_opened;
  whole.data_channels_closed = transport_.channels().stats().channels_closed;
  add("P", whole);

  TransportStats transport;
  transport.packets_sent = transport_.stats().packets_sent;
  transport.packets_received = transport_.stats().packets_received;
  transport.bytes_sent = transport_.stats().bytes_sent;
  transport.bytes_received = transport_.stats().bytes_received;
  transport.ice_role = agent.role();
  transport.ice_local_username_fragment = agent.local_credentials().ufrag;
  transport.ice_state = shown_ice_;
  transport.dtls_state = shown_dtls_;
  if (const ice::CandidatePair* selected = agent.selected_pair()) {
    transport.selected_candidate_pair_id = pair_id(selected->id);
  }
  transport.local_certificate_id = kLocalCertificateId;
  transport.dtls_role = negotiation_.dtls_role();
  transport.selected_candidate_pair_changes = agent.stats().selected_pair_changes;
  add(std::string(kLocalCertificateId), certificate_stats(transport_.identity().certificate()));
  if (const auto dtls = transport_.dtls_stats()) {
    transport.tls_version = tls_version(dtls->version);
    transport.dtls_cipher = dtls->cipher;
    if (!dtls->peer_certificate.empty()) {
      transport.remote_certificate_id = kRemoteCertificateId;
      add(std::string(kRemoteCertificateId), certificate_stats(dtls->peer_certificate));
    }
  }
  add(kTransportId, std::move(transport));

  const std::string& ufrag = agent.local_credentials().ufrag;
  const std::string remote_ufrag =
      agent.remote_credentials() ? agent.remote_credentials()->ufrag : std::string();
  for (std::size_t i = 0; i < agent.local_candidates().size(); ++i) {
    add(candidate_id("L", ufrag, i), candidate_stats(agent.local_candidates()[i].candidate, ufrag));
  }
  for (std::size_t i = 0; i < agent.remote_candidates().size(); ++i) {
    IceCandidateStats stats = candidate_stats(agent.remote_candidates()[i].candidate, remote_ufrag);
    stats.is_remote = true;
    add(candidate_id("R", ufrag, i), std::move(stats));
  }
  for (const auto& pair : agent.pairs()) {
    CandidatePairStats stats;
    stats.transport_id = kTransportId;
    stats.local_candidate_id =
        candidate_id("L", ufrag, pair->valid ? pair->valid_local : pair->local);
    stats.remote_candidate_id = candidate_id("R", ufrag, pair->remote);
    stats.state = pair->state;
    stats.nominated = pair->nominated;
    stats.packets_sent = pair->packets_sent;
    stats.packets_received = pair->packets_received;
    stats.bytes_sent = pair->bytes_sent;
    stats.bytes_received = pair->bytes_received;
    if (pair->packets_sent > 0) stats.last_packet_sent_timestamp = when(pair->last_packet_sent);
    if (pair->packets_received > 0) {
      stats.last_packet_received_timestamp = when(pair->last_packet_received);
    }
    stats.total_round_trip_time = seconds(pair->total_round_trip);
    if (pair->responses_received > 0) stats.current_round_trip_time = seconds(pair->round_trip);
    stats.requests_received = pair->requests_received;
    stats.requests_sent = pair->requests_sent - pair->consent_requests_sent;
    stats.responses_received = pair->responses_received;
    stats.responses_sent = pair->responses_sent;
    stats.consent_requests_sent = pair->consent_requests_sent;
    if (pair.get() == agent.selected_pair() && transport_.media() != nullptr) {
      const rtp::Target& target = transport_.media()->rtp().congestion_control().target();
      stats.available_outgoing_bitrate = static_cast<double>(target.bitrate.bps());
    }
    add(pair_id(pair->id), std::move(stats));
  }

  for (const auto& [id, channel] : channels_) {
    DataChannelStats stats;
    stats.label = channel->label();
    stats.protocol = channel->protocol();
    stats.data_channel_identifier = channel->id();
    stats.state = channel->ready_state();
    if (const auto counted = transport_.channels().channel_stats(id)) {
      stats.messages_sent = counted->messages_sent;
      stats.messages_received = counted->messages_received;
      stats.bytes_sent = counted->bytes_sent;
      stats.bytes_received = counted->bytes_received;
    }
    add("D" + std::to_string(static_cast<std::uint64_t>(id)), std::move(stats));
  }
  add_media_stats(wall, report.entries);
  return report;
}

}  // namespace floe
