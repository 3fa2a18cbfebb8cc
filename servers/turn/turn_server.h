#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "floe/core/result.h"
#include "floe/dtls/identity.h"
#include "floe/net/network.h"
#include "floe/servers/turn/turn_relay.h"

namespace floe::server {

/// A STUN and TURN server (RFC 8489, RFC 8656) on any network: opens the
/// sockets clients reach it by, and the relay sockets that `TurnRelay` asks
/// for.
///
/// Bind listeners to the addresses of the machine rather than to "any" if it
/// has several: an answer must come from where the request went.
class TurnServer final : private net::UdpHandler, private RelayHost {
 public:
  static constexpr std::uint16_t kPort = 3478;     // RFC 8656 section 5
  static constexpr std::uint16_t kTlsPort = 5349;  // RFC 8656 section 5

  struct Listener {
    TurnTransport transport = TurnTransport::kUdp;
    net::Endpoint bind;  ///< Port 0 lets the system choose.
  };
  struct Configuration {
    std::vector<Listener> listeners;
    TurnRelay::Configuration relay;
    /// A second address of this machine and a second port, both used with both besides the first
    /// UDP listener's of that family: then clients can find out how their NATs behave (RFC 5780,
    /// OTHER-ADDRESS). The port may be 0.
    std::optional<net::Endpoint> other_address;
    /// Certificate chain and key (`tls::read_identity`); needed by TLS and DTLS
    /// listeners.
    std::shared_ptr<const dtls::Identity> identity;
    /// TCP and TLS connections at once; one more is closed as it comes.
    std::size_t max_streams = 8'192;
    /// DTLS clients at once, about 20 KiB each.
    std::size_t max_dtls_clients = 4'096;
    /// A connection without an allocation is closed after this long.
    Duration idle_stream_timeout = std::chrono::seconds(60);
  };
  struct Stats {
    std::uint64_t received = 0;         ///< Datagrams and frames of any kind.
    std::uint64_t send_failures = 0;    ///< Runs of packets that the system refused to send.
    std::uint64_t streams = 0;          ///< TCP and TLS connections at present.
    std::uint64_t streams_refused = 0;  ///< There were max_streams.
    std::uint64_t streams_idle = 0;     ///< Closed for want of an allocation.
    std::uint64_t streams_broken = 0;   ///< Closed for bytes that are neither STUN nor ChannelData.
    TurnRelay::Stats relay;
  };

  /// `network` must outlive the server. Errors: those of `TurnRelay::create`
  /// and of opening the listeners. The machine's own addresses are added to
  /// `relay.own_addresses`.
  [[nodiscard]] static Result<std::unique_ptr<TurnServer>> create(net::Network& network,
                                                                  Configuration configuration);
  ~TurnServer() override;

  /// In the order of the configuration, with the ports they were given; then what `other_address`
  /// added.
  const std::vector<Listener>& listeners() const { return bound_; }
  Stats stats() const;

 private:
  class StreamListener;
  class DtlsListener;
  class PeerStream;
  class RelayListener;
  class ClientStream;

  TurnServer(net::Network& network, Configuration configuration);
  Result<> open(const Listener& listener);
  Result<> open_udp(const Listener& listener);
  Result<> open_other(const net::Endpoint& other);
  Result<StunResponder::Origin> open_origin(const net::Endpoint& bind);
  Result<> open_dtls(const Listener& listener);
  Result<> open_stream(const Listener& listener);
  void on_datagrams(std::span<net::Datagram> datagrams) override;

  Result<net::SocketId> open_relay(const net::Endpoint& local, bool dont_fragment) override;
  Result<net::SocketId> listen_relay(const net::Endpoint& local) override;
  void close_relay(net::SocketId socket) override;
  Result<> connect_peer(ConnectionId id, const net::Endpoint& local,
                        const net::Endpoint& peer) override;
  void join(ConnectionId id, net::SocketId client) override;
  void close_connection(ConnectionId id) override;
  std::chrono::sys_seconds wall_clock() const override { return network_.wall_clock(); }

  void accept(std::unique_ptr<net::Stream> stream, TurnTransport transport);
  void handle_data(ClientStream& stream, MutableBytes data);
  void handle_drained(ClientStream& stream);
  /// Destroys `stream`.
  void close(ClientStream& stream);

  // turn_server_tcp_relay.cc: RFC 6062.
  void accept_peer(net::SocketId relay, std::unique_ptr<net::Stream> stream);
  void handle_peer_connected(PeerStream& peer);
  void handle_peer_data(PeerStream& peer, MutableBytes data);
  void handle_client_data(ClientStream& client, MutableBytes data);
  void handle_peer_drained(PeerStream& peer);
  void handle_peer_closed(PeerStream& peer);
  void end_peer(PeerStream& peer);

  void send(net::SendBatch& batch);
  /// Sends what was written and arms the timer.
  void finish(net::SendBatch& batch);
  void on_timer();
  void close_idle_streams(Time now);

  net::Network& network_;
  Configuration configuration_;
  std::vector<Listener> bound_;
  std::unique_ptr<TurnRelay> relay_;
  std::unique_ptr<net::Timer> timer_;
  Time armed_ = kNever;
  Time next_sweep_ = kNever;  ///< Of idle streams; kNever while there are none.
  Stats stats_;
  // Sockets last: they end first, and call nothing that is gone.
  std::vector<std::unique_ptr<net::UdpSocket>> sockets_;
  std::unordered_map<net::SocketId, std::unique_ptr<net::UdpSocket>> relays_;
  std::vector<std::unique_ptr<DtlsListener>> dtls_listeners_;
  std::vector<std::unique_ptr<StreamListener>> stream_listeners_;
  std::unordered_map<net::SocketId, std::unique_ptr<ClientStream>> streams_;
  std::unordered_map<net::SocketId, std::unique_ptr<RelayListener>> relay_listeners_;
  std::unordered_map<ConnectionId, std::unique_ptr<PeerStream>> peers_;
  std::uint32_t last_relay_listener_ = 0;
};

}  // namespace floe::server
