// HTTP between simulated machines: the server, and exchanges with it and with worse ones.
#include "floe/http/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "floe/http/exchange.h"
#include "floe/net/sim/world.h"
#include "tests/tls/certificates.h"

namespace floe::http {
namespace {

using namespace std::chrono_literals;
using net::sim::Host;
using ::testing::HasSubstr;
using ::testing::StartsWith;

/// Answers with what it was asked, at once unless told to wait.
struct Echo final : ServerHandler {
  void on_request(RequestId id, const Request& request) override {
    ids.push_back(id);
    requests.push_back(request);
    if (server && !wait) server->respond(id, {200, {}, request.method + " " + request.body});
    if (destroy) server.reset();
  }
  void on_abandoned(RequestId id) override { abandoned.push_back(id); }

  bool wait = false;
  bool destroy = false;
  std::vector<RequestId> ids;
  std::vector<Request> requests;
  std::vector<RequestId> abandoned;
  std::unique_ptr<Server> server;
};

/// A client that writes what it likes.
struct Raw final : net::StreamHandler {
  Raw(Host& host, const net::Endpoint& to) {
    stream = std::move(host.connect(to, std::nullopt, *this).value());
  }
  void on_connected() override { write(first); }
  void on_data(MutableBytes data) override { received += as_text(data); }
  void on_closed(const Error&) override { closed = true; }
  void write(std::string_view text) { EXPECT_TRUE(stream->write(as_bytes(text))); }

  std::string first;
  std::string received;
  bool closed = false;
  std::unique_ptr<net::Stream> stream;
};

/// A server that says what it likes to whoever connects.
struct Rude final : net::ListenerHandler, net::StreamHandler {
  Rude(Host& host, std::string text) : text_(std::move(text)) {
    listener = std::move(host.listen({host.address(), 80}, *this).value());
  }
  void on_accept(std::unique_ptr<net::Stream> accepted) override {
    stream = std::move(accepted);
    stream->set_handler(*this);
  }
  void on_data(MutableBytes) override {
    if (text_.empty()) return;
    static_cast<void>(stream->write(as_bytes(text_)));
    stream->shutdown();
  }
  void on_closed(const Error&) override {}

  std::string text_;
  std::unique_ptr<net::Listener> listener;
  std::unique_ptr<net::Stream> stream;
};

class HttpSim : public ::testing::Test {
 protected:
  void start(Server::Options options = {}) {
    options.bind = {server_host.address(),
                    options.identity ? std::uint16_t(443) : std::uint16_t(80)};
    echo.server = std::move(Server::listen(server_host, options, echo).value());
  }
  Result<Response> ask(const std::string& url, Request request = {},
                       Exchange::Options options = {}) {
    std::optional<Result<Response>> got;
    const Exchange exchange(client_host, Url::parse(url).value(), std::move(request), options,
                            [&](Result<Response> response) { got = std::move(response); });
    EXPECT_FALSE(got);  // never from within
    EXPECT_TRUE(world.run_until([&] { return got.has_value(); }, 60s));
    return got ? std::move(*got) : fail(Errc::kInternal, "nothing came");
  }
  std::string text_from_raw(const std::string& text, Duration time = 5s) {
    Raw raw(client_host, {server_host.address(), 80});
    raw.first = text;
    world.run_for(time);
    last_closed = raw.closed;
    return raw.received;
  }

  net::sim::World world{7};
  Host& server_host = world.add_host("server");
  Host& client_host = world.add_host("client");
  Echo echo;
  bool last_closed = false;
};

TEST_F(HttpSim, CarriesARequestAndItsResponse) {
  start();
  world.dns().add("whip.example", {server_host.address()});
  const auto response = ask("http://whip.example/a?b", {"POST", "", {{"A", "b"}}, "hello"});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "POST hello");
  EXPECT_EQ(echo.requests.at(0).target, "/a?b");
  EXPECT_EQ(echo.requests.at(0).headers.find("host"), "whip.example");
  world.run_for(5s);
  EXPECT_EQ(echo.server->stats().connections, 0u);
}

TEST_F(HttpSim, CarriesThemInTlsAndLooksAtTheCertificate) {
  const tls::testing::Authority authority("An authority", server_host.wall_clock());
  const tls::testing::Authority stranger("A stranger", server_host.wall_clock());
  tls::testing::Subject subject;
  subject.names = {"DNS:whip.example"};
  start({.identity = authority.issue(subject)});
  EXPECT_TRUE(echo.server->secure());
  world.dns().add("whip.example", {server_host.address()});
  world.dns().add("other.example", {server_host.address()});
  EXPECT_EQ(ask("https://whip.example/", {}, {.trust = authority.trust()}).value().status, 200u);
  for (const auto& [url, trust] : {std::pair("https://other.example/", authority.trust()),
                                   std::pair("https://whip.example/", stranger.trust())}) {
    const auto refused = ask(url, {}, {.trust = trust});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::kVerificationFailed) << refused.error().message;
    EXPECT_THAT(refused.error().message, StartsWith(std::string("GET ") + url));
  }
}

TEST_F(HttpSim, KeepsAConnectionForTheNextRequest) {
  start();
  const std::string post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n";
  const std::string text = text_from_raw(post + "a" + post + "b");
  EXPECT_THAT(text, HasSubstr("POST a"));
  EXPECT_THAT(text, HasSubstr("POST b"));
  EXPECT_FALSE(last_closed);
  EXPECT_EQ(echo.server->stats().requests, 2u);
}

