#include "floe/servers/signaling/signaling_client.h"

#include <gmock/gmock.h>

#include "floe/servers/signaling/internal/web_socket_url.h"
#include "tests/servers/loopback.h"

namespace floe::server {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;
using testing::SizeIs;

TEST(WebSocketUrl, HasAHostAPortAndAPath) {
  const WebSocketUrl url = WebSocketUrl::parse("ws://example.com:8080/signal?x=1").value();
  EXPECT_EQ(url.host, "example.com");
  EXPECT_EQ(url.port, 8080);
  EXPECT_EQ(url.path, "/signal?x=1");
  EXPECT_EQ(url.authority(), "example.com:8080");
}

TEST(WebSocketUrl, MayLeaveOutPortAndPath) {
  const WebSocketUrl url = WebSocketUrl::parse("WS://example.com").value();
  EXPECT_EQ(url.port, 80);
  EXPECT_EQ(url.path, "/signal");
  EXPECT_EQ(WebSocketUrl::parse("ws://example.com/").value().path, "/");
  EXPECT_EQ(WebSocketUrl::parse("ws://example.com?x").value().path, "/?x");
}

TEST(WebSocketUrl, TakesIpv6InBrackets) {
  const WebSocketUrl url = WebSocketUrl::parse("ws://[::1]:81/").value();
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, 81);
  EXPECT_EQ(url.authority(), "[::1]:81");
}

TEST(WebSocketUrl, RefusesEverythingElse) {
  for (const char* text : {"", "ws://", "ws:///signal", "http://h/", "h:80", "ws://h:0",
                           "ws://h:65536", "ws://h:", "ws://h:x", "ws://u@h/", "ws://[::1",
                           "ws://[::1]x", "ws://h/a b", "ws://h/\r\nX: y", "ws://h/#f"}) {
    const auto url = WebSocketUrl::parse(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code, Errc::kInvalidArgument) << text;
  }
  EXPECT_FALSE(WebSocketUrl::parse("ws://h/" + std::string(5000, 'a')));
  EXPECT_EQ(WebSocketUrl::parse("wss://h/").error().code, Errc::kUnsupported);
}

class SignalingClientTest : public SignalingLoopback {
 protected:
  /// Connects to `url` and returns why that ended.
  Error end_of(const std::string& url, const SignalingClientOptions& options = {}) {
    Listening listening;
    auto client = SignalingClient::connect(loop_.network(), loop_.loop(), url, listening, options);
    EXPECT_TRUE(client);
    EXPECT_TRUE(until([&] { return !listening.closed.empty(); }));
    EXPECT_THAT(listening.closed, SizeIs(1));
    EXPECT_FALSE((*client)->join("r", ""));
    return listening.closed.empty() ? Error{} : listening.closed[0];
  }

  struct Accepting : net::ListenerHandler, net::StreamHandler {
    bool hangs_up = false;
    std::vector<std::unique_ptr<net::Stream>> streams;
    void on_accept(std::unique_ptr<net::Stream> stream) override {
      if (hangs_up) return;
      stream->set_handler(*this);
      streams.push_back(std::move(stream));
    }
    void on_data(MutableBytes) override {}
    void on_closed(const Error&) override {}
  };
};

TEST_F(SignalingClientTest, NamesAHostThatCannotBeResolved) {
  // Too long for a label, so that no resolver asks the network about it.
  const std::string host(64, 'a');
  const Error error = end_of("ws://" + host + ":1/");
  EXPECT_EQ(error.code, Errc::kNotFound);
  EXPECT_THAT(error.message, HasSubstr("cannot resolve " + host));
}

TEST_F(SignalingClientTest, ResolvesNames) {
  serve();
  Listening ann;
  auto client = SignalingClient::connect(
      loop_.network(), loop_.loop(),
      "ws://localhost:" + std::to_string(server_->local().port) + "/signal", ann);
  ASSERT_TRUE(client);
  ASSERT_TRUE((*client)->join("kitchen", "Ann"));
  EXPECT_TRUE(until([&] { return !ann.joined.empty(); }));
}

