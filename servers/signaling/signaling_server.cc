#include "floe/servers/signaling/signaling_server.h"

#include <utility>

#include "floe/servers/signaling/internal/overloaded.h"
#include "floe/servers/signaling/internal/static_files.h"
#include "floe/servers/signaling/internal/web_sockets.h"

namespace floe::server {
namespace {

// Sockets above `max_connections`: connections that are being turned away, and browsers that fetch
// files over half a dozen connections each.
constexpr std::size_t kSpareSockets = 128;

}  // namespace

/// Carries `Rooms` to and from the sockets.
class SignalingServer::Sockets final : public WebSocketHandler {
 public:
  Sockets(net::Network& network, SignalingServerOptions options, StaticFiles files)
      : network_(network),
        options_(std::move(options)),
        files_(std::move(files)),
        rooms_(options_.limits, options_.ice_servers, network.random()),
        timer_(network.create_timer([this] {
          rooms_.handle_timeout(network_.now());
          settle();
        })) {}

  Result<> listen(uv_loop_s& loop) {
    Result<std::unique_ptr<WebSockets>> sockets =
        WebSockets::create(network_, loop,
                           {.max_message_bytes = options_.limits.max_message_bytes,
                            .max_sockets = options_.limits.max_connections + kSpareSockets,
                            .handshake_timeout = options_.limits.join_timeout},
                           *this);
    if (!sockets) return forward(sockets);
    sockets_ = std::move(*sockets);
    Result<net::Endpoint> local = sockets_->listen(options_.bind);
    if (!local) return forward(local);
    local_ = *local;
    return {};
  }

  const net::Endpoint& local() const { return local_; }
  std::string url() const { return "ws://" + local_.to_string() + options_.path; }
  SignalingStats stats() const { return rooms_.stats(); }

  bool accepts(std::string_view path) override { return path == options_.path; }
  HttpAnswer on_request(std::string_view path) override {
    // 426 says what is wanted here (RFC 9110 section 15.5.22).
    if (path == options_.path) return {426, {}, {}, {}};
    return files_.answer(path);
  }

  void on_open(ConnectionId connection) override {
    rooms_.handle_connect(network_.now(), connection);
  }
  void on_message(ConnectionId connection, std::string_view message, bool binary) override {
    if (binary) return rooms_.handle_binary(network_.now(), connection);
    rooms_.handle_message(network_.now(), connection, message);
  }
  void on_oversized(ConnectionId connection) override {
    rooms_.handle_oversized(network_.now(), connection);
  }
  void on_pong(ConnectionId connection) override { rooms_.handle_pong(network_.now(), connection); }
  std::optional<Frame> next_frame(ConnectionId connection) override {
    return rooms_.poll_transmit(connection);
  }
  void on_close(ConnectionId connection, std::uint16_t, std::string_view) override {
    rooms_.handle_disconnect(network_.now(), connection);
  }
  void on_turn() override { settle(); }

 private:
  void settle() {
    while (std::optional<Rooms::Event> event = rooms_.poll_event()) {
      std::visit(
          Overloaded{[&](const Rooms::Ready& ready) { sockets_->request_write(ready.connection); },
                     [&](const Rooms::Drop& drop) {
                       network_.log(LogLevel::kInfo, "signaling",
                                    "a connection is dropped: " + drop.reason);
                       sockets_->cut(drop.connection);
                     }},
          *event);
    }
    timer_->arm(rooms_.next_timeout());
  }

  net::Network& network_;
  const SignalingServerOptions options_;
  const StaticFiles files_;
  Rooms rooms_;
  std::unique_ptr<net::Timer> timer_;
  net::Endpoint local_;
  std::unique_ptr<WebSockets> sockets_;  ///< Last: it goes first.
};

Result<std::unique_ptr<SignalingServer>> SignalingServer::listen(net::Network& network,
                                                                 uv_loop_s& loop,
                                                                 SignalingServerOptions options) {
  if (Result<> valid = validate(options.limits); !valid) return forward(valid);
  if (!options.path.starts_with('/')) {
    return fail(Errc::kInvalidArgument, "the path must start with \"/\": " + options.path);
  }
  StaticFiles files;
  if (!options.www.empty()) {
    Result<StaticFiles> opened = StaticFiles::open(options.www);
    if (!opened) return forward(opened);
    files = std::move(*opened);
  }
  auto sockets = std::make_unique<Sockets>(network, std::move(options), std::move(files));
  if (Result<> listening = sockets->listen(loop); !listening) return forward(listening);
  return std::unique_ptr<SignalingServer>(new SignalingServer(std::move(sockets)));
}

SignalingServer::SignalingServer(std::unique_ptr<Sockets> sockets) : sockets_(std::move(sockets)) {}
SignalingServer::~SignalingServer() = default;

net::Endpoint SignalingServer::local() const {
  return sockets_->local();
}
std::string SignalingServer::url() const {
  return sockets_->url();
}
SignalingStats SignalingServer::stats() const {
  return sockets_->stats();
}

}  // namespace floe::server
