#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "floe/ice/agent_network.h"
#include "floe/ice/pump.h"
#include "floe/ice/report.h"
#include "floe/peer/negotiation.h"
#include "floe/peer/peer_connection.h"
#include "floe/peer/stats.h"

namespace floe {

/// The driver behind a `PeerConnection`: it owns the engines, the pump that connects them to the
/// network, and the application's handlers. Its code stands in connection.cc (calls),
/// connection_descriptions.cc (what descriptions change), connection_configuration.cc,
/// connection_events.cc (packets in, events out), connection_stats.cc and
/// connection_media_stats.cc.
class Connection final : public ice::Engines, public DataChannelOwner, public TransceiverOwner {
 public:
  struct Handlers {
    std::function<void()> negotiation_needed;
    std::function<void(const IceCandidate&)> ice_candidate;
    std::function<void(const ice::Gatherer::ServerFailed&)> ice_candidate_error;
    std::function<void(SignalingState)> signaling_state;
    std::function<void(IceGatheringState)> ice_gathering_state;
    std::function<void(IceConnectionState)> ice_connection_state;
    std::function<void(const ice::Report&)> ice_failure;
    std::function<void(PeerConnectionState)> connection_state;
    std::function<void(DtlsTransportState, const std::optional<Error>&)> dtls_state;
    std::function<void(SctpTransportState)> sctp_state;
    std::function<void(const ice::Agent::SelectedPairChanged&)> selected_pair;
    std::function<void(std::shared_ptr<DataChannel>)> data_channel;
    std::function<void(const TrackEvent&)> track;
  };

  Connection(net::Network& network, Configuration configuration,
             std::shared_ptr<const dtls::Identity> identity, dtls::Fingerprint fingerprint,
             std::vector<ice::Server> servers);
  ~Connection() override;

  Result<SessionDescription> create_offer(bool ice_restart);
  Result<SessionDescription> create_answer();
  Result<> set_local_description();
  Result<> set_local_description(const SessionDescription& description);
  Result<> set_remote_description(const SessionDescription& description);
  Result<> add_ice_candidate(const IceCandidate& candidate);
  Result<std::shared_ptr<DataChannel>> create_data_channel(std::string label,
                                                           const DataChannelInit& init);
  Result<std::shared_ptr<RtpTransceiver>> add_transceiver(MediaKind kind,
                                                          std::shared_ptr<MediaStreamTrack> track,
                                                          const RtpTransceiverInit& init);
  Result<std::shared_ptr<RtpSender>> add_track(const std::shared_ptr<MediaStreamTrack>& track,
                                               std::vector<std::string> streams);
  Result<> remove_track(const std::shared_ptr<RtpSender>& sender);
  const Configuration& configuration() const { return configuration_; }
  Result<> set_configuration(const Configuration& next);
  std::optional<bool> can_trickle_ice_candidates() const;
  void restart_ice();
  void close_connection();

  const std::vector<std::shared_ptr<RtpTransceiver>>& transceivers() const {
    return negotiation_.transceivers().all();
  }
  const Negotiation& negotiation() const { return negotiation_; }
  const PeerTransport& transport() const { return transport_; }
  ice::Report ice_report() const;
  StatsReport stats() const;
  /// The states the application was told last.
  IceGatheringState ice_gathering_state() const { return shown_gathering_; }
  IceConnectionState ice_connection_state() const { return shown_ice_; }
  DtlsTransportState dtls_state() const { return shown_dtls_; }
  PeerConnectionState connection_state() const { return shown_connection_; }
  std::optional<SctpTransport> sctp() const;
  /// A description as text; a local one with the candidates found so far.
  SessionDescription text(const Negotiation::Typed& typed, bool local) const;

  /// For setting; see DataChannel::writable_handlers.
  Handlers& writable_handlers();

 private:
  struct SignalingStateChanged {
    SignalingState state;
  };
  struct NegotiationNeeded {};
  /// A candidate told once more, see `tell_candidates_again`.
  struct CandidateToldAgain {
    IceCandidate candidate;
  };
  /// The queue that all channels share has room again; this one had been told that it has none.
  struct ChannelUnblocked {
    sctp::ChannelId channel;
  };
  using OwnEvent = std::variant<SignalingStateChanged, NegotiationNeeded, CandidateToldAgain,
                                ChannelUnblocked, TrackEvent>;

  // connection_descriptions.cc
  bool must_restart() const;
  Negotiation::Local local_parameters(bool restarts);
  bool remote_offer_restarts() const;
  const ice::Credentials& next_credentials();
  Result<> roll_back(bool is_local);
  /// What may still fail before a description changes anything, and what it settles for DTLS.
  Result<PeerTransport::Remote> check_agreement(const Negotiation::Change& change) const;
  Result<> commit(Negotiation::Change change);
  void begin_generation(const sdp::Description& description);
  void start_gathering(bool answers);
  // connection_configuration.cc
  void exchange_servers(const Configuration& next, std::vector<ice::Server> servers);
  void fill_pool();
  void apply_agreement(bool answer_is_ours, PeerTransport::Remote remote, const std::string& mid);
  void feed_candidates();
  void tell_candidates_again();
  void after_description(SignalingState before, std::vector<TrackEvent> tracks);
  Result<std::optional<std::size_t>> section_for(const IceCandidate& candidate) const;
  Result<> add_candidate_text(std::string_view text);
  void update_negotiation_needed() override;  // TransceiverOwner
  bool negotiation_needed() const;

