#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/net/network.h"
#include "floe/servers/signaling/frame.h"
#include "floe/servers/signaling/rooms.h"

struct uv_loop_s;  // libuv's uv_loop_t

namespace floe::server {

/// What to answer a request with that is no WebSocket.
struct HttpAnswer {
  unsigned status = 404;
  std::string file;          ///< With 200: what to send.
  std::string content_type;  ///< With 200.
  std::string location;      ///< With 301.
};

/// Called with what happens on `WebSockets`. Only `on_turn` may destroy them.
class WebSocketHandler {
 public:
  virtual ~WebSocketHandler() = default;

  // Servers.
  virtual bool accepts(std::string_view) { return false; }        ///< A WebSocket for this path?
  virtual HttpAnswer on_request(std::string_view) { return {}; }  ///< GET of this path.

  // Clients.
  /// No WebSocket came of `connect`. `status` is the HTTP status of the answer, or 0 without one.
  virtual void on_connect_failed(ConnectionId, unsigned, std::string_view) {}

  virtual void on_open(ConnectionId connection) = 0;
  virtual void on_message(ConnectionId connection, std::string_view message, bool binary) = 0;
  /// A message grew past the limit; nothing more is read from this connection.
  virtual void on_oversized(ConnectionId connection) = 0;
  virtual void on_pong(ConnectionId connection) = 0;
  /// The socket takes more. Nothing means: not before the next `request_write`.
  virtual std::optional<Frame> next_frame(ConnectionId connection) = 0;
  /// The last call for an open connection. `code` is that of the close frame of the other end,
  /// or 0 when the connection ended without one.
  virtual void on_close(ConnectionId connection, std::uint16_t code, std::string_view reason) = 0;

  /// After every turn in which any of these may have been called. It may destroy the sockets.
  virtual void on_turn() = 0;
};

/// The sockets of one server or one client: everything here that knows libwebsockets.
///
/// libwebsockets runs on a libuv loop of its own within this object, and the outer loop watches
/// that loop's descriptor and its next timer. The library's own ways to share a loop are worse:
/// Debian builds it without callbacks for an external poll(), and on a loop that is not its own
/// its teardown ends some turns later, calls back until then, and unloads its libuv plug-in in
/// the middle. The inner loop is turned by the destructor until everything is closed, so nothing
/// of libwebsockets outlives this object.
class WebSockets {
 public:
  struct Options {
    std::size_t max_message_bytes = 0;
    std::size_t max_sockets = 1;  ///< Accepted TCP connections; more are closed at once.
    Duration handshake_timeout = std::chrono::seconds(10);
  };

  /// `handler`, `network` and `outer`, the loop that `network` is on, must outlive the sockets.
  [[nodiscard]] static Result<std::unique_ptr<WebSockets>> create(net::Network& network,
                                                                  uv_loop_s& outer,
                                                                  const Options& options,
                                                                  WebSocketHandler& handler);
  virtual ~WebSockets() = default;

  /// Accepts connections; returns where.
  [[nodiscard]] virtual Result<net::Endpoint> listen(const net::Endpoint& local) = 0;
  /// `on_open` or `on_connect_failed` follows, in a later turn.
  virtual void connect(ConnectionId connection, const net::Endpoint& remote,
                       const std::string& host, const std::string& path) = 0;
  /// `next_frame` is called as soon as the socket takes more.
  virtual void request_write(ConnectionId connection) = 0;
  /// Ends a connection without a word; `on_close` follows if it was open.
  virtual void cut(ConnectionId connection) = 0;
  /// `on_turn` follows soon, even if nothing happens.
  virtual void request_turn() = 0;
};

}  // namespace floe::server
