#include "floe/net/sim/firewall.h"

#include <gtest/gtest.h>

#include "tests/sim/stream_ends.h"
#include "tests/sim/talker.h"

namespace floe::net::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kSettle = 100ms;
const Address kAnyV6 = Address::unspecified(Family::kIpv6);

// Alice behind the firewall, Bob outside, both with both families.
struct Fenced {
  explicit Fenced(const FirewallRules& rules = {})
      : firewall(world.add_firewall({.rules = rules})) {}

  World world{1};
  Firewall& firewall;
  Host& alice = world.add_host("alice", {.behind = &firewall, .stack = Stack::kDual});
  Host& bob = world.add_host("bob", {.stack = Stack::kDual});
};

class FirewallFamilies : public testing::TestWithParam<Family> {};
INSTANTIATE_TEST_SUITE_P(Both, FirewallFamilies, testing::Values(Family::kIpv4, Family::kIpv6));

TEST_P(FirewallFamilies, LetsInAnswersOnly) {
  const Family family = GetParam();
  Fenced there;
  const Address any = Address::unspecified(family);
  Talker alice(there.alice, 5000, any), bob(there.bob, 6000, any), other(there.bob, 6001, any);

  bob.say(alice.endpoint(family), "too early");
  there.world.run_for(kSettle);
  EXPECT_TRUE(alice.heard.empty());
  EXPECT_EQ(there.firewall.tally()[Verdict::kUnsolicited], 1u);

  alice.say(bob.endpoint(family), "hello");
  there.world.run_for(kSettle);
  ASSERT_TRUE(bob.heard_text("hello"));
  EXPECT_EQ(bob.heard[0].source, alice.endpoint(family));
  bob.say(alice.endpoint(family), "answer");
  other.say(alice.endpoint(family), "not asked");
  there.world.run_for(kSettle);
  EXPECT_TRUE(alice.heard_text("answer"));
  EXPECT_FALSE(alice.heard_text("not asked"));
}

TEST_P(FirewallFamilies, ForgetsAFlowAfterItsTimeout) {
  const Family family = GetParam();
  Fenced there({.udp_timeout = 30s});
  const Address any = Address::unspecified(family);
  Talker alice(there.alice, 5000, any), bob(there.bob, 6000, any);
  alice.say(bob.endpoint(family), "hello");
  there.world.run_for(29s);
  bob.say(alice.endpoint(family), "in time");
  there.world.run_for(2s);
  bob.say(alice.endpoint(family), "late");
  there.world.run_for(kSettle);
  EXPECT_TRUE(alice.heard_text("in time"));
  EXPECT_FALSE(alice.heard_text("late"));
}

TEST(Firewall, GivesTheHostsBehindItPublicAddresses) {
  Fenced there;
  EXPECT_FALSE(there.alice.address().is_private());
  EXPECT_EQ(there.alice.address(Family::kIpv6), address_of("2001:db8:0:1::2"));
}

TEST(Firewall, BlocksUdpInBothDirections) {
  Fenced there({.block_udp = true, .stateful = false});
  Talker alice(there.alice, 5000), bob(there.bob, 6000);
  alice.say(bob.endpoint(), "out");
  bob.say(alice.endpoint(), "in");
  there.world.run_for(kSettle);
  EXPECT_TRUE(bob.heard.empty());
  EXPECT_TRUE(alice.heard.empty());
  EXPECT_EQ(there.firewall.tally()[Verdict::kBlocked], 2u);
}

TEST(Firewall, LetsOutOnlyWhatIsOnItsList) {
  Fenced there({.allow = {{Protocol::kTcp, 443}, {Protocol::kUdp, 53}}});
  Talker alice(there.alice), dns(there.bob, 53), https(there.bob, 443);
  alice.say(dns.endpoint(), "query");
  alice.say(https.endpoint(), "quic");
  there.world.run_for(kSettle);
  EXPECT_TRUE(dns.heard_text("query"));
  EXPECT_TRUE(https.heard.empty());
  dns.say(dns.heard.at(0).source, "answer");
  there.world.run_for(kSettle);
  EXPECT_TRUE(alice.heard_text("answer"));
}

