#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/net/network.h"
#include "floe/servers/signaling/message.h"

struct uv_loop_s;  // libuv's uv_loop_t

namespace floe::server {

/// Called with what happens on a `SignalingClient`, on the loop's thread and never from within a
/// call to the client. Each may call anything, including the client's destructor.
class SignalingHandler {
 public:
  virtual ~SignalingHandler() = default;
  virtual void on_joined(const Joined& joined) = 0;
  virtual void on_left() {}
  virtual void on_peer_joined(const Peer& peer) = 0;
  virtual void on_peer_left(const std::string& id) = 0;
  virtual void on_signal(const std::string& from, const Signal& signal) = 0;
  /// The server refused something; the connection goes on unless `on_closed` follows.
  virtual void on_error(const Refusal& refusal) = 0;
  /// The last call: the connection ended or was never made. `error` says why:
  /// `kNotFound` the host has no address, `kRefused` nothing listens there or the server answered
  /// with HTTP instead of a WebSocket (the text has the status), `kTimedOut` no answer in time or
  /// none to a ping, `kUnreachable` no route, `kClosed` closed by the server (the text has the
  /// code and its reason) or by `close()`.
  virtual void on_closed(const Error& error) = 0;
};

struct SignalingClientOptions {
  Duration connect_timeout = std::chrono::seconds(10);  ///< Lookup, TCP and handshake together.
  /// As for the server: a dead connection is noticed within the sum of the two.
  Duration ping_interval = std::chrono::seconds(15);
  Duration pong_timeout = std::chrono::seconds(10);
  std::size_t max_message_bytes = 256 * 1024;  ///< Received; a larger one ends the connection.
  std::size_t max_queued_bytes = 1024 * 1024;  ///< To be sent.
};

/// A client of the signalling server. It has no thread of its own: it lives in `loop`, the libuv
/// loop that `network` is on too, and must not outlive either. Like the network it leaves a closed
/// handle there, which goes when the loop turns for the last time.
class SignalingClient {
 public:
  /// Starts to connect to "ws://host:port/path" (port 80 and path "/signal" when left out).
  /// An error is about the URL, or says that libwebsockets is not installed as it has to be;
  /// everything else comes to `handler`, which must outlive the client.
  [[nodiscard]] static Result<std::unique_ptr<SignalingClient>> connect(
      net::Network& network, uv_loop_s& loop, std::string_view url, SignalingHandler& handler,
      const SignalingClientOptions& options = {});
  /// Cuts the connection; nothing is called any more.
  ~SignalingClient();

  // These may be called at once; what they say waits for the connection. `kWouldBlock` when
  // `max_queued_bytes` are waiting, `kClosed` after the end.

  [[nodiscard]] Result<> join(std::string_view room, std::string_view name);
  [[nodiscard]] Result<> leave();
  [[nodiscard]] Result<> send(std::string_view to, const Signal& signal);

  /// Connects if that is still under way, sends what is queued, then closes; `on_closed` follows.
  /// To stop at once, destroy the client.
  void close();

  /// Bytes queued and not yet handed to the system.
  std::size_t buffered_amount() const;

  class Socket;

 private:
  explicit SignalingClient(std::unique_ptr<Socket> socket);
  std::unique_ptr<Socket> socket_;
};

}  // namespace floe::server