TEST_F(HttpSim, TakesOneRequestOfAConnectionAtATime) {
  start();
  echo.wait = true;
  Raw raw(client_host, {server_host.address(), 80});
  raw.first = "GET /1 HTTP/1.1\r\nHost: x\r\n\r\nGET /2 HTTP/1.1\r\nHost: x\r\n\r\n";
  world.run_for(1s);
  ASSERT_EQ(echo.requests.size(), 1u);
  echo.server->respond(echo.ids[0], {204, {}, {}});
  world.run_for(1s);
  ASSERT_EQ(echo.requests.size(), 2u);
  EXPECT_EQ(echo.requests[1].target, "/2");
}

TEST_F(HttpSim, SaysThatAClientHungUp) {
  start();
  echo.wait = true;
  {
    Raw raw(client_host, {server_host.address(), 80});
    raw.first = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
    world.run_for(1s);
  }
  world.run_for(1s);
  EXPECT_EQ(echo.abandoned, echo.ids);
  echo.server->respond(echo.ids.at(0), {200, {}, {}});  // nobody is there
  EXPECT_EQ(echo.server->stats().connections, 0u);
}

TEST_F(HttpSim, MayBeDestroyedByItsHandler) {
  start();
  echo.destroy = true;
  const auto gone = ask("http://" + server_host.address().to_string() + "/");
  EXPECT_EQ(echo.requests.size(), 1u);
  EXPECT_TRUE(gone.has_value());  // the response had left
}

TEST_F(HttpSim, RefusesWhatIsNoHttpAndCloses) {
  start();
  EXPECT_THAT(text_from_raw("\x16\x03\x01 TLS\r\n\r\n"), StartsWith("HTTP/1.1 400 Bad Request"));
  EXPECT_TRUE(last_closed);
  EXPECT_THAT(text_from_raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 999999999\r\n\r\n"),
              StartsWith("HTTP/1.1 413 "));
  EXPECT_TRUE(echo.requests.empty());
  EXPECT_EQ(echo.server->stats().malformed, 2u);
}

TEST_F(HttpSim, GivesUpOnASlowRequestAndOnAnIdleConnection) {
  start();
  EXPECT_THAT(text_from_raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab", 20s),
              StartsWith("HTTP/1.1 408 "));
  EXPECT_EQ(echo.server->stats().timed_out, 1u);
  EXPECT_EQ(text_from_raw("", 70s), "");
  EXPECT_TRUE(last_closed);
  // A machine that slept finds the same.
  Raw raw(client_host, {server_host.address(), 80});
  raw.first = "GET / HT";
  world.run_for(1s);
  server_host.sleep_for(10min);
  world.run_for(11min);
  EXPECT_EQ(echo.server->stats().connections, 0u);
}

TEST_F(HttpSim, GivesLeaveForABody) {
  start();
  EXPECT_THAT(text_from_raw("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n"
                            "Expect: 100-continue\r\n\r\n",
                            1s),
              "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST_F(HttpSim, HasRoomForSoManyConnections) {
  start({.max_connections = 1});
  Raw first(client_host, {server_host.address(), 80});
  world.run_for(1s);
  Raw second(client_host, {server_host.address(), 80});
  world.run_for(1s);
  EXPECT_FALSE(first.closed);
  EXPECT_TRUE(second.closed);
  EXPECT_EQ(echo.server->stats().turned_away, 1u);
}

TEST_F(HttpSim, SaysWhyThereWasNoResponse) {
  const std::string url = "http://" + server_host.address().to_string() + "/whip";
  const auto error = [&](const std::string& to) {
    const auto response = ask(to);
    EXPECT_FALSE(response);
    return response ? Error{} : response.error();
  };
  EXPECT_EQ(error("http://nobody.example/").code, Errc::kNotFound);
  EXPECT_EQ(error(url).code, Errc::kRefused);  // nothing listens
  EXPECT_THAT(error(url).message, StartsWith("GET " + url + ": "));
  {
    Rude silent(server_host, "");
    EXPECT_EQ(error(url).code, Errc::kTimedOut);
    EXPECT_THAT(error(url).message, HasSubstr("no response within 10000 ms"));
  }
  {
    Rude rude(server_host, "220 smtp.example ESMTP\r\n\r\n");
    EXPECT_EQ(error(url).code, Errc::kMalformed);
  }
  {
    Rude rude(server_host, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhalf");
    EXPECT_EQ(error(url).code, Errc::kClosed);
  }
  {
    Rude rude(server_host, "HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n");
    EXPECT_EQ(error(url).code, Errc::kMalformed);
  }
  server_host.set_up(false);
  EXPECT_THAT(error(url).message, HasSubstr("no connection within"));
}

TEST_F(HttpSim, TriesEveryAddressOfAName) {
  start();
  Host& dead = world.add_host("dead");
  Host& deaf = world.add_host("deaf");
  dead.set_up(false);
  world.dns().add("whip.example", {dead.address(), deaf.address(), server_host.address()});
  const Time before = world.now();
  EXPECT_EQ(ask("http://whip.example/").value().status, 200u);
  EXPECT_LT(world.now() - before, 5s);
}

}  // namespace
}  // namespace floe::http
