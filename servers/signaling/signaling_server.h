#pragma once

#include <memory>
#include <string>
#include <vector>

#include "floe/core/result.h"
#include "floe/net/endpoint.h"
#include "floe/net/network.h"
#include "floe/servers/signaling/limits.h"
#include "floe/servers/signaling/message.h"
#include "floe/servers/signaling/rooms.h"

struct uv_loop_s;  // libuv's uv_loop_t

namespace floe::server {

struct SignalingServerOptions {
  /// Port 0 lets the system choose. There is neither TLS nor a password: listen on other
  /// addresses than loopback only behind something that has both.
  net::Endpoint bind{net::Address::v4(127, 0, 0, 1), 0};
  std::string path = "/signal";  ///< Where WebSockets connect to.
  SignalingLimits limits;
  std::vector<IceServer> ice_servers;  ///< Told to everybody who joins.
  std::string www;                     ///< A folder served over HTTP; empty for none.
};

/// The signalling server: `Rooms` behind WebSockets, and static files if wanted, on one TCP port.
/// It lives in `loop`, the libuv loop that `network` is on too, and must not outlive either. Like
/// the network it leaves a closed handle there, which goes when the loop turns for the last time.
class SignalingServer {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SignalingServer>> listen(
      net::Network& network, uv_loop_s& loop, SignalingServerOptions options);
  /// Cuts all connections.
  ~SignalingServer();

  net::Endpoint local() const;
  /// "ws://127.0.0.1:8080/signal"
  std::string url() const;
  SignalingStats stats() const;

  class Sockets;

 private:
  explicit SignalingServer(std::unique_ptr<Sockets> sockets);
  std::unique_ptr<Sockets> sockets_;
};

}  // namespace floe::server
