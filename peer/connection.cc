#include "floe/peer/connection.h"

#include <algorithm>
#include <utility>

#include "floe/core/text.h"
#include "floe/sdp/writer.h"

namespace floe {
namespace {

DataTransport::Config transport_config(const Configuration& configuration,
                                       std::shared_ptr<const dtls::Identity> identity,
                                       const std::vector<ice::Server>& servers,
                                       std::function<void()> on_output) {
  DataTransport::Config config;
  config.identity = std::move(identity);
  config.mtu = configuration.mtu;
  config.ice.nomination = configuration.nomination;
  config.ice.consent = configuration.consent;
  config.ice.patience = configuration.ice_patience;
  config.ice.gathering.servers = servers;
  config.ice.policy = configuration.ice_transport_policy;
  config.ice.remote_filter = configuration.remote_address_filter;
  config.ice.gathering.rewrites = configuration.address_rewrites;
  config.ice.resolve_names = configuration.local.mdns != nullptr;
  config.channels.association.max_message_size = configuration.max_message_size;
  config.channels.association.send_queue = configuration.send_queue;
  config.channels.association.send_buffer = configuration.send_buffer;
  config.channels.association.receive_buffer = configuration.receive_buffer;
  config.channels.association.on_output = std::move(on_output);
  return config;
}

}  // namespace

Connection::Connection(net::Network& network, Configuration configuration,
                       std::shared_ptr<const dtls::Identity> identity,
                       dtls::Fingerprint fingerprint, std::vector<ice::Server> servers)
    : alive_(std::make_shared<bool>(true)),
      configuration_(std::move(configuration)),
      fingerprint_(std::move(fingerprint)),
      handlers_(std::make_shared<Handlers>()),
      negotiation_(network.random().u64() >> 2),  // RFC 8829 section 5.2.1: below 2^63 - 1
      random_(network.random()),
      // usrsctp's timers are the process's: a packet of ours may be made while another connection's
      // loop runs them, perhaps on another thread. Our own loop then sends it.
      transport_(transport_config(configuration_, std::move(identity), servers,
                                  [this, &network, alive = std::weak_ptr<bool>(alive_)] {
                                    network.post([this, alive] {
                                      if (alive.lock()) pump_.wake();
                                    });
                                  }),
                 random_, network.pacer()),
      pump_(network, *this),
      agent_network_(
          network, random_, transport_.ice(),
          {configuration_.local, std::move(servers), configuration_.ice_server_trust},
          [this](std::span<net::Datagram> datagrams) { receive(datagrams); },
          [this] { pump_.wake(); }) {}

Connection::~Connection() {
  close_connection();
}

Connection::Handlers& Connection::writable_handlers() {
  if (handlers_.use_count() > 1) handlers_ = std::make_shared<Handlers>(*handlers_);
  return *handlers_;
}

// -------------------------------------------------------------------------------- descriptions

/// W3C restartIce(): the next offer has new credentials.
void Connection::restart_ice() {
  if (closed_ || !gathered_) return;  // nothing to restart: the first generation is still to come
  if (!restart_credentials_) {
    restart_credentials_ = ice::Credentials::generate(pump_.network().random());
  }
  events_.push_back(NegotiationNeeded{});
  pump_.wake();
}

/// False for an offer that was created before the restart was asked for.
bool Connection::announces_restart() const {
  if (!restart_credentials_) return false;
  const sdp::Description& offer = negotiation_.pending_local()->description;
  return std::any_of(offer.media.begin(), offer.media.end(), [&](const sdp::Media& media) {
    return sdp::effective_ufrag(offer, media) == restart_credentials_->ufrag;
  });
}

Negotiation::Local Connection::local_parameters() const {
  Negotiation::Local local;
  const ice::Credentials& credentials =
      restart_credentials_ ? *restart_credentials_ : transport_.ice().local_credentials();
  local.transport.ufrag = credentials.ufrag;
  local.transport.pwd = credentials.pwd;
  local.transport.ice_options = {"trickle", "ice2"};
  const std::string text = fingerprint_.to_string();
  const std::size_t blank = text.find(' ');
  local.transport.fingerprints = {{text.substr(0, blank), text.substr(blank + 1)}};
  local.max_message_size = configuration_.max_message_size;
  return local;
}

Result<SessionDescription> Connection::create_offer() {
  if (closed_) return fail(Errc::kInvalidState, "the connection is closed");
  if (!wants_data_ && negotiation_.data_mid().empty()) {
    return fail(Errc::kInvalidState, "there is nothing to offer: create a data channel first");
  }
  return negotiation_.create_offer(local_parameters());
}

Result<SessionDescription> Connection::create_answer() {
  if (closed_) return fail(Errc::kInvalidState, "the connection is closed");
  return negotiation_.create_answer(local_parameters());
}

Result<> Connection::set_local_description() {
  auto description =
      negotiation_.state() == SignalingState::kHaveRemoteOffer ? create_answer() : create_offer();
  if (!description) return forward(description);
  return set_local_description(*description);
}

Result<> Connection::set_local_description(const SessionDescription& description) {
  if (closed_) return fail(Errc::kInvalidState, "the connection is closed");
  const SignalingState before = negotiation_.state();
  if (auto ok = negotiation_.set_local(description); !ok) return ok;
  if (description.type == SdpType::kOffer && announces_restart()) {
    // The credentials are new and were made by us: there is nothing to refuse.
    static_cast<void>(
        transport_.ice().restart(pump_.now(), *std::exchange(restart_credentials_, std::nullopt)));
  }
  after_description(before);
  if (!std::exchange(gathered_, true)) {
    // RFC 8445 section 6.1.1: the offerer controls, unless the peer is lite.
    const bool peer_is_lite =
        negotiation_.remote_data() && negotiation_.remote_data()->transport.ice_lite;
    const bool controls = description.type == SdpType::kOffer || peer_is_lite;
    transport_.ice().set_role(controls ? ice::Role::kControlling : ice::Role::kControlled);
    agent_network_.gather();
  }
  if (description.type == SdpType::kAnswer) return connect_transport();
  return {};
}

Result<> Connection::set_remote_description(const SessionDescription& description) {
  if (closed_) return fail(Errc::kInvalidState, "the connection is closed");
  auto remote = negotiation_.read_remote(description);
  if (!remote) return forward(remote);
  if (remote->data && !remote->data->rejected) {
    if (auto ok = apply_remote(description.type, *remote->data); !ok) return ok;
  }
  const SignalingState before = negotiation_.state();
  negotiation_.commit_remote(std::move(*remote));
  after_description(before);
  if (negotiation_.remote_data()) {
    const auto& transport = negotiation_.remote_data()->transport;
    // A candidate in a description that nobody can use is no reason to refuse the description.
    for (const std::string& candidate : transport.candidates) {
      static_cast<void>(add_candidate_text(candidate));
    }
    if (transport.end_of_candidates) transport_.ice().set_remote_end_of_candidates(pump_.now());
  }
  if (description.type == SdpType::kAnswer) return connect_transport();
  return {};
}

/// Hands the peer's ICE credentials on. It is the only step of a remote description that may still
/// fail, so it comes before anything is changed.
Result<> Connection::apply_remote(SdpType type, const sdp::RemoteData& data) {
  const ice::Credentials credentials{data.transport.ufrag, data.transport.pwd};
  if (auto ok = ice::validate(credentials); !ok) return ok;
  const auto& known = transport_.ice().remote_credentials();
  if (known && *known != credentials) {
    // RFC 8839 section 4.4.1.1.1: only an offer begins an ICE restart.
    if (type != SdpType::kOffer) {
      return fail(Errc::kInvalidArgument,
                  "the answer restarts ICE (a=ice-ufrag changed), though the offer did not");
    }
    if (auto ok = transport_.ice().restart(pump_.now()); !ok) return ok;
    restart_credentials_.reset();
  }
  transport_.ice().set_remote_lite(data.transport.ice_lite);
  return transport_.ice().set_remote_credentials(pump_.now(), credentials);
}

/// An answer was set, by either side: the transport knows all it needs.
Result<> Connection::connect_transport() {
  if (transport_.connecting() || !negotiation_.data_accepted()) return {};
  const sdp::RemoteData& data = *negotiation_.remote_data();
  DataTransport::Remote remote;
  remote.role = *negotiation_.dtls_role() == sdp::DtlsRole::kClient ? dtls::Role::kClient
                                                                    : dtls::Role::kServer;
  remote.sctp_port = data.data.sctp_port;
  remote.max_message_size = static_cast<std::size_t>(data.data.max_message_size);
  std::string unusable;
  for (const sdp::Fingerprint& fingerprint : data.transport.fingerprints) {
    auto parsed = dtls::Fingerprint::parse(fingerprint.algorithm + ' ' + fingerprint.value);
    if (parsed) {
      remote.fingerprints.push_back(std::move(*parsed));
    } else {
      unusable = parsed.error().message;
    }
  }
  if (remote.fingerprints.empty()) {
    return fail(Errc::kUnsupported,
                "the peer's description has no usable fingerprint: " + unusable);
  }
  return transport_.connect(pump_.now(), remote);
}

void Connection::after_description(SignalingState before) {
  if (negotiation_.state() != before) {
    events_.push_back(SignalingStateChanged{negotiation_.state()});
    // A restart that was asked for in the middle of another negotiation.
    const bool waits = restart_credentials_ && negotiation_.state() == SignalingState::kStable;
    if (waits) events_.push_back(NegotiationNeeded{});
  }
  pump_.wake();
}

Result<> Connection::add_ice_candidate(const IceCandidate& candidate) {
  if (closed_) return fail(Errc::kInvalidState, "the connection is closed");
  if (!negotiation_.remote()) {
    return fail(Errc::kInvalidState, "a candidate came before the remote description was set");
  }
  const bool names_section = candidate.sdp_mid || candidate.sdp_mline_index;
  if (names_section &&
      !negotiation_.remote_has_section(candidate.sdp_mid, candidate.sdp_mline_index)) {
    return fail(Errc::kInvalidArgument,
                "the candidate is for section " +
                    (candidate.sdp_mid ? quoted(*candidate.sdp_mid)
                                       : std::to_string(*candidate.sdp_mline_index)) +
                    ", which the remote description does not have");
  }
  if (names_section &&
      !negotiation_.is_data_section(candidate.sdp_mid, candidate.sdp_mline_index)) {
    return {};  // for a section that we refused, or are about to
  }
  const auto& credentials = transport_.ice().remote_credentials();
  if (candidate.username_fragment && credentials &&
      *candidate.username_fragment != credentials->ufrag) {
    return fail(Errc::kInvalidArgument, "the candidate belongs to another ICE generation (ufrag " +
                                            quoted(*candidate.username_fragment) + ")");
  }
  pump_.wake();
  if (trim(candidate.candidate).empty()) {
    if (!names_section) return fail(Errc::kInvalidArgument, "end-of-candidates names no section");
    transport_.ice().set_remote_end_of_candidates(pump_.now());
    return {};
  }
  auto added = add_candidate_text(candidate.candidate);
  if (!added && added.error().code == Errc::kUnsupported) return {};
  return added;
}

Result<> Connection::add_candidate_text(std::string_view text) {
  const auto candidate = ice::Candidate::parse(text);
  if (!candidate) return forward(candidate);
  return transport_.ice().add_remote_candidate(pump_.now(), *candidate);
}

ice::Report Connection::ice_report() const {
  const auto& problems = agent_network_.problems();
  return ice::make_report(transport_.ice(), pump_.now(), {problems.begin(), problems.end()});
}

SessionDescription Connection::text(const Negotiation::Typed& typed, bool local) const {
  if (!local) return {typed.type, sdp::write(typed.description)};
  sdp::Description description = typed.description;
  for (sdp::Media& media : description.media) {
    if (!media.is_data() || media.rejected()) continue;
    for (const ice::LocalCandidate& found : transport_.ice().local_candidates()) {
      // Not those that are the peer's discovery, that the policy conceals or that are gone.
      if (!found.announced || found.withdrawn) continue;
      media.candidates.push_back(found.candidate.to_string().substr(sizeof "candidate:" - 1));
    }
    media.end_of_candidates = transport_.ice().gathering_state() == ice::GatheringState::kComplete;
  }
  return {typed.type, sdp::write(description)};
}

// ------------------------------------------------------------------------------- data channels

Result<std::shared_ptr<DataChannel>> Connection::create_data_channel(std::string label,
                                                                     const DataChannelInit& init) {
  if (closed_) return fail(Errc::kInvalidState, "the connection is closed");
  sctp::ChannelOptions options;
  options.label = std::move(label);
  options.protocol = init.protocol;
  options.ordered = init.ordered;
  options.max_retransmits = init.max_retransmits;
  options.max_packet_life_time = init.max_packet_life_time;
  options.priority = init.priority;
  options.negotiated = init.negotiated;
  // W3C createDataChannel: the id counts for negotiated channels only.
  if (init.negotiated) options.id = init.id;
  auto id = transport_.channels().open(pump_.now(), options);
  if (!id) return forward(id);
  auto channel = std::make_shared<DataChannel>(*this, *id, std::move(options));
  channels_.emplace(*id, channel);
  wants_data_ = true;
  need_negotiation();
  pump_.wake();
  return channel;
}

void Connection::need_negotiation() {
  if (negotiation_needed_told_ || negotiation_.data_accepted()) return;
  negotiation_needed_told_ = true;
  events_.push_back(NegotiationNeeded{});
}

Result<> Connection::send(sctp::ChannelId channel, sctp::MessageKind kind, Bytes payload) {
  auto sent = transport_.channels().send(pump_.now(), channel, kind, payload);
  if (!sent && sent.error().code == Errc::kWouldBlock) blocked_.insert(channel);
  pump_.wake();
  return sent;
}

void Connection::close(sctp::ChannelId channel) {
  transport_.channels().close(pump_.now(), channel);
  pump_.wake();
}

std::size_t Connection::buffered_amount(sctp::ChannelId channel) const {
  return transport_.channels().buffered_amount(channel);
}

void Connection::set_buffered_amount_low_threshold(sctp::ChannelId channel, std::size_t bytes) {
  transport_.channels().set_buffered_amount_low_threshold(channel, bytes);
}

std::optional<std::uint16_t> Connection::stream_id(sctp::ChannelId channel) const {
  return transport_.channels().stream_id(channel);
}

void Connection::close_connection() {
  if (std::exchange(closed_, true)) return;
  *alive_ = false;
  // The goodbyes leave at once: after this call there is no turn to send them in.
  net::SendBatch& batch = pump_.network().batch();
  transport_.close(pump_.now(), batch);
  pump_.network().send(batch);
  batch.clear();
  pump_.stop();
  agent_network_.close();
  negotiation_.close();
  events_.clear();
  shown_ice_ = IceConnectionState::kClosed;
  shown_dtls_ = DtlsTransportState::kClosed;
  shown_connection_ = PeerConnectionState::kClosed;
  for (const auto& [id, channel] : std::exchange(channels_, {})) {
    channel->detach();
  }
}

}  // namespace floe
