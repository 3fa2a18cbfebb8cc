#pragma once

#include <functional>

#include "floe/core/result.h"
#include "floe/net/endpoint.h"

struct uv_loop_s;
struct uv_stream_s;
struct uv_tcp_s;

namespace floe::server {

/// A listening TCP socket that hands out plain descriptors, which libwebsockets adopts. Its own
/// listener cannot say why a port was not to be had.
class Listener {
 public:
  /// Each descriptor belongs to `accepted`.
  Listener(uv_loop_s& loop, std::function<void(int descriptor)> accepted);
  /// The handle goes when the loop turns.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Returns where it listens.
  [[nodiscard]] Result<net::Endpoint> listen(const net::Endpoint& local);

 private:
  static void on_connection(uv_stream_s* server, int status);

  uv_loop_s& loop_;
  std::function<void(int)> accepted_;
  uv_tcp_s* server_;  ///< Owned by libuv once it is closing.
};

}  // namespace floe::server
