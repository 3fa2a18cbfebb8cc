#pragma once

#include <memory>
#include <optional>
#include <string>

#include "floe/core/result.h"
#include "floe/dtls/connection.h"
#include "floe/net/network.h"
#include "floe/tls/options.h"

namespace floe::tls {

class SealedBatch;

/// Called with what happens on a `DatagramClient`. Any call may destroy the client.
class DatagramClientHandler : public net::UdpHandler {
 public:
  /// The handshake is done and the certificate good: packets can be sent.
  virtual void on_connected() = 0;
  /// The last call: why it never connected or ended. `Errc::kClosed`: the server closed.
  virtual void on_closed(const Error& error) = 0;
};

/// DTLS 1.2 (RFC 6347) to one server, over a UDP socket of its own. It looks like that socket:
/// packets for its id leave encrypted by `Network::send`, to the server whatever their route's
/// destination, and what the server sends comes decrypted to `on_datagrams`.
///
/// Before `on_connected` runs are refused (`Errc::kWouldBlock`), after the end too
/// (`Errc::kClosed`), and packets above 16,384 bytes (`Errc::kMessageTooLong`).
class DatagramClient final : public net::UdpSocket, private net::UdpHandler, private net::Sink {
 public:
  /// For servers, whose round trip is not known: that of RFC 8489 section 6.2.1, not RFC 6347's
  /// second. It doubles up to 3 s; after twelve retransmissions, half a minute, the server counts
  /// as gone (`Errc::kTimedOut`).
  static constexpr Duration kInitialRto = std::chrono::milliseconds(500);
  /// Bytes that each packet grows by at most.
  static constexpr std::size_t kMaxOverhead = dtls::Connection::kMaxOverhead;

  /// Starts a handshake from `local` (port 0: any; nullopt: any address). `handler` must outlive
  /// the client.
  [[nodiscard]] static Result<std::unique_ptr<DatagramClient>> connect(
      net::Network& network, const net::Endpoint& remote, std::optional<net::Endpoint> local,
      const ClientOptions& options, DatagramClientHandler& handler);
  /// Says goodbye to the server (close_notify).
  ~DatagramClient() override;

  net::SocketId id() const override { return registration_.id(); }
  net::Endpoint local() const override { return socket_->local(); }
  const net::Endpoint& remote() const { return remote_; }

 private:
  DatagramClient(net::Network& network, const net::Endpoint& remote, std::string name,
                 std::unique_ptr<dtls::Connection> connection, DatagramClientHandler& handler);
  void on_datagrams(std::span<net::Datagram> datagrams) override;
  void send(net::SendBatch& batch, std::span<const net::SendBatch::Run> runs) override;
  void on_timer();
  void transmit();
  /// Last in whatever calls it: a handler may destroy this.
  void report();
  void finish(const Error& error);

  net::Network& network_;
  net::Endpoint remote_;
  std::string name_;
  DatagramClientHandler& handler_;
  std::unique_ptr<dtls::Connection> connection_;
  bool finished_ = false;
  Time now_;
  std::unique_ptr<SealedBatch> sealed_;
  net::SinkRegistration registration_;
  std::unique_ptr<net::UdpSocket> socket_;
  std::unique_ptr<net::Timer> timer_;
  std::shared_ptr<char> life_ = std::make_shared<char>();
};

}  // namespace floe::tls
