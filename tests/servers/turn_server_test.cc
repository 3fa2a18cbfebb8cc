// The TURN server on a simulated internet.
#include "floe/servers/turn/turn_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "floe/stun_client/nat_discovery_run.h"
#include "tests/servers/turn_server_fixture.h"

namespace floe::server {
namespace {

using namespace std::chrono_literals;
using stun::Method;

TEST_F(TurnServerSimTest, LetsTwoClientsMeetWhateverTransportEachUses) {
  start(configuration(machine.address(), identity));
  for (std::size_t a = 0; a < kTransports.size(); ++a) {
    for (std::size_t b = 0; b < kTransports.size(); ++b) {
      SCOPED_TRACE(std::to_string(a) + " meets " + std::to_string(b));
      TurnUser one = user(alice, a);
      TurnUser two = user(bob, b);
      for (TurnUser* each : {&one, &two}) {
        connect(*each);
        ASSERT_EQ(ask(*each, Method::kAllocate, udp()), 0);
        EXPECT_EQ(each->relayed->address, machine.address());
      }
      EXPECT_EQ(one.mapped->address, alice.address());
      const std::string to_two = two.relayed->to_string();
      const std::string to_one = one.relayed->to_string();
      ASSERT_EQ(ask(one, Method::kChannelBind, channel(0x4001, to_two)), 0);
      ASSERT_EQ(ask(two, Method::kCreatePermission, peer(to_one)), 0);
      one.say(TurnVoice::channel_data(0x4001, "on a channel"));
      two.say(TurnVoice::send_indication(to_one, "in an indication", nothing()));
      EXPECT_TRUE(
          world.run_until([&] { return !one.received.empty() && !two.received.empty(); }, 5s));
      EXPECT_THAT(two.received, ::testing::ElementsAre("on a channel"));
      EXPECT_THAT(one.received, ::testing::ElementsAre("in an indication"));
    }
  }
}

TEST_F(TurnServerSimTest, EndsAnAllocationWithItsConnection) {
  start(configuration(machine.address(), identity));
  for (const std::size_t listener : {1u, 2u, 3u}) {
    {
      TurnUser one = user(alice, listener);
      connect(one);
      ASSERT_EQ(ask(one, Method::kAllocate, udp()), 0);
      EXPECT_EQ(server->stats().relay.allocations, 1u);
    }
    EXPECT_TRUE(world.run_until([&] { return server->stats().relay.allocations == 0; }, 5s))
        << listener;
  }
}

TEST_F(TurnServerSimTest, EndsAllocationsOnTimeThoughNobodySpeaks) {
  start(configuration(machine.address(), identity));
  TurnUser one = user(alice, 0);
  ASSERT_EQ(ask(one, Method::kAllocate, udp()), 0);
  world.run_for(599s);
  EXPECT_EQ(server->stats().relay.allocations, 1u);
  world.run_for(2s);
  EXPECT_EQ(server->stats().relay.allocations, 0u);
}

TEST_F(TurnServerSimTest, ClosesConnectionsThatSpeakGarbageOrNothing) {
  start(configuration(machine.address(), identity));
  TurnUser garbage = user(alice, 1);
  TurnUser silent = user(alice, 1);
  TurnUser busy = user(bob, 1);
  connect(garbage);
  connect(silent);
  connect(busy);
  ASSERT_EQ(ask(busy, Method::kAllocate, udp()), 0);
  garbage.say({'G', 'E', 'T', ' '});
  garbage.say({0xff, 0xff, 0xff, 0xff});
  garbage.say(Packet(66'000 % 0xffff, 0xff));
  world.run_for(30s);
  EXPECT_FALSE(silent.closed);
  world.run_for(40s);
  EXPECT_TRUE(silent.closed);
  EXPECT_FALSE(busy.closed);
  EXPECT_EQ(server->stats().streams_broken + server->stats().streams_idle, 2u);
}

TEST_F(TurnServerSimTest, KeepsConnectionsBelowTheirLimit) {
  auto chosen = configuration(machine.address(), identity);
  chosen.max_streams = 1;
  start(std::move(chosen));
  TurnUser first = user(alice, 1);
  connect(first);
  TurnUser second = user(bob, 1);
  EXPECT_TRUE(world.run_until([&] { return second.closed; }, 5s));
  EXPECT_EQ(server->stats().streams_refused, 1u);
}

TEST_F(TurnServerSimTest, LosesEverythingWhenItIsStartedAnewAndSaysSo) {
  auto chosen = configuration(machine.address(), identity);
  for (auto& listener : chosen.listeners) listener.bind.port = 3478;
  chosen.listeners.resize(1);
  start(chosen);
  TurnUser one = user(alice, 0);
  ASSERT_EQ(ask(one, Method::kAllocate, udp()), 0);
  server.reset();
  start(chosen);
  EXPECT_EQ(ask(one, Method::kRefresh, nothing()), 437) << "after a stale nonce";
  EXPECT_EQ(server->stats().relay.stale_nonce, 1u);
  EXPECT_EQ(ask(one, Method::kAllocate, udp()), 0);
}

TEST_F(TurnServerSimTest, HelpsToDiscoverNatsWithASecondAddressAndPort) {
  const std::vector<net::Address> addresses{net::Address::v4(192, 0, 2, 1),
                                            net::Address::v4(192, 0, 2, 2)};
  auto& two_addresses = world.add_host("two addresses", {.addresses = addresses});
  auto& nat = world.add_nat({.mapping = net::sim::Behavior::kAddressDependent,
                             .filtering = net::sim::Behavior::kAddressAndPortDependent});
  auto& behind = world.add_host("behind", {.behind = &nat});
  // The second address may be one of the listeners' as well.
  for (const std::size_t listeners : {1u, 2u}) {
    auto chosen = configuration(addresses[0], identity);
    chosen.listeners.clear();
    for (std::size_t i = 0; i < listeners; ++i) {
      chosen.listeners.push_back({TurnTransport::kUdp, {addresses[i], 3478}});
    }
    chosen.listeners.push_back({TurnTransport::kTcp, {addresses[0], 3478}});
    chosen.other_address = net::Endpoint{addresses[1], 0};
    server = TurnServer::create(two_addresses, std::move(chosen)).value();
    EXPECT_EQ(server->listeners().size(), 5u);

    std::optional<stun::NatReport> report;
    stun::NatDiscoveryRun::Configuration run;
    run.discovery.server = {addresses[0], 3478};
    run.on_done = [&](const stun::NatReport& done) { report = done; };
    const auto started = stun::NatDiscoveryRun::start(behind, std::move(run)).value();
    ASSERT_TRUE(world.run_until([&] { return report.has_value(); }, 60s));
    EXPECT_EQ(report->mapping, stun::NatBehavior::kAddressDependent) << report->to_string();
    EXPECT_EQ(report->filtering, stun::NatBehavior::kAddressAndPortDependent);
    EXPECT_EQ(report->other_address->address, addresses[1]);

    // RFC 5780 section 6: what cannot be obeyed, as over a stream, is refused.
    TurnUser over_tcp = user(alice, listeners);
    connect(over_tcp);
    EXPECT_EQ(
        ask(over_tcp, Method::kBinding,
            [](stun::MessageBuilder& b) { b.add_u32(stun::AttributeType::kChangeRequest, 4); }),
        420);
    server.reset();
  }
}

TEST_F(TurnServerSimTest, SaysWhatIsMissing) {
  auto chosen = configuration(machine.address(), identity);
  chosen.identity = nullptr;
  const auto without = TurnServer::create(machine, chosen);
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().message, ::testing::HasSubstr("certificate"));
  chosen.listeners.resize(1);
  chosen.other_address = net::Endpoint{machine.address(), 0};
  EXPECT_THAT(TurnServer::create(machine, chosen).error().message,
              ::testing::HasSubstr("another address"));
  chosen.listeners.clear();
  EXPECT_THAT(TurnServer::create(machine, chosen).error().message,
              ::testing::HasSubstr("listen on"));
}

}  // namespace
}  // namespace floe::server
