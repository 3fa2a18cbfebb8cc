// Relayed paths through a TURN server in the simulator.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/net/sim/firewall.h"
#include "floe/net/sim/nat.h"
#include "tests/ice/duo.h"
#include "tests/tls/certificates.h"

namespace floe::ice {
namespace {

using net::sim::FirewallRules;
using net::sim::NatOptions;
using testing::HasSubstr;

class IceRelay : public testing::Test {
 protected:
  /// Both behind symmetric NATs, which nothing but a relay joins.
  void add_symmetric_sides() {
    duo_.alice.host =
        &duo_.world.add_host("alice", {.behind = &duo_.world.add_nat(NatOptions::symmetric())});
    duo_.bob.host =
        &duo_.world.add_host("bob", {.behind = &duo_.world.add_nat(NatOptions::symmetric())});
  }
  void use(Side& side, std::initializer_list<const char*> uris) {
    for (const char* uri : uris) side.config.servers.push_back(Duo::server(uri));
  }
  /// What a failure to connect should print.
  std::string why() const {
    std::string text;
    for (const auto& failed : duo_.alice.failures) text += failed.url + ": " + failed.text + "\n";
    return text;
  }
  server::TurnRelay::Stats stats() const { return duo_.turn->stats().relay; }
  Duo duo_;
};

TEST_F(IceRelay, JoinsTwoSymmetricNatsOverTheServerBothUse) {
  duo_.add_turn_server();
  add_symmetric_sides();
  use(duo_.alice, {"turn:turn.example"});
  use(duo_.bob, {"turn:turn.example"});
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.talk());
  EXPECT_EQ(duo_.alice.count(CandidateType::kRelayed), 1u);
  // The allocation's answer gives the reflexive address too; no STUN server was asked.
  EXPECT_EQ(duo_.alice.count(CandidateType::kServerReflexive), 1u);
  EXPECT_TRUE(duo_.alice.gathered);
  const auto relayed = [this] { return stats().packets_to_peers + stats().packets_to_clients; };
  const std::uint64_t before = relayed();
  EXPECT_TRUE(duo_.talk());
  EXPECT_GT(relayed(), before) << duo_.alice.path->local.to_string() << "\n"
                               << duo_.alice.path->remote.to_string();
}

TEST_F(IceRelay, JoinsARelayWithAHostThatNeedsNone) {
  duo_.add_turn_server();
  duo_.alice.host =
      &duo_.world.add_host("alice", {.behind = &duo_.world.add_nat(NatOptions::symmetric())});
  duo_.bob.host = &duo_.world.add_host("bob");
  use(duo_.alice, {"turn:turn.example"});
  duo_.alice.config.agent.policy = Policy::kRelay;
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.talk());
  EXPECT_EQ(duo_.alice.path->local.type, CandidateType::kRelayed);
  EXPECT_EQ(duo_.bob.path->local.type, CandidateType::kHost);
}

TEST_F(IceRelay, GivesAnIpv6RelayOverAnIpv4Path) {
  duo_.add_turn_server({.stack = net::sim::Stack::kDual});
  duo_.alice.host =
      &duo_.world.add_host("alice", {.behind = &duo_.world.add_nat(NatOptions::symmetric())});
  duo_.bob.host = &duo_.world.add_host("bob", {.stack = net::sim::Stack::kIpv6});
  use(duo_.alice, {"turn:turn.example"});
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.talk());
  EXPECT_EQ(duo_.alice.count(CandidateType::kRelayed), 2u);
  EXPECT_TRUE(duo_.alice.path->local.endpoint.address.is_v6());
}

