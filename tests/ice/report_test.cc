// Why two transports in the simulator do not find each other, as their reports say it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "floe/ice/trace_json.h"
#include "floe/net/sim/firewall.h"
#include "floe/net/sim/nat.h"
#include "floe/peer/peer_connection.h"
#include "floe/servers/stun/stun_server.h"
#include "floe/stun_client/attribute.h"
#include "tests/ice/duo.h"
#include "tests/tls/certificates.h"

namespace floe::ice {
namespace {

using net::sim::FirewallRules;
using net::sim::NatOptions;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class IceReport : public testing::Test {
 protected:
  net::sim::World& world() { return duo_.world; }
  net::sim::Gateway* nat(const NatOptions& options) { return &world().add_nat(options); }
  net::sim::Gateway* wall(const FirewallRules& rules) {
    return &world().add_firewall({.rules = rules});
  }
  void add_sides(net::sim::Gateway* alice, net::sim::Gateway* bob) {
    duo_.alice.host = &world().add_host("alice", {.behind = alice});
    duo_.bob.host = &world().add_host("bob", {.behind = bob});
  }
  /// Another server than the TURN server, which answers Binding requests, too.
  void add_stun_server(const std::string& name) {
    net::sim::Host& host = world().add_host(name);
    world().dns().add(name, {host.address()});
    stun_servers_.push_back(*server::StunServer::create(host, {.bind = {host.address(), 3478}}));
  }
  void use(Side& side, std::initializer_list<const char*> uris) {
    for (const char* uri : uris) side.config.servers.push_back(Duo::server(uri));
  }
  void create() {
    duo_.create(duo_.alice, duo_.bob, Role::kControlling);
    duo_.create(duo_.bob, duo_.alice, Role::kControlled);
  }
  void gather() {
    duo_.alice.transport->gather();
    duo_.bob.transport->gather();
  }
  void run_until_failed() {
    ASSERT_TRUE(world().run_until([this] { return duo_.alice.failure.has_value(); }, minutes(2)));
  }
  /// Of Alice, after she has failed to connect.
  const Report& fail_to_connect() {
    duo_.start();
    run_until_failed();
    return *duo_.alice.failure;
  }
  static std::vector<Cause> decisive(const Report& report) {
    std::vector<Cause> causes;
    for (const Finding& finding : report.findings) {
      if (finding.decisive) causes.push_back(finding.cause);
    }
    return causes;
  }
  static auto is(Cause cause, const std::string& text) {
    return AllOf(Field(&Finding::cause, cause), Field(&Finding::what, HasSubstr(text)));
  }

  Duo duo_;
  std::vector<std::unique_ptr<server::StunServer>> stun_servers_;
};

// ------------------------------------------------------------------------------ the network

/// The example of docs/why-it-failed.md.
TEST_F(IceReport, SaysThatUdpIsBlockedAndWhyTlsDidNotHelpAsThePageShows) {
  const tls::testing::Authority authority("an authority", world().add_host("x").wall_clock());
  duo_.turn_identity = authority.issue({.names = {"DNS:relay.example"}});
  duo_.add_turn_server();
  add_stun_server("stun.example");
  add_stun_server("stun.example.net");
  add_sides(wall(FirewallRules::no_udp()), nat(NatOptions::home_router()));
  use(duo_.alice, {"stun:stun.example", "stun:stun.example.net", "turn:turn.example",
                   "turns:turn.example:443"});
  use(duo_.bob, {"stun:stun.example"});
  duo_.alice.config.trust = authority.trust();
  const Report& report = fail_to_connect();

  EXPECT_THAT(decisive(report), ElementsAre(Cause::kUdpBlocked, Cause::kCertificateRefused));
  EXPECT_THAT(report.headline(),
              AllOf(HasSubstr("UDP is blocked: nothing answered on 3 servers"),
                    HasSubstr("; TURN over TLS was refused: "),
                    HasSubstr("the certificate is for relay.example, not turn.example")));
  std::ifstream file(FLOE_SOURCE_DIR "/docs/why-it-failed.md");
  const std::string page{std::istreambuf_iterator<char>(file), {}};
  const std::string example = "```text\n" + report.to_string() + "```\n";
  EXPECT_NE(page.find(example), std::string::npos)
      << "the example in docs/why-it-failed.md must now be:\n"
      << example;
}

TEST_F(IceReport, DoesNotTellOneDeadServerFromBlockedUdp) {
  world().dns().add("stun.example", {*net::Address::parse("203.0.113.77")});
  add_sides(nat(NatOptions::symmetric()), nat(NatOptions::symmetric()));
  use(duo_.alice, {"stun:stun.example"});
  EXPECT_THAT(fail_to_connect().findings,
              ElementsAre(is(Cause::kUdpBlocked, "UDP is blocked, or the only server is down")));
}

TEST_F(IceReport, SaysThatNothingGetsOut) {
  duo_.add_turn_server();
  add_sides(wall(FirewallRules::nothing()), nullptr);
  use(duo_.alice, {"stun:turn.example", "turn:turn.example?transport=tcp"});
  const Report& report = fail_to_connect();
  EXPECT_THAT(decisive(report), ElementsAre(Cause::kEverythingBlocked));
  EXPECT_THAT(report.headline(), HasSubstr("nor on turn:turn.example:3478?transport=tcp"));
}

TEST_F(IceReport, MentionsBlockedUdpWhereTcpHasHelped) {
  duo_.add_turn_server();
  add_sides(wall(FirewallRules::no_udp()), nullptr);
  use(duo_.alice, {"turn:turn.example", "turn:turn.example?transport=tcp"});
  ASSERT_TRUE(duo_.connect());
  world().run_for(seconds(15));
  const Report report = duo_.alice.transport->report();
  EXPECT_THAT(report.findings, ElementsAre(is(Cause::kUdpBlocked, "TURN over TCP works")));
  EXPECT_THAT(decisive(report), IsEmpty());
  EXPECT_THAT(report.headline(), AllOf(HasSubstr(" over "), Not(HasSubstr("UDP"))));
}

TEST_F(IceReport, SaysWhichNameCouldNotBeLookedUp) {
  add_sides(nat(NatOptions::symmetric()), nat(NatOptions::symmetric()));
  use(duo_.alice, {"stun:nowhere.example"});
  const Report& report = fail_to_connect();
  EXPECT_THAT(report.findings, ElementsAre(is(Cause::kLookupFailed, "nowhere.example")));
}

TEST_F(IceReport, SaysWhatFamilyAServerHasNot) {
  duo_.add_turn_server();
  duo_.alice.host = &world().add_host("alice", {.stack = net::sim::Stack::kIpv6});
  duo_.bob.host = &world().add_host("bob", {.stack = net::sim::Stack::kIpv4});
  use(duo_.alice, {"turn:turn.example"});
  EXPECT_THAT(fail_to_connect().findings,
              ElementsAre(is(Cause::kFamiliesDiffer, "we have only IPv6, the peer only IPv4"),
                          is(Cause::kServerFamily, "turn:turn.example")));
}

// ------------------------------------------------------------------------------- TURN servers

TEST_F(IceReport, SaysThatTheTurnServerRefusesThePassword) {
  duo_.add_turn_server();
  add_sides(nat(NatOptions::symmetric()), nat(NatOptions::symmetric()));
  duo_.alice.config.servers = {{{"turn:turn.example"}, "u", "the wrong password"}};
  const Report& report = fail_to_connect();
  EXPECT_THAT(report.findings, ElementsAre(is(Cause::kTurnCredentialsRefused, "401")));
  ASSERT_EQ(report.servers.size(), 1u);
  ASSERT_EQ(report.servers[0].attempts.size(), 1u);
  EXPECT_EQ(report.servers[0].attempts[0].code, stun::kUnauthenticated);
  EXPECT_GE(report.servers[0].attempts[0].responses, 1u);
  // Neither the passwords nor anything made of them is in a report.
  for (const std::string& text : {report.to_string(), trace_json(report)}) {
    EXPECT_THAT(text, Not(HasSubstr("the wrong password")));
    EXPECT_THAT(text, Not(HasSubstr(duo_.alice.transport->local_credentials().pwd)));
    EXPECT_THAT(text, Not(HasSubstr(duo_.bob.transport->local_credentials().pwd)));
  }
}

TEST_F(IceReport, SaysWhatIsWrongWithACertificate) {
  const auto today = world().add_host("x").wall_clock();
  const tls::testing::Authority authority("an authority", today);
  const tls::testing::Authority other("another authority", today);
  duo_.turn_identity =
      authority.issue({.names = {"DNS:turn.example"}, .until = -std::chrono::hours(1)});
  duo_.add_turn_server();
  add_sides(nat(NatOptions::symmetric()), nat(NatOptions::symmetric()));
  use(duo_.alice, {"turns:turn.example:443"});
  use(duo_.bob, {"turns:turn.example:443?transport=udp"});
  duo_.alice.config.trust = authority.trust();
  duo_.bob.config.trust = other.trust();
  EXPECT_THAT(fail_to_connect().findings, ElementsAre(is(Cause::kCertificateRefused, "expired")));
  ASSERT_TRUE(world().run_until([this] { return duo_.bob.failure.has_value(); }, minutes(1)));
  EXPECT_THAT(duo_.bob.failure->findings,
              ElementsAre(is(Cause::kCertificateRefused, "unknown issuer")));
}

TEST_F(IceReport, SaysThatNobodyListensOnAServersPort) {
  duo_.add_turn_server();
  add_sides(nat(NatOptions::symmetric()), nat(NatOptions::symmetric()));
  use(duo_.alice, {"turn:turn.example:4000?transport=tcp"});
  EXPECT_THAT(fail_to_connect().findings,
              ElementsAre(is(Cause::kServerRefused, "turn:turn.example:4000?transport=tcp")));
}

TEST_F(IceReport, TellsASilentServerAmongOthersFromWhatDecided) {
  add_stun_server("stun.example");
  world().dns().add("dead.example", {*net::Address::parse("203.0.113.77")});
  add_sides(nat(NatOptions::port_restricted()), nat(NatOptions::symmetric()));
  use(duo_.alice, {"stun:stun.example", "stun:dead.example"});
  EXPECT_THAT(fail_to_connect().findings,
              ElementsAre(is(Cause::kNoWayIn, "neither side has a relay"),
                          is(Cause::kServerSilent, "stun:dead.example")));
}

TEST_F(IceReport, SaysThatOnlyRelayedPathsAreAllowedAndThereIsNone) {
  add_sides(nullptr, nullptr);
  duo_.alice.config.agent.policy = Policy::kRelay;
  EXPECT_THAT(fail_to_connect().findings,
              ElementsAre(is(Cause::kNoRelay, "no TURN server is configured")));
}

TEST_F(IceReport, SaysWhichPeersTheRelayRefused) {
  duo_.add_turn_server();
  add_sides(nullptr, nat(NatOptions::symmetric()));
  use(duo_.alice, {"turn:turn.example"});
  duo_.alice.config.agent.policy = Policy::kRelay;
  const Report& report = fail_to_connect();
  EXPECT_THAT(report.findings,
              ElementsAre(is(Cause::kRelayRefusedPeer, duo_.bob.host->address().to_string())))
      << report.to_string();
}

// ---------------------------------------------------------------------------- this machine

TEST_F(IceReport, SaysThatTheMachineHasNoAddress) {
  add_sides(nullptr, nullptr);
  duo_.alice.config.local.filter = [](const net::Interface&) { return false; };
  EXPECT_THAT(decisive(fail_to_connect()), ElementsAre(Cause::kNoLocalAddress));
}

TEST_F(IceReport, SaysWhatTheSystemRefusedToSend) {
  add_sides(nullptr, nullptr);
  duo_.alice.host->fail_sends([this](const net::Route& route) -> std::optional<Error> {
    if (route.destination.address != duo_.bob.host->address()) return std::nullopt;
    return Error{Errc::kUnreachable, "no route to host"};
  });
  EXPECT_THAT(fail_to_connect().findings, Contains(is(Cause::kSendFailed, "no route to host")));
}

TEST_F(IceReport, SaysThatCandidatesDoNotFit) {
  add_sides(nullptr, nullptr);
  duo_.alice.config.local.loopback = true;
  duo_.alice.config.local.filter = [](const net::Interface& interface) {
    return interface.address.is_loopback();
  };
  EXPECT_THAT(decisive(fail_to_connect()), ElementsAre(Cause::kNothingPairs));
}

// ------------------------------------------------------------------------------- signalling

TEST_F(IceReport, SaysWhatSignallingHasNotBrought) {
  add_sides(nullptr, nullptr);
  duo_.signals = [](const Candidate&) { return false; };
  create();
  gather();
  world().run_for(seconds(1));
  EXPECT_THAT(duo_.alice.transport->report().findings,
              ElementsAre(is(Cause::kNoRemoteCredentials, "has not brought")));

  ASSERT_TRUE(
      duo_.alice.transport->set_remote_credentials(duo_.bob.transport->local_credentials()));
  run_until_failed();
  EXPECT_THAT(duo_.alice.failure->findings,
              ElementsAre(is(Cause::kNoRemoteCandidates, "has sent no candidates")));
}

TEST_F(IceReport, SaysWhichCandidatesWereOfNoUse) {
  add_sides(nullptr, nullptr);
  duo_.signals = [](const Candidate&) { return false; };
  duo_.start();
  EXPECT_FALSE(duo_.alice.transport->add_remote_candidate(
      "candidate:1 2 udp 2130706431 192.0.2.1 5000 typ host"));
  run_until_failed();
  EXPECT_THAT(duo_.alice.failure->findings,
              ElementsAre(is(Cause::kUnusableCandidates, "192.0.2.1:5000 (only component 1")));
}

TEST_F(IceReport, SaysThatThePeerHidesItsAddresses) {
  add_sides(nullptr, nullptr);
  duo_.signals = [](const Candidate&) { return false; };
  duo_.start();
  // Without a multicast DNS service there is nobody to ask.
  EXPECT_FALSE(duo_.alice.transport->add_remote_candidate(
      "candidate:1 1 udp 2130706431 0a1b2c3d.local 5000 typ host"));
  run_until_failed();
  EXPECT_THAT(duo_.alice.failure->findings,
              ElementsAre(is(Cause::kUnusableCandidates, "hides addresses behind names")));
}

TEST_F(IceReport, SaysThatPasswordsDoNotFit) {
  add_sides(nullptr, nullptr);
  create();
  Credentials wrong = duo_.bob.transport->local_credentials();
  wrong.pwd += "x";
  ASSERT_TRUE(duo_.alice.transport->set_remote_credentials(wrong));
  wrong = duo_.alice.transport->local_credentials();
  wrong.pwd += "x";
  ASSERT_TRUE(duo_.bob.transport->set_remote_credentials(wrong));
  gather();
  run_until_failed();
  EXPECT_THAT(duo_.alice.failure->findings,
              ElementsAre(is(Cause::kWrongCredentials, "another password than ours")));
}

TEST_F(IceReport, SaysThatDescriptionsAreOfAnotherSession) {
  // Once with candidates that say whose they are, once with such that do not.
  for (const bool tagged : {true, false}) {
    SCOPED_TRACE(tagged);
    Duo duo;
    duo.alice.host = &duo.world.add_host("alice");
    duo.bob.host = &duo.world.add_host("bob");
    duo.signals = [&duo, tagged](Candidate found) {
      if (tagged) return true;
      Side& other = found.endpoint.address == duo.alice.host->address() ? duo.bob : duo.alice;
      found.ufrag.clear();
      duo.world.after(milliseconds(20), [&other, found] {
        EXPECT_TRUE(other.transport->add_remote_candidate(found));
      });
      return false;
    };
    duo.create(duo.alice, duo.bob, Role::kControlling);
    duo.create(duo.bob, duo.alice, Role::kControlled);
    for (const auto& [side, other] : {std::pair(&duo.alice, &duo.bob), {&duo.bob, &duo.alice}}) {
      Credentials old = other->transport->local_credentials();
      old.ufrag += "x";
      ASSERT_TRUE(side->transport->set_remote_credentials(old));
      side->transport->gather();
    }
    ASSERT_TRUE(duo.world.run_until([&] { return duo.alice.failure.has_value(); }, minutes(1)));
    EXPECT_THAT(duo.alice.failure->findings,
                ElementsAre(is(Cause::kWrongCredentials, tagged ? "came for another ufrag than"
                                                                : "another username than ours")));
  }
}

TEST_F(IceReport, SaysThatOnlyThePeersChecksArrive) {
  add_sides(nullptr, nullptr);
  create();
  Credentials wrong = duo_.bob.transport->local_credentials();
  wrong.pwd += "x";
  ASSERT_TRUE(duo_.alice.transport->set_remote_credentials(wrong));
  ASSERT_TRUE(
      duo_.bob.transport->set_remote_credentials(duo_.alice.transport->local_credentials()));
  gather();
  run_until_failed();
  EXPECT_THAT(duo_.alice.failure->findings, ElementsAre(is(Cause::kOneWay, "of the peer's")));
}

// ------------------------------------------------------------------------ NATs and the peer

TEST_F(IceReport, SaysThatOurNatIsSymmetric) {
  add_stun_server("stun.example");
  add_stun_server("stun.example.net");
  add_sides(nat(NatOptions::symmetric()), nat(NatOptions::port_restricted()));
  use(duo_.alice, {"stun:stun.example", "stun:stun.example.net"});
  use(duo_.bob, {"stun:stun.example", "stun:stun.example.net"});
  const Report& report = fail_to_connect();
  EXPECT_THAT(report.findings, ElementsAre(is(Cause::kSymmetricNat, "was seen as")));
  // The other side sees that its own NAT does not do that.
  ASSERT_TRUE(world().run_until([this] { return duo_.bob.failure.has_value(); }, minutes(1)));
  EXPECT_THAT(duo_.bob.failure->findings,
              ElementsAre(is(Cause::kNoWayIn, "our own NAT keeps one port for all")));
}

TEST_F(IceReport, SaysThatThePeerIsSilentEvenThroughARelay) {
  duo_.add_turn_server();
  add_sides(nullptr, nullptr);
  use(duo_.alice, {"turn:turn.example"});
  duo_.start();
  duo_.bob.host->set_up(false);
  run_until_failed();
  EXPECT_THAT(duo_.alice.failure->findings,
              ElementsAre(is(Cause::kPeerSilent, "not even through a relay")));
}

TEST_F(IceReport, SaysWhichPathWasLost) {
  add_sides(nullptr, nullptr);
  ASSERT_TRUE(duo_.connect());
  ASSERT_TRUE(duo_.talk());
  EXPECT_THAT(duo_.alice.transport->report().findings, IsEmpty());
  duo_.bob.host->set_up(false);
  run_until_failed();
  EXPECT_THAT(duo_.alice.failure->findings,
              ElementsAre(is(Cause::kPathLost, duo_.bob.host->address().to_string())));
}

TEST_F(IceReport, SaysWhoRevokedConsent) {
  Report report;
  report.state = State::kFailed;
  report.remote_ufrag = "abcd";
  report.was_connected = true;
  report.pairs.resize(1);
  report.pairs[0].last_error = stun::kForbidden;
  EXPECT_THAT(diagnose(report), Contains(is(Cause::kPeerRevokedConsent, "403")));
  report.revoked = true;
  EXPECT_EQ(diagnose(report).front().cause, Cause::kConsentRevoked);
}

// -------------------------------------------------------------------------- where it is told

TEST_F(IceReport, ComesRightAfterTheStateAndStaysWhatItWas) {
  add_sides(nullptr, nullptr);
  duo_.signals = [](const Candidate&) { return false; };
  const Report& report = fail_to_connect();
  EXPECT_EQ(duo_.alice.states.back(), State::kFailed);
  EXPECT_EQ(report.state, State::kFailed);
  EXPECT_EQ(report.timeline.back().text, "failed");
  const std::string text = report.to_string();
  duo_.alice.transport->close();
  EXPECT_EQ(report.to_string(), text);
  EXPECT_EQ(duo_.alice.transport->report().state, State::kClosed);
}

TEST_F(IceReport, KeepsWhatServersSaidAfterTheEnd) {
  duo_.add_turn_server();
  add_sides(nullptr, nullptr);
  use(duo_.alice, {"turn:turn.example", "stun:turn.example"});
  ASSERT_TRUE(duo_.connect());
  world().run_for(seconds(1));
  duo_.alice.transport->close();
  const Report report = duo_.alice.transport->report();
  ASSERT_EQ(report.servers.size(), 2u);
  for (const ServerRecord& server : report.servers) {
    ASSERT_EQ(server.attempts.size(), 1u) << server.uri;
    EXPECT_EQ(server.attempts[0].outcome, ServerAttempt::Outcome::kAnswered);
    EXPECT_TRUE(server.attempts[0].mapped.has_value());
    EXPECT_GE(server.attempts[0].responses, 1u);
  }
  EXPECT_EQ(report.servers[0].attempts[0].relayed.size(), 1u);
}

TEST_F(IceReport, ComesToThePeerConnectionToo) {
  add_sides(wall(FirewallRules::nothing()), nullptr);
  auto alice = *PeerConnection::create(*duo_.alice.host);
  auto bob = *PeerConnection::create(*duo_.bob.host);
  std::vector<std::string> told;
  alice->on_ice_connection_state_change(
      [&](IceConnectionState state) { told.emplace_back(to_string(state)); });
  alice->on_ice_failure([&](const Report& report) { told.push_back(report.headline()); });
  const auto channel = *alice->create_data_channel("a");
  ASSERT_TRUE(alice->set_local_description());
  ASSERT_TRUE(bob->set_remote_description(*alice->local_description()));
  ASSERT_TRUE(bob->set_local_description());
  world().run_for(seconds(1));
  ASSERT_TRUE(alice->set_remote_description(*bob->local_description()));
  world().run_for(minutes(1));
  ASSERT_EQ(told.size(), 3u);
  EXPECT_EQ(told[1], "failed");
  EXPECT_THAT(told[2], AllOf(HasSubstr("ICE failed after"), HasSubstr("no check was answered")));
  EXPECT_EQ(alice->ice_report().findings.front().cause, Cause::kNoWayIn);
}

}  // namespace
}  // namespace floe::ice
