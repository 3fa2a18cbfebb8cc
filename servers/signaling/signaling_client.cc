#include "floe/servers/signaling/signaling_client.h"

#include <deque>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "floe/servers/signaling/internal/overloaded.h"
#include "floe/servers/signaling/internal/web_socket_url.h"
#include "floe/servers/signaling/internal/web_sockets.h"

namespace floe::server {
namespace {

// How long the server may take to answer a close frame.
constexpr Duration kCloseTimeout = std::chrono::seconds(5);
// Addresses of one name that are tried: more would outlast any connect_timeout.
constexpr std::size_t kMaxAddresses = 8;
// RFC 6455 section 7.4.1.
constexpr std::uint16_t kNormalClosure = 1000;

}  // namespace

class SignalingClient::Socket final : public WebSocketHandler, public net::StreamHandler {
 public:
  Socket(net::Network& network, WebSocketUrl url, SignalingHandler& handler,
         const SignalingClientOptions& options)
      : network_(network),
        url_(std::move(url)),
        handler_(handler),
        options_(options),
        timer_(network.create_timer([this] { on_timer(); })) {}
  ~Socket() override { *alive_ = false; }

  Result<> open(uv_loop_s& loop);
  Result<> queue(const ClientMessage& message);
  void close();
  std::size_t buffered_amount() const { return queued_bytes_; }

  void on_connect_failed(ConnectionId connection, unsigned status,
                         std::string_view reason) override;
  void on_open(ConnectionId connection) override;
  void on_message(ConnectionId connection, std::string_view message, bool binary) override;
  void on_oversized(ConnectionId connection) override;
  void on_pong(ConnectionId) override { heard(); }
  std::optional<Frame> next_frame(ConnectionId connection) override;
  void on_close(ConnectionId connection, std::uint16_t code, std::string_view reason) override;
  void on_turn() override;

  void on_connected() override;
  void on_data(MutableBytes) override {}
  void on_closed(const Error& error) override;

 private:
  enum class Phase : std::uint8_t {
    kResolving,
    kReady,  ///< The next address can be tried.
    kConnecting,
    kExplaining,  ///< It failed, and plain TCP is to tell why.
    kOpen,
    kClosing,
    kEnded
  };

  void resolve();
  void try_next_address();
  void explain();
  void end(Errc code, std::string message);
  void heard();
  void arm();
  void on_timer();
  void deliver();
  void deliver(const ServerMessage& message);

  net::Network& network_;
  const WebSocketUrl url_;
  SignalingHandler& handler_;
  const SignalingClientOptions options_;
  std::unique_ptr<net::Timer> timer_;
  std::unique_ptr<net::Lookup> lookup_;
  std::unique_ptr<net::Stream> probe_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);

  Phase phase_ = Phase::kResolving;
  std::vector<net::Address> addresses_;
  std::size_t next_address_ = 0;
  ConnectionId connection_{};  ///< Counts the attempts.
  std::string last_failure_;

  std::deque<std::string> queue_;
  std::size_t queued_bytes_ = 0;
  Time deadline_ = kNever;  ///< To be connected, then to be closed.
  Time heard_;
  std::optional<Time> pinged_;
  bool ping_wanted_ = false;
  bool close_wanted_ = false;
  bool close_sent_ = false;

  std::deque<std::variant<ServerMessage, Error>> events_;
  std::unique_ptr<WebSockets> sockets_;  ///< Gone after the end.
};

Result<> SignalingClient::Socket::open(uv_loop_s& loop) {
  Result<std::unique_ptr<WebSockets>> sockets =
      WebSockets::create(network_, loop, {.max_message_bytes = options_.max_message_bytes}, *this);
  if (!sockets) return forward(sockets);
  sockets_ = std::move(*sockets);
  deadline_ = network_.now() + options_.connect_timeout;
  arm();
  resolve();
  return {};
}

void SignalingClient::Socket::resolve() {
  if (const std::optional<net::Address> address = net::Address::parse(url_.host)) {
    addresses_ = {*address};
    phase_ = Phase::kReady;
    sockets_->request_turn();
    return;
  }
  lookup_ = network_.lookup(url_.host, [this](Result<std::vector<net::Address>> found) {
    if (found && !found->empty()) {
      addresses_ = std::move(*found);
      if (addresses_.size() > kMaxAddresses) addresses_.resize(kMaxAddresses);
      phase_ = Phase::kReady;
      sockets_->request_turn();
      return;
    }
    end(Errc::kNotFound, "cannot resolve " + url_.host + ": " +
                             (found ? "it has no address" : found.error().message));
    deliver();
  });
}

