// What the network around does for an agent: a NAT64 leads to IPv4, a router maps ports.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/net/sim/clat.h"
#include "floe/net/sim/firewall.h"
#include "floe/net/sim/nat.h"
#include "floe/net/sim/router.h"
#include "floe/port_mapping/service.h"
#include "floe/servers/stun/stun_server.h"
#include "tests/ice/duo.h"

namespace floe::ice {
namespace {

using net::Nat64Prefix;
using net::sim::Behavior;
using net::sim::NatOptions;
using net::sim::RouterOptions;
using net::sim::Stack;
using testing::Contains;
using testing::Field;
using testing::IsEmpty;

// ----------------------------------------------------------------------------------------- NAT64

class IceNat64 : public testing::Test {
 protected:
  IceNat64() { duo_.add_turn_server(); }
  void add_phone(Behavior filtering = NatOptions::nat64_gateway().filtering) {
    NatOptions gateway = NatOptions::nat64_gateway();
    gateway.filtering = filtering;
    gateway.inside_subnet = &mast_.inside();
    duo_.world.add_nat(gateway);
    duo_.alice.host = &duo_.world.add_host("phone", {.behind = &mast_, .stack = Stack::kIpv6});
  }
  /// By its IPv4 address, which no DNS64 translates.
  std::string at_server(const std::string& scheme) const {
    return scheme + ":" + duo_.turn_host->address().to_string();
  }
  void put_bob_behind(const NatOptions& nat) {
    duo_.bob.host = &duo_.world.add_host("bob", {.behind = &duo_.world.add_nat(nat)});
  }

  Duo duo_;
  net::sim::Firewall& mast_ = duo_.world.add_firewall({.ipv4 = false});
};

TEST_F(IceNat64, ConnectsAnIpv6OnlyHostWithAnIpv4OnlyOneDirectly) {
  add_phone();
  put_bob_behind(NatOptions::home_router());
  duo_.alice.config.servers = {{{at_server("stun")}}};
  duo_.bob.config.servers = {{{at_server("stun")}}};
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.talk());
  // To Bob she is the NAT64's address; to her he is who he said he is.
  ASSERT_EQ(duo_.alice.count(CandidateType::kServerReflexive), 1u);
  EXPECT_TRUE(duo_.alice.candidates.back().endpoint.address.is_v4());
  EXPECT_TRUE(duo_.alice.candidates.back().related->address.is_v6());
  EXPECT_THAT(duo_.bob.candidates,
              Contains(Field(&Candidate::endpoint, duo_.alice.path->remote.endpoint)));
  EXPECT_EQ(duo_.alice.path->remote.type, CandidateType::kServerReflexive);
  const CandidatePair& path = *duo_.alice.transport->agent().selected_pair();
  EXPECT_EQ(path.destination.address,
            Nat64Prefix::well_known().embed(duo_.alice.path->remote.endpoint.address));
  // Bob's private address is not to be had through the well-known prefix.
  for (const auto& pair : duo_.alice.transport->agent().pairs()) {
    EXPECT_EQ(Nat64Prefix::well_known().extract(pair->destination.address)->is_private(), false);
  }
}

TEST_F(IceNat64, AsksAServerOfBothFamiliesForTheAddressThatIpv4PeersSee) {
  net::sim::Host& host = duo_.world.add_host("stun", {.stack = Stack::kDual});
  std::vector<std::unique_ptr<server::StunServer>> servers;
  for (const net::Family family : {net::Family::kIpv4, net::Family::kIpv6}) {
    auto server = server::StunServer::create(host, {.bind = {host.address(family), 3478}});
    ASSERT_TRUE(server);
    servers.push_back(std::move(*server));
  }
  duo_.world.dns().add("stun.example",
                       {host.address(net::Family::kIpv6), host.address(net::Family::kIpv4)});
  add_phone();
  put_bob_behind(NatOptions::home_router());
  duo_.alice.config.servers = {{{"stun:stun.example"}}};
  duo_.bob.config.servers = {{{"stun:stun.example"}}};
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.talk());
  ASSERT_EQ(duo_.alice.count(CandidateType::kServerReflexive), 1u);
  EXPECT_TRUE(duo_.alice.candidates.back().endpoint.address.is_v4());
  EXPECT_EQ(duo_.bob.path->remote.type, CandidateType::kServerReflexive);
}

