#pragma once

#include <gtest/gtest.h>
#include <uv.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "floe/net/uv/network.h"
#include "floe/servers/signaling/signaling_client.h"
#include "floe/servers/signaling/signaling_server.h"
#include "tests/servers/raw_web_socket.h"

namespace floe::server {

/// A libuv loop with floe's network on it that also wakes every millisecond, for sockets it does
/// not know.
class TestLoop {
 public:
  TestLoop() {
    uv_loop_init(&loop_);
    uv_timer_init(&loop_, &tick_);
    uv_timer_start(
        &tick_, [](uv_timer_t*) {}, 1, 1);
    network_ = std::move(*net::uv::Network::create(&loop_));
  }
  ~TestLoop() {
    network_.reset();
    uv_close(reinterpret_cast<uv_handle_t*>(&tick_), nullptr);
    while (uv_loop_close(&loop_) == UV_EBUSY) uv_run(&loop_, UV_RUN_NOWAIT);
  }
  TestLoop(const TestLoop&) = delete;
  TestLoop& operator=(const TestLoop&) = delete;

  uv_loop_t& loop() { return loop_; }
  net::uv::Network& network() { return *network_; }
  void turn() { uv_run(&loop_, UV_RUN_ONCE); }

 private:
  uv_loop_t loop_{};
  uv_timer_t tick_{};
  std::unique_ptr<net::uv::Network> network_;
};

/// A `SignalingHandler` that keeps what it was told.
struct Listening : SignalingHandler {
  std::vector<Joined> joined;
  std::vector<Peer> peers_joined;
  std::vector<std::string> peers_left;
  std::vector<std::pair<std::string, Signal>> signals;
  std::vector<Refusal> errors;
  std::vector<Error> closed;
  int left = 0;
  std::unique_ptr<SignalingClient> client;
  std::function<void()> then;  ///< Called after each.

  void on_joined(const Joined& message) override { joined.push_back(message), done(); }
  void on_left() override { ++left, done(); }
  void on_peer_joined(const Peer& peer) override { peers_joined.push_back(peer), done(); }
  void on_peer_left(const std::string& id) override { peers_left.push_back(id), done(); }
  void on_signal(const std::string& from, const Signal& signal) override {
    signals.emplace_back(from, signal), done();
  }
  void on_error(const Refusal& refusal) override { errors.push_back(refusal), done(); }
  void on_closed(const Error& error) override { closed.push_back(error), done(); }
  void done() {
    if (then) then();
  }
};

class SignalingLoopback : public testing::Test {
 protected:
  void serve() {
    auto listening = SignalingServer::listen(loop_.network(), loop_.loop(), options_);
    ASSERT_TRUE(listening) << listening.error().message;
    server_ = std::move(*listening);
  }

  /// Turns the loop until `condition` holds; false when it does not within ten seconds.
  bool until(const std::function<bool()>& condition) {
    const Time end = loop_.network().now() + std::chrono::seconds(10);
    while (!condition()) {
      if (loop_.network().now() > end) return false;
      for (RawWebSocket* raw : raw_) raw->pump();
      loop_.turn();
    }
    return true;
  }

  void connect(Listening& listening, const SignalingClientOptions& options = {}) {
    auto client =
        SignalingClient::connect(loop_.network(), loop_.loop(), server_->url(), listening, options);
    ASSERT_TRUE(client) << client.error().message;
    listening.client = std::move(*client);
  }
  void join(Listening& listening, const std::string& room, const std::string& name) {
    connect(listening);
    ASSERT_TRUE(listening.client->join(room, name));
    ASSERT_TRUE(until([&] { return !listening.joined.empty(); }));
  }

  std::unique_ptr<RawWebSocket> raw(int receive_buffer = 0) {
    auto socket = std::make_unique<RawWebSocket>(server_->local(), receive_buffer);
    raw_.push_back(socket.get());
    return socket;
  }
  std::unique_ptr<RawWebSocket> upgraded(int receive_buffer = 0) {
    auto socket = raw(receive_buffer);
    socket->upgrade();
    EXPECT_TRUE(until([&] { return socket->upgraded(); })) << socket->http();
    return socket;
  }
  std::unique_ptr<RawWebSocket> raw_join(const std::string& room, int receive_buffer = 0) {
    auto socket = upgraded(receive_buffer);
    socket->send_text(serialize(ClientMessage(Join{room, "raw"})));
    EXPECT_TRUE(std::holds_alternative<Joined>(next(*socket)));
    return socket;
  }
  /// The next message that comes.
  ServerMessage next(RawWebSocket& socket) {
    if (!until([&] { return !socket.texts().empty(); })) {
      ADD_FAILURE() << "no message came";
      return Left{};
    }
    const std::string text = socket.texts().front();
    socket.texts().pop_front();
    const Result<ServerMessage> message = parse_server_message(text);
    EXPECT_TRUE(message) << text;
    return message ? *message : ServerMessage(Left{});
  }
  Refused refusal(RawWebSocket& socket) {
    const ServerMessage message = next(socket);
    const auto* refusal = std::get_if<Refusal>(&message);
    EXPECT_TRUE(refusal);
    return refusal ? refusal->code : Refused::kOther;
  }
  void forget(const std::unique_ptr<RawWebSocket>& socket) { std::erase(raw_, socket.get()); }
  std::string get(const std::string& path, const std::string& method = "GET") {
    auto socket = raw();
    socket->request(path, method);
    // A body, or none: all answers tell their length.
    EXPECT_TRUE(until([&] { return complete(socket->http()) || socket->ended(); }));
    forget(socket);
    return socket->http();
  }
  static bool complete(const std::string& http) {
    const std::size_t end = http.find("\r\n\r\n");
    const std::size_t length = http.find("content-length: ");
    if (end == std::string::npos || length == std::string::npos) return false;
    return http.size() >= end + 4 + std::stoul(http.substr(length + 16));
  }

  TestLoop loop_;
  SignalingServerOptions options_;
  std::unique_ptr<SignalingServer> server_;
  std::vector<RawWebSocket*> raw_;
};

}  // namespace floe::server