void SignalingClient::Socket::try_next_address() {
  phase_ = Phase::kConnecting;
  connection_ = static_cast<ConnectionId>(static_cast<std::uint64_t>(connection_) + 1);
  sockets_->connect(connection_, {addresses_[next_address_++], url_.port}, url_.authority(),
                    url_.path);
}

void SignalingClient::Socket::on_connect_failed(ConnectionId connection, unsigned status,
                                                std::string_view reason) {
  if (connection != connection_ || phase_ != Phase::kConnecting) return;
  if (status != 0) {
    return end(Errc::kRefused, url_.authority() + url_.path + " answered with HTTP status " +
                                   std::to_string(status) + " instead of a WebSocket");
  }
  last_failure_ = reason;
  // Not from here: libwebsockets is in the middle of something.
  phase_ = next_address_ < addresses_.size() ? Phase::kReady : Phase::kExplaining;
  sockets_->request_turn();
}

/// libwebsockets says "unable to connect" and keeps the system's error to itself, so that is asked
/// for once more.
void SignalingClient::Socket::explain() {
  if (probe_) return;
  Result<std::unique_ptr<net::Stream>> probe =
      network_.connect({addresses_[next_address_ - 1], url_.port}, std::nullopt, *this);
  if (probe) {
    probe_ = std::move(*probe);
  } else {
    end(probe.error().code, probe.error().message);
  }
}

void SignalingClient::Socket::on_connected() {
  end(Errc::kRefused, url_.authority() + " takes TCP connections but made no WebSocket of one (" +
                          last_failure_ + ")");
  deliver();
}

void SignalingClient::Socket::on_closed(const Error& error) {
  end(error.code, "cannot connect to " + url_.authority() + ": " + error.message);
  deliver();
}

void SignalingClient::Socket::on_open(ConnectionId connection) {
  if (connection != connection_ || phase_ != Phase::kConnecting) return;
  phase_ = Phase::kOpen;
  deadline_ = kNever;
  heard();
  if (close_wanted_) close();
  sockets_->request_write(connection_);
}

void SignalingClient::Socket::on_message(ConnectionId, std::string_view text, bool binary) {
  heard();
  if (phase_ != Phase::kOpen && phase_ != Phase::kClosing) return;
  if (binary) return;  // The protocol has none.
  Result<ServerMessage> message = parse_server_message(text);
  if (message) {
    events_.emplace_back(std::move(*message));
  } else {
    // A newer server may say things this client need not know.
    network_.log(LogLevel::kWarning, "signaling",
                 "a message of the server is skipped: " + message.error().message);
  }
}

void SignalingClient::Socket::on_oversized(ConnectionId) {
  end(Errc::kMessageTooLong, "the server sent a message of more than " +
                                 std::to_string(options_.max_message_bytes) + " bytes");
}

std::optional<Frame> SignalingClient::Socket::next_frame(ConnectionId) {
  if (std::exchange(ping_wanted_, false)) return PingFrame{};
  if (!queue_.empty()) {
    TextFrame frame{std::move(queue_.front())};
    queue_.pop_front();
    queued_bytes_ -= frame.text.size();
    return frame;
  }
  if (phase_ == Phase::kClosing && !std::exchange(close_sent_, true)) {
    return CloseFrame{kNormalClosure, ""};
  }
  return std::nullopt;
}

void SignalingClient::Socket::on_close(ConnectionId connection, std::uint16_t code,
                                       std::string_view reason) {
  if (connection != connection_) return;
  if (phase_ == Phase::kClosing) return end(Errc::kClosed, "closed by this client");
  if (code == 0) return end(Errc::kClosed, "the connection to " + url_.authority() + " broke");
  end(Errc::kClosed, url_.authority() + " closed the connection: " + std::to_string(code) +
                         (reason.empty() ? "" : " ") + std::string(reason));
}

void SignalingClient::Socket::on_turn() {
  if (phase_ == Phase::kReady) try_next_address();
  if (phase_ == Phase::kExplaining) explain();
  deliver();
}

Result<> SignalingClient::Socket::queue(const ClientMessage& message) {
  if (phase_ == Phase::kEnded || close_wanted_) {
    return fail(Errc::kClosed, "the signalling connection is closed");
  }
  std::string text = serialize(message);
  if (queued_bytes_ + text.size() > options_.max_queued_bytes) {
    return fail(Errc::kWouldBlock,
                std::to_string(queued_bytes_) + " bytes wait for the signalling server already");
  }
  queued_bytes_ += text.size();
  queue_.push_back(std::move(text));
  if (phase_ == Phase::kOpen) sockets_->request_write(connection_);
  return {};
}

