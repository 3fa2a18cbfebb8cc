// The resources of WHIP and WHEP at literal times.
#include "floe/whip/sessions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <variant>

#include "floe/whip/ice_server_links.h"

namespace floe::whip {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr Time kStart{1h};

std::string offer(std::string_view direction = "sendonly", std::string_view ufrag = "abcd") {
  return "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"
         "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:" +
         std::string(ufrag) +
         "\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\na=" + std::string(direction) +
         "\r\na=rtpmap:111 opus/48000/2\r\n";
}

std::string fragment(std::string_view ufrag = "abcd") {
  return "a=ice-ufrag:" + std::string(ufrag) +
         "\r\na=ice-pwd:aaaaaaaaaaaaaaaaaaaaaa\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
         "a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\na=end-of-candidates\r\n";
}

class WhipSessions : public ::testing::Test {
 protected:
  void use(SessionsOptions options) { sessions.emplace(std::move(options), random); }

  /// The response to a request, if there is one at once; other events are kept in `events`.
  std::optional<http::Response> ask(std::string method, std::string target,
                                    http::Headers headers = {}, std::string body = {}) {
    last = static_cast<http::RequestId>(++requests);
    sessions->handle_request(
        now, last, {std::move(method), std::move(target), std::move(headers), std::move(body)});
    return take();
  }
  std::optional<http::Response> post(std::string target = "/whip", std::string body = offer(),
                                     http::Headers headers = {}) {
    if (!headers.find("content-type")) headers.add("Content-Type", "application/sdp");
    return ask("POST", std::move(target), std::move(headers), std::move(body));
  }
  std::optional<http::Response> patch(const std::string& etag, std::string body = fragment()) {
    http::Headers headers{{"Content-Type", "application/trickle-ice-sdpfrag"}};
    if (!etag.empty()) headers.add("If-Match", etag);
    return ask("PATCH", location, headers, std::move(body));
  }
  /// Takes all events; returns the response to the last request.
  std::optional<http::Response> take() {
    std::optional<http::Response> response;
    while (auto event = sessions->poll_event()) {
      if (auto* respond = std::get_if<Sessions::Respond>(&*event)) {
        EXPECT_FALSE(response && respond->request == last);
        if (respond->request == last) response = respond->response;
        responses[respond->request] = respond->response;
      } else {
        events.push_back(std::move(*event));
      }
    }
    return response;
  }
  template <typename Kind>
  Kind event() {
    EXPECT_FALSE(events.empty());
    if (events.empty() || !std::holds_alternative<Kind>(events.front())) {
      ADD_FAILURE() << "another event";
      return {};
    }
    Kind kind = std::get<Kind>(events.front());
    events.erase(events.begin());
    return kind;
  }
  /// A session that is open.
  SessionId open(std::string target = "/whip", std::string body = offer(),
                 http::Headers headers = {}) {
    EXPECT_FALSE(post(std::move(target), std::move(body), std::move(headers)));
    const auto offered = event<Sessions::Offered>();
    sessions->accept(offered.session, "the answer");
    const auto created = take().value();
    EXPECT_EQ(created.status, 201u);
    location = created.headers.find("location").value_or("");
    etag = created.headers.find("etag").value_or("");
    return offered.session;
  }
  static unsigned status(const std::optional<http::Response>& response) {
    return response ? response->status : 0;
  }

