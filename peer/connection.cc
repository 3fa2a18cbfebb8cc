#include "floe/peer/connection.h"

#include <algorithm>
#include <utility>

#include "floe/core/text.h"
#include "floe/sdp/writer.h"

namespace floe {
namespace {

PeerTransport::Config transport_config(const Configuration& configuration,
                                       std::shared_ptr<const dtls::Identity> identity,
                                       std::vector<ice::Server> servers,
                                       std::function<void()> on_output) {
  PeerTransport::Config config;
  config.identity = std::move(identity);
  config.mtu = configuration.mtu;
  config.ice.nomination = configuration.nomination;
  config.ice.consent = configuration.consent;
  config.ice.patience = configuration.ice_patience;
  config.ice.gathering.servers = std::move(servers);
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
      random_(network.random()),
      // RFC 8829 section 5.2.1: below 2^63 - 1
      negotiation_(network.random().u64() >> 2, network.random(), *this,
                   configuration_.bundle_policy),
      // usrsctp's timers are the process's: a packet of ours may be made while another connection's
      // loop runs them, perhaps on another thread. Our own loop then sends it.
      transport_(transport_config(configuration_, std::move(identity), std::move(servers),
                                  [this, &network, alive = std::weak_ptr<bool>(alive_)] {
                                    network.post([this, alive] {
                                      if (alive.lock()) pump_.wake();
                                    });
                                  }),
                 random_, network.pacer()),
      pump_(network, *this),
      agent_network_(
          network, random_, transport_.ice(),
          {configuration_.local, configuration_.ice_server_trust},
          [this](std::span<net::Datagram> datagrams) { receive(datagrams); },
          [this] { pump_.wake(); }) {
  if (configuration_.ice_candidate_pool_size > 0) fill_pool();
}

Connection::~Connection() {
  close_connection();
}

Connection::Handlers& Connection::writable_handlers() {
  if (handlers_.use_count() > 1) handlers_ = std::make_shared<Handlers>(*handlers_);
  return *handlers_;
}

ice::Report Connection::ice_report() const {
  const auto& problems = agent_network_.problems();
  return ice::make_report(transport_.ice(), pump_.now(), {problems.begin(), problems.end()});
}

SessionDescription Connection::text(const Negotiation::Typed& typed, bool local) const {
  if (!local) return {typed.type, sdp::write(typed.description)};
  sdp::Description description = typed.description;
  const auto index = sdp::transport_index(description);
  if (index) {
    sdp::Media& media = description.media[*index];
    for (const ice::LocalCandidate& found : transport_.ice().local_candidates()) {
      // Not those that are the peer's discovery, that the policy conceals or that are gone.
      if (!found.announced || found.withdrawn) continue;
      media.candidates.push_back(found.candidate.to_string().substr(sizeof "candidate:" - 1));
    }
    media.end_of_candidates = transport_.ice().gathering_state() == ice::GatheringState::kComplete;
  }
  return {typed.type, sdp::write(description)};
}

std::optional<SctpTransport> Connection::sctp() const {
  if (!transport_.speaks_sctp()) return std::nullopt;
  const sctp::DataChannels& channels = transport_.channels();
  SctpTransport sctp;
  sctp.state = shown_sctp_;
  if (const std::size_t size = channels.remote_max_message_size(); size != 0) {
    sctp.max_message_size = size;
  }
  if (sctp.state == SctpTransportState::kConnected) {
    const sctp::Association& association = channels.association();
    sctp.max_channels = std::min(association.incoming_streams(), association.outgoing_streams());
  }
  return sctp;
}

// -------------------------------------------------------------------------------- transceivers

Result<std::shared_ptr<RtpTransceiver>> Connection::add_transceiver(
    MediaKind kind, std::shared_ptr<MediaStreamTrack> track, const RtpTransceiverInit& init) {
  if (closed_) return fail(Errc::kInvalidState, "the connection is closed");
  return negotiation_.transceivers().add(kind, std::move(track), init);
}

Result<std::shared_ptr<RtpSender>> Connection::add_track(
    const std::shared_ptr<MediaStreamTrack>& track, std::vector<std::string> streams) {
  if (closed_) return fail(Errc::kInvalidState, "the connection is closed");
  return negotiation_.transceivers().add_track(track, std::move(streams));
}

Result<> Connection::remove_track(const std::shared_ptr<RtpSender>& sender) {
  if (closed_) return fail(Errc::kInvalidState, "the connection is closed");
  return negotiation_.transceivers().remove_track(sender);
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
  negotiation_.want_data();
  update_negotiation_needed();
  pump_.wake();
  return channel;
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
  shown_sctp_ = SctpTransportState::kClosed;
  shown_connection_ = PeerConnectionState::kClosed;
  for (const auto& [id, channel] : std::exchange(channels_, {})) {
    channel->detach();
  }
}

}  // namespace floe