void SignalingClient::Socket::close() {
  close_wanted_ = true;
  if (phase_ != Phase::kOpen) return;
  phase_ = Phase::kClosing;
  deadline_ = network_.now() + kCloseTimeout;
  arm();
  sockets_->request_write(connection_);
}

void SignalingClient::Socket::end(Errc code, std::string message) {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kEnded;
  events_.emplace_back(Error{code, std::move(message)});
}

void SignalingClient::Socket::heard() {
  heard_ = network_.now();
  pinged_.reset();
  arm();
}

void SignalingClient::Socket::arm() {
  Time when = deadline_;
  if (phase_ == Phase::kOpen) {
    when = pinged_ ? *pinged_ + options_.pong_timeout : heard_ + options_.ping_interval;
  }
  timer_->arm(when);
}

void SignalingClient::Socket::on_timer() {
  const Time now = network_.now();
  if (phase_ == Phase::kClosing && now >= deadline_) {
    end(Errc::kClosed, "closed by this client; the server did not answer");
  } else if (phase_ == Phase::kOpen) {
    // As in Rooms::expire: a timer that is very late tells of a machine that slept.
    if (pinged_ && now >= *pinged_ + options_.pong_timeout &&
        now < *pinged_ + 2 * options_.pong_timeout) {
      end(Errc::kTimedOut, url_.authority() + " did not answer a ping");
    } else if (pinged_ ? now >= *pinged_ + options_.pong_timeout
                       : now >= heard_ + options_.ping_interval) {
      pinged_ = now;
      ping_wanted_ = true;
      sockets_->request_write(connection_);
    }
  } else if (now >= deadline_) {
    end(Errc::kTimedOut, "no WebSocket from " + url_.authority() + " within " +
                             std::to_string(to_ms(options_.connect_timeout)) + " ms");
  }
  if (phase_ != Phase::kEnded) arm();
  deliver();
}

/// Calls the handler, which may destroy this: so it is the last thing its callers do, and none of
/// them is libwebsockets.
void SignalingClient::Socket::deliver() {
  const std::shared_ptr<bool> alive = alive_;
  while (*alive && !events_.empty()) {
    const std::variant<ServerMessage, Error> event = std::move(events_.front());
    events_.pop_front();
    if (const auto* error = std::get_if<Error>(&event)) {
      events_.clear();
      timer_->arm(kNever);
      lookup_.reset();
      probe_.reset();
      sockets_.reset();
      handler_.on_closed(*error);
      return;
    }
    deliver(std::get<ServerMessage>(event));
  }
}

void SignalingClient::Socket::deliver(const ServerMessage& message) {
  std::visit(Overloaded{[&](const Joined& joined) { handler_.on_joined(joined); },
                        [&](const Left&) { handler_.on_left(); },
                        [&](const PeerJoined& joined) { handler_.on_peer_joined(joined.peer); },
                        [&](const PeerLeft& left) { handler_.on_peer_left(left.id); },
                        [&](const Delivery& delivery) {
                          const Result<Signal> signal = parse_signal(delivery.json);
                          if (signal) return handler_.on_signal(delivery.from, *signal);
                          network_.log(LogLevel::kWarning, "signaling",
                                       "a peer's signal is skipped: " + signal.error().message);
                        },
                        [&](const Refusal& refusal) { handler_.on_error(refusal); }},
             message);
}

Result<std::unique_ptr<SignalingClient>> SignalingClient::connect(
    net::Network& network, uv_loop_s& loop, std::string_view url, SignalingHandler& handler,
    const SignalingClientOptions& options) {
  Result<WebSocketUrl> parsed = WebSocketUrl::parse(url);
  if (!parsed) return forward(parsed);
  auto socket = std::make_unique<Socket>(network, std::move(*parsed), handler, options);
  if (Result<> opened = socket->open(loop); !opened) return forward(opened);
  return std::unique_ptr<SignalingClient>(new SignalingClient(std::move(socket)));
}

SignalingClient::SignalingClient(std::unique_ptr<Socket> socket) : socket_(std::move(socket)) {}
SignalingClient::~SignalingClient() = default;

Result<> SignalingClient::join(std::string_view room, std::string_view name) {
  return socket_->queue(Join{std::string(room), std::string(name)});
}

Result<> SignalingClient::leave() {
  return socket_->queue(Leave{});
}

Result<> SignalingClient::send(std::string_view to, const Signal& signal) {
  Result<std::string> json = to_json(signal);
  if (!json) return forward(json);
  return socket_->queue(Relay{std::string(to), std::move(*json)});
}

void SignalingClient::close() {
  socket_->close();
}

std::size_t SignalingClient::buffered_amount() const {
  return socket_->buffered_amount();
}

}  // namespace floe::server
