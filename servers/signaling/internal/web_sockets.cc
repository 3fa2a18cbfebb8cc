#include "floe/servers/signaling/internal/web_sockets.h"

#include <libwebsockets.h>
#include <uv.h>

#include <algorithm>
#include <cstring>
#include <unordered_map>
#include <utility>
#include <vector>

#include "floe/core/check.h"
#include "floe/servers/signaling/internal/listener.h"
#include "floe/servers/signaling/internal/overloaded.h"

namespace floe::server {
namespace {

// Bytes of a message that libwebsockets hands over in one piece at most.
constexpr std::size_t kReceiveBuffer = 4096;
// RFC 6455 section 5.5: a control frame's payload has at most 125 bytes; a close code takes two.
constexpr std::size_t kMaxCloseReason = 123;
constexpr std::string_view kPingPayload = "floe";
// A path or header value that is longer than this is not one of ours.
constexpr std::size_t kMaxHeader = 512;
constexpr std::size_t kHttpHeaderSpace = 1024;

// libwebsockets has one log for the process. What it says while a WebSockets turns goes to that
// one's network; the rest (nothing of interest happens outside of turns) nowhere.
thread_local const net::Network* turning_on = nullptr;

void log_line(int level, const char* line) {
  if (!turning_on) return;
  std::string_view text(line);
  while (text.ends_with('\n')) text.remove_suffix(1);
  turning_on->log(level & LLL_ERR ? LogLevel::kWarning : LogLevel::kDebug, "libwebsockets", text);
}

unsigned seconds(Duration duration) {
  return static_cast<unsigned>(std::max<std::int64_t>(1, (to_ms(duration) + 999) / 1000));
}

class LwsSockets final : public WebSockets {
 public:
  LwsSockets(net::Network& network, const Options& options, WebSocketHandler& handler)
      : network_(network), options_(options), handler_(&handler) {}
  ~LwsSockets() override;

  Result<> open(uv_loop_s& outer);

  Result<net::Endpoint> listen(const net::Endpoint& local) override;
  void connect(ConnectionId key, const net::Endpoint& remote, const std::string& host,
               const std::string& path) override;
  void request_write(ConnectionId key) override;
  void cut(ConnectionId key) override;
  void request_turn() override { timer_->arm(network_.now()); }

 private:
  struct Socket {
    lws* wsi = nullptr;
    bool open = false;
    bool deaf = false;  ///< Sent too large a message: the rest of it is skipped.
    std::string incoming;
    std::uint16_t close_code = 0;
    std::string close_reason;
  };

  static int callback(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t size);
  int handle(lws* wsi, lws_callback_reasons reason, std::string_view in);
  int handle_upgrade(lws* wsi, std::string_view protocol);
  int handle_request(lws* wsi, std::string_view path);
  int send_status(lws* wsi, unsigned status);
  int send_redirect(lws* wsi, const std::string& location);
  int send_file(lws* wsi, const HttpAnswer& answer);
  void handle_open(lws* wsi, ConnectionId key);
  void handle_received(lws* wsi, std::string_view bytes);
  int handle_writable(lws* wsi);
  void handle_peer_close(lws* wsi, std::string_view in);
  void handle_closed(lws* wsi);
  void handle_failed(lws* wsi, std::string_view reason);

  void accept(int descriptor);
  ConnectionId key_of(lws* wsi) const;
  Socket* socket_of(lws* wsi);
  void turn();
  void turn_inner();