TEST_F(IceNat64, LearnsAPeerByTheAddressThatSignallingNamesLater) {
  add_phone(Behavior::kEndpointIndependent);
  duo_.bob.host = &duo_.world.add_host("bob");
  duo_.alice.config.servers = {{{at_server("stun")}}};
  std::optional<Candidate> late;
  duo_.signals = [&](const Candidate& found) {
    if (found.endpoint.address != duo_.bob.host->address()) return true;
    late = found;
    return false;
  };
  ASSERT_TRUE(duo_.connect());  // By his checks, which come from an IPv6 address.
  const auto& remotes = duo_.alice.transport->agent().remote_candidates();
  ASSERT_EQ(remotes.size(), 1u);
  EXPECT_TRUE(remotes[0].learned);
  EXPECT_EQ(remotes[0].candidate.endpoint, late->endpoint);
  ASSERT_TRUE(duo_.alice.transport->add_remote_candidate(late->to_string()).has_value());
  ASSERT_EQ(remotes.size(), 1u);
  EXPECT_FALSE(remotes[0].learned);
  EXPECT_EQ(duo_.alice.transport->agent().pairs().size(), 1u);
  EXPECT_TRUE(duo_.talk());
}

TEST_F(IceNat64, ReachesTheRelayOfAnIpv4ServerWhenNothingElseWorks) {
  add_phone();
  put_bob_behind(NatOptions::symmetric());
  duo_.alice.config.servers = {Duo::server(at_server("turn"))};
  duo_.bob.config.servers = {{{at_server("stun")}}};  // So that his NAT may pass her relay.
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.talk());
  EXPECT_EQ(duo_.alice.count(CandidateType::kRelayed), 1u);
  EXPECT_EQ(duo_.alice.path->local.type, CandidateType::kRelayed);
}

TEST_F(IceNat64, IsNotLookedForByAHostThatHasAClat) {
  add_phone();
  put_bob_behind(NatOptions::home_router());
  net::sim::Clat& clat = duo_.world.add_clat({.behind = &mast_});
  duo_.alice.host->attach({.behind = &clat, .link = net::sim::Clat::host_link(), .name = "clat4"});
  duo_.world.dns().fail(Nat64Prefix::kDiscoveryName, net::sim::DnsFailure::kNoAnswer);
  duo_.alice.config.servers = {{{at_server("stun")}}};
  duo_.bob.config.servers = {{{at_server("stun")}}};
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.talk());
  EXPECT_TRUE(duo_.alice.gathered);
  EXPECT_TRUE(duo_.alice.transport->agent().selected_pair()->base.address.is_v4());
}

TEST_F(IceNat64, DoesNotHoldGatheringUpLongWhereTheResolverIsSilent) {
  add_phone();
  put_bob_behind(NatOptions::home_router());
  duo_.world.dns().fail(Nat64Prefix::kDiscoveryName, net::sim::DnsFailure::kNoAnswer);
  duo_.create(duo_.alice, duo_.bob, Role::kControlling);
  duo_.alice.transport->gather();
  // Nothing depends on it.
  EXPECT_TRUE(duo_.world.run_until([&] { return duo_.alice.gathered; }, milliseconds(10)));
  duo_.alice.gathered = false;
  duo_.alice.config.servers = {{{at_server("stun")}}};
  duo_.create(duo_.alice, duo_.bob, Role::kControlling);
  duo_.alice.transport->gather();
  EXPECT_FALSE(duo_.world.run_until([&] { return duo_.alice.gathered; }, milliseconds(4900)));
  EXPECT_TRUE(duo_.world.run_until([&] { return duo_.alice.gathered; }, milliseconds(200)));
}

TEST_F(IceNat64, TakesOverWhenAPhoneLeavesItsWifiForAnIpv6OnlyNetwork) {
  add_phone();
  net::sim::Host& phone = *duo_.alice.host;
  phone.set_up(false);
  phone.attach({.behind = &duo_.world.add_nat(NatOptions::home_router()), .name = "wlan0"});
  put_bob_behind(NatOptions::full_cone());
  duo_.alice.config.servers = {{{at_server("stun")}}};
  duo_.bob.config.servers = {{{at_server("stun")}}};
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.alice.transport->agent().selected_pair()->base.address.is_v4());
  phone.set_up(false, "wlan0");
  phone.set_up(true, "eth0");
  duo_.world.run_for(milliseconds(500));
  EXPECT_TRUE(duo_.talk(seconds(20)));
  EXPECT_TRUE(duo_.alice.transport->agent().selected_pair()->base.address.is_v6());
  // The server is asked through the NAT64 as well.
  EXPECT_EQ(duo_.alice.count(CandidateType::kServerReflexive), 2u);
}

// ---------------------------------------------------------------------------------- mapped ports

class IcePortMapping : public testing::Test {
 protected:
  void add_sides(const RouterOptions& router = {}) {
    duo_.world.add_router(left_, router);
    duo_.world.add_router(right_, router);
    duo_.alice.host = &duo_.world.add_host("alice", {.behind = &left_});
    duo_.bob.host = &duo_.world.add_host("bob", {.behind = &right_});
  }
  static void map_ports(Side& side) {
    side.config.local.port_mapping = std::make_shared<port_mapping::Service>(*side.host);
  }
  Duo duo_;
  net::sim::Nat& left_ = duo_.world.add_nat(NatOptions::symmetric());
  net::sim::Nat& right_ = duo_.world.add_nat(NatOptions::symmetric());
};