TEST_F(SignalingClientTest, SaysThatNobodyListens) {
  serve();
  const std::string url = server_->url();
  server_.reset();
  const Error error = end_of(url);
  EXPECT_EQ(error.code, Errc::kRefused) << error.message;
  EXPECT_THAT(error.message, HasSubstr("refused"));
}

TEST_F(SignalingClientTest, NamesTheHttpStatusOfAServerThatHasNoWebSocketThere) {
  serve();
  const Error error = end_of("ws://" + server_->local().to_string() + "/elsewhere");
  EXPECT_EQ(error.code, Errc::kRefused);
  EXPECT_THAT(error.message, HasSubstr("HTTP status 404"));
}

TEST_F(SignalingClientTest, SaysThatAServerHangsUp) {
  Accepting accepting;
  accepting.hangs_up = true;
  const auto listener =
      loop_.network().listen({net::Address::v4(127, 0, 0, 1), 0}, accepting).value();
  const Error error = end_of("ws://" + listener->local().to_string() + "/");
  EXPECT_EQ(error.code, Errc::kRefused) << error.message;
  EXPECT_THAT(error.message, HasSubstr("made no WebSocket"));
}

TEST_F(SignalingClientTest, GivesUpOnAServerThatDoesNotAnswer) {
  Accepting accepting;
  const auto listener =
      loop_.network().listen({net::Address::v4(127, 0, 0, 1), 0}, accepting).value();
  SignalingClientOptions options;
  options.connect_timeout = milliseconds(100);
  const Error error = end_of("ws://" + listener->local().to_string() + "/", options);
  EXPECT_EQ(error.code, Errc::kTimedOut);
}

TEST_F(SignalingClientTest, TellsWhyTheServerClosed) {
  options_.limits.join_timeout = milliseconds(50);
  serve();
  Listening ann;
  connect(ann);
  ASSERT_TRUE(until([&] { return !ann.closed.empty(); }));
  EXPECT_THAT(ann.errors, SizeIs(1));
  EXPECT_EQ(ann.errors.at(0).code, Refused::kJoinTimeout);
  EXPECT_EQ(ann.closed[0].code, Errc::kClosed);
  EXPECT_THAT(ann.closed[0].message, HasSubstr("1008 join-timeout"));
}

TEST_F(SignalingClientTest, NoticesAServerThatFellSilent) {
  TestLoop other;
  auto server = SignalingServer::listen(other.network(), other.loop(), options_).value();
  Listening ann;
  SignalingClientOptions options;
  options.ping_interval = milliseconds(100);
  options.pong_timeout = milliseconds(100);
  ann.client =
      SignalingClient::connect(loop_.network(), loop_.loop(), server->url(), ann, options).value();
  ASSERT_TRUE(ann.client->join("kitchen", "Ann"));
  const Time start = loop_.network().now();
  // Four pings and pongs long it lives.
  ASSERT_TRUE(until([&] {
    other.turn();
    return loop_.network().now() > start + milliseconds(450);
  }));
  EXPECT_THAT(ann.joined, SizeIs(1));
  EXPECT_THAT(ann.closed, testing::IsEmpty());
  ASSERT_TRUE(until([&] { return !ann.closed.empty(); }));
  EXPECT_EQ(ann.closed[0].code, Errc::kTimedOut);
}

TEST_F(SignalingClientTest, SendsWhatIsQueuedBeforeItCloses) {
  serve();
  Listening ann, ben;
  join(ann, "kitchen", "Ann");
  connect(ben);
  ASSERT_TRUE(ben.client->join("kitchen", "Ben"));
  ASSERT_TRUE(ben.client->send(ann.joined[0].id, OtherSignal{"1"}));
  ben.client->close();
  EXPECT_EQ(ben.client->leave().error().code, Errc::kClosed);
  ASSERT_TRUE(until([&] { return !ben.closed.empty() && !ann.peers_left.empty(); }));
  EXPECT_THAT(ann.signals, SizeIs(1));
  EXPECT_EQ(ben.closed[0].code, Errc::kClosed);
  EXPECT_THAT(ben.closed[0].message, HasSubstr("by this client"));
}

