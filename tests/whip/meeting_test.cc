// Clients of WHIP and WHEP meet the server, in the simulator.
#include "tests/whip/meeting.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/servers/stun/stun_server.h"
#include "tests/tls/certificates.h"

namespace floe::whip {
namespace {

using net::sim::Host;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class WhipMeeting : public ::testing::Test {
 protected:
  void listen(Server::Options options = {}) {
    options.http.bind = {machine.address(),
                         options.http.identity ? std::uint16_t(443) : std::uint16_t(80)};
    station.listen(std::move(options));
  }
  Client::Options to(Protocol protocol, const std::string& stream = "door") {
    Client::Options options;
    options.protocol = protocol;
    options.url = station.server->url(protocol) + "/" + stream;
    return options;
  }
  bool run_until(const std::function<bool()>& done, Duration bound = seconds(60)) {
    return world.run_until(done, bound);
  }
  /// Until the visitor has heard its own words.
  void meet(Client::Options options) {
    visitor.start(std::move(options));
    ASSERT_TRUE(run_until([&] { return visitor.open() || visitor.closed; }));
    ASSERT_FALSE(visitor.closed) << visitor.closed->error.message;
  }
  void expect_talk() {
    const std::size_t before = visitor.echoed;
    visitor.say("still there?");
    EXPECT_TRUE(run_until([&] { return visitor.echoed > before; }, seconds(10)));
  }
  std::vector<std::optional<RtpTransceiverDirection>> directions(PeerConnection& connection) {
    std::vector<std::optional<RtpTransceiverDirection>> found;
    for (const auto& transceiver : connection.transceivers()) {
      found.push_back(transceiver->current_direction());
    }
    return found;
  }
  PeerConnection& served() { return *station.server->connection(station.last); }

  net::sim::World world{11};
  net::sim::Nat& nat = world.add_nat();
  Host& machine = world.add_host("server", {.link = {.latency = milliseconds(10)}});
  Host& home = world.add_host("home", {.behind = &nat, .link = {.latency = milliseconds(10)}});
  Station station{machine};
  Visitor visitor{home};
};

TEST_F(WhipMeeting, PublishesFromBehindANatAndDeletesTheSessionAtTheEnd) {
  listen();
  visitor.kinds = {MediaKind::kAudio, MediaKind::kVideo};
  meet(to(Protocol::kWhip));
  EXPECT_EQ(station.streams.at(0), "door");
  EXPECT_THAT(station.offers.at(0), HasSubstr("a=rtcp-mux-only\r\n"));
  EXPECT_THAT(served().local_description()->sdp, Not(HasSubstr("a=rtcp-mux-only")));
  EXPECT_THAT(visitor.client->session_url(), HasSubstr("/session/"));
  EXPECT_THAT(directions(*visitor.client->connection()),
              ::testing::Each(RtpTransceiverDirection::kSendonly));
  EXPECT_THAT(directions(served()), ::testing::Each(RtpTransceiverDirection::kRecvonly));
  EXPECT_EQ(directions(served()).size(), 2u);
  visitor.client->close();
  EXPECT_FALSE(visitor.closed);  // never from within
  ASSERT_TRUE(run_until([&] { return visitor.closed.has_value(); }));
  EXPECT_EQ(visitor.closed->error.code, Errc::kClosed);
  EXPECT_EQ(visitor.closed->error.message, "closed by this client");
  EXPECT_THAT(station.log, Contains("1 ended: the client ended the session"));
  EXPECT_EQ(station.server->connection(station.last), nullptr);
  EXPECT_EQ(station.server->stats().sessions.sessions, 0u);
}

TEST_F(WhipMeeting, LetsAPlayerWatchWhatIsSent) {
  station.tracks = {MediaKind::kAudio, MediaKind::kVideo};
  listen();
  visitor.kinds = {MediaKind::kAudio, MediaKind::kVideo};
  meet(to(Protocol::kWhep));
  EXPECT_THAT(directions(*visitor.client->connection()),
              ::testing::Each(RtpTransceiverDirection::kRecvonly));
  EXPECT_THAT(directions(served()), ::testing::Each(RtpTransceiverDirection::kSendonly));
  expect_talk();
}

TEST_F(WhipMeeting, GathersWithTheServersItIsToldAndTellsEveryCandidateInFewPatches) {
  auto stun = server::StunServer::create(machine, {.bind = {machine.address(), 3478}}).value();
  Server::Options options;
  options.sessions.ice_servers = {{{"stun:" + machine.address().to_string()}, {}, {}}};
  listen(options);
  meet(to(Protocol::kWhip));
  ASSERT_EQ(visitor.client->ice_servers().size(), 1u);
  EXPECT_EQ(visitor.client->connection()->configuration().ice_servers.size(), 1u);
  world.run_for(seconds(2));
  std::vector<ice::CandidateType> types;
  for (const auto& remote : served().transport().ice().remote_candidates()) {
    types.push_back(remote.candidate.type);
  }
  EXPECT_THAT(types, Contains(ice::CandidateType::kHost));
  EXPECT_THAT(types, Contains(ice::CandidateType::kServerReflexive));
  // The POST, and a PATCH for each moment in which something was found.
  EXPECT_LE(station.server->stats().http.requests, 4u);
  EXPECT_EQ(station.server->stats().sessions.refused, 0u);
}

TEST_F(WhipMeeting, GathersFirstWhereTheServerTakesNoCandidatesLater) {
  listen();
  Client::Options client = to(Protocol::kWhip);
  client.trickle = false;
  meet(client);
  world.run_for(seconds(2));
  EXPECT_EQ(station.server->stats().http.requests, 1u);
}

TEST_F(WhipMeeting, MeetsOverHttpsWithAToken) {
  const tls::testing::Authority authority("An authority", machine.wall_clock());
  tls::testing::Subject subject;
  subject.names = {"DNS:whip.example"};
  world.dns().add("whip.example", {machine.address()});
  Server::Options options;
  options.http.identity = authority.issue(subject);
  options.sessions.authorize = [](Protocol, std::string_view stream, std::string_view token) {
    return stream == "door" && token == "letmein";
  };
  listen(options);
  Client::Options client = to(Protocol::kWhip);
  EXPECT_THAT(client.url, StartsWith("https://"));
  client.url = "https://whip.example/whip/door";
  client.http.trust = authority.trust();
  client.token = "letmein";
  meet(client);
  EXPECT_THAT(visitor.client->session_url(), StartsWith("https://whip.example/session/"));
  visitor.client->close();
  ASSERT_TRUE(run_until([&] { return visitor.closed.has_value(); }));
  EXPECT_EQ(visitor.closed->error.message, "closed by this client");

  client.token = "guess";
  visitor.start(client);
  ASSERT_TRUE(run_until([&] { return visitor.closed.has_value(); }));
  EXPECT_EQ(visitor.closed->status, 401u);
  EXPECT_EQ(visitor.closed->error.code, Errc::kPermissionDenied);
  EXPECT_THAT(visitor.closed->error.message,
              HasSubstr("the bearer token does not open this stream"));
}

TEST_F(WhipMeeting, RestartsIceAndGoesOnTalking) {
  listen();
  visitor.kinds = {MediaKind::kAudio};
  meet(to(Protocol::kWhip));
  world.run_for(seconds(1));
  for (int i = 0; i < 3; ++i) {
    const std::string before = served().transport().ice().local_credentials().ufrag;
    const std::string client_before =
        visitor.client->connection()->transport().ice().local_credentials().ufrag;
    visitor.log.clear();
    ASSERT_TRUE(visitor.client->restart_ice());
    EXPECT_FALSE(visitor.client->restart_ice());  // one is under way
    ASSERT_TRUE(run_until([&] { return !visitor.log.empty(); }));
    EXPECT_THAT(visitor.log, Contains("restarted"));
    EXPECT_NE(served().transport().ice().local_credentials().ufrag, before);
    EXPECT_NE(visitor.client->connection()->transport().ice().local_credentials().ufrag,
              client_before);
    world.run_for(seconds(3));
    expect_talk();
  }
  EXPECT_EQ(station.server->stats().sessions.sessions, 1u);
  EXPECT_EQ(station.server->stats().sessions.refused, 0u);
}

TEST_F(WhipMeeting, FollowsItsMachineToAnotherNetworkByARestart) {
  listen();
  meet(to(Protocol::kWhip));
  home.detach();
  home.attach({.name = "wifi0"});
  world.run_for(seconds(1));
  ASSERT_TRUE(visitor.client->restart_ice());
  ASSERT_TRUE(run_until([&] { return visitor.log.back() == "restarted"; }));
  world.run_for(seconds(5));
  expect_talk();
}

TEST_F(WhipMeeting, AnswersACounterOffer) {
  // The server sends video; the player asks for audio only.
  station.tracks = {MediaKind::kVideo};
  listen();
  visitor.with_channel = false;
  visitor.kinds = {MediaKind::kAudio};
  visitor.start(to(Protocol::kWhep));
  ASSERT_TRUE(run_until([&] {
    return visitor.closed || (!visitor.log.empty() && visitor.log.back() == "connected");
  }));
  ASSERT_FALSE(visitor.closed) << visitor.closed->error.message;
  EXPECT_THAT(visitor.log, Contains("established"));
  EXPECT_THAT(directions(served()), Contains(RtpTransceiverDirection::kSendonly));
  world.run_for(seconds(1));
  ASSERT_TRUE(visitor.client->restart_ice());
  ASSERT_TRUE(run_until([&] { return visitor.log.back() != "connected"; }));
  EXPECT_EQ(visitor.log.back(), "restarted");
  world.run_for(minutes(1));
  EXPECT_EQ(station.server->stats().sessions.sessions, 1u);
}

TEST_F(WhipMeeting, LetsAPlayerDoWithoutWhatIsSent) {
  station.tracks = {MediaKind::kVideo};
  listen();
  meet(to(Protocol::kWhep));  // a data channel alone
  EXPECT_EQ(visitor.client->connection()->transceivers().size(), 0u);
  visitor.client.reset();
  visitor.kinds = {MediaKind::kAudio, MediaKind::kVideo};
  meet(to(Protocol::kWhep));
  EXPECT_THAT(directions(*visitor.client->connection()),
              ::testing::ElementsAre(RtpTransceiverDirection::kInactive,
                                     RtpTransceiverDirection::kRecvonly));
}

TEST_F(WhipMeeting, RefusesAPlayerForWhomThereIsNothing) {
  listen();
  visitor.with_channel = false;
  visitor.kinds = {MediaKind::kAudio};
  visitor.start(to(Protocol::kWhep));
  ASSERT_TRUE(run_until([&] { return visitor.closed.has_value(); }));
  EXPECT_EQ(visitor.closed->status, 406u);
  EXPECT_THAT(visitor.closed->error.message, HasSubstr("nothing of what is offered"));
  EXPECT_THAT(station.log, Contains(StartsWith("1 ended:")));
  EXPECT_EQ(station.server->stats().sessions.sessions, 0u);
}

TEST_F(WhipMeeting, AsksForNothingWhenThereIsNothingToAskFor) {
  listen();
  visitor.with_channel = false;
  visitor.start(to(Protocol::kWhip));
  ASSERT_TRUE(run_until([&] { return visitor.closed.has_value(); }));
  EXPECT_THAT(visitor.closed->error.message, HasSubstr("nothing to offer"));
  visitor.kinds = {MediaKind::kAudio};
  visitor.direction = RtpTransceiverDirection::kRecvonly;
  visitor.start(to(Protocol::kWhip));
  ASSERT_TRUE(run_until([&] { return visitor.closed.has_value(); }));
  EXPECT_THAT(visitor.closed->error.message, HasSubstr("audio is recvonly; it has to be sendonly"));
  EXPECT_EQ(station.server->stats().http.requests, 0u);
}

TEST_F(WhipMeeting, TellsTheClientWhyAndWhenToComeAgain) {
  listen();
  station.refusal = Refusal{409, "nobody publishes \"door\"", seconds(5)};
  visitor.kinds = {MediaKind::kAudio};
  visitor.start(to(Protocol::kWhep));
  ASSERT_TRUE(run_until([&] { return visitor.closed.has_value(); }));
  EXPECT_EQ(visitor.closed->status, 409u);
  EXPECT_EQ(visitor.closed->retry_after, seconds(5));
  EXPECT_EQ(visitor.closed->error.message,
            "POST http://" + machine.address().to_string() +
                "/whep/door: 409 Conflict: nobody publishes \"door\"; to be tried again in 5 s");
  EXPECT_TRUE(station.log.empty());
}

TEST_F(WhipMeeting, EndsWhenEitherSideGoesWithoutAWord) {
  listen();
  meet(to(Protocol::kWhip));
  visitor.client.reset();
  ASSERT_TRUE(
      run_until([&] { return station.server->stats().sessions.sessions == 0; }, seconds(2)));
  EXPECT_THAT(station.log, Contains("1 ended: the client closed the connection"));

  meet(to(Protocol::kWhip));
  station.server->end(station.last, "the programme is over");
  ASSERT_TRUE(run_until([&] { return visitor.closed.has_value(); }, seconds(5)));
  EXPECT_EQ(visitor.closed->error.message, "the server closed the connection");

  meet(to(Protocol::kWhip));
  home.set_up(false);
  ASSERT_TRUE(
      run_until([&] { return station.server->stats().sessions.sessions == 0; }, minutes(2)));
  EXPECT_THAT(station.log.back(), StartsWith("3 ended: "));
}

TEST_F(WhipMeeting, ForgetsAClientThatNeverConnects) {
  listen();
  machine.fail_sends([](const net::Route&) { return Error{Errc::kUnreachable, "no UDP"}; });
  visitor.start(to(Protocol::kWhip));
  ASSERT_TRUE(run_until([&] { return !station.streams.empty(); }));
  ASSERT_TRUE(
      run_until([&] { return station.server->stats().sessions.sessions == 0; }, minutes(1)));
  world.run_for(minutes(10));
  EXPECT_EQ(station.server->stats().sessions.sessions, 0u);
}

TEST_F(WhipMeeting, DeletesASessionThatIsCreatedAfterItWasClosed) {
  listen();
  visitor.start(to(Protocol::kWhip));
  ASSERT_TRUE(run_until([&] { return !station.streams.empty(); }));
  visitor.client->close();
  ASSERT_TRUE(run_until([&] { return visitor.closed.has_value(); }));
  EXPECT_EQ(visitor.closed->error.message, "closed by this client");
  EXPECT_THAT(visitor.log, Not(Contains("established")));
  world.run_for(seconds(1));
  EXPECT_EQ(station.server->stats().sessions.sessions, 0u);

  visitor.start(to(Protocol::kWhip));
  visitor.client->close();  // before anything was asked
  ASSERT_TRUE(run_until([&] { return visitor.closed.has_value(); }));
  EXPECT_EQ(visitor.closed->error.message, "closed before the session began");
}

TEST_F(WhipMeeting, LosesItsServerInAnyCallOfTheHandler) {
  for (const std::string call : {"offer", "state", "ended"}) {
    SCOPED_TRACE(call);
    station.destroy_at = call;
    listen();
    visitor.start(to(Protocol::kWhip));
    // With the session open or without an answer to the POST, as it comes.
    run_until([&] { return visitor.open() || visitor.closed; }, seconds(5));
    if (!visitor.closed) visitor.client->close();
    EXPECT_TRUE(run_until([&] { return !station.server && visitor.closed; }));
  }
}

TEST_F(WhipMeeting, MayBeDestroyedByItsHandler) {
  listen();
  visitor.destroy_when_established = true;
  visitor.start(to(Protocol::kWhip));
  ASSERT_TRUE(run_until([&] { return !visitor.client; }));
  world.run_for(minutes(1));
  EXPECT_EQ(station.server->stats().sessions.sessions, 0u);
}

TEST_F(WhipMeeting, TalksOverALossyLineUnderAnySeed) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(seed);
    net::sim::World lossy(seed);
    Host& far = lossy.add_host("server", {.link = {.latency = milliseconds(30), .loss = 0.05}});
    Host& near = lossy.add_host("home", {.behind = &lossy.add_nat()});
    Station there(far);
    Visitor here(near);
    Server::Options options;
    options.http.bind = {far.address(), 80};
    there.listen(options);
    Client::Options client;
    client.url = there.server->url(Protocol::kWhip);
    here.start(client);
    EXPECT_TRUE(lossy.run_until([&] { return here.open(); }, seconds(60)));
    here.client.reset();
    there.server.reset();
  }
}

}  // namespace
}  // namespace floe::whip
