// What a client says of servers that are not as they should be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "floe/http/problem.h"
#include "tests/whip/meeting.h"

namespace floe::whip {
namespace {

using net::sim::Host;
using ::testing::Contains;
using ::testing::HasSubstr;

/// Answers as a test wants it.
struct Script final : http::ServerHandler {
  explicit Script(Host& host, std::uint16_t port = 80) {
    server = std::move(http::Server::listen(host, {.bind = {host.address(), port}}, *this).value());
  }
  void on_request(http::RequestId id, const http::Request& request) override {
    requests.push_back(request);
    if (const auto response = answer(request)) server->respond(id, *response);
  }
  std::vector<std::string> methods() const {
    std::vector<std::string> found;
    for (const http::Request& request : requests) found.push_back(request.method);
    return found;
  }

  std::function<std::optional<http::Response>(const http::Request&)> answer;
  std::vector<http::Request> requests;
  std::unique_ptr<http::Server> server;
};

class WhipClient : public ::testing::Test {
 protected:
  Client::Options options() {
    Client::Options found;
    found.url = "http://" + machine.address().to_string() + "/whip";
    return found;
  }
  /// How it ended.
  Failure run(Client::Options with) {
    visitor.start(std::move(with));
    EXPECT_TRUE(world.run_until([&] { return visitor.closed.has_value(); }, minutes(2)));
    return visitor.closed.value_or(Failure{});
  }
  Failure run_against(http::Response response) {
    script.answer = [response](const http::Request& request) -> http::Response {
      return request.method == "POST" ? response : http::Response{200, {}, {}};
    };
    script.requests.clear();
    return run(options());
  }