TEST_F(IcePortMapping, ConnectsTwoSymmetricNatsDirectly) {
  add_sides();
  EXPECT_FALSE(duo_.connect());
  EXPECT_THAT(left_.dynamic_mappings(), IsEmpty());  // Nobody is asked unless it is wanted.
  map_ports(duo_.alice);
  map_ports(duo_.bob);
  duo_.alice.candidates.clear();
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.talk());
  ASSERT_EQ(left_.dynamic_mappings().size(), 1u);
  const net::Endpoint external = left_.dynamic_mappings()[0].external;
  EXPECT_EQ(duo_.bob.path->remote.endpoint, external);
  EXPECT_EQ(duo_.bob.path->remote.type, CandidateType::kServerReflexive);
  EXPECT_EQ(duo_.alice.path->local.endpoint, external);
  EXPECT_EQ(duo_.alice.path->local.related->address, duo_.alice.host->address());
  EXPECT_TRUE(duo_.alice.gathered);

  duo_.alice.transport->close();
  duo_.bob.transport.reset();
  duo_.world.run_for(seconds(2));
  EXPECT_THAT(left_.dynamic_mappings(), IsEmpty());
  EXPECT_THAT(right_.dynamic_mappings(), IsEmpty());
}

TEST_F(IcePortMapping, FollowsARouterThatComesBackWithAnotherAddress) {
  duo_.add_turn_server();
  add_sides();
  map_ports(duo_.alice);
  map_ports(duo_.bob);
  duo_.alice.config.servers = {{{"stun:turn.example"}}};
  ASSERT_TRUE(duo_.connect());
  duo_.world.run_for(seconds(5));
  const net::Endpoint before = left_.dynamic_mappings().at(0).external;
  const net::Address moved = net::Address::v4(203, 0, 113, 99);
  left_.reboot({moved});
  duo_.world.run_for(seconds(5));
  ASSERT_EQ(left_.dynamic_mappings().size(), 1u);
  const net::Endpoint after = left_.dynamic_mappings()[0].external;
  EXPECT_EQ(after.address, moved);
  EXPECT_THAT(duo_.alice.candidates, Contains(Field(&Candidate::endpoint, after)));
  bool seen = false;
  for (const LocalCandidate& local : duo_.alice.transport->agent().local_candidates()) {
    if (local.candidate.type != CandidateType::kServerReflexive) continue;
    EXPECT_EQ(local.withdrawn, local.candidate.endpoint == before) << local.candidate.to_string();
    seen = seen || local.candidate.endpoint == after;
  }
  EXPECT_TRUE(seen);
  // The session has not ended with the old address.
  EXPECT_TRUE(duo_.talk(seconds(20)));
  // It comes again with an ICE restart.
  const auto count = [&] {
    return std::count_if(duo_.alice.candidates.begin(), duo_.alice.candidates.end(),
                         [&](const Candidate& found) { return found.endpoint == after; });
  };
  const auto told = count();
  ASSERT_TRUE(duo_.alice.transport->restart().has_value());
  duo_.world.run_for(seconds(1));
  EXPECT_EQ(count(), told + 1);
}

TEST_F(IcePortMapping, WaitsForASlowRouterAndNotLongForASilentOne) {
  const auto gather = [&](Side& side, Side& other) {
    map_ports(side);
    duo_.create(side, other, Role::kControlling);
    const Time begin = duo_.world.now();
    side.transport->gather();
    EXPECT_TRUE(duo_.world.run_until([&] { return side.gathered; }, seconds(10)));
    return duo_.world.now() - begin;
  };
  add_sides({.nat_pmp = false, .pcp = false});  // UPnP alone.
  EXPECT_LT(gather(duo_.alice, duo_.bob), seconds(3));
  EXPECT_EQ(duo_.alice.count(CandidateType::kServerReflexive), 1u);

  net::sim::Nat& silent = duo_.world.add_nat(NatOptions::symmetric());
  duo_.bob.host = &duo_.world.add_host("bob2", {.behind = &silent});
  EXPECT_EQ(gather(duo_.bob, duo_.alice), seconds(3));
  EXPECT_EQ(duo_.bob.count(CandidateType::kServerReflexive), 0u);
}

TEST_F(IcePortMapping, AsksNobodyWhenNothingMayLeaveButThroughARelay) {
  add_sides();
  map_ports(duo_.alice);
  duo_.alice.config.agent.policy = Policy::kRelay;
  duo_.alice.config.local.hide_addresses = true;
  duo_.create(duo_.alice, duo_.bob, Role::kControlling);
  duo_.alice.transport->gather();
  duo_.world.run_for(seconds(5));
  EXPECT_TRUE(duo_.alice.gathered);
  EXPECT_THAT(left_.dynamic_mappings(), IsEmpty());
  EXPECT_THAT(duo_.alice.candidates, IsEmpty());
}

}  // namespace
}  // namespace floe::ice
