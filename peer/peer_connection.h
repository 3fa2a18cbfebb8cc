#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "floe/core/result.h"
#include "floe/ice/report.h"
#include "floe/net/network.h"
#include "floe/peer/configuration.h"
#include "floe/peer/data_channel.h"
#include "floe/peer/peer_transport.h"
#include "floe/peer/rtp_transceiver.h"
#include "floe/peer/session_description.h"
#include "floe/peer/states.h"
#include "floe/peer/stats.h"

namespace floe {

class Connection;

/// RTCOfferOptions
struct OfferOptions {
  bool ice_restart = false;  ///< New ICE credentials, whether or not `restart_ice` was called.
};

/// RTCSctpTransport: what data channels run over, at this moment.
struct SctpTransport {
  SctpTransportState state = SctpTransportState::kConnecting;
  /// The largest message that the peer takes; absent: any size.
  std::optional<std::size_t> max_message_size;
  /// Channels there may be at once; absent before "connected". It may grow: more streams are asked
  /// for as they are needed (RFC 6525).
  std::optional<std::uint16_t> max_channels;
};

/// W3C's RTCPeerConnection: data channels, and audio and video as encoded frames or RTP packets.
/// One transport serves everything, so descriptions of several sections are bundled.
///
/// It runs on a `net::Network` and is used on that network's thread only. Its calls answer at once
/// (there are no promises) and never call a handler before they return; handlers run in later turns
/// of the loop, and may do anything, including closing or destroying the connection. Handlers set
/// in the turn in which the connection was created miss nothing.
///
/// Calls that fail leave the connection as it was.
class PeerConnection {
 public:
  /// `network` must outlive the connection. Errors: kInvalidArgument, kMalformed or kUnsupported
  /// for what is wrong in `configuration`.
  [[nodiscard]] static Result<std::unique_ptr<PeerConnection>> create(
      net::Network& network, Configuration configuration = {});
  /// Closes.
  ~PeerConnection();
  PeerConnection(const PeerConnection&) = delete;
  PeerConnection& operator=(const PeerConnection&) = delete;

  // --- Descriptions ---

  /// kInvalidState outside "stable" and "have-local-offer". Without a data channel or transceiver
  /// the offer has no section, and gathers nothing.
  [[nodiscard]] Result<SessionDescription> create_offer(const OfferOptions& options = {});
  /// kInvalidState unless there is a remote offer.
  [[nodiscard]] Result<SessionDescription> create_answer();
  /// The description that fits the signaling state is created and set: an offer in "stable", an
  /// answer in "have-remote-offer". Gathering starts.
  [[nodiscard]] Result<> set_local_description();
  /// `description` is what `create_offer` or `create_answer` returned last, an empty text for that,
  /// or an edited form: codecs reordered or removed, their parameters, bandwidths, header
  /// extensions removed, SSRC and unknown lines. An answer may be set as kPranswer first. kRollback
  /// takes an offer of either side back. kInvalidModification names what cannot be edited.
  [[nodiscard]] Result<> set_local_description(const SessionDescription& description);
  /// An offer that meets our own makes ours give way (the implicit rollback); kRollback takes an
  /// offer back. Errors: kMalformed names the line; kInvalidState; kInvalidArgument for a
  /// description that does not continue the session, or an answer that restarts ICE though the
  /// offer did not; kUnsupported for an answer that does not bundle, or that changes the DTLS
  /// certificate.
  [[nodiscard]] Result<> set_remote_description(const SessionDescription& description);
  /// The next offer restarts ICE (W3C restartIce): new credentials, new candidates. Negotiation is
  /// needed. Data channels and DTLS go on; the present path carries them until the new one is
  /// nominated. A restart by the peer needs no call.
  void restart_ice();
  /// A candidate of the peer's. One that is legal but of no use here (a name, a section that was
  /// refused or is bundled into another) is ignored. Before an answer was set it waits. Errors:
  /// kInvalidState before there is a remote description, kMalformed, kInvalidArgument when one
  /// names no section, kNotFound for an unknown section or another generation.
  [[nodiscard]] Result<> add_ice_candidate(const IceCandidate& candidate);

  /// The pending description, else the current one. The local one holds the candidates found so
  /// far.
  std::optional<SessionDescription> local_description() const;
  std::optional<SessionDescription> remote_description() const;
  std::optional<SessionDescription> current_local_description() const;
  std::optional<SessionDescription> pending_local_description() const;
  std::optional<SessionDescription> current_remote_description() const;
  std::optional<SessionDescription> pending_remote_description() const;