  net::sim::World world{5};
  Host& machine = world.add_host("server");
  Host& home = world.add_host("home");
  Script script{machine};
  Visitor visitor{home};
};

TEST_F(WhipClient, SaysWhatWasRefusedAndWhy) {
  const Failure full = run_against(
      {503, {{"Retry-After", "30"}, {"Content-Type", "text/plain"}}, "too many publishers"});
  EXPECT_EQ(full.status, 503u);
  EXPECT_EQ(full.retry_after, seconds(30));
  EXPECT_EQ(full.error.message, "POST " + options().url +
                                    ": 503 Service Unavailable: too many publishers; to be tried "
                                    "again in 30 s");
  EXPECT_EQ(run_against(http::problem(404, "no such stream")).error.code, Errc::kNotFound);
  EXPECT_THAT(run_against({401, {}, {}}).error.message, HasSubstr("no token was given"));
  EXPECT_THAT(run_against({302, {{"Location", "/x"}}, {}}).error.message, HasSubstr("307"));
  // A counter-offer is WHEP's.
  EXPECT_EQ(
      run_against({406, {{"Content-Type", "application/sdp"}, {"Location", "/s"}}, "v=0"}).status,
      406u);
}

TEST_F(WhipClient, EndsASessionWhoseAnswerIsOfNoUse) {
  const Failure garbage = run_against(
      {201, {{"Content-Type", "application/sdp"}, {"Location", "/s/1"}}, "not an answer"});
  EXPECT_THAT(garbage.error.message, HasSubstr("the answer cannot be used"));
  EXPECT_THAT(script.methods(), ::testing::ElementsAre("POST", "DELETE"));
  EXPECT_EQ(script.requests[1].target, "/s/1");
  const Failure type = run_against({201, {{"Location", "/s/1"}}, "v=0"});
  EXPECT_THAT(type.error.message, HasSubstr("application/sdp"));
  EXPECT_THAT(script.methods(), Contains("DELETE"));
  const Failure nowhere = run_against({201, {{"Content-Type", "application/sdp"}}, "v=0"});
  EXPECT_THAT(nowhere.error.message, HasSubstr("no Location"));
  EXPECT_THAT(script.methods(), ::testing::ElementsAre("POST"));
}

TEST_F(WhipClient, SaysThatTheServerIsDeadSlowOrNotThere) {
  script.answer = [](const http::Request&) { return std::nullopt; };
  Client::Options impatient = options();
  impatient.http.timeout = seconds(3);
  EXPECT_EQ(run(impatient).error.code, Errc::kTimedOut);
  script.server.reset();
  EXPECT_EQ(run(options()).error.code, Errc::kRefused);
  Client::Options nobody;
  nobody.url = "https://nobody.example/whip";
  EXPECT_EQ(run(nobody).error.code, Errc::kNotFound);
  EXPECT_FALSE(Client::start(home, {.url = "whip.example"}, visitor));
  EXPECT_FALSE(Client::start(home, {.url = options().url, .token = "a b"}, visitor));
}

TEST_F(WhipClient, FollowsARedirectionButNotForEver) {
  Station station(machine);
  Server::Options there;
  there.http.bind = {machine.address(), 8080};
  station.listen(there);
  script.answer = [&](const http::Request&) -> http::Response {
    return {307, {{"Location", station.server->url(Protocol::kWhip) + "/door"}}, {}};
  };
  Client::Options client = options();
  client.token = "letmein";
  visitor.start(client);
  ASSERT_TRUE(world.run_until([&] { return visitor.open() || visitor.closed; }, minutes(1)));
  ASSERT_FALSE(visitor.closed) << visitor.closed->error.message;
  EXPECT_THAT(visitor.client->session_url(), HasSubstr(":8080/session/"));
  EXPECT_EQ(script.requests[0].headers.find("authorization"), "Bearer letmein");
  visitor.client.reset();

  EXPECT_THAT(run_against({308, {{"Location", "/whip"}}, {}}).error.message,
              HasSubstr("too often"));
  EXPECT_EQ(script.requests.size(), Client::kMaxRedirects + 1);
  EXPECT_THAT(run_against({308, {}, {}}).error.message, HasSubstr("to nowhere"));
}

/// Stands before a real server and answers PATCHes as a test wants it.
struct Proxy final : http::ServerHandler {
  Proxy(Host& machine, Station& station) : host(machine), real(station) {
    server = std::move(http::Server::listen(host, {.bind = {host.address(), 8081}}, *this).value());
  }
  std::string url() const { return "http://" + server->local().to_string() + "/whip"; }
  void on_request(http::RequestId id, const http::Request& request) override {
    if (request.method == "PATCH") {
      ++patches;
      if (patch) return server->respond(id, *patch);
    }
    http::Url url = http::Url::parse(real.server->url(Protocol::kWhip)).value();
    url.target = request.target;
    exchanges.push_back(std::make_unique<http::Exchange>(
        host, url, request, http::Exchange::Options{},
        [this, id](const Result<http::Response>& response) {
          server->respond(id, response ? *response : http::problem(502, "no server"));
        }));
  }

  Host& host;
  Station& real;
  std::optional<http::Response> patch;
  std::size_t patches = 0;
  std::vector<std::unique_ptr<http::Exchange>> exchanges;
  std::unique_ptr<http::Server> server;
};

class WhipClientOfAServer : public ::testing::Test {
 protected:
  WhipClientOfAServer() {
    Server::Options options;
    options.http.bind = {machine.address(), 80};
    station.listen(options);
  }
  void meet(const std::string& url) {
    Client::Options options;
    options.url = url;
    visitor.start(options);
    ASSERT_TRUE(world.run_until([&] { return visitor.open() || visitor.closed; }, minutes(1)));
    ASSERT_FALSE(visitor.closed) << visitor.closed->error.message;
  }
  void expect_talk() {
    const std::size_t before = visitor.echoed;
    visitor.say("still there?");
    EXPECT_TRUE(world.run_until([&] { return visitor.echoed > before; }, seconds(10)));
  }
  std::string restart() {
    EXPECT_TRUE(visitor.client->restart_ice());
    const std::size_t before = visitor.log.size();
    EXPECT_TRUE(world.run_until([&] { return visitor.log.size() > before; }, minutes(1)));
    return visitor.log.at(before);
  }

