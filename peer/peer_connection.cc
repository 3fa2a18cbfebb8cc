#include "floe/peer/peer_connection.h"

#include <utility>

#include "floe/peer/connection.h"
#include "floe/sctp/association.h"

namespace floe {
namespace {

Result<> check_sizes(const Configuration& configuration) {
  if (configuration.max_message_size == 0 ||
      configuration.max_message_size > sctp::Association::kMaxMessageSize) {
    return fail(Errc::kInvalidArgument, "max_message_size must be 1 to 67108864 bytes");
  }
  // 576 is what any IPv4 host takes; a DTLS record of more than a GSO run is never worth it.
  if (configuration.mtu < 576 || configuration.mtu > 16'384) {
    return fail(Errc::kInvalidArgument, "mtu must be 576 to 16384 bytes");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<PeerConnection>> PeerConnection::create(net::Network& network,
                                                               Configuration configuration) {
  auto servers = ice::parse_servers(configuration.ice_servers);
  if (!servers) return forward(servers);
  if (auto ok = ice::validate(configuration.address_rewrites); !ok) return forward(ok);
  if (auto ok = check_sizes(configuration); !ok) return forward(ok);
  std::shared_ptr<const dtls::Identity> identity = configuration.certificate;
  if (identity == nullptr) {
    auto generated = dtls::Identity::generate(network.wall_clock());
    if (!generated) return forward(generated);
    identity = std::move(*generated);
  } else if (identity->expires() <= network.wall_clock()) {
    // W3C: a constructor that is given an expired certificate fails with InvalidAccessError.
    return fail(Errc::kInvalidArgument, "certificate has expired: make a new one");
  }
  auto fingerprint = identity->fingerprint();
  if (!fingerprint) return forward(fingerprint);
  return std::unique_ptr<PeerConnection>(new PeerConnection(
      std::make_unique<Connection>(network, std::move(configuration), std::move(identity),
                                   std::move(*fingerprint), std::move(*servers))));
}

PeerConnection::PeerConnection(std::unique_ptr<Connection> connection)
    : connection_(std::move(connection)) {}
PeerConnection::~PeerConnection() = default;

Result<SessionDescription> PeerConnection::create_offer(const OfferOptions& options) {
  return connection_->create_offer(options.ice_restart);
}
Result<SessionDescription> PeerConnection::create_answer() {
  return connection_->create_answer();
}
Result<> PeerConnection::set_local_description() {
  return connection_->set_local_description();
}
Result<> PeerConnection::set_local_description(const SessionDescription& description) {
  return connection_->set_local_description(description);
}
Result<> PeerConnection::set_remote_description(const SessionDescription& description) {
  return connection_->set_remote_description(description);
}
void PeerConnection::restart_ice() {
  connection_->restart_ice();
}
Result<> PeerConnection::add_ice_candidate(const IceCandidate& candidate) {
  return connection_->add_ice_candidate(candidate);
}

std::optional<SessionDescription> PeerConnection::local_description() const {
  if (auto pending = pending_local_description()) return pending;
  return current_local_description();
}
std::optional<SessionDescription> PeerConnection::remote_description() const {
  if (auto pending = pending_remote_description()) return pending;
  return current_remote_description();
}
std::optional<SessionDescription> PeerConnection::current_local_description() const {
  const auto& typed = connection_->negotiation().current_local();
  return typed ? std::optional(connection_->text(*typed, true)) : std::nullopt;
}
std::optional<SessionDescription> PeerConnection::pending_local_description() const {
  const auto& typed = connection_->negotiation().pending_local();
  return typed ? std::optional(connection_->text(*typed, true)) : std::nullopt;
}
std::optional<SessionDescription> PeerConnection::current_remote_description() const {
  const auto& typed = connection_->negotiation().current_remote();
  return typed ? std::optional(connection_->text(*typed, false)) : std::nullopt;
}
std::optional<SessionDescription> PeerConnection::pending_remote_description() const {
  const auto& typed = connection_->negotiation().pending_remote();
  return typed ? std::optional(connection_->text(*typed, false)) : std::nullopt;
}

std::optional<bool> PeerConnection::can_trickle_ice_candidates() const {
  return connection_->can_trickle_ice_candidates();
}
std::vector<std::string> PeerConnection::refused_sections() const {
  std::vector<std::string> reasons;
  for (const sdp::Refusal& refusal : connection_->negotiation().refusals()) {
    reasons.push_back(refusal.reason);
  }
  return reasons;
}
const Configuration& PeerConnection::configuration() const {
  return connection_->configuration();
}

Result<> PeerConnection::set_configuration(const Configuration& configuration) {
  return connection_->set_configuration(configuration);
}

std::vector<std::shared_ptr<RtpTransceiver>> PeerConnection::transceivers() const {
  return connection_->transceivers();
}
std::vector<std::shared_ptr<RtpSender>> PeerConnection::senders() const {
  std::vector<std::shared_ptr<RtpSender>> all;
  for (const auto& transceiver : connection_->transceivers()) all.push_back(transceiver->sender());
  return all;
}
std::vector<std::shared_ptr<RtpReceiver>> PeerConnection::receivers() const {
  std::vector<std::shared_ptr<RtpReceiver>> all;
  for (const auto& transceiver : connection_->transceivers()) {
    all.push_back(transceiver->receiver());
  }
  return all;
}
Result<std::shared_ptr<RtpTransceiver>> PeerConnection::add_transceiver(
    MediaKind kind, const RtpTransceiverInit& init) {
  return connection_->add_transceiver(kind, nullptr, init);
}
Result<std::shared_ptr<RtpTransceiver>> PeerConnection::add_transceiver(
    std::shared_ptr<MediaStreamTrack> track, const RtpTransceiverInit& init) {
  if (track == nullptr) return fail(Errc::kInvalidArgument, "add_transceiver needs a track");
  const MediaKind kind = track->kind();
  return connection_->add_transceiver(kind, std::move(track), init);
}
Result<std::shared_ptr<RtpSender>> PeerConnection::add_track(
    std::shared_ptr<MediaStreamTrack> track, std::vector<std::string> streams) {
  return connection_->add_track(track, std::move(streams));
}
Result<> PeerConnection::remove_track(const std::shared_ptr<RtpSender>& sender) {
  return connection_->remove_track(sender);
}

SignalingState PeerConnection::signaling_state() const {
  return connection_->negotiation().state();
}
IceGatheringState PeerConnection::ice_gathering_state() const {
  return connection_->ice_gathering_state();
}
IceConnectionState PeerConnection::ice_connection_state() const {
  return connection_->ice_connection_state();
}
PeerConnectionState PeerConnection::connection_state() const {
  return connection_->connection_state();
}
DtlsTransportState PeerConnection::dtls_state() const {
  return connection_->dtls_state();
}
std::vector<std::vector<std::uint8_t>> PeerConnection::remote_certificates() const {
  const auto dtls = connection_->transport().dtls_stats();
  if (!dtls || dtls->peer_certificate.empty()) return {};
  return {dtls->peer_certificate};
}
std::optional<SctpTransport> PeerConnection::sctp() const {
  return connection_->sctp();
}

Result<std::shared_ptr<DataChannel>> PeerConnection::create_data_channel(
    std::string label, const DataChannelInit& init) {
  return connection_->create_data_channel(std::move(label), init);
}

void PeerConnection::close() {
  connection_->close_connection();
}

void PeerConnection::on_negotiation_needed(std::function<void()> handler) {
  connection_->writable_handlers().negotiation_needed = std::move(handler);
}
void PeerConnection::on_ice_candidate(std::function<void(const IceCandidate&)> handler) {
  connection_->writable_handlers().ice_candidate = std::move(handler);
}
void PeerConnection::on_ice_candidate_error(
    std::function<void(const ice::Gatherer::ServerFailed&)> handler) {
  connection_->writable_handlers().ice_candidate_error = std::move(handler);
}
void PeerConnection::on_signaling_state_change(std::function<void(SignalingState)> handler) {
  connection_->writable_handlers().signaling_state = std::move(handler);
}
void PeerConnection::on_ice_gathering_state_change(std::function<void(IceGatheringState)> handler) {
  connection_->writable_handlers().ice_gathering_state = std::move(handler);
}
void PeerConnection::on_ice_connection_state_change(
    std::function<void(IceConnectionState)> handler) {
  connection_->writable_handlers().ice_connection_state = std::move(handler);
}
void PeerConnection::on_ice_failure(std::function<void(const ice::Report&)> handler) {
  connection_->writable_handlers().ice_failure = std::move(handler);
}
void PeerConnection::on_connection_state_change(std::function<void(PeerConnectionState)> handler) {
  connection_->writable_handlers().connection_state = std::move(handler);
}
void PeerConnection::on_dtls_state_change(
    std::function<void(DtlsTransportState, const std::optional<Error>&)> handler) {
  connection_->writable_handlers().dtls_state = std::move(handler);
}
void PeerConnection::on_sctp_state_change(std::function<void(SctpTransportState)> handler) {
  connection_->writable_handlers().sctp_state = std::move(handler);
}
void PeerConnection::on_selected_candidate_pair_change(
    std::function<void(const ice::Agent::SelectedPairChanged&)> handler) {
  connection_->writable_handlers().selected_pair = std::move(handler);
}
void PeerConnection::on_data_channel(std::function<void(std::shared_ptr<DataChannel>)> handler) {
  connection_->writable_handlers().data_channel = std::move(handler);
}

StatsReport PeerConnection::stats() const {
  return connection_->stats();
}

void PeerConnection::on_track(std::function<void(const TrackEvent&)> handler) {
  connection_->writable_handlers().track = std::move(handler);
}

ice::Report PeerConnection::ice_report() const {
  return connection_->ice_report();
}
const PeerTransport& PeerConnection::transport() const {
  return connection_->transport();
}

}  // namespace floe