TEST_F(IceRelay, RelayOnlyTellsThePeerNoAddressButTheServers) {
  duo_.add_turn_server();
  duo_.alice.host = &duo_.world.add_host("alice");
  duo_.bob.host = &duo_.world.add_host("bob");
  use(duo_.alice, {"stun:turn.example", "turn:turn.example"});
  use(duo_.bob, {"turn:turn.example"});
  duo_.alice.config.agent.policy = Policy::kRelay;
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.talk());
  ASSERT_EQ(duo_.alice.candidates.size(), 1u);
  EXPECT_EQ(duo_.alice.candidates[0].type, CandidateType::kRelayed);
  const std::string ours = duo_.alice.host->address().to_string();
  EXPECT_THAT(duo_.alice.candidates[0].to_string(), testing::Not(HasSubstr(ours)));
  EXPECT_EQ(duo_.alice.candidates[0].related->to_string(), "0.0.0.0:9");
  // Bob met her behind the relay only.
  for (const RemoteCandidate& remote : duo_.bob.transport->agent().remote_candidates()) {
    EXPECT_EQ(remote.candidate.endpoint.address, duo_.turn_host->address());
  }
}

TEST_F(IceRelay, GoesOverTcpWhereUdpIsBlocked) {
  duo_.add_turn_server();
  net::sim::Firewall& wall = duo_.world.add_firewall({.rules = FirewallRules::no_udp()});
  duo_.alice.host = &duo_.world.add_host("alice", {.behind = &wall});
  duo_.bob.host = &duo_.world.add_host("bob");
  use(duo_.alice, {"turn:turn.example", "turn:turn.example?transport=tcp"});
  ASSERT_TRUE(duo_.connect(seconds(10))) << why();
  EXPECT_TRUE(duo_.talk());
  EXPECT_EQ(duo_.alice.path->local.type, CandidateType::kRelayed);
  ASSERT_TRUE(duo_.world.run_until([&] { return duo_.alice.gathered; }, seconds(15)));
  ASSERT_EQ(duo_.alice.failures.size(), 1u);
  EXPECT_EQ(duo_.alice.failures[0].url, "turn:turn.example:3478?transport=udp");
  EXPECT_EQ(duo_.alice.failures[0].code, Gatherer::kUnreachable);
}

TEST_F(IceRelay, GoesOverTlsOnPort443WhereNothingElsePasses) {
  const tls::testing::Authority authority("an authority", duo_.world.add_host("x").wall_clock());
  duo_.turn_identity = authority.issue({.names = {"DNS:turn.example"}});
  duo_.add_turn_server();
  net::sim::Firewall& wall = duo_.world.add_firewall({.rules = FirewallRules::only_https()});
  duo_.alice.host = &duo_.world.add_host("alice", {.behind = &wall});
  duo_.bob.host =
      &duo_.world.add_host("bob", {.behind = &duo_.world.add_nat(NatOptions::symmetric())});
  use(duo_.alice, {"turn:turn.example", "turn:turn.example?transport=tcp",
                   "turns:turn.example:443?transport=tcp"});
  use(duo_.bob, {"turn:turn.example"});
  duo_.alice.config.trust = authority.trust();
  ASSERT_TRUE(duo_.connect(seconds(10))) << why();
  EXPECT_TRUE(duo_.talk());
  ASSERT_TRUE(duo_.world.run_until([&] { return duo_.alice.gathered; }, seconds(15)));
  EXPECT_EQ(duo_.alice.failures.size(), 2u);
}

TEST_F(IceRelay, GoesOverDtls) {
  const tls::testing::Authority authority("an authority", duo_.world.add_host("x").wall_clock());
  duo_.turn_identity = authority.issue({.names = {"DNS:turn.example"}});
  duo_.add_turn_server();
  add_symmetric_sides();
  use(duo_.alice, {"turns:turn.example:443?transport=udp"});
  use(duo_.bob, {"turn:turn.example"});
  duo_.alice.config.agent.policy = Policy::kRelay;
  duo_.alice.config.trust = authority.trust();
  ASSERT_TRUE(duo_.connect(seconds(10))) << why();
  EXPECT_TRUE(duo_.talk());
  EXPECT_EQ(duo_.alice.count(CandidateType::kRelayed), 1u);
}