  net::sim::World world{5};
  net::sim::Firewall& firewall = world.add_firewall();
  Host& machine = world.add_host("server");
  Host& home = world.add_host("home", {.behind = &firewall});
  Station station{machine};
  Visitor visitor{home};
};

TEST_F(WhipClientOfAServer, GoesOnAsItWasAfterARestartThatFailed) {
  meet(station.server->url(Protocol::kWhip));
  world.run_for(seconds(5));
  net::sim::FirewallRules no_tcp = firewall.rules();
  no_tcp.block_tcp = true;
  firewall.set_rules(no_tcp);
  EXPECT_THAT(restart(), HasSubstr("restart failed: PATCH http://"));
  expect_talk();
  no_tcp.block_tcp = false;
  firewall.set_rules(no_tcp);
  EXPECT_EQ(restart(), "restarted");
  world.run_for(seconds(2));
  expect_talk();
}

TEST_F(WhipClientOfAServer, GoesOnWhereTheServerKnowsNoPatch) {
  Proxy proxy(machine, station);
  proxy.patch = http::problem(501, "no PATCH here");
  meet(proxy.url());
  world.run_for(seconds(30));
  EXPECT_EQ(proxy.patches, 1u);
  EXPECT_EQ(restart(), "restart failed: PATCH " + visitor.client->session_url() +
                           ": 501 Not Implemented: no PATCH here");
  expect_talk();
}

TEST_F(WhipClientOfAServer, TakesAnUnusableResponseToARestartForAFailure) {
  Proxy proxy(machine, station);
  meet(proxy.url());
  world.run_for(seconds(5));
  for (const std::string body : {"garbage", "", "a=ice-ufrag:abcd\r\na=ice-pwd:short\r\n"}) {
    proxy.patch = http::Response{200, {{"ETag", "\"x\""}}, body};
    EXPECT_THAT(restart(), HasSubstr("cannot be used"));
    expect_talk();
  }
}

TEST_F(WhipClientOfAServer, NoticesThatTheServerHasForgottenTheSession) {
  Proxy proxy(machine, station);
  meet(proxy.url());
  world.run_for(seconds(5));
  proxy.patch = http::problem(404, "no such session");
  EXPECT_THAT(restart(), HasSubstr("closed: PATCH"));
  EXPECT_EQ(visitor.closed->error.code, Errc::kNotFound);
}

TEST_F(WhipClientOfAServer, AsksAgainWhenAPatchGotNoResponse) {
  Proxy proxy(machine, station);
  meet(proxy.url());
  world.run_for(seconds(5));
  const std::size_t before = proxy.patches;
  net::sim::FirewallRules rules = firewall.rules();
  rules.block_tcp = true;
  rules.reject = true;
  // The new interface's candidates cannot be told at first.
  home.attach({.behind = &firewall, .name = "eth1"});
  firewall.set_rules(rules);
  world.run_for(seconds(3));
  rules.block_tcp = false;
  firewall.set_rules(rules);
  world.run_for(seconds(10));
  EXPECT_GT(proxy.patches, before);
  expect_talk();
}

TEST_F(WhipClientOfAServer, LetsTheSessionGoWhenDeletingItFails) {
  meet(station.server->url(Protocol::kWhip));
  net::sim::FirewallRules no_tcp = firewall.rules();
  no_tcp.block_tcp = true;
  firewall.set_rules(no_tcp);
  visitor.client->close();
  ASSERT_TRUE(world.run_until([&] { return visitor.closed.has_value(); }, seconds(11)));
  EXPECT_EQ(visitor.closed->error.code, Errc::kClosed);
  EXPECT_THAT(visitor.closed->error.message, HasSubstr("DELETE http://"));
  // The server learns of it all the same, by DTLS.
  EXPECT_TRUE(
      world.run_until([&] { return station.server->stats().sessions.sessions == 0; }, seconds(2)));
}

}  // namespace
}  // namespace floe::whip
