#include "floe/peer/peer_transport.h"

#include <utility>

namespace floe {
namespace {

// A peer's first DTLS flight, several times repeated, and the start of its data.
constexpr std::size_t kMaxEarly = 32;

// OpenSSL gives a handshake up after twelve timeouts without an answer. The first few follow each
// other quickly, to make up for loss; from then on one counts only if the path is known to work.
constexpr int kFreeTimeouts = 4;

// The largest RTP packet of browsers has 1,200 bytes before SRTP adds its tag, and a forwarding
// server must be able to pass it on: what IPv6's least MTU, 1,280 bytes, leaves (RFC 8200 section
// 5).
constexpr std::size_t kMediaDatagram = 1232;

sctp::DataChannels::Config with_mtu(sctp::DataChannels::Config config, std::size_t mtu) {
  config.association.mtu = dtls::Connection::max_plaintext(mtu);
  return config;
}

}  // namespace

PeerTransport::PeerTransport(Config config, Random& random, net::Pacer& pacer)
    : config_(std::move(config)),
      random_(random),
      ice_(config_.ice, random, pacer),
      channels_(with_mtu(config_.channels, config_.mtu)) {}

std::optional<dtls::Connection::Stats> PeerTransport::dtls_stats() const {
  if (dtls_ == nullptr) return std::nullopt;
  return dtls_->stats();
}

Result<> PeerTransport::connect(Time now, const Remote& remote) {
  if (closed_) return {};
  if (remote.sctp && !std::exchange(sctp_known_, true)) {
    channels_.set_remote_max_message_size(remote.sctp->max_message_size);
    channels_.association().set_remote_port(remote.sctp->port);
    start_sctp(now);
  }
  if (dtls_ != nullptr) return {};
  dtls::Connection::Config config;
  config.role = remote.role;
  config.identity = config_.identity;
  config.remote_fingerprints = remote.fingerprints;
  config.mtu = config_.mtu;
  // Later handshakes there are none, so keys for media are agreed on in this one, whether there is
  // media yet or not. Some peers fail without.
  config.srtp_profiles = {dtls::SrtpProfile::kAeadAes128Gcm, dtls::SrtpProfile::kAeadAes256Gcm,
                          dtls::SrtpProfile::kAes128CmHmacSha1_80,
                          dtls::SrtpProfile::kAes128CmHmacSha1_32};
  auto connection = dtls::Connection::create(std::move(config));
  if (!connection) return forward(connection);
  dtls_ = std::move(*connection);
  dtls_role_ = remote.role;
  channels_.set_dtls_role(remote.role == dtls::Role::kClient ? sctp::DtlsRole::kClient
                                                             : sctp::DtlsRole::kServer);
  advance(now);
  return {};
}

void PeerTransport::handle_packet(Time now, net::Datagram& datagram) {
  if (closed_) return;
  if (ice_.handle_packet(now, datagram) == ice::Agent::Verdict::kApplication) {
    ++stats_.packets_received;
    stats_.bytes_received += datagram.payload.size();
    if (dtls::Connection::looks_like_dtls(datagram.payload)) {
      take_dtls(now, datagram.payload);
    } else if (media_ != nullptr && MediaTransport::looks_like_rtp(datagram.payload)) {
      media_->handle_packet(now, datagram.payload);
    } else {
      ++stats_.packets_unknown;
    }
  }
  advance(now);
}

void PeerTransport::take_dtls(Time now, MutableBytes datagram) {
  if (!dtls_started_) {
    if (early_.size() >= kMaxEarly) {
      ++stats_.packets_early_dropped;
      return;
    }
    ++stats_.packets_early;
    early_.push_back(to_vector(datagram));
    return;
  }
  dtls_timeouts_ = 0;
  dtls_->handle_packet(now, datagram);
  if (!sctp_started_) return;  // it keeps a few until we have started, too
  while (const auto plaintext = dtls_->poll_plaintext()) channels_.handle_packet(now, *plaintext);
}

/// With DTLS up and data channels in the descriptions, the association can begin.
void PeerTransport::start_sctp(Time now) {
  const bool ready = sctp_known_ && dtls_state_ == DtlsTransportState::kConnected;
  if (!ready || std::exchange(sctp_started_, true)) return;
  // Its errors are those of wrong calls; there is a role and this is the first time.
  static_cast<void>(channels_.connect(now));
  while (const auto plaintext = dtls_->poll_plaintext()) channels_.handle_packet(now, *plaintext);
}

void PeerTransport::enable_media(Time now, rtp::Session::Config config) {
  if (closed_ || media_ != nullptr) return;
  config.max_packet = media_datagram() - srtp::Session::kMaxRtcpOverhead;
  media_ = std::make_unique<MediaTransport>(now, std::move(config), random_);
  start_media();
  follow_path(now);
}

std::size_t PeerTransport::media_datagram() const {
  return std::max(config_.mtu, kMediaDatagram);
}

/// With DTLS up there are keys, unless the peer knows of no media.
void PeerTransport::start_media() {
  if (media_ == nullptr || media_->started() || !srtp_profile_ ||
      dtls_state_ != DtlsTransportState::kConnected) {
    return;
  }
  auto keys = dtls_->srtp_keys();
  if (keys) static_cast<void>(media_->start(dtls_role_, std::move(*keys)));
}

/// RTP learns whether there is a path, that it is another one, and how long it is.
void PeerTransport::follow_path(Time now) {
  if (!media_runs()) return;
  rtp::Session& rtp = media_->rtp();
  const auto route = ice_.route();
  const bool usable = route && dtls_state_ == DtlsTransportState::kConnected;
  if (usable && media_route_ != route) {
    if (media_route_) rtp.handle_route_change(now);
    media_route_ = route;
  }
  rtp.set_writable(now, usable);
  const auto round_trip = ice_.round_trip();
  if (round_trip && round_trip != media_round_trip_) rtp.set_round_trip(now, *round_trip);
  media_round_trip_ = round_trip;
}

/// Starts the layer above when the one below is ready.
void PeerTransport::advance(Time now) {
  if (closed_ || dtls_ == nullptr) return;
  if (!dtls_started_ && ice_.route()) {
    dtls_started_ = true;
    if (const auto round_trip = ice_.round_trip()) {
      dtls_->set_round_trip(*round_trip);
      channels_.association().set_round_trip(*round_trip);
    }
    set_dtls_state(DtlsTransportState::kConnecting);
    dtls_->start(now);
    for (std::vector<std::uint8_t>& datagram : std::exchange(early_, {})) take_dtls(now, datagram);
  }
  while (auto event = dtls_->poll_event()) {
    if (const auto* connected = std::get_if<dtls::Connected>(&*event)) {
      srtp_profile_ = connected->srtp_profile;
      set_dtls_state(DtlsTransportState::kConnected);
      start_media();
      start_sctp(now);
    } else if (std::holds_alternative<dtls::Closed>(*event)) {
      // W3C: the peer's close_notify closes the SCTP transport and with it every channel.
      set_dtls_state(DtlsTransportState::kClosed);
      channels_.lose_transport(now, std::nullopt);
    } else {
      const Error& error = std::get<dtls::Failed>(*event).error;
      set_dtls_state(DtlsTransportState::kFailed, error);
      channels_.lose_transport(now, error);
    }
  }
  follow_path(now);
}

void PeerTransport::set_dtls_state(DtlsTransportState state, std::optional<Error> error) {
  if (dtls_state_ == state) return;
  dtls_state_ = state;
  dtls_events_.push_back({state, std::move(error)});
}

void PeerTransport::handle_send_failure(Time now, const net::Route& route, const Error& error) {
  ice_.handle_send_failure(now, route, error);
  advance(now);
}

void PeerTransport::poll_transmit(Time now, net::SendBatch& batch) {
  ice_.poll_transmit(now, batch);
  const auto route = ice_.route();
  if (!route || !dtls_started_) return;
  send_dtls(now, batch, *route);
  // Media first: their packets are worth little when they are late.
  if (media_runs()) send_media(now, batch, *route);
  if (can_send_sctp()) send_sctp(now, batch, *route);
}

void PeerTransport::count_sent(Time now, std::size_t packets, std::size_t bytes) {
  stats_.packets_sent += packets;
  stats_.bytes_sent += bytes;
  ice_.count_sent(now, packets, bytes);
}

void PeerTransport::send_dtls(Time now, net::SendBatch& batch, const net::Route& route) {
  while (true) {
    const MutableBytes space = batch.open(route, config_.mtu);
    if (space.empty()) return;
    const std::size_t size = dtls_->poll_transmit(now, space);
    batch.commit(size);
    if (size == 0) return;
    count_sent(now, 1, size);
  }
}

/// Each SCTP packet is encrypted straight into the batch: equal sizes become one GSO run.
void PeerTransport::send_sctp(Time now, net::SendBatch& batch, const net::Route& route) {
  std::size_t packets = 0;
  std::size_t bytes = 0;
  while (true) {
    const MutableBytes space = batch.open(route, config_.mtu);
    if (space.empty()) break;
    const auto packet = channels_.poll_transmit(now);
    const std::size_t size = packet ? dtls_->seal(*packet, space).value_or(0) : 0;
    batch.commit(size);
    if (!packet) break;
    ++packets;
    bytes += size;
  }
  count_sent(now, packets, bytes);
}

void PeerTransport::send_media(Time now, net::SendBatch& batch, const net::Route& route) {
  std::size_t packets = 0;
  std::size_t bytes = 0;
  while (true) {
    const MutableBytes space = batch.open(route, media_datagram());
    if (space.empty()) break;
    const std::size_t size = media_->poll_transmit(now, space);
    batch.commit(size);
    if (size == 0) break;
    ++packets;
    bytes += size;
  }
  count_sent(now, packets, bytes);
}

/// On a path where nothing at all comes in it is the path that is silent, not the peer's DTLS: the
/// handshake waits for ICE, however long, and goes on when the first packet comes.
bool PeerTransport::dtls_rests() const {
  return dtls_timeouts_ >= kFreeTimeouts && ice_.last_heard() <= last_dtls_timeout_;
}

Time PeerTransport::next_timeout() const {
  if (closed_) return kNever;
  Time next = ice_.next_timeout();
  if (can_send_dtls()) next = std::min(next, dtls_->next_timeout());
  if (can_send_sctp()) next = std::min(next, channels_.next_timeout());
  if (media_runs()) next = std::min(next, media_->rtp().next_timeout());
  return next;
}

void PeerTransport::handle_timeout(Time now) {
  if (closed_) return;
  if (ice_.next_timeout() <= now) ice_.handle_timeout(now);
  if (can_send_dtls() && dtls_->next_timeout() <= now) {
    ++dtls_timeouts_;
    last_dtls_timeout_ = now;
    dtls_->handle_timeout(now);
  }
  if (can_send_sctp() && channels_.next_timeout() <= now) channels_.handle_timeout(now);
  if (media_runs() && media_->rtp().next_timeout() <= now) media_->rtp().handle_timeout(now);
  advance(now);
}

std::optional<PeerTransport::Event> PeerTransport::poll_event(Time now, bool with_ice) {
  if (with_ice) {
    if (auto event = ice_.poll_event()) return Event(std::move(*event));
  }
  if (!dtls_events_.empty()) {
    Event event(std::move(dtls_events_.front()));
    dtls_events_.pop_front();
    return event;
  }
  if (media_ != nullptr) {
    if (auto event = media_->rtp().poll_event()) return Event(std::move(*event));
  }
  if (auto event = channels_.poll_event(now)) return Event(std::move(*event));
  return std::nullopt;
}

void PeerTransport::close(Time now, net::SendBatch& batch) {
  if (std::exchange(closed_, true)) return;
  channels_.abort(now);
  if (const auto route = ice_.route(); route && dtls_started_) {
    if (can_send_sctp()) send_sctp(now, batch, *route);
    if (media_runs()) {
      if (const MutableBytes space = batch.open(*route, media_datagram()); !space.empty()) {
        batch.commit(media_->write_bye(now, space));
      }
    }
    dtls_->close(now);
    send_dtls(now, batch, *route);
  }
  ice_.close(now, batch);
  early_.clear();
}

}  // namespace floe
