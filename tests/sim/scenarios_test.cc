#include <gtest/gtest.h>

#include "tests/sim/stream_ends.h"
#include "tests/sim/talker.h"

// Networks built of several parts; docs/simulator.md takes its examples from here.
namespace floe::net::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kSettle = 200ms;

TEST(Scenario, AnOfficeLetsOutNothingButHttps) {
  World world(/*seed=*/7);
  FirewallRules rules = FirewallRules::only_https();
  rules.reject = true;  // RST at once; false: the packets vanish.
  Firewall& office = world.add_firewall({.rules = rules});
  NatOptions nat = NatOptions::home_router();
  nat.behind = &office;
  Host& alice = world.add_host("alice", {.behind = &world.add_nat(nat)});
  Host& server = world.add_host("server");

  Talker talker(alice), stun(server, 3478);
  talker.say(stun.endpoint(), "anybody there?");
  StreamEnd turn, tls, accepted;
  StreamDoor door(accepted);
  const auto listener = server.listen({server.address(), 443}, door);
  turn.stream = *alice.connect({server.address(), 3478}, std::nullopt, turn);
  tls.stream = *alice.connect({server.address(), 443}, std::nullopt, tls);
  world.run_for(1s);
  EXPECT_TRUE(stun.heard.empty());
  EXPECT_EQ(turn.closed, Errc::kRefused);
  EXPECT_TRUE(tls.connected);
}

TEST(Scenario, TwoLansBehindOneNatReachEachOtherDirectlyAndByHairpin) {
  for (const bool hairpin : {true, false}) {
    World world(1);
    NatOptions options = NatOptions::full_cone();
    options.hairpin = hairpin;
    Nat& nat = world.add_nat(options);
    Firewall& upstairs = world.add_firewall({.rules = FirewallRules::router(), .behind = &nat});
    Firewall& downstairs = world.add_firewall({.rules = FirewallRules::router(), .behind = &nat});
    Host& alice_host = world.add_host("alice", {.behind = &upstairs});
    Host& bob_host = world.add_host("bob", {.behind = &downstairs});
    Host& server_host = world.add_host("server");
    Talker alice(alice_host, 5000), bob(bob_host, 5000), server(server_host, 3478);
    alice.say(bob.endpoint(), "direct");
    bob.say(server.endpoint(), "where am I?");
    world.run_for(kSettle);
    EXPECT_TRUE(bob.heard_text("direct"));
    ASSERT_EQ(server.heard.size(), 1u);
    alice.say(server.heard[0].source, "around");
    world.run_for(kSettle);
    EXPECT_EQ(bob.heard_text("around"), hairpin);
  }
}

TEST(Scenario, ARouterRebootsInTheMiddle) {
  World world(1);
  Nat& nat = world.add_nat(NatOptions::home_router());
  Host& alice_host = world.add_host("alice", {.behind = &nat, .link = {.latency = 20ms}});
  Host& bob_host = world.add_host("bob");
  Talker alice(alice_host, 5000), bob(bob_host, 6000);
  alice.say(bob.endpoint(), "before");
  world.run_for(kSettle);

  const Endpoint before = bob.heard[0].source;
  world.after(10ms, [&] { nat.reboot({Address::v4(203, 0, 113, 99)}); });
  world.run_for(kSettle);
  bob.say(before, "to nobody");
  alice.say(bob.endpoint(), "after");
  world.run_for(kSettle);
  EXPECT_FALSE(alice.heard_text("to nobody"));
  EXPECT_EQ(bob.heard.back().source, (Endpoint{Address::v4(203, 0, 113, 99), 5000}));
}

TEST(Scenario, APhoneGoesFromWifiToCellular) {
  World world(1);
  Nat& home = world.add_nat(NatOptions::home_router());
  Firewall& mast = world.add_firewall({.ipv4 = false});
  NatOptions gateway = NatOptions::nat64_gateway();
  gateway.inside_subnet = &mast.inside();
  world.add_nat(gateway);
  Clat& clat = world.add_clat({.behind = &mast});

  Host& phone =
      world.add_host("phone", {.behind = &home, .kind = InterfaceKind::kWifi, .name = "wlan0"});
  int changes = 0;
  const auto watch = phone.watch_interfaces([&] { ++changes; });
  Host& server = world.add_host("server");
  Talker before(phone), other(server, 6000);
  before.say(other.endpoint(), "over Wi-Fi");
  world.run_for(kSettle);

  phone.set_up(false, "wlan0");
  phone.attach(
      {.behind = &mast, .stack = Stack::kIpv6, .kind = InterfaceKind::kCellular, .name = "wwan0"});
  phone.attach({.behind = &clat,
                .link = Clat::host_link(),
                .kind = InterfaceKind::kCellular,
                .name = "clat4"});
  world.run_for(kSettle);
  EXPECT_GT(changes, 0);
  Talker after(phone);
  after.say(other.endpoint(), "over the NAT64");
  world.run_for(kSettle);
  ASSERT_EQ(other.heard.size(), 2u);
  EXPECT_NE(other.heard[0].source.address, other.heard[1].source.address);
}

TEST(Scenario, AServerGoesAndComesBackWithoutItsConnections) {
  World world(1);
  Host& alice = world.add_host("alice");
  Host& server = world.add_host("server");
  StreamEnd client, accepted;
  StreamDoor door(accepted);
  auto listener = *server.listen({server.address(), 443}, door);
  client.stream = *alice.connect({server.address(), 443}, std::nullopt, client);
  world.run_for(1s);
  ASSERT_TRUE(client.connected);
  accepted.stream.reset();
  listener.reset();
  world.run_for(1s);
  EXPECT_EQ(client.closed, Errc::kClosed);
  StreamEnd too_early, again;
  too_early.stream = *alice.connect({server.address(), 443}, std::nullopt, too_early);
  world.run_for(1s);
  EXPECT_EQ(too_early.closed, Errc::kRefused);
  listener = *server.listen({server.address(), 443}, door);
  again.stream = *alice.connect({server.address(), 443}, std::nullopt, again);
  world.run_for(1s);
  EXPECT_TRUE(again.connected);
}

}  // namespace
}  // namespace floe::net::sim
