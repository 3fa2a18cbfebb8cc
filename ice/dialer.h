#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "floe/core/result.h"
#include "floe/ice/network_request.h"
#include "floe/ice/tcp_mux.h"
#include "floe/net/network.h"
#include "floe/tls/trust.h"

namespace floe::ice {

/// Makes the connections that an agent asks for: TCP and TLS streams, DTLS, UDP sockets of their
/// own. It cuts what streams carry into packets, so that the agent sees datagrams only.
class Dialer {
 public:
  /// What its owner is told, in later turns except where `dial` says otherwise. Any call may
  /// destroy the dialer.
  struct Handlers {
    std::function<void(DialId, net::SocketId)> connected;
    /// It never connected, or has ended; the dialer has forgotten it.
    std::function<void(DialId, const Error&)> failed;
    /// A stream that was adopted has ended.
    std::function<void(net::SocketId, const Error&)> closed;
    std::function<void(std::span<net::Datagram>)> receive;
  };

  /// `network` must outlive it. `trust` as in `tls::ClientOptions`.
  Dialer(net::Network& network, std::shared_ptr<const tls::Trust> trust, Handlers handlers);
  ~Dialer();
  Dialer(const Dialer&) = delete;
  Dialer& operator=(const Dialer&) = delete;

  /// For the connections that are made from now on.
  void set_trust(std::shared_ptr<const tls::Trust> trust) { trust_ = std::move(trust); }
  /// What cannot even begin, and a UDP socket, which has nothing to wait for, is told at once.
  void dial(const Dial& dial);
  void hang_up(DialId id);
  /// Takes a stream that somebody else accepted, and what has arrived on it.
  void adopt(TcpMux::Accepted accepted);
  void close();

 private:
  class Connection;
  class Socket;
  class StreamConnection;
  class DtlsConnection;
  class AdoptedStream;

  Result<std::unique_ptr<Connection>> open(const Dial& dial);
  void fail(DialId id, const Error& error);
  void end_adopted(net::SocketId socket, const Error& error);

  net::Network& network_;
  std::shared_ptr<const tls::Trust> trust_;
  std::shared_ptr<const Handlers> handlers_;
  std::map<DialId, std::unique_ptr<Connection>> connections_;
  std::map<net::SocketId, std::unique_ptr<Connection>> adopted_;
};

}  // namespace floe::ice