  net::Network& network_;
  const Options options_;
  WebSocketHandler* handler_;  ///< Null while the destructor runs.
  uv_loop_t inner_{};
  bool inner_open_ = false;
  uv_poll_t* watch_ = nullptr;  ///< In the outer loop, on the inner loop's descriptor.
  std::unique_ptr<net::Timer> timer_;
  lws_context* context_ = nullptr;
  lws_vhost* vhost_ = nullptr;
  std::unique_ptr<Listener> listener_;
  std::unordered_map<ConnectionId, Socket> sockets_;
  std::size_t accepted_ = 0;  ///< Open TCP connections, WebSockets or not.
  std::uint64_t next_key_ = 1;
};

LwsSockets::~LwsSockets() {
  handler_ = nullptr;
  listener_.reset();
  if (watch_) {
    uv_close(reinterpret_cast<uv_handle_t*>(watch_),
             [](uv_handle_t* closed) { delete reinterpret_cast<uv_poll_t*>(closed); });
  }
  if (!inner_open_) return;
  if (context_) {
    // On a loop that is not libwebsockets' own the first call only starts to close handles, one
    // generation after the other. The second is due when all are closed and not before: it unloads
    // the plug-in that their callbacks are in.
    lws_context_destroy(context_);
    while (uv_loop_alive(&inner_)) turn_inner();
    if (context_) lws_context_destroy(context_);
  }
  // For the listener of a context that was never made.
  while (uv_loop_close(&inner_) == UV_EBUSY) uv_run(&inner_, UV_RUN_NOWAIT);
}

Result<> LwsSockets::open(uv_loop_s& outer) {
  static const lws_protocols kProtocols[] = {{"floe", callback, 0, kReceiveBuffer, 0, nullptr, 0},
                                             {nullptr, nullptr, 0, 0, 0, nullptr, 0}};

  timer_ = network_.create_timer([this] { turn(); });
  if (const int code = uv_loop_init(&inner_)) {
    return fail(Errc::kInternal, std::string("cannot create a libuv loop: ") + uv_strerror(code));
  }
  inner_open_ = true;
  watch_ = new uv_poll_t;
  if (const int code = uv_poll_init(&outer, watch_, uv_backend_fd(&inner_))) {
    delete std::exchange(watch_, nullptr);
    return fail(Errc::kInternal, std::string("cannot watch a libuv loop: ") + uv_strerror(code));
  }
  watch_->data = this;

  // Once, since it is the process's and there may be loops on other threads.
  [[maybe_unused]] static const bool kLogs =
      (lws_set_log_level(LLL_ERR | LLL_WARN, log_line), true);
  void* loops[1] = {&inner_};
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN_SERVER;  // `Listener` does that
  info.protocols = kProtocols;
  info.gid = -1;
  info.uid = -1;
  info.user = this;
  info.options = LWS_SERVER_OPTION_LIBUV;
  info.foreign_loops = loops;
  info.pcontext = &context_;
  info.server_string = "floe";
  info.timeout_secs = seconds(options_.handshake_timeout);
  info.timeout_secs_ah_idle = seconds(options_.handshake_timeout);
  turning_on = &network_;
  context_ = lws_create_context(&info);
  turning_on = nullptr;
  if (!context_) {
    return fail(Errc::kInternal,
                "libwebsockets did not start; its libuv plug-in must be installed (in Debian: "
                "libwebsockets-evlib-uv)");
  }
  vhost_ = lws_get_vhost_by_name(context_, "default");
  FLOE_CHECK(vhost_);
  // Otherwise the environment's http_proxy would carry signalling off the machine.
  lws_set_proxy(vhost_, ":0");

  uv_poll_start(watch_, UV_READABLE,
                [](uv_poll_t* watch, int, int) { static_cast<LwsSockets*>(watch->data)->turn(); });
  request_turn();
  return {};
}

void LwsSockets::turn() {
  turn_inner();
  // What was asked of the inner loop counts from its next turn on; 0 means that one is due now.
  if (uv_loop_alive(&inner_)) {
    const int wait_ms = uv_backend_timeout(&inner_);
    timer_->arm(wait_ms < 0 ? kNever : network_.now() + std::chrono::milliseconds(wait_ms));
  }
  handler_->on_turn();
}

void LwsSockets::turn_inner() {
  const net::Network* const before = std::exchange(turning_on, &network_);
  uv_run(&inner_, UV_RUN_NOWAIT);
  turning_on = before;
}

Result<net::Endpoint> LwsSockets::listen(const net::Endpoint& local) {
  listener_ = std::make_unique<Listener>(inner_, [this](int descriptor) { accept(descriptor); });
  Result<net::Endpoint> bound = listener_->listen(local);
  request_turn();
  return bound;
}

void LwsSockets::accept(int descriptor) {
  if (accepted_ >= options_.max_sockets) {
    // There is no room for even an HTTP request that could be answered.
    ::close(descriptor);
    return;
  }
  // It closes the descriptor if it fails, and counts in `accepted_` by LWS_CALLBACK_WSI_CREATE.
  lws_adopt_socket_vhost(vhost_, descriptor);
}

void LwsSockets::connect(ConnectionId key, const net::Endpoint& remote, const std::string& host,
                         const std::string& path) {
  Socket& socket = sockets_[key];
  const std::string address = remote.address.to_string();
  lws_client_connect_info info{};
  info.context = context_;
  info.vhost = vhost_;
  info.address = address.c_str();
  info.port = remote.port;
  info.path = path.c_str();
  info.host = host.c_str();
  info.origin = host.c_str();
  info.local_protocol_name = "floe";
  info.opaque_user_data = reinterpret_cast<void*>(static_cast<std::uintptr_t>(key));
  info.pwsi = &socket.wsi;
  const net::Network* const before = std::exchange(turning_on, &network_);
  // When it fails at once it has called back already, and `socket` is gone.
  lws_client_connect_via_info(&info);
  turning_on = before;
  request_turn();
}

void LwsSockets::request_write(ConnectionId key) {
  const auto found = sockets_.find(key);
  if (found == sockets_.end() || !found->second.open) return;
  lws_callback_on_writable(found->second.wsi);
  request_turn();
}

void LwsSockets::cut(ConnectionId key) {
  const auto found = sockets_.find(key);
  if (found == sockets_.end() || !found->second.wsi) return;
  // libwebsockets has no call for this that may be made at any time; it will read the end of the
  // stream and close without a handshake.
  shutdown(lws_get_socket_fd(found->second.wsi), SHUT_RDWR);
}

ConnectionId LwsSockets::key_of(lws* wsi) const {
  return static_cast<ConnectionId>(reinterpret_cast<std::uintptr_t>(lws_get_opaque_user_data(wsi)));
}

LwsSockets::Socket* LwsSockets::socket_of(lws* wsi) {
  const auto found = sockets_.find(key_of(wsi));
  return found == sockets_.end() ? nullptr : &found->second;
}

int LwsSockets::callback(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t size) {
  lws_context* context = wsi ? lws_get_context(wsi) : nullptr;
  auto* self = context ? static_cast<LwsSockets*>(lws_context_user(context)) : nullptr;
  if (!self || !self->handler_) return 0;
  return self->handle(
      wsi, reason, in ? std::string_view(static_cast<const char*>(in), size) : std::string_view());
}

int LwsSockets::handle(lws* wsi, lws_callback_reasons reason, std::string_view in) {
  switch (reason) {
    case LWS_CALLBACK_WSI_CREATE:  // for accepted ones only
      ++accepted_;
      return 0;
    case LWS_CALLBACK_WSI_DESTROY:
      if (accepted_ > 0) --accepted_;
      // Not every way to end has a call of its own: a server that hangs up during the handshake.
      if (Socket* socket = socket_of(wsi); socket && !socket->open) {
        handle_failed(wsi, "the connection ended during the handshake");
      }
      return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
      return handle_upgrade(wsi, std::string_view(in.data()));
    case LWS_CALLBACK_HTTP:
      return handle_request(wsi, in);
    case LWS_CALLBACK_HTTP_FILE_COMPLETION:
      return lws_http_transaction_completed(wsi) ? -1 : 0;
    case LWS_CALLBACK_ESTABLISHED:
      handle_open(wsi, static_cast<ConnectionId>(next_key_++));
      return 0;
    case LWS_CALLBACK_CLIENT_ESTABLISHED:
      handle_open(wsi, key_of(wsi));
      return 0;
    case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
      handle_failed(wsi, in);
      return 0;
    case LWS_CALLBACK_RECEIVE:
    case LWS_CALLBACK_CLIENT_RECEIVE:
      handle_received(wsi, in);
      return 0;
    case LWS_CALLBACK_RECEIVE_PONG:
    case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
      if (socket_of(wsi)) handler_->on_pong(key_of(wsi));
      return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLIENT_WRITEABLE:
      return handle_writable(wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
      handle_peer_close(wsi, in);
      return 0;
    case LWS_CALLBACK_TIMER:  // set when there was a close frame to send
      return -1;
    case LWS_CALLBACK_CLOSED:
    case LWS_CALLBACK_CLIENT_CLOSED:
      handle_closed(wsi);
      return 0;
    default:
      return 0;
  }
}

/// 0 lets libwebsockets answer with the upgrade, 1 says that something else was answered.
int LwsSockets::handle_upgrade(lws* wsi, std::string_view protocol) {
  char path[kMaxHeader];
  const int size = lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI);
  unsigned status = HTTP_STATUS_NOT_FOUND;
  if (protocol != "websocket") {
    status = HTTP_STATUS_BAD_REQUEST;  // HTTP/2, which nobody here needs
  } else if (size > 0 &&
             handler_->accepts(std::string_view(path, static_cast<std::size_t>(size)))) {
    return 0;
  }
  return send_status(wsi, status) < 0 ? -1 : 1;
}

int LwsSockets::handle_request(lws* wsi, std::string_view path) {
  if (lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0) {
    // A body may follow that nobody will read, so the connection ends with the answer.
    lws_return_http_status(wsi, HTTP_STATUS_METHOD_NOT_ALLOWED, nullptr);
    return -1;
  }
  const HttpAnswer answer = handler_->on_request(path);
  if (answer.status == HTTP_STATUS_OK) return send_file(wsi, answer);
  if (answer.status == HTTP_STATUS_MOVED_PERMANENTLY) return send_redirect(wsi, answer.location);
  if (send_status(wsi, answer.status) < 0) return -1;
  return lws_http_transaction_completed(wsi) ? -1 : 0;
}

int LwsSockets::send_status(lws* wsi, unsigned status) {
  return lws_return_http_status(wsi, status, nullptr);
}

int LwsSockets::send_redirect(lws* wsi, const std::string& location) {
  std::vector<unsigned char> space(LWS_PRE + kHttpHeaderSpace + location.size());
  unsigned char* position = space.data() + LWS_PRE;
  if (lws_http_redirect(wsi, HTTP_STATUS_MOVED_PERMANENTLY,
                        reinterpret_cast<const unsigned char*>(location.data()),
                        static_cast<int>(location.size()), &position,
                        space.data() + space.size()) < 0) {
    return -1;
  }
  return lws_http_transaction_completed(wsi) ? -1 : 0;
}

int LwsSockets::send_file(lws* wsi, const HttpAnswer& answer) {
  unsigned char headers[kHttpHeaderSpace];
  unsigned char* position = headers;
  unsigned char* const end = headers + sizeof headers;
  const auto add = [&](const char* name, std::string_view value) {
    return lws_add_http_header_by_name(wsi, reinterpret_cast<const unsigned char*>(name),
                                       reinterpret_cast<const unsigned char*>(value.data()),
                                       static_cast<int>(value.size()), &position, end) == 0;
  };
  // The type is the one of the file's name, whatever its bytes look like; and pages under
  // development change all the time.
  if (!add("x-content-type-options:", "nosniff") || !add("cache-control:", "no-cache")) return -1;
  const int result = lws_serve_http_file(wsi, answer.file.c_str(), answer.content_type.c_str(),
                                         reinterpret_cast<const char*>(headers),
                                         static_cast<int>(position - headers));
  if (result < 0) return -1;
  return result > 0 && lws_http_transaction_completed(wsi) ? -1 : 0;
}

void LwsSockets::handle_open(lws* wsi, ConnectionId key) {
  lws_set_opaque_user_data(wsi, reinterpret_cast<void*>(static_cast<std::uintptr_t>(key)));
  Socket& socket = sockets_[key];
  socket.wsi = wsi;
  socket.open = true;
  handler_->on_open(key);
}

void LwsSockets::handle_received(lws* wsi, std::string_view bytes) {
  Socket* socket = socket_of(wsi);
  if (!socket || socket->deaf) return;
  const ConnectionId key = key_of(wsi);
  if (socket->incoming.size() + bytes.size() > options_.max_message_bytes) {
    socket->deaf = true;
    socket->incoming = {};
    handler_->on_oversized(key);
    return;
  }
  socket->incoming.append(bytes);
  if (lws_remaining_packet_payload(wsi) > 0 || !lws_is_final_fragment(wsi)) return;
  const std::string message = std::exchange(socket->incoming, {});
  handler_->on_message(key, message, lws_frame_is_binary(wsi) != 0);
}

/// One frame per call, as libwebsockets wants it. A nonzero result means a broken socket.
int LwsSockets::handle_writable(lws* wsi) {
  Socket* socket = socket_of(wsi);
  if (!socket || !socket->open) return 0;
  const std::optional<Frame> frame = handler_->next_frame(key_of(wsi));
  if (!frame) return 0;
  const int result = std::visit(
      Overloaded{[&](const TextFrame& text) {
                   // libwebsockets writes its frame header into the bytes before the payload.
                   std::vector<unsigned char> space(LWS_PRE + text.text.size());
                   std::copy(text.text.begin(), text.text.end(), space.begin() + LWS_PRE);
                   return lws_write(wsi, space.data() + LWS_PRE, text.text.size(), LWS_WRITE_TEXT);
                 },
                 [&](const PingFrame&) {
                   // Not empty: a server's libwebsockets reports no empty pongs.
                   unsigned char space[LWS_PRE + kPingPayload.size()];
                   std::copy(kPingPayload.begin(), kPingPayload.end(), space + LWS_PRE);
                   return lws_write(wsi, space + LWS_PRE, kPingPayload.size(), LWS_WRITE_PING);
                 },
                 [&](const CloseFrame& close) {
                   std::vector<unsigned char> reason(close.reason.begin(), close.reason.end());
                   lws_close_reason(wsi, static_cast<lws_close_status>(close.code), reason.data(),
                                    std::min(reason.size(), kMaxCloseReason));
                   // libwebsockets 4.1 takes a refusal by this callback for a broken socket and
                   // says no farewell, but not one by LWS_CALLBACK_TIMER.
                   lws_set_timer_usecs(wsi, 1);
                   return 0;
                 }},
      *frame);
  if (result < 0) return -1;
  if (!std::holds_alternative<CloseFrame>(*frame)) lws_callback_on_writable(wsi);
  return 0;
}

/// RFC 6455 section 5.5.1: two bytes of code and the reason, or nothing at all.
void LwsSockets::handle_peer_close(lws* wsi, std::string_view in) {
  Socket* socket = socket_of(wsi);
  if (!socket) return;
  // 1005 is "no status": what there is to say when the frame is empty.
  socket->close_code = 1005;
  if (in.size() < 2) return;
  socket->close_code = static_cast<std::uint16_t>(static_cast<unsigned char>(in[0]) << 8 |
                                                  static_cast<unsigned char>(in[1]));
  socket->close_reason = in.substr(2);
}

void LwsSockets::handle_closed(lws* wsi) {
  auto closed = sockets_.extract(key_of(wsi));
  if (!closed || !closed.mapped().open) return;
  handler_->on_close(closed.key(), closed.mapped().close_code, closed.mapped().close_reason);
}

void LwsSockets::handle_failed(lws* wsi, std::string_view reason) {
  const ConnectionId key = key_of(wsi);
  if (sockets_.erase(key) == 0) return;
  // It stands in a buffer of its own, with its length beyond the end at times.
  reason = reason.substr(0, reason.find('\0'));
  handler_->on_connect_failed(key, lws_http_client_http_response(wsi), reason);
}

}  // namespace

Result<std::unique_ptr<WebSockets>> WebSockets::create(net::Network& network, uv_loop_s& outer,
                                                       const Options& options,
                                                       WebSocketHandler& handler) {
  auto sockets = std::make_unique<LwsSockets>(network, options, handler);
  if (Result<> opened = sockets->open(outer); !opened) return forward(opened);
  return sockets;
}

}  // namespace floe::server
