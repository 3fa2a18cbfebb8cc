#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <unordered_map>

#include "floe/core/result.h"
#include "floe/dtls/identity.h"
#include "floe/http/message.h"
#include "floe/http/reader.h"
#include "floe/net/network.h"

namespace floe::http {

/// Called with what clients ask. Any call may destroy the server.
class ServerHandler {
 public:
  virtual ~ServerHandler() = default;
  /// To be answered by `Server::respond`, at once or later.
  virtual void on_request(RequestId id, const Request& request) = 0;
  /// The client went before its response was there; nothing needs to be said any more.
  virtual void on_abandoned(RequestId id) { static_cast<void>(id); }
};

/// An HTTP/1.1 server on any network, with TLS if it has a certificate. One request of a
/// connection is handled at a time.
class Server final : private net::ListenerHandler {
 public:
  struct Options {
    net::Endpoint bind{net::Address::v4(127, 0, 0, 1), 0};  ///< Port 0: the system's choice.
    /// Certificate chain and key (`tls::read_identity`) for https; without one it is http.
    std::shared_ptr<const dtls::Identity> identity{};
    /// One more is closed as it comes.
    std::size_t max_connections = 1'000;
    /// From a request's first byte to its last.
    Duration request_timeout = std::chrono::seconds(10);
    /// How long a connection may wait for its next request.
    Duration idle_timeout = std::chrono::seconds(60);
    ReaderLimits limits{};
  };
  struct Stats {
    std::size_t connections = 0;  ///< Now.
    std::uint64_t requests = 0;
    std::uint64_t malformed = 0;    ///< Refused without asking the handler.
    std::uint64_t timed_out = 0;    ///< Connections closed in the middle of a request.
    std::uint64_t turned_away = 0;  ///< There were `max_connections`.
  };

  /// `network` and `handler` must outlive the server.
  [[nodiscard]] static Result<std::unique_ptr<Server>> listen(net::Network& network,
                                                              const Options& options,
                                                              ServerHandler& handler);
  ~Server() override;

  const net::Endpoint& local() const { return local_; }
  bool secure() const { return options_.identity != nullptr; }
  /// Once for each request; for one that was abandoned it does nothing.
  void respond(RequestId id, const Response& response);
  Stats stats() const;

 private:
  class Connection;

  Server(net::Network& network, const Options& options, ServerHandler& handler);
  void on_accept(std::unique_ptr<net::Stream> stream) override;
  /// Destroys `connection`.
  void close(Connection& connection);

  net::Network& network_;
  const Options options_;
  ServerHandler& handler_;
  net::Endpoint local_;
  std::uint64_t last_connection_ = 0;
  std::uint64_t last_request_ = 0;
  Stats stats_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  std::unordered_map<std::uint64_t, std::unique_ptr<Connection>> connections_;
  std::unordered_map<RequestId, std::uint64_t> requests_;  ///< Whose response is still to come.
  std::unique_ptr<net::Listener> listener_;
};

}  // namespace floe::http
