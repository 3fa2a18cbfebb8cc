#pragma once

#include "floe/dtls/connection.h"
#include "floe/net/network.h"

namespace floe::tls {

/// Encrypted packets on their way to a network, whose own batch is in use by whoever sends the
/// plaintext. `socket` is the UDP socket they leave from, `sink` the id they were sent under.
class SealedBatch {
 public:
  explicit SealedBatch(net::Network& network) : network_(network) {}
  void set_ids(net::SocketId socket, net::SocketId sink) {
    socket_ = socket;
    sink_ = sink;
  }

  /// The datagrams of the handshake, and alerts.
  void collect(Time now, const net::Endpoint& to, dtls::Connection& connection);
  /// All packets of `run`; what cannot be sent is listed in `batch.failures()`.
  void seal(net::SendBatch& batch, const net::SendBatch::Run& run, const net::Endpoint& to,
            dtls::Connection& connection);
  /// Sends what there is; what the network refuses is listed in `failures`.
  void flush(std::vector<net::SendBatch::Failure>* failures = nullptr);

 private:
  MutableBytes open(const net::Endpoint& to, std::size_t size,
                    std::vector<net::SendBatch::Failure>* failures);

  net::Network& network_;
  net::SocketId socket_ = net::kNoSocket;
  net::SocketId sink_ = net::kNoSocket;
  net::SendBatch sealed_;
};

}  // namespace floe::tls