TEST(Firewall, LetsOutStreamsToTheOnePortThatIsOpen) {
  Fenced there({.block_udp = true, .allow = {{Protocol::kTcp, 443}}});
  struct Watched final : StreamHandler, ListenerHandler {
    void on_connected() override { connected = true; }
    void on_data(MutableBytes) override {}
    void on_closed(const Error& error) override { closed = error.code; }
    void on_accept(std::unique_ptr<Stream> accepted) override { stream = std::move(accepted); }
    std::unique_ptr<Stream> stream;
    bool connected = false;
    std::optional<Errc> closed;
  } open, shut, inwards, doors[3];
  const auto https = there.bob.listen({Address(), 443}, doors[0]);
  const auto http = there.bob.listen({Address(), 80}, doors[1]);
  const auto own = there.alice.listen({Address(), 443}, doors[2]);
  ASSERT_TRUE(https && http && own);
  open.stream = *there.alice.connect({there.bob.address(), 443}, std::nullopt, open);
  shut.stream = *there.alice.connect({there.bob.address(), 80}, std::nullopt, shut);
  inwards.stream = *there.bob.connect({there.alice.address(), 443}, std::nullopt, inwards);
  there.world.run_for(1min);
  EXPECT_TRUE(open.connected);
  EXPECT_EQ(shut.closed, Errc::kTimedOut);
  EXPECT_EQ(inwards.closed, Errc::kTimedOut);
}

TEST(Firewall, FollowsChangedRulesInTheMiddleOfAFlow) {
  Fenced there;
  Talker alice(there.alice, 5000), bob(there.bob, 6000);
  alice.say(bob.endpoint(), "one");
  there.world.run_for(kSettle);
  there.firewall.set_rules({.block_udp = true});
  alice.say(bob.endpoint(), "two");
  bob.say(alice.endpoint(), "two");
  there.world.run_for(kSettle);
  EXPECT_FALSE(bob.heard_text("two"));
  EXPECT_FALSE(alice.heard_text("two"));
  there.firewall.set_rules({});
  bob.say(alice.endpoint(), "three");
  there.world.run_for(kSettle);
  EXPECT_TRUE(alice.heard_text("three"));
  there.firewall.forget_flows();
  bob.say(alice.endpoint(), "four");
  there.world.run_for(kSettle);
  EXPECT_FALSE(alice.heard_text("four"));
}

TEST(Firewall, IsAPlainRouterWithoutRules) {
  World world(1);
  Nat& nat = world.add_nat();
  Firewall& router = world.add_firewall({.rules = {.stateful = false}, .behind = &nat});
  Host& upstairs = world.add_host("upstairs", {.behind = &router});
  Host& downstairs = world.add_host("downstairs", {.behind = &nat});
  Host& bob_host = world.add_host("bob");
  EXPECT_TRUE(upstairs.address().is_private());
  Talker up(upstairs, 5000), down(downstairs, 5000), bob(bob_host, 6000);
  down.say(up.endpoint(), "from downstairs");
  up.say(bob.endpoint(), "from upstairs");
  world.run_for(kSettle);
  ASSERT_TRUE(up.heard_text("from downstairs"));
  EXPECT_EQ(up.heard[0].source, down.endpoint());
  ASSERT_TRUE(bob.heard_text("from upstairs"));
  EXPECT_EQ(bob.heard[0].source.address, nat.address());
  bob.say(bob.heard[0].source, "answer");
  world.run_for(kSettle);
  EXPECT_TRUE(up.heard_text("answer"));
}

TEST(Firewall, GivesTheInsideOfANatIpv6) {
  World world(1);
  Nat& nat = world.add_nat(NatOptions::symmetric());
  Firewall& firewall = world.add_firewall({.inside = &nat.inside()});
  Host& alice_host = world.add_host("alice", {.behind = &nat, .stack = Stack::kDual});
  Host& bob_host = world.add_host("bob", {.stack = Stack::kDual});
  Talker alice4(alice_host), alice6(alice_host, 0, kAnyV6);
  Talker bob4(bob_host), bob6(bob_host, 0, kAnyV6);
  alice4.say(bob4.endpoint(), "by NAT");
  alice6.say(bob6.endpoint(Family::kIpv6), "directly");
  world.run_for(kSettle);
  ASSERT_EQ(bob4.heard.size(), 1u);
  ASSERT_EQ(bob6.heard.size(), 1u);
  EXPECT_EQ(bob4.heard[0].source.address, nat.address());
  EXPECT_EQ(bob6.heard[0].source, alice6.endpoint(Family::kIpv6));
  bob6.say(alice6.endpoint(Family::kIpv6), "answer");
  world.run_for(kSettle);
  EXPECT_TRUE(alice6.heard_text("answer"));
  EXPECT_EQ(firewall.tally()[Verdict::kSent], 2u);
}