  /// Whether the peer's description says that it takes trickled candidates; absent before there is
  /// one.
  std::optional<bool> can_trickle_ice_candidates() const;
  /// Why sections of the peer's offer are refused in the answer created last: no codec in common,
  /// not bundled, ... One sentence each.
  std::vector<std::string> refused_sections() const;
  /// What was set last.
  const Configuration& configuration() const;
  /// `ice_servers`, their trust and `ice_transport_policy` may change, at any time. They count from
  /// the next gathering on: the first one, else that of an ICE restart, which the next offer is
  /// from then on (RFC 8829 section 4.1.18); `restart_ice` has it asked for. Messages flow on the
  /// old path, through the old TURN server if need be, until the new one works. Before there is a
  /// local description, `ice_candidate_pool_size` may change too. Everything else must be as it
  /// was, so begin with a copy of `configuration()`; of functions only whether there is one is
  /// looked at, and a certificate may be absent. Errors: kInvalidState when closed; those of
  /// `create` for the servers; kInvalidModification names what cannot change.
  [[nodiscard]] Result<> set_configuration(const Configuration& configuration);

  // --- Audio and video ---

  /// In the order of creation; without those that have stopped.
  std::vector<std::shared_ptr<RtpTransceiver>> transceivers() const;
  std::vector<std::shared_ptr<RtpSender>> senders() const;
  std::vector<std::shared_ptr<RtpReceiver>> receivers() const;
  /// A new section of the next offer. Errors: kInvalidState when closed; kInvalidArgument names the
  /// member of `init`; kLimitExceeded.
  [[nodiscard]] Result<std::shared_ptr<RtpTransceiver>> add_transceiver(
      MediaKind kind, const RtpTransceiverInit& init = {});
  [[nodiscard]] Result<std::shared_ptr<RtpTransceiver>> add_transceiver(
      std::shared_ptr<MediaStreamTrack> track, const RtpTransceiverInit& init = {});
  /// Sends `track` with a transceiver that has never sent, or with a new one. Errors: kInvalidState
  /// when closed, kInvalidArgument for a track that is sent already.
  [[nodiscard]] Result<std::shared_ptr<RtpSender>> add_track(
      std::shared_ptr<MediaStreamTrack> track, std::vector<std::string> streams = {});
  /// The sender's transceiver stops sending. Errors: kInvalidState when closed, kInvalidArgument
  /// for another connection's sender.
  [[nodiscard]] Result<> remove_track(const std::shared_ptr<RtpSender>& sender);

  // --- States ---

  SignalingState signaling_state() const;
  IceGatheringState ice_gathering_state() const;
  IceConnectionState ice_connection_state() const;
  PeerConnectionState connection_state() const;
  DtlsTransportState dtls_state() const;
  /// The certificates that the peer showed in DTLS, in DER, its own first; none before.
  std::vector<std::vector<std::uint8_t>> remote_certificates() const;
  /// Absent until an answer accepts data channels.
  std::optional<SctpTransport> sctp() const;

  // --- Data channels ---

  /// Possible from the start; the channel opens when the connection is up. Errors: kInvalidArgument
  /// names the option, kInvalidState when closed.
  [[nodiscard]] Result<std::shared_ptr<DataChannel>> create_data_channel(
      std::string label, const DataChannelInit& init = {});

  /// Says goodbye to the peer and ends everything at once. Channels are closed without events, as
  /// the specification has it. Idempotent.
  void close();

  // --- Handlers; each call replaces the one before ---

  void on_negotiation_needed(std::function<void()> handler);
  /// An empty `candidate` text ends the generation (W3C's end-of-candidates indication).
  void on_ice_candidate(std::function<void(const IceCandidate&)> handler);
  void on_ice_candidate_error(std::function<void(const ice::Gatherer::ServerFailed&)> handler);
  void on_signaling_state_change(std::function<void(SignalingState)> handler);
  void on_ice_gathering_state_change(std::function<void(IceGatheringState)> handler);
  void on_ice_connection_state_change(std::function<void(IceConnectionState)> handler);
  /// ICE has found no path, or lost it: why, and what was tried. Called right after the state
  /// "failed" was told; the report is of that moment.
  void on_ice_failure(std::function<void(const ice::Report&)> handler);
  void on_connection_state_change(std::function<void(PeerConnectionState)> handler);
  /// The error says why it failed.
  void on_dtls_state_change(
      std::function<void(DtlsTransportState, const std::optional<Error>&)> handler);
  void on_sctp_state_change(std::function<void(SctpTransportState)> handler);
  void on_selected_candidate_pair_change(
      std::function<void(const ice::Agent::SelectedPairChanged&)> handler);
  void on_data_channel(std::function<void(std::shared_ptr<DataChannel>)> handler);
  /// The peer's description says that it sends, where it did not before.
  void on_track(std::function<void(const TrackEvent&)> handler);

  // --- Insight ---

  /// W3C getStats(): a report of this moment. After `close()` it tells how things were at the end.
  StatsReport stats() const;
  /// The layers with their counters and candidate pairs; read-only.
  const PeerTransport& transport() const;
  /// What ICE has tried and what came of it; possible at any time.
  ice::Report ice_report() const;

 private:
  explicit PeerConnection(std::unique_ptr<Connection> connection);
  std::unique_ptr<Connection> connection_;
};

}  // namespace floe
