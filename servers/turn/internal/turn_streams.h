#pragma once

// The streams of `TurnServer`; only for its own sources.
#include <memory>
#include <optional>
#include <utility>

#include "floe/net/network.h"
#include "floe/servers/turn/turn_server.h"
#include "floe/stun_client/stream_framer.h"

namespace floe::server {

/// A client's connection: of requests and packets, or, once it is joined to a
/// peer's, of that peer's bytes.
class TurnServer::ClientStream final : public net::StreamHandler {
 public:
  ClientStream(TurnServer& server, std::unique_ptr<net::Stream> stream, Time now)
      : client{stream->id(), stream->remote()},
        since(now),
        server_(server),
        stream_(std::move(stream)) {}
  void start() { stream_->set_handler(*this); }
  net::Stream& stream() { return *stream_; }

  void on_data(MutableBytes data) override { server_.handle_data(*this, data); }
  void on_closed(const Error&) override { server_.close(*this); }
  void on_drained() override { server_.handle_drained(*this); }

  const TurnClient client;
  Time since;  ///< It has been of no use; if it still is not after a while, it
               ///< goes.
  stun::StreamFramer framer;
  PeerStream* peer = nullptr;
  bool is_ending = false;  ///< The peer is gone; what it sent is still on its way.

 private:
  TurnServer& server_;
  std::unique_ptr<net::Stream> stream_;
};

/// A TCP connection between a relay and a peer (RFC 6062).
class TurnServer::PeerStream final : public net::StreamHandler {
 public:
  PeerStream(TurnServer& server, ConnectionId its_id) : id(its_id), server_(server) {}
  /// `is_accepted`: it came from a listener, and waits for a handler.
  void take(std::unique_ptr<net::Stream> stream, bool is_accepted) {
    stream_ = std::move(stream);
    is_accepted_ = is_accepted;
  }
  /// Lets what the peer has sent come in.
  void start() {
    if (is_accepted_) {
      stream_->set_handler(*this);
    } else {
      stream_->resume_reading();
    }
  }
  net::Stream& stream() { return *stream_; }

  void on_connected() override { server_.handle_peer_connected(*this); }
  void on_data(MutableBytes data) override { server_.handle_peer_data(*this, data); }
  void on_closed(const Error&) override { server_.handle_peer_closed(*this); }
  void on_drained() override { server_.handle_peer_drained(*this); }

  const ConnectionId id;
  ClientStream* client = nullptr;  ///< Joined to this one.
  bool is_ending = false;          ///< The client is gone; what it sent is still on its way.
  Time since{};                    ///< Of `is_ending`.

 private:
  TurnServer& server_;
  std::unique_ptr<net::Stream> stream_;
  bool is_accepted_ = false;
};

/// A relay's TCP port.
class TurnServer::RelayListener final : public net::ListenerHandler {
 public:
  RelayListener(TurnServer& server, net::SocketId id) : server_(server), id_(id) {}
  void start(std::unique_ptr<net::Listener> listener) { listener_ = std::move(listener); }
  void on_accept(std::unique_ptr<net::Stream> stream) override {
    server_.accept_peer(id_, std::move(stream));
  }

 private:
  TurnServer& server_;
  net::SocketId id_;
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace floe::server