TEST(Firewall, StandsBehindAnotherFirewall) {
  World world(1);
  Firewall& outer = world.add_firewall();
  Firewall& inner = world.add_firewall({.behind = &outer});
  Host& alice_host = world.add_host("alice", {.behind = &inner, .stack = Stack::kIpv6});
  Host& bob_host = world.add_host("bob", {.stack = Stack::kIpv6});
  Talker alice(alice_host, 0, kAnyV6), bob(bob_host, 0, kAnyV6);
  alice.say(bob.endpoint(Family::kIpv6), "hello");
  world.run_for(kSettle);
  ASSERT_EQ(bob.heard.size(), 1u);
  bob.say(bob.heard[0].source, "answer");
  world.run_for(kSettle);
  EXPECT_TRUE(alice.heard_text("answer"));
}

TEST(Firewall, AnswersRefusedTcpOnlyIfItRejects) {
  for (const bool rejects : {false, true}) {
    FirewallRules rules = FirewallRules::only_https();
    rules.reject = rejects;
    Fenced there(rules);
    StreamEnd refused, accepted, client;
    StreamDoor door(accepted);
    const auto listener = there.bob.listen({there.bob.address(), 443}, door);
    refused.stream = *there.alice.connect({there.bob.address(), 80}, std::nullopt, refused);
    client.stream = *there.alice.connect({there.bob.address(), 443}, std::nullopt, client);
    there.world.run_for(1s);
    EXPECT_TRUE(client.connected);
    EXPECT_EQ(refused.closed, rejects ? std::optional(Errc::kRefused) : std::nullopt);
    there.world.run_for(1min);
    EXPECT_EQ(refused.closed, rejects ? Errc::kRefused : Errc::kTimedOut);
  }
}

TEST(Firewall, EndsAConnectionWhoseServiceItRefusesFromNowOn) {
  Fenced there;
  StreamEnd accepted, client;
  StreamDoor door(accepted);
  const auto listener = there.bob.listen({there.bob.address(), 80}, door);
  client.stream = *there.alice.connect({there.bob.address(), 80}, std::nullopt, client);
  there.world.run_for(1s);
  ASSERT_TRUE(client.connected);
  FirewallRules rules = FirewallRules::only_https();
  rules.reject = true;
  there.firewall.set_rules(rules);
  EXPECT_TRUE(client.stream->write(as_bytes("hello")));
  there.world.run_for(1s);
  EXPECT_EQ(client.closed, Errc::kClosed);
  EXPECT_FALSE(accepted.closed);
}

TEST(FirewallRules, AreWhatTheirNamesSay) {
  struct Row {
    FirewallRules rules;
    bool udp, tcp_80, tcp_443, tcp_3478;
  };
  const Row rows[] = {{FirewallRules::router(), true, true, true, true},
                      {FirewallRules::no_udp(), false, true, true, true},
                      {FirewallRules::only_web(), false, true, true, false},
                      {FirewallRules::only_https(), false, false, true, false},
                      {FirewallRules::nothing(), false, false, false, false}};
  for (const Row& row : rows) {
    Fenced there(row.rules);
    Talker alice(there.alice), bob(there.bob, 6000);
    alice.say(bob.endpoint(), "hello");
    const auto connects = [&](std::uint16_t port) {
      StreamEnd client, accepted;
      StreamDoor door(accepted);
      const auto listener = there.bob.listen({there.bob.address(), port}, door);
      client.stream = *there.alice.connect({there.bob.address(), port}, std::nullopt, client);
      there.world.run_for(1s);
      return client.connected;
    };
    EXPECT_EQ(connects(80), row.tcp_80);
    EXPECT_EQ(connects(443), row.tcp_443);
    EXPECT_EQ(connects(3478), row.tcp_3478);
    EXPECT_EQ(bob.heard_text("hello"), row.udp);
  }
}

}  // namespace
}  // namespace floe::net::sim