  SeededRandom random{3};
  Time now = kStart;
  std::optional<Sessions> sessions{std::in_place, SessionsOptions{}, random};
  std::uint64_t requests = 0;
  http::RequestId last{};
  std::vector<Sessions::Event> events;
  std::map<http::RequestId, http::Response> responses;
  std::string location;
  std::string etag;
};

TEST_F(WhipSessions, CreatesASessionWhenTheConnectionHasAnAnswer) {
  use({.ice_servers = {{{"stun:stun.example"}, {}, {}},
                       {{"turn:turn.example"}, "ann", "pass\"word"}}});
  EXPECT_FALSE(post("/whip/front%20door?x=1"));
  const auto offered = event<Sessions::Offered>();
  EXPECT_EQ(offered.protocol, Protocol::kWhip);
  EXPECT_EQ(offered.stream, "front door");
  EXPECT_EQ(offered.sdp, offer());
  sessions->accept(offered.session, "the answer");
  const auto created = take().value();
  EXPECT_EQ(created.status, 201u);
  EXPECT_EQ(created.body, "the answer");
  EXPECT_EQ(created.headers.find("content-type"), "application/sdp");
  EXPECT_THAT(std::string(created.headers.find("location").value()), StartsWith("/session/"));
  EXPECT_EQ(created.headers.find("location")->size(), 9u + 26u);
  EXPECT_THAT(std::string(created.headers.find("etag").value()), StartsWith("\""));
  EXPECT_EQ(created.headers.find("accept-patch"), "application/trickle-ice-sdpfrag");
  const auto servers = read_ice_servers(created.headers);
  ASSERT_EQ(servers.size(), 2u);
  EXPECT_EQ(servers[1].urls.front(), "turn:turn.example");
  EXPECT_EQ(servers[1].credential, "pass\"word");
  EXPECT_EQ(sessions->stats().sessions, 1u);
}

TEST_F(WhipSessions, RefusesOffersThatAreNone) {
  EXPECT_EQ(status(post("/whip", offer(), {{"Content-Type", "text/plain"}})), 415u);
  EXPECT_EQ(status(ask("POST", "/whip", {}, offer())), 415u);
  const auto malformed = post("/whip", "v=0\r\no=nonsense\r\n").value();
  EXPECT_EQ(malformed.status, 400u);
  EXPECT_THAT(malformed.body, HasSubstr("line 2"));
  EXPECT_EQ(malformed.headers.find("content-type"), "application/problem+json");
  EXPECT_EQ(status(post("/whip", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n")), 400u);
  EXPECT_EQ(status(post("/whip", "")), 400u);
  for (const std::string_view direction : {"recvonly", "inactive"}) {
    const auto refused = post("/whip", offer(direction)).value();
    EXPECT_EQ(refused.status, 400u);
    EXPECT_THAT(refused.body, HasSubstr("sendonly or sendrecv"));
  }
  for (const std::string_view direction : {"sendonly", "inactive"}) {
    EXPECT_EQ(status(post("/whep", offer(direction))), 400u);
  }
  EXPECT_FALSE(post("/whip", offer("sendrecv")));
  EXPECT_FALSE(post("/whep", offer("recvonly"), {{"Content-Type", "Application/SDP; a=b"}}));
  EXPECT_EQ(sessions->stats().created, 2u);
}

TEST_F(WhipSessions, KnowsItsPathsAndMethods) {
  EXPECT_EQ(status(post("/")), 404u);
  EXPECT_EQ(status(post("/whipped")), 404u);
  EXPECT_EQ(status(post("/whip/%zz")), 404u);
  EXPECT_EQ(status(post("/whip/%00")), 404u);
  EXPECT_EQ(status(post("/whip/" + std::string(200, 'a'))), 404u);
  EXPECT_EQ(status(ask("GET", "/session/unknown")), 404u);
  EXPECT_EQ(status(ask("DELETE", "/session")), 404u);
  EXPECT_EQ(status(ask("GET", "/whip")), 204u);
  const auto refused = ask("PUT", "/whep/x").value();
  EXPECT_EQ(refused.status, 405u);
  EXPECT_THAT(std::string(refused.headers.find("allow").value()), HasSubstr("POST"));
  open();
  EXPECT_EQ(status(ask("HEAD", location)), 204u);
  EXPECT_EQ(status(ask("POST", location)), 405u);
  use({.whip_path = "", .whep_path = "/tv"});
  EXPECT_EQ(status(post("/whip")), 404u);
  EXPECT_FALSE(post("/tv/1", offer("recvonly")));
}

TEST_F(WhipSessions, TellsBrowsersThatTheirPagesMayComeAndWhatTheyMaySend) {
  use({.ice_servers = {{{"stun:stun.example"}, {}, {}}}});
  const auto preflight =
      ask("OPTIONS", "/whip", {{"Origin", "https://a"}, {"Access-Control-Request-Method", "POST"}})
          .value();
  EXPECT_EQ(preflight.status, 200u);
  EXPECT_EQ(preflight.headers.find("access-control-allow-origin"), "*");
  EXPECT_THAT(std::string(preflight.headers.find("access-control-allow-headers").value()),
              HasSubstr("Authorization"));
  EXPECT_THAT(std::string(preflight.headers.find("access-control-allow-methods").value()),
              HasSubstr("PATCH"));
  EXPECT_EQ(preflight.headers.find("accept-post"), "application/sdp");
  EXPECT_FALSE(preflight.headers.find("link"));
  EXPECT_TRUE(ask("OPTIONS", "/whip")->headers.find("link"));
  // Also what is refused can be read by a page.
  EXPECT_EQ(post("/nowhere")->headers.find("access-control-allow-origin"), "*");
  open();
  EXPECT_EQ(ask("OPTIONS", location)->headers.find("accept-patch"),
            "application/trickle-ice-sdpfrag");
  use({.allow_origin = ""});
  EXPECT_FALSE(ask("OPTIONS", "/whip")->headers.find("access-control-allow-origin"));
}

TEST_F(WhipSessions, PassesTrickledCandidatesOn) {
  const SessionId id = open();
  const auto trickled = patch(etag).value();
  EXPECT_EQ(trickled.status, 204u);
  EXPECT_FALSE(trickled.headers.find("etag"));
  auto event_ = event<Sessions::Trickled>();
  EXPECT_EQ(event_.session, id);
  ASSERT_EQ(event_.fragment.sections.size(), 1u);
  EXPECT_EQ(event_.fragment.sections[0].mid, "0");
  EXPECT_EQ(event_.fragment.sections[0].candidates.size(), 1u);
  EXPECT_TRUE(event_.fragment.sections[0].end_of_candidates);
  // A list with the right one, one without quotes, "*", and no credentials in the fragment.
  EXPECT_EQ(status(patch("\"x\", " + etag)), 204u);
  EXPECT_EQ(status(patch(etag.substr(1, etag.size() - 2))), 204u);
  EXPECT_EQ(status(patch("*")), 204u);
  EXPECT_EQ(status(patch(etag, "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n")), 204u);
  EXPECT_EQ(events.size(), 4u);
}

TEST_F(WhipSessions, RefusesPatchesThatDoNotFit) {
  open();
  EXPECT_EQ(status(patch("")), 428u);
  EXPECT_EQ(status(patch("\"another\"")), 412u);
  EXPECT_EQ(status(patch("W/" + etag)), 412u);
  EXPECT_EQ(status(patch(etag, "hello")), 400u);
  EXPECT_EQ(status(patch(etag, "a=ice-ufrag:onlythis\r\n")), 400u);
  EXPECT_EQ(status(patch(etag, std::string(70'000, 'a'))), 400u);
  EXPECT_EQ(status(ask("PATCH", location, {{"Content-Type", "application/json"}, {"If-Match", "*"}},
                       "{}")),
            415u);
  EXPECT_EQ(status(ask("PATCH", location, {{"Content-Type", "application/sdp"}, {"If-Match", "*"}},
                       offer())),
            415u);
  EXPECT_TRUE(events.empty());
}

TEST_F(WhipSessions, RestartsIceUnderANewEntityTag) {
  const SessionId id = open();
  EXPECT_FALSE(patch("*", fragment("new1")));
  EXPECT_EQ(event<Sessions::RestartWanted>().fragment.ice_ufrag, "new1");
  sdp::Fragment ours;
  ours.ice_ufrag = "ours";
  ours.ice_pwd = "bbbbbbbbbbbbbbbbbbbbbb";
  sessions->handle_restarted(id, ours);
  const auto restarted = take().value();
  EXPECT_EQ(restarted.status, 200u);
  EXPECT_EQ(restarted.headers.find("content-type"), "application/trickle-ice-sdpfrag");
  EXPECT_THAT(restarted.body, HasSubstr("a=ice-ufrag:ours"));
  const std::string new_etag(restarted.headers.find("etag").value());
  EXPECT_NE(new_etag, etag);
  EXPECT_EQ(status(patch(etag)), 412u);
  EXPECT_EQ(status(patch(new_etag, fragment("new1"))), 204u);
  event<Sessions::Trickled>();
}

TEST_F(WhipSessions, GoesOnAfterARestartThatCannotBe) {
  const SessionId id = open();
  EXPECT_FALSE(patch("*", fragment("new1")));
  event<Sessions::RestartWanted>();
  sessions->refuse_restart(id, {422, "no"});
  EXPECT_EQ(status(take()), 422u);
  EXPECT_EQ(status(patch(etag)), 204u);
}

TEST_F(WhipSessions, LetsALaterRestartTakeThePlaceOfAnEarlierOne) {
  const SessionId id = open();
  EXPECT_FALSE(patch("*", fragment("new1")));
  const http::RequestId first = last;
  EXPECT_FALSE(patch("*", fragment("new2")));
  EXPECT_EQ(responses.at(first).status, 409u);
  event<Sessions::RestartWanted>();
  EXPECT_EQ(event<Sessions::RestartWanted>().fragment.ice_ufrag, "new2");
  sessions->handle_restarted(id, {});
  EXPECT_EQ(status(take()), 200u);
}

TEST_F(WhipSessions, LetsNoClientRestartAllTheTime) {
  use({.limits = {.restarts_per_second = 0.5, .restart_burst = 2}});
  const SessionId id = open();
  for (const std::string ufrag : {"new1", "new2"}) {
    EXPECT_FALSE(patch("*", fragment(ufrag)));
    sessions->handle_restarted(id, {});
    EXPECT_EQ(status(take()), 200u);
  }
  const auto refused = patch("*", fragment("new3")).value();
  EXPECT_EQ(refused.status, 429u);
  EXPECT_EQ(refused.headers.find("retry-after"), "2");
  now += 2s;
  EXPECT_FALSE(patch("*", fragment("new3")));
}

TEST_F(WhipSessions, AnswersOnlyToTheTokenThatOpenedIt) {
  use({.ice_servers = {{{"turn:turn.example"}, "ann", "secret"}},
       .authorize = [](Protocol protocol, std::string_view stream, std::string_view token) {
         return (protocol == Protocol::kWhip && stream == "door" && token == "letmein") ||
                token == "master";
       }});
  const http::Headers good{{"Authorization", "bearer letmein"}};
  const auto refused = post("/whip/door").value();
  EXPECT_EQ(refused.status, 401u);
  EXPECT_EQ(refused.headers.find("www-authenticate"), "Bearer");
  EXPECT_EQ(status(post("/whip/window", offer(), good)), 401u);
  EXPECT_EQ(status(post("/whep/door", offer("recvonly"), good)), 401u);
  EXPECT_EQ(status(post("/whip/door", offer(), {{"Authorization", "Basic letmein"}})), 401u);
  open("/whip/door", offer(), good);
  EXPECT_EQ(status(patch(etag)), 401u);
  EXPECT_EQ(status(ask("DELETE", location, {{"Authorization", "Bearer master"}})), 401u);
  EXPECT_FALSE(ask("OPTIONS", "/whip/door")->headers.find("link"));
  EXPECT_TRUE(ask("OPTIONS", "/whip/door", good)->headers.find("link"));
  EXPECT_EQ(status(ask("DELETE", location, good)), 200u);
}

TEST_F(WhipSessions, EndsASessionOnce) {
  const SessionId id = open();
  EXPECT_EQ(status(ask("DELETE", location, {{"If-Match", "\"of no interest\""}})), 200u);
  EXPECT_EQ(event<Sessions::Ended>().session, id);
  EXPECT_EQ(status(ask("DELETE", location)), 404u);
  EXPECT_EQ(status(patch(etag)), 404u);
  EXPECT_EQ(sessions->stats().sessions, 0u);
  // What the connection still says is of no interest.
  sessions->handle_connected(id);
  sessions->end(id, "again");
  EXPECT_FALSE(sessions->poll_event());
}

TEST_F(WhipSessions, AnswersWhoWaitsWhenItEnds) {
  EXPECT_FALSE(post());
  sessions->end(event<Sessions::Offered>().session, "no path");
  EXPECT_EQ(status(take()), 503u);
  event<Sessions::Ended>();
  EXPECT_FALSE(post());
  sessions->refuse(event<Sessions::Offered>().session, {406, "no codec", 7s});
  const auto refused = take().value();
  EXPECT_EQ(refused.status, 406u);
  EXPECT_EQ(refused.headers.find("retry-after"), "7");
  EXPECT_TRUE(events.empty());
}

TEST_F(WhipSessions, EndsWhenTheClientHangsUpBeforeItsAnswer) {
  EXPECT_FALSE(post());
  const SessionId id = event<Sessions::Offered>().session;
  sessions->handle_abandoned(last);
  EXPECT_FALSE(take());
  EXPECT_EQ(event<Sessions::Ended>().session, id);
  const SessionId other = open();
  EXPECT_FALSE(patch("*", fragment("new1")));
  sessions->handle_abandoned(last);  // of a restart: the session goes on
  sessions->handle_restarted(other, {});
  EXPECT_FALSE(take());
  EXPECT_EQ(sessions->stats().sessions, 1u);
}

TEST_F(WhipSessions, TurnsClientsAwayWhenItIsFullOrTheyComeTooFast) {
  use({.limits = {.max_sessions = 2, .sessions_per_second = 1, .burst = 3}});
  open();
  open();
  const auto full = post().value();
  EXPECT_EQ(full.status, 503u);
  EXPECT_EQ(full.headers.find("retry-after"), "30");
  EXPECT_EQ(status(ask("DELETE", location)), 200u);
  event<Sessions::Ended>();
  open();
  EXPECT_EQ(status(ask("DELETE", location)), 200u);
  const auto fast = post().value();
  EXPECT_EQ(fast.status, 429u);
  EXPECT_EQ(fast.headers.find("retry-after"), "1");
  now += 1s;
  EXPECT_FALSE(post());
}

TEST_F(WhipSessions, GivesANewSessionSoLongToConnect) {
  const SessionId slow = open();
  now += 10s;
  const SessionId quick = open();
  sessions->handle_connected(quick);
  EXPECT_EQ(sessions->next_timeout(), kStart + 30s);
  now = kStart + 10min;
  sessions->handle_timeout(now);
  EXPECT_GT(sessions->next_timeout(), now);
  EXPECT_EQ(sessions->next_timeout(), kNever);
  take();
  const auto ended = event<Sessions::Ended>();
  EXPECT_EQ(ended.session, slow);
  EXPECT_THAT(ended.reason, HasSubstr("30000 ms"));
  EXPECT_EQ(sessions->stats().expired, 1u);
  EXPECT_EQ(sessions->stats().sessions, 1u);
}

TEST_F(WhipSessions, TakesTheAnswerToACounterOffer) {
  EXPECT_FALSE(post("/whep", offer("recvonly")));
  const SessionId id = event<Sessions::Offered>().session;
  sessions->counter(id, "our offer");
  const auto countered = take().value();
  EXPECT_EQ(countered.status, 406u);
  EXPECT_EQ(countered.headers.find("content-type"), "application/sdp");
  EXPECT_EQ(countered.body, "our offer");
  location = countered.headers.find("location").value();
  etag = countered.headers.find("etag").value();
  EXPECT_EQ(status(patch(etag)), 409u);  // no candidates before the answer
  const http::Headers type{{"Content-Type", "application/sdp"}};
  EXPECT_EQ(status(ask("PATCH", location, type, "garbage")), 400u);
  EXPECT_FALSE(ask("PATCH", location, type, offer("recvonly")));
  event<Sessions::Answered>();
  const http::RequestId first = last;
  EXPECT_EQ(status(ask("PATCH", location, type, offer("recvonly"))), 409u);
  sessions->handle_answered(id, Refusal{400, "no fingerprint"});
  take();
  EXPECT_EQ(responses.at(first).status, 400u);
  EXPECT_FALSE(ask("PATCH", location, type, offer("recvonly", "wxyz")));
  event<Sessions::Answered>();
  sessions->handle_answered(id, std::nullopt);
  EXPECT_EQ(status(take()), 204u);
  EXPECT_EQ(status(patch(etag, fragment("wxyz"))), 204u);
}

TEST_F(WhipSessions, ChecksItsOptions) {
  EXPECT_TRUE(validate({}));
  EXPECT_FALSE(validate({.whip_path = "whip"}));
  EXPECT_FALSE(validate({.whip_path = "/whip/"}));
  EXPECT_FALSE(validate({.session_path = ""}));
  EXPECT_FALSE(validate({.whip_path = "/a", .whep_path = "/a"}));
  EXPECT_FALSE(validate({.whip_path = "/a", .session_path = "/a/s"}));
  EXPECT_TRUE(validate({.whip_path = "/a", .whep_path = "/ab"}));
  EXPECT_FALSE(validate({.limits = {.max_sessions = 0}}));
}

}  // namespace
}  // namespace floe::whip
