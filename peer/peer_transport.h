#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/dtls/connection.h"
#include "floe/ice/agent.h"
#include "floe/net/send_batch.h"
#include "floe/peer/media_transport.h"
#include "floe/peer/states.h"
#include "floe/sctp/data_channels.h"

namespace floe {

/// ICE, DTLS, SCTP and RTP stacked into one engine: the four know nothing of each other; this is
/// where packets are told apart (RFC 7983), handed up and down, and where one layer's readiness
/// starts the next.
class PeerTransport {
 public:
  struct Config {
    ice::Agent::Config ice;
    std::shared_ptr<const dtls::Identity> identity;
    sctp::DataChannels::Config channels;
    std::size_t mtu = kBaseDatagram;
  };

  /// The peer's end of the SCTP association.
  struct RemoteSctp {
    std::uint16_t port = 5000;
    std::size_t max_message_size = 65'536;
  };

  /// What the descriptions settle, beyond ICE.
  struct Remote {
    dtls::Role role = dtls::Role::kClient;  ///< Ours.
    std::vector<dtls::Fingerprint> fingerprints;
    std::optional<RemoteSctp> sctp;  ///< Absent: no data channels so far.
  };

  struct DtlsStateChanged {
    DtlsTransportState state;
    std::optional<Error> error;  ///< Why it failed.
  };
  using Event = std::variant<ice::Agent::Event, DtlsStateChanged, sctp::DataChannels::Event,
                             rtp::Session::Event>;

  struct Stats {
    std::uint64_t packets_unknown = 0;  ///< Neither STUN, DTLS nor (S)RTP (RFC 7983).
    std::uint64_t packets_early = 0;    ///< Held until ICE or the description was ready.
    std::uint64_t packets_early_dropped = 0;
    std::uint64_t packets_sent = 0;  ///< Without ICE's own, as the next three.
    std::uint64_t packets_received = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t bytes_received = 0;
  };

  PeerTransport(Config config, Random& random, net::Pacer& pacer);

  ice::Agent& ice() { return ice_; }
  const ice::Agent& ice() const { return ice_; }
  sctp::DataChannels& channels() { return channels_; }
  const sctp::DataChannels& channels() const { return channels_; }
  /// Audio and video; null until `enable_media`.
  MediaTransport* media() { return media_.get(); }
  const MediaTransport* media() const { return media_.get(); }
  DtlsTransportState dtls_state() const { return dtls_state_; }
  std::optional<dtls::Connection::Stats> dtls_stats() const;
  /// What the handshake agreed on for media (RFC 5764); absent if the peer knows of none.
  std::optional<dtls::SrtpProfile> srtp_profile() const { return srtp_profile_; }
  const dtls::Identity& identity() const { return *config_.identity; }
  const Stats& stats() const { return stats_; }

  /// Both descriptions are known: the handshake starts as soon as ICE has a path. May be called
  /// again: once SCTP is spoken of, the association starts.
  [[nodiscard]] Result<> connect(Time now, const Remote& remote);
  bool connecting() const { return dtls_ != nullptr; }
  /// The descriptions have, or had, data channels.
  bool speaks_sctp() const { return sctp_known_; }
  /// The descriptions have audio or video. `config` without its packet size; the first call counts.
  void enable_media(Time now, rtp::Session::Config config);

  void handle_packet(Time now, net::Datagram& datagram);
  void handle_send_failure(Time now, const net::Route& route, const Error& error);
  void poll_transmit(Time now, net::SendBatch& batch);
  Time next_timeout() const;
  void handle_timeout(Time now);
  /// `with_ice` false leaves those of ICE for later.
  std::optional<Event> poll_event(Time now, bool with_ice = true);

  /// Says goodbye on every layer into `batch` (SCTP ABORT, DTLS close_notify) and ends. Idempotent.
  void close(Time now, net::SendBatch& batch);

 private:
  void take_dtls(Time now, MutableBytes datagram);
  void advance(Time now);
  void start_sctp(Time now);
  void start_media();
  std::size_t media_datagram() const;
  void follow_path(Time now);
  void count_sent(Time now, std::size_t packets, std::size_t bytes);
  void send_dtls(Time now, net::SendBatch& batch, const net::Route& route);
  void send_sctp(Time now, net::SendBatch& batch, const net::Route& route);
  void send_media(Time now, net::SendBatch& batch, const net::Route& route);
  /// Whether DTLS, or SCTP above it, can send now. Without a path their packets would only pile up,
  /// so their timers rest.
  bool can_send_dtls() const { return dtls_started_ && ice_.route().has_value() && !dtls_rests(); }
  bool dtls_rests() const;
  bool media_runs() const { return media_ != nullptr && media_->started(); }
  bool can_send_sctp() const {
    return sctp_started_ && dtls_state_ == DtlsTransportState::kConnected &&
           ice_.route().has_value();
  }
  void set_dtls_state(DtlsTransportState state, std::optional<Error> error = std::nullopt);

  Config config_;
  Random& random_;
  ice::Agent ice_;
  std::unique_ptr<dtls::Connection> dtls_;
  sctp::DataChannels channels_;
  std::unique_ptr<MediaTransport> media_;
  std::optional<net::Route> media_route_;     ///< Where media went last,
  std::optional<Duration> media_round_trip_;  ///< and what RTP was told of it.
  DtlsTransportState dtls_state_ = DtlsTransportState::kNew;
  bool dtls_started_ = false;
  bool sctp_known_ = false;  ///< The descriptions have data channels.
  bool sctp_started_ = false;
  int dtls_timeouts_ = 0;  ///< In a row, without a datagram from the peer's DTLS.
  Time last_dtls_timeout_{};
  bool closed_ = false;
  /// DTLS that came before it could be handled: the peer may be ahead of the answer, or of our own
  /// check.
  std::deque<std::vector<std::uint8_t>> early_;
  dtls::Role dtls_role_ = dtls::Role::kClient;
  std::optional<dtls::SrtpProfile> srtp_profile_;
  std::deque<DtlsStateChanged> dtls_events_;
  Stats stats_;
};

}  // namespace floe