TEST_F(IceRelay, SaysWhichCertificateItDidNotTrust) {
  const auto today = duo_.world.add_host("x").wall_clock();
  const tls::testing::Authority authority("an authority", today);
  duo_.turn_identity = authority.issue({.names = {"DNS:other.example"}});
  duo_.add_turn_server();
  duo_.alice.host = &duo_.world.add_host("alice");
  duo_.bob.host = &duo_.world.add_host("bob");
  use(duo_.alice, {"turns:turn.example:443", "turns:turn.example:443?transport=udp"});
  duo_.alice.config.trust = authority.trust();
  duo_.start();
  ASSERT_TRUE(duo_.world.run_until([&] { return duo_.alice.gathered; }, seconds(15)));
  ASSERT_EQ(duo_.alice.failures.size(), 2u);
  for (const auto& failed : duo_.alice.failures) {
    EXPECT_THAT(failed.text, HasSubstr("certificate")) << failed.text;
    EXPECT_THAT(failed.text, HasSubstr("turn.example")) << failed.text;
    EXPECT_EQ(failed.code, Gatherer::kUnreachable);
  }
}

TEST_F(IceRelay, PrefersTheRelayThatIsReachedOverUdp) {
  duo_.add_turn_server();
  add_symmetric_sides();
  use(duo_.alice, {"turn:turn.example?transport=tcp", "turn:turn.example"});
  duo_.alice.config.agent.policy = Policy::kRelay;
  use(duo_.bob, {"turn:turn.example"});
  ASSERT_TRUE(duo_.connect());
  ASSERT_TRUE(duo_.world.run_until([&] { return duo_.alice.gathered; }, seconds(15)));
  ASSERT_EQ(duo_.alice.count(CandidateType::kRelayed), 2u);
  std::uint32_t best = 0;
  for (const Candidate& candidate : duo_.alice.candidates)
    best = std::max(best, candidate.priority);
  EXPECT_EQ(duo_.alice.path->local.priority, best);
}

TEST_F(IceRelay, ReportsWrongCredentialsAndUnreachableServersOnceEach) {
  duo_.add_turn_server();
  duo_.alice.host = &duo_.world.add_host("alice");
  duo_.bob.host = &duo_.world.add_host("bob");
  duo_.alice.config.servers = {{{"turn:turn.example"}, "u", "wrong"},
                               {{"turn:203.0.113.77?transport=tcp"}, "u", "p"},
                               {{"turn:nowhere.example"}, "u", "p"}};
  duo_.start();
  ASSERT_TRUE(duo_.world.run_until([&] { return duo_.alice.gathered; }, seconds(15)));
  ASSERT_EQ(duo_.alice.failures.size(), 3u);
  for (const auto& failed : duo_.alice.failures) {
    if (failed.url.find("turn.example") != std::string::npos) {
      EXPECT_TRUE(failed.code == 401 || failed.code == 441) << failed.code << failed.text;
    } else {
      EXPECT_EQ(failed.code, Gatherer::kUnreachable);
    }
  }
}

TEST_F(IceRelay, FollowsAServerThatNamesAnotherOne) {
  net::sim::Host& second_host = duo_.world.add_host("second");
  server::TurnServer::Configuration second;
  second.listeners = {{server::TurnTransport::kUdp, {second_host.address(), 3478}},
                      {server::TurnTransport::kTcp, {second_host.address(), 3478}}};
  second.relay.realm = "example";
  second.relay.users = {{"u", "p"}};
  second.relay.relay_addresses = {{second_host.address(), std::nullopt}};
  const auto other = server::TurnServer::create(second_host, second);
  ASSERT_TRUE(other);
  duo_.edit_turn = [&](server::TurnServer::Configuration& configuration) {
    configuration.relay.alternate_servers = {{second_host.address(), 3478}};
    configuration.relay.always_redirect = true;
  };
  duo_.add_turn_server();
  add_symmetric_sides();
  use(duo_.alice, {"turn:turn.example", "turn:turn.example?transport=tcp"});
  duo_.alice.config.agent.policy = Policy::kRelay;
  use(duo_.bob, {"turn:turn.example"});
  ASSERT_TRUE(duo_.connect(seconds(10))) << why();
  EXPECT_TRUE(duo_.talk());
  duo_.world.run_for(seconds(2));
  EXPECT_EQ(stats().allocated, 0u);
  EXPECT_EQ((*other)->stats().relay.allocations, 3u);
  duo_.alice.transport.reset();
  duo_.bob.transport.reset();
}