TEST_F(SignalingClientTest, KeepsNoMoreThanItsQueueHolds) {
  serve();
  Listening ann;
  SignalingClientOptions options;
  options.max_queued_bytes = 1000;
  connect(ann, options);
  const OtherSignal signal{"\"" + std::string(400, 'x') + "\""};
  ASSERT_TRUE(ann.client->send("x", signal));
  ASSERT_TRUE(ann.client->send("x", signal));
  EXPECT_EQ(ann.client->send("x", signal).error().code, Errc::kWouldBlock);
  EXPECT_GT(ann.client->buffered_amount(), 800u);
  ASSERT_TRUE(until([&] { return ann.errors.size() == 2; }));
  EXPECT_EQ(ann.client->buffered_amount(), 0u);
  EXPECT_TRUE(ann.client->send("x", signal));
}

TEST_F(SignalingClientTest, RefusesASignalThatIsNotJson) {
  serve();
  Listening ann;
  connect(ann);
  EXPECT_EQ(ann.client->send("x", OtherSignal{"{"}).error().code, Errc::kInvalidArgument);
}

TEST_F(SignalingClientTest, SkipsSignalsOfAPeerThatMakeNoSense) {
  serve();
  Listening ann;
  join(ann, "kitchen", "Ann");
  const auto raw = raw_join("kitchen");
  raw->send_text(serialize(ClientMessage(Relay{ann.joined[0].id, R"({"description":7})"})));
  raw->send_text(serialize(ClientMessage(Relay{ann.joined[0].id, "7"})));
  ASSERT_TRUE(until([&] { return !ann.signals.empty(); }));
  EXPECT_EQ(ann.signals[0].second, Signal(OtherSignal{"7"}));
}

TEST_F(SignalingClientTest, MayBeDestroyedInEveryCallback) {
  options_.limits.max_peers_per_room = 3;
  serve();
  Listening ann;
  join(ann, "kitchen", "Ann");
  // Each lives until its own n-th callback: joined, then what the others make it hear.
  for (int lives = 1; lives <= 6; ++lives) {
    Listening ben;
    int calls = 0;
    ben.then = [&] {
      if (++calls == lives) ben.client.reset();
    };
    connect(ben);
    ASSERT_TRUE(ben.client->join("kitchen", "Ben"));
    ASSERT_TRUE(until([&] { return !ben.joined.empty(); }));
    if (ben.client) {
      const std::string id = ben.joined[0].id;
      ASSERT_TRUE(ann.client->send(id, OtherSignal{"1"}));
      ASSERT_TRUE(ben.client->join("attic", ""));  // an error
      Listening cat;
      join(cat, "kitchen", "Cat");
      cat.client.reset();
      ASSERT_TRUE(until([&] {
        return !ben.client || ben.errors.size() + ben.signals.size() + ben.peers_joined.size() +
                                      ben.peers_left.size() ==
                                  4;
      }));
      if (ben.client) ben.client->close();
      ASSERT_TRUE(until([&] { return !ben.client; }));
    }
    EXPECT_EQ(calls, lives);
    ASSERT_TRUE(until([&] { return server_->stats().peers == 1; }));
  }
}

TEST_F(SignalingClientTest, MayBeDestroyedAtAnyMomentBeforeItIsConnected) {
  serve();
  for (int turns = 0; turns < 8; ++turns) {
    Listening ann;
    connect(ann);
    for (int i = 0; i < turns; ++i) loop_.turn();
    ann.client.reset();
    EXPECT_TRUE(until([&] { return server_->stats().connections == 0; }));
  }
}

TEST_F(SignalingClientTest, ClosedBeforeItIsConnectedItStillEnds) {
  serve();
  Listening ann;
  connect(ann);
  ann.client->close();
  ASSERT_TRUE(until([&] { return !ann.closed.empty(); }));
  EXPECT_EQ(ann.closed[0].code, Errc::kClosed);
}

}  // namespace
}  // namespace floe::server
