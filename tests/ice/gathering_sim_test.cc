// Where candidates come from, in the simulator: addresses, ports, policies, changes of the network.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "floe/net/sim/nat.h"
#include "tests/ice/duo.h"

namespace floe::ice {
namespace {

using net::sim::NatOptions;
using testing::HasSubstr;
using testing::IsEmpty;

class IceGathering : public testing::Test, private net::UdpHandler {
 protected:
  IceGathering() {
    duo_.alice.host = &duo_.world.add_host("alice");
    duo_.bob.host = &duo_.world.add_host("bob");
  }
  void gather() {
    duo_.create(duo_.alice, duo_.bob, Role::kControlling);
    duo_.alice.transport->gather();
  }
  bool run_until_gathered(Duration bound) {
    return duo_.world.run_until([this] { return duo_.alice.gathered; }, bound);
  }
  std::unique_ptr<net::UdpSocket> occupy(std::uint16_t port) {
    return *duo_.alice.host->open_udp({.bind = {duo_.alice.host->address(), port}}, *this);
  }
  void on_datagrams(std::span<net::Datagram>) override {}
  Duo duo_;
};

TEST_F(IceGathering, UsesOnePortWhenTheRangeHasOne) {
  duo_.alice.config.local.port_min = duo_.alice.config.local.port_max = 5000;
  gather();
  ASSERT_TRUE(run_until_gathered(seconds(1)));
  ASSERT_EQ(duo_.alice.candidates.size(), 1u);
  EXPECT_EQ(duo_.alice.candidates[0].endpoint.port, 5000);
}

TEST_F(IceGathering, StepsOverABusyPortAndCompletesWithoutAnyWhenAllAre) {
  const auto first = occupy(5000);
  duo_.alice.config.local.port_min = 5000;
  duo_.alice.config.local.port_max = 5001;
  gather();
  ASSERT_TRUE(run_until_gathered(seconds(1)));
  ASSERT_EQ(duo_.alice.candidates.size(), 1u);
  EXPECT_EQ(duo_.alice.candidates[0].endpoint.port, 5001);

  duo_.alice.transport.reset();
  duo_.alice.candidates.clear();
  duo_.alice.gathered = false;
  const auto second = occupy(5001);
  gather();
  ASSERT_TRUE(run_until_gathered(seconds(1)));
  EXPECT_THAT(duo_.alice.candidates, IsEmpty());
}

TEST_F(IceGathering, UsesLoopbackOnlyWhenAskedAndOnlyWhatTheFilterLets) {
  duo_.alice.host->attach({.name = "eth1"});
  duo_.alice.config.local.filter = [](const net::Interface& interface) {
    return interface.name != "eth1";
  };
  duo_.alice.config.local.loopback = true;
  gather();
  ASSERT_TRUE(run_until_gathered(seconds(1)));
  std::set<std::string> addresses;
  for (const Candidate& found : duo_.alice.candidates) {
    addresses.insert(found.endpoint.address.to_string());
  }
  EXPECT_EQ(addresses,
            (std::set<std::string>{"127.0.0.1", "::1", duo_.alice.host->address().to_string()}));
}

TEST_F(IceGathering, BoundsWhatTwentyInterfacesAndThreeServersCost) {
  duo_.add_turn_server();
  for (int i = 1; i <= 19; ++i) duo_.alice.host->attach({.name = "docker" + std::to_string(i)});
  duo_.alice.config.servers = {Duo::server("turn:turn.example"),
                               Duo::server("turn:turn.example?transport=tcp"),
                               {{"stun:203.0.113.99"}}};
  gather();
  EXPECT_TRUE(duo_.world.run_until([&] { return duo_.alice.count(CandidateType::kRelayed) > 0; },
                                   milliseconds(500)));
  ASSERT_TRUE(run_until_gathered(seconds(12)));
  EXPECT_EQ(duo_.alice.count(CandidateType::kHost), 20u);
  // Four allocations on each server's URI at most, not one from each address.
  EXPECT_EQ(duo_.turn->stats().relay.allocations, 2 * Gatherer::kMaxRelaysPerServer);
  EXPECT_EQ(duo_.alice.transport->agent().stats().gathering.relays_skipped, 32u);
}

TEST_F(IceGathering, TalksToNoAddressOfThePeerThatTheFilterRefuses) {
  duo_.bob.host->attach({.name = "eth1"});
  const net::Address refused = duo_.bob.host->address();
  duo_.alice.config.agent.remote_filter = [&refused](const net::Endpoint& remote) {
    return remote.address != refused;
  };
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.talk());
  EXPECT_NE(duo_.alice.path->remote.endpoint.address, refused);
  for (const RemoteCandidate& remote : duo_.alice.transport->agent().remote_candidates()) {
    EXPECT_NE(remote.candidate.endpoint.address, refused);
  }
  EXPECT_GT(duo_.alice.transport->agent().stats().dropped_by_policy, 0u);
}

TEST_F(IceGathering, SaysThatStunOverTlsGivesNoCandidate) {
  duo_.add_turn_server();
  duo_.alice.config.servers = {{{"stuns:turn.example"}}};
  gather();
  ASSERT_TRUE(run_until_gathered(seconds(5)));
  ASSERT_EQ(duo_.alice.failures.size(), 1u);
  EXPECT_THAT(duo_.alice.failures[0].text, HasSubstr("turns:"));
}

TEST_F(IceGathering, AnnouncesAForwardedAddressAndPortAsHostOrAsReflexive) {
  // Alice stands behind a 1:1 NAT which also changes the port; Bob behind a symmetric one.
  net::sim::Nat& nat = duo_.world.add_nat(NatOptions::symmetric());
  duo_.alice.host = &duo_.world.add_host("inside", {.behind = &nat});
  duo_.bob.host =
      &duo_.world.add_host("bob2", {.behind = &duo_.world.add_nat(NatOptions::symmetric())});
  const net::Address local = duo_.alice.host->address();
  nat.map_static(net::sim::Protocol::kUdp, {local, 5000}, {nat.address(), 6000});
  for (const auto advertise :
       {AddressRewrite::Advertise::kHost, AddressRewrite::Advertise::kServerReflexive}) {
    duo_.alice.config.local.port_min = duo_.alice.config.local.port_max = 5000;
    duo_.alice.config.agent.gathering.rewrites = {
        {.local = local, .external = nat.address(), .external_port = 6000, .advertise = advertise}};
    ASSERT_TRUE(duo_.connect());
    EXPECT_TRUE(duo_.talk());
    const bool host = advertise == AddressRewrite::Advertise::kHost;
    ASSERT_EQ(duo_.alice.candidates.size(), host ? 1u : 2u);
    const Candidate& announced = duo_.alice.candidates.back();
    EXPECT_EQ(announced.endpoint, (net::Endpoint{nat.address(), 6000}));
    EXPECT_EQ(announced.type, host ? CandidateType::kHost : CandidateType::kServerReflexive);
    duo_.alice.transport.reset();
    duo_.bob.transport.reset();
    duo_.alice.candidates.clear();
    duo_.bob.candidates.clear();
  }
}

TEST_F(IceGathering, RefusesARewriteThatCannotBeMeant) {
  Transport::Config config;
  config.agent.gathering.rewrites = {
      {.local = *net::Address::parse("10.0.0.1"), .external = *net::Address::parse("2001:db8::1")}};
  EXPECT_THAT(Transport::create(*duo_.alice.host, config, {}).error().message,
              HasSubstr("IPv4 and an IPv6"));
  config.agent.gathering.rewrites = {{.local = *net::Address::parse("10.0.0.0"),
                                      .prefix_length = 33,
                                      .external = *net::Address::parse("192.0.2.1")}};
  EXPECT_THAT(Transport::create(*duo_.alice.host, config, {}).error().message, HasSubstr("prefix"));
}

TEST_F(IceGathering, UsesAnAddressThatAppearsAndDropsOneThatVanishes) {
  ASSERT_TRUE(duo_.connect());
  const net::Endpoint first = duo_.alice.path->local.endpoint;
  duo_.alice.host->attach({.kind = net::InterfaceKind::kCellular, .name = "cell"});
  ASSERT_TRUE(duo_.world.run_until([&] { return duo_.alice.count(CandidateType::kHost) == 2; },
                                   seconds(1)));
  EXPECT_TRUE(duo_.alice.gathered);
  duo_.alice.host->set_up(false, "eth0");
  ASSERT_TRUE(duo_.world.run_until(
      [&] { return duo_.alice.path->local.endpoint.address != first.address; }, seconds(5)));
  EXPECT_TRUE(duo_.talk());
  for (const LocalCandidate& local : duo_.alice.transport->agent().local_candidates()) {
    EXPECT_TRUE(local.withdrawn || local.base.address != first.address);
  }
}

TEST_F(IceGathering, OpensAFreshSocketWhenTheSameAddressComesBack) {
  ASSERT_TRUE(duo_.connect());
  const net::Endpoint before = duo_.alice.path->local.endpoint;
  duo_.alice.host->set_up(false);
  duo_.world.run_for(seconds(2));
  duo_.alice.host->set_up(true);
  ASSERT_TRUE(duo_.world.run_until([&] { return duo_.alice.candidates.size() == 2; }, seconds(2)));
  EXPECT_EQ(duo_.alice.candidates[1].endpoint.address, before.address);
  EXPECT_NE(duo_.alice.candidates[1].endpoint.port, before.port);
  EXPECT_TRUE(duo_.talk(seconds(10)));
}

TEST_F(IceGathering, AsksForNothingMoreWhenGatheringOnceIsWanted) {
  duo_.alice.config.local.continual = false;
  gather();
  ASSERT_TRUE(run_until_gathered(seconds(1)));
  duo_.alice.host->attach({.name = "eth1"});
  duo_.world.run_for(seconds(5));
  EXPECT_EQ(duo_.alice.candidates.size(), 1u);
}

TEST_F(IceGathering, FindsItsServersWhenTheNetworkComesLate) {
  duo_.add_turn_server();
  duo_.alice.host->set_up(false);
  duo_.alice.config.servers = {Duo::server("turn:turn.example")};
  gather();
  ASSERT_TRUE(run_until_gathered(seconds(10)));
  EXPECT_THAT(duo_.alice.candidates, IsEmpty());
  duo_.alice.host->set_up(true);
  EXPECT_TRUE(duo_.world.run_until([&] { return duo_.alice.count(CandidateType::kRelayed) == 1; },
                                   seconds(5)));
}

TEST_F(IceGathering, ARestartWhileGatheringForgetsTheOldRoundButKeepsTheAllocation) {
  duo_.add_turn_server();
  duo_.alice.host =
      &duo_.world.add_host("inside", {.behind = &duo_.world.add_nat(NatOptions::symmetric())});
  duo_.alice.config.servers = {Duo::server("turn:turn.example"), {{"stun:203.0.113.99"}}};
  gather();
  ASSERT_TRUE(duo_.world.run_until([&] { return duo_.alice.count(CandidateType::kRelayed) == 1; },
                                   seconds(5)));
  EXPECT_FALSE(duo_.alice.gathered);
  const net::Endpoint relayed = duo_.alice.candidates.back().endpoint;
  duo_.alice.candidates.clear();
  ASSERT_TRUE(duo_.alice.transport->restart());
  ASSERT_TRUE(run_until_gathered(seconds(12)));
  const std::string& ufrag = duo_.alice.transport->local_credentials().ufrag;
  for (const Candidate& found : duo_.alice.candidates) EXPECT_EQ(found.ufrag, ufrag);
  EXPECT_EQ(duo_.alice.count(CandidateType::kHost), 1u);
  ASSERT_EQ(duo_.alice.count(CandidateType::kRelayed), 1u);
  EXPECT_EQ(duo_.alice.candidates.back().endpoint.address, relayed.address);
  EXPECT_EQ(duo_.turn->stats().relay.allocated, 1u);
  EXPECT_EQ(duo_.alice.failures.size(), 1u);  // the old round's query told nothing
}

TEST_F(IceGathering, ABlackholeForIpv6DoesNotHoldADualStackHostUp) {
  net::sim::InterfaceOptions broken{.stack = net::sim::Stack::kDual};
  broken.link.blackhole = net::Family::kIpv6;
  duo_.alice.host = &duo_.world.add_host("broken", broken);
  duo_.bob.host = &duo_.world.add_host("whole", {.stack = net::sim::Stack::kDual});
  // The IPv6 pair has the higher priority and is checked first; one Ta later comes the IPv4 pair.
  ASSERT_TRUE(duo_.connect(seconds(1)));
  EXPECT_TRUE(duo_.talk());
  EXPECT_TRUE(duo_.alice.path->local.endpoint.address.is_v4());
  EXPECT_TRUE(duo_.bob.path->local.endpoint.address.is_v4());
}

TEST_F(IceGathering, EndsInAnyOfItsOwnHandlersAndTwice) {
  duo_.add_turn_server();
  for (int handler = 0; handler < 3; ++handler) {
    Transport::Config config;
    config.servers = {Duo::server("turn:turn.example?transport=tcp"), {{"stun:turn.example"}}};
    std::unique_ptr<Transport> transport;
    int calls = 0;
    const auto end = [&](int here) {
      ++calls;
      if (here != handler) return;
      calls = 0;
      transport->close();
      transport->close();
      if (handler != 1) transport.reset();
    };
    Transport::Handlers handlers;
    handlers.candidate = [&](const Candidate& found) {
      end(found.type == CandidateType::kRelayed ? 0 : -1);
    };
    handlers.gathering_state = [&](GatheringState state) {
      end(state == GatheringState::kGathering ? 1 : 2);
    };
    transport = *Transport::create(*duo_.alice.host, config, std::move(handlers));
    transport->gather();
    duo_.world.run_for(seconds(15));
    EXPECT_EQ(calls, 0) << handler;
  }
  EXPECT_EQ(duo_.turn->stats().relay.allocations, 0u);
}

}  // namespace
}  // namespace floe::ice