  // TransceiverOwner and the rest of media (connection_media.cc)
  void configure_media();
  void add_media_stats(double wall, std::vector<StatsReport::Entry>& entries) const;
  Result<> send_frame(std::uint32_t number, std::string_view rid,
                      const rtp::FrameView& frame) override;
  Result<> send_packet(std::uint32_t number, std::string_view rid,
                       const ReceivedPacket& packet) override;
  void update_encodings() override;
  void want_packets(std::uint32_t number, bool wanted) override;
  void request_key_frame(std::uint32_t number) override;
  void deliver(rtp::Session::Event&& event);
  void deliver(rtp::Session::FrameReceived&& event);
  void deliver(rtp::Session::PacketReceived&& event);
  void deliver(rtp::Session::KeyFrameRequested&& event);
  void deliver(rtp::Session::TargetBitrateChanged&& event);

  // ice::Engines (connection_events.cc)
  void handle_timeout(Time now) override { transport_.handle_timeout(now); }
  Time next_timeout() const override { return transport_.next_timeout(); }
  void poll_transmit(Time now, net::SendBatch& batch) override {
    agent_network_.serve();
    transport_.poll_transmit(now, batch);
  }
  void handle_send_failure(Time now, const net::Route& route, const Error& error) override {
    transport_.handle_send_failure(now, route, error);
  }
  bool deliver_event(Time now) override;

  void receive(std::span<net::Datagram> datagrams);
  void deliver(const OwnEvent& event);
  void deliver(PeerTransport::Event&& event);
  void deliver(const ice::Agent::Event& event);
  void deliver_ice_state(IceConnectionState state);
  void deliver(const PeerTransport::DtlsStateChanged& event);
  void deliver(const sctp::DataChannels::Event& event);
  bool update_connection_state();

  // DataChannelOwner (connection.cc)
  Result<> send(sctp::ChannelId channel, sctp::MessageKind kind, Bytes payload) override;
  void close(sctp::ChannelId channel) override;
  std::size_t buffered_amount(sctp::ChannelId channel) const override;
  void set_buffered_amount_low_threshold(sctp::ChannelId channel, std::size_t bytes) override;
  std::optional<std::uint16_t> stream_id(sctp::ChannelId channel) const override;

  std::shared_ptr<bool> alive_;
  Configuration configuration_;
  dtls::Fingerprint fingerprint_;
  std::shared_ptr<Handlers> handlers_;
  ice::TaggedRandom random_;
  Negotiation negotiation_;
  PeerTransport transport_;
  ice::Pump pump_;
  ice::AgentNetwork agent_network_;
  std::map<sctp::ChannelId, std::shared_ptr<DataChannel>> channels_;
  std::set<sctp::ChannelId> blocked_;  ///< `send` said would-block.
  std::deque<OwnEvent> events_;
  IceGatheringState shown_gathering_ = IceGatheringState::kNew;
  IceConnectionState shown_ice_ = IceConnectionState::kNew;
  DtlsTransportState shown_dtls_ = DtlsTransportState::kNew;
  SctpTransportState shown_sctp_ = SctpTransportState::kConnecting;
  PeerConnectionState shown_connection_ = PeerConnectionState::kNew;
  bool negotiation_needed_ = false;  ///< W3C's flag: it was told, and nothing has come of it yet.
  bool negotiation_check_queued_ = false;
  bool pooled_ = false;    ///< Gathering has begun, and nobody is told yet.
  bool gathered_ = false;  ///< It was told of.
  /// What the last answer settled.
  std::optional<ice::Credentials> agreed_local_;
  std::optional<ice::Credentials> agreed_remote_;
  /// Our credentials of a coming ICE restart. The agent has begun with them once a description that
  /// announces them was set; after a rollback of that one they wait for the next.
  std::optional<ice::Credentials> next_credentials_;
  bool next_begun_ = false;
  /// Of the servers and the policy: counted up by each change; what the generation was gathered
  /// with that began last; what the one was that the last answer settled. RFC 8829 section 3.5.1's
  /// "needs-ice-restart" bit is set when the first differs from the last.
  unsigned configuration_version_ = 0;
  unsigned gathered_version_ = 0;
  unsigned agreed_version_ = 0;
  bool data_ended_ = false;      ///< The channels were told that the data section has ended.
  bool told_in_vain_ = false;    ///< Candidates were told for an offer that was taken back.
  bool restart_wanted_ = false;  ///< `restart_ice`: until an answer settles new credentials.
  bool closed_ = false;
};

}  // namespace floe