TEST_F(IceRelay, KeepsAQuietCallAliveForTwoHours) {
  duo_.add_turn_server();
  add_symmetric_sides();
  use(duo_.alice, {"turn:turn.example"});
  use(duo_.bob, {"turn:turn.example"});
  ASSERT_TRUE(duo_.connect());
  duo_.world.run_for(hours(2));
  EXPECT_TRUE(duo_.alice.up());
  EXPECT_TRUE(duo_.talk());
  EXPECT_EQ(stats().allocated, 2u);
  EXPECT_THAT(duo_.alice.states, testing::Not(testing::Contains(State::kDisconnected)));
}

TEST_F(IceRelay, SurvivesAServerThatRestarts) {
  for (const char* uri : {"turn:turn.example", "turn:turn.example?transport=tcp"}) {
    SCOPED_TRACE(uri);
    Duo duo(7);
    duo.add_turn_server();
    duo.alice.host =
        &duo.world.add_host("alice", {.behind = &duo.world.add_nat(NatOptions::symmetric())});
    duo.bob.host = &duo.world.add_host("bob");
    duo.alice.config.servers = {Duo::server(uri)};
    duo.alice.config.agent.policy = Policy::kRelay;
    ASSERT_TRUE(duo.connect());
    ASSERT_TRUE(duo.talk());
    const std::size_t before = duo.alice.count(CandidateType::kRelayed);
    duo.restart_turn_server();
    // Over UDP the next refresh finds out; a stream is reset at once. The candidate may be another
    // then, which the peer is told of.
    EXPECT_TRUE(duo.world.run_until(
        [&] { return duo.alice.count(CandidateType::kRelayed) > before; }, minutes(10)));
  }
}

TEST_F(IceRelay, MakesANewConnectionWhereTcpWouldWaitForItsNextRetransmission) {
  duo_.add_turn_server();
  duo_.alice.host = &duo_.world.add_host("alice");
  duo_.bob.host = &duo_.world.add_host("bob");
  use(duo_.alice, {"turn:turn.example?transport=tcp"});
  duo_.alice.config.agent.policy = Policy::kRelay;
  ASSERT_TRUE(duo_.connect());
  ASSERT_TRUE(duo_.talk());
  net::sim::Attachment& cable = duo_.alice.host->interface();
  const net::sim::LinkOptions good = cable.uplink().options();
  net::sim::LinkOptions cut = good;
  cut.loss = 1;
  cable.set_link(cut);
  // TCP has by then retransmitted some 13 s after the cut and would do so again after 26 s.
  duo_.world.run_for(seconds(14));
  cable.set_link(good);
  EXPECT_TRUE(duo_.talk(seconds(5)));
}

TEST_F(IceRelay, DeletesItsAllocationWhenItCloses) {
  duo_.add_turn_server();
  add_symmetric_sides();
  use(duo_.alice, {"turn:turn.example", "turn:turn.example?transport=tcp"});
  use(duo_.bob, {"turn:turn.example"});
  ASSERT_TRUE(duo_.connect());
  duo_.world.run_for(seconds(2));
  EXPECT_EQ(stats().allocations, 3u);
  duo_.alice.transport->close();
  duo_.alice.transport->close();
  duo_.bob.transport->close();
  duo_.world.run_for(seconds(1));
  EXPECT_EQ(stats().allocations, 0u);
}

TEST_F(IceRelay, RefusesNothingThatThePolicyOfTheServerRefusesTwice) {
  duo_.add_turn_server();
  add_symmetric_sides();
  use(duo_.alice, {"turn:turn.example"});
  duo_.alice.config.agent.policy = Policy::kRelay;
  duo_.start();
  duo_.world.run_for(seconds(5));
  // Bob's host address is private: the server refuses it, and the pair fails with its words.
  const auto& pairs = duo_.alice.transport->agent().pairs();
  ASSERT_FALSE(pairs.empty());
  EXPECT_EQ(pairs[0]->state, PairState::kFailed);
  EXPECT_THAT(pairs[0]->failure, HasSubstr("TURN server"));
}

}  // namespace
}  // namespace floe::ice
