#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>

#include "floe/core/result.h"
#include "floe/dtls/connection.h"
#include "floe/net/network.h"
#include "floe/tls/options.h"

namespace floe::tls {

class CookieJar;
class SealedBatch;
class ServerAuthenticator;

/// Called with what happens on a `DatagramServer`. Any call may destroy the server.
class DatagramServerHandler : public net::UdpHandler {
 public:
  /// `client` finished its handshake.
  virtual void on_client(const net::Endpoint& client) { static_cast<void>(client); }
  /// `client`, announced by `on_client`, is gone: it closed, was idle, or failed.
  virtual void on_client_closed(const net::Endpoint& client, const Error& error) {
    static_cast<void>(client);
    static_cast<void>(error);
  }
};

/// A UDP port that speaks DTLS 1.2 (RFC 6347) with any number of clients. It looks like a UDP
/// socket: what clients send comes decrypted to `on_datagrams`, and runs for its id leave encrypted
/// to the client their destination names. Runs for who is no client are refused
/// (`Errc::kUnreachable`), packets above 16,384 bytes too (`Errc::kMessageTooLong`).
///
/// Who only claims an address costs nothing: before a client has shown by a cookie (RFC 6347
/// section 4.2.1) that it receives what is sent to it, nothing is kept of it. A client that begins
/// anew from its old port is taken once its cookie is good; its old association ends then.
class DatagramServer final : public net::UdpSocket, private net::UdpHandler, private net::Sink {
 public:
  struct Options {
    net::UdpOptions udp;
    ServerOptions server;
    /// Clients at a time, handshakes included; further ones get no answer. About 70 KiB each.
    std::size_t max_clients = 1024;
    /// A client that sends nothing for so long is gone. Longer than TURN's refresh interval.
    Duration idle_timeout = std::chrono::minutes(15);
  };
  struct Stats {
    std::uint64_t clients_accepted = 0;
    std::uint64_t clients_refused = 0;  ///< `max_clients` was reached.
    std::uint64_t clients_failed = 0;   ///< Handshakes that did not finish.
    std::uint64_t clients_idle = 0;
    std::uint64_t dropped = 0;  ///< Datagrams from unknown sources that began no handshake.
  };
  /// For the whole handshake; then the client is given up.
  static constexpr Duration kHandshakePatience = std::chrono::seconds(30);

  [[nodiscard]] static Result<std::unique_ptr<DatagramServer>> create(
      net::Network& network, const Options& options, DatagramServerHandler& handler);
  /// Says goodbye to every client (close_notify).
  ~DatagramServer() override;

  net::SocketId id() const override { return registration_.id(); }
  net::Endpoint local() const override { return socket_->local(); }
  std::size_t clients() const { return clients_.size(); }
  const Stats& stats() const { return stats_; }

 private:
  struct Client {
    std::unique_ptr<dtls::Connection> connection;
    std::uint64_t number = 0;  ///< From 1 on.
    Time started;
    Time last_heard;
    Time wake = kNever;  ///< Its place in `wakes_`.
    bool announced = false;
  };

  DatagramServer(net::Network& network, const Options& options, DatagramServerHandler& handler);
  Result<> open();
  Result<std::unique_ptr<dtls::Connection>> new_listener() const;
  void on_datagrams(std::span<net::Datagram> datagrams) override;
  void send(net::SendBatch& batch, std::span<const net::SendBatch::Run> runs) override;
  void on_timer();

  // These call handlers: nothing may follow them unless `life_` says that this is still there.
  void take(net::Datagram& datagram);
  void listen(net::Datagram& datagram);
  void report(const net::Endpoint& address);
  void remove(const net::Endpoint& address, const Error& error);

  Time wanted_wake(const Client& client) const;
  void set_wake(const net::Endpoint& address, Client& client);
  void arm();

  net::Network& network_;
  Options options_;
  DatagramServerHandler& handler_;
  Stats stats_;
  std::unique_ptr<CookieJar> cookies_;
  std::shared_ptr<const ServerAuthenticator> authenticator_;
  std::unique_ptr<dtls::Connection> listener_;  ///< For who has no cookie yet.
  std::unordered_map<net::Endpoint, Client> clients_;
  std::set<std::pair<Time, net::Endpoint>> wakes_;
  Time now_;
  std::unique_ptr<SealedBatch> sealed_;
  net::SinkRegistration registration_;
  std::unique_ptr<net::UdpSocket> socket_;
  std::unique_ptr<net::Timer> timer_;
  std::shared_ptr<char> life_ = std::make_shared<char>();
};

}  // namespace floe::tls
