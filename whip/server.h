#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <unordered_map>

#include "floe/core/result.h"
#include "floe/http/server.h"
#include "floe/net/network.h"
#include "floe/peer/peer_connection.h"
#include "floe/whip/protocol.h"
#include "floe/whip/sessions.h"

namespace floe::whip {

class ServedSession;

/// Called with what happens on a `Server`, never from within a call to it. Each call may destroy
/// the server.
class ServerHandler {
 public:
  virtual ~ServerHandler() = default;

  struct Offer {
    SessionId session;
    Protocol protocol;
    const std::string& stream;  ///< What followed the endpoint's path, e.g. "door"; often empty.
    const std::string& sdp;
  };
  /// A client wants to publish or to watch. Returns the connection for it, which is the server's
  /// from then on: with the tracks to be sent (WHEP), with handlers for what is received, without
  /// descriptions. Or says why not, e.g. 409 with `retry_after` while nobody publishes the stream.
  ///
  /// The server itself uses these handlers of the connection: on_ice_gathering_state_change,
  /// on_ice_failure, on_connection_state_change and on_dtls_state_change.
  virtual tl::expected<std::unique_ptr<PeerConnection>, Refusal> on_offer(const Offer& offer) = 0;
  virtual void on_state(SessionId session, PeerConnectionState state) {
    static_cast<void>(session);
    static_cast<void>(state);
  }
  /// The last call for a session whose connection `on_offer` gave. The connection is closed.
  virtual void on_ended(SessionId session, const std::string& reason) {
    static_cast<void>(session);
    static_cast<void>(reason);
  }
};

/// A server of WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) on any network: `Sessions` behind
/// HTTP, and a peer connection for each session.
class Server final : private http::ServerHandler {
 public:
  struct Options {
    http::Server::Options http{};
    SessionsOptions sessions{};
    /// A client is told all of our candidates at once; those of servers that do not answer in this
    /// time are left out.
    Duration gathering_timeout = std::chrono::seconds(3);
    /// A player whose offer does not fit is offered what there is (406 and an SDP), if that is
    /// anything.
    bool counter_offers = true;
  };
  struct Stats {
    http::Server::Stats http{};
    Sessions::Stats sessions{};
  };

  /// `network` and `handler` must outlive the server. Errors: those of `validate`, and of
  /// listening.
  [[nodiscard]] static Result<std::unique_ptr<Server>> listen(net::Network& network,
                                                              Options options,
                                                              whip::ServerHandler& handler);
  /// Closes every connection.
  ~Server() override;

  const net::Endpoint& local() const { return http_->local(); }
  /// "http://127.0.0.1:8080/whip"
  std::string url(Protocol protocol) const;
  /// Null when the session is gone. To end a session, call `end` rather than close its connection.
  PeerConnection* connection(SessionId session);
  /// `on_ended` follows.
  void end(SessionId session, std::string reason);
  Stats stats() const;

 private:
  Server(net::Network& network, Options options, whip::ServerHandler& handler);
  void on_request(http::RequestId id, const http::Request& request) override;
  void on_abandoned(http::RequestId id) override;

  /// Does what the events say. Last in whatever calls it: a handler may destroy this.
  void settle();
  void handle(const Sessions::Respond& event);
  void handle(const Sessions::Offered& event);
  void handle(const Sessions::Answered& event);
  void handle(const Sessions::Trickled& event);
  void handle(const Sessions::RestartWanted& event);
  void handle(const Sessions::Ended& event);

  net::Network& network_;
  const Options options_;
  whip::ServerHandler& handler_;
  Sessions sessions_;
  bool settling_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unique_ptr<net::Timer> timer_;
  std::unordered_map<SessionId, std::unique_ptr<ServedSession>> served_;
  std::unique_ptr<http::Server> http_;
};

}  // namespace floe::whip
