#include "floe/net/sim/nat.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/sim/talker.h"

namespace floe::net::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kSettle = 100ms;

// Alice behind the NAT; outside one host with two ports and another with one.
struct Neighbourhood {
  explicit Neighbourhood(const NatOptions& options) : nat(world.add_nat(options)) {}

  World world{1};
  Nat& nat;
  Host& alice_host = world.add_host("alice", {.behind = &nat});
  Host& bob_host = world.add_host("bob");
  Host& carol_host = world.add_host("carol");
  Talker alice{alice_host, 5000};
  Talker bob{bob_host, 6000};
  Talker bob_too{bob_host, 6001};
  Talker carol{carol_host, 6000};

  // Alice's endpoint as `to` sees it.
  Endpoint external_towards(Talker& to) {
    const std::size_t before = to.heard.size();
    alice.say(to.endpoint(), "hello");
    world.run_for(kSettle);
    EXPECT_EQ(to.heard.size(), before + 1);
    return to.heard.empty() ? Endpoint{} : to.heard.back().source;
  }
  bool reaches_alice(Talker& from, const Endpoint& at) {
    const std::size_t before = alice.heard.size();
    from.say(at, "knock");
    world.run_for(kSettle);
    return alice.heard.size() > before;
  }
};

struct MappingRow {
  Behavior mapping;
  bool same_for_other_port;
  bool same_for_other_address;
};
class NatMapping : public testing::TestWithParam<MappingRow> {};

TEST_P(NatMapping, UsesOneExternalEndpointForAsManyDestinationsAsItShould) {
  const MappingRow& row = GetParam();
  Neighbourhood there({.mapping = row.mapping});
  const Endpoint first = there.external_towards(there.bob);
  EXPECT_EQ(first.address, there.nat.address());
  EXPECT_EQ(there.external_towards(there.bob), first);
  EXPECT_EQ(there.external_towards(there.bob_too) == first, row.same_for_other_port);
  EXPECT_EQ(there.external_towards(there.carol) == first, row.same_for_other_address);
}

INSTANTIATE_TEST_SUITE_P(Behaviors, NatMapping,
                         testing::Values(MappingRow{Behavior::kEndpointIndependent, true, true},
                                         MappingRow{Behavior::kAddressDependent, true, false},
                                         MappingRow{Behavior::kAddressAndPortDependent, false,
                                                    false}));

struct FilteringRow {
  Behavior mapping;
  Behavior filtering;
  bool other_port_gets_in;
  bool other_address_gets_in;
};
class NatFiltering : public testing::TestWithParam<FilteringRow> {};

TEST_P(NatFiltering, LetsInWhomItShould) {
  const FilteringRow& row = GetParam();
  Neighbourhood there({.mapping = row.mapping, .filtering = row.filtering});
  const Endpoint external = there.external_towards(there.bob);
  EXPECT_TRUE(there.reaches_alice(there.bob, external));
  EXPECT_EQ(there.alice.heard.back().source, there.bob.endpoint());
  EXPECT_EQ(there.reaches_alice(there.bob_too, external), row.other_port_gets_in);
  EXPECT_EQ(there.reaches_alice(there.carol, external), row.other_address_gets_in);
  const std::uint64_t refused = !row.other_port_gets_in + !row.other_address_gets_in;
  EXPECT_EQ(there.nat.tally()[Verdict::kFiltered], refused);
}

constexpr Behavior kAny = Behavior::kEndpointIndependent;
constexpr Behavior kAddress = Behavior::kAddressDependent;
constexpr Behavior kBoth = Behavior::kAddressAndPortDependent;
INSTANTIATE_TEST_SUITE_P(Behaviors, NatFiltering,
                         testing::Values(FilteringRow{kAny, kAny, true, true},
                                         FilteringRow{kAny, kAddress, true, false},
                                         FilteringRow{kAny, kBoth, false, false},
                                         FilteringRow{kAddress, kAny, true, true},
                                         FilteringRow{kAddress, kAddress, true, false},
                                         FilteringRow{kAddress, kBoth, false, false},
                                         FilteringRow{kBoth, kAny, true, true},
                                         FilteringRow{kBoth, kAddress, true, false},
                                         FilteringRow{kBoth, kBoth, false, false}));

TEST(Nat, OpensItsFilterForEveryoneAliceHasWrittenTo) {
  Neighbourhood there(NatOptions::port_restricted());
  const Endpoint external = there.external_towards(there.bob);
  EXPECT_FALSE(there.reaches_alice(there.carol, external));
  there.external_towards(there.carol);
  EXPECT_TRUE(there.reaches_alice(there.carol, external));
  EXPECT_TRUE(there.reaches_alice(there.bob, external));
}

TEST(Nat, HasNoMappingForAnEndpointNobodyUsed) {
  Neighbourhood there(NatOptions::full_cone());
  EXPECT_FALSE(there.reaches_alice(there.bob, {there.nat.address(), 5000}));
  EXPECT_EQ(there.nat.tally()[Verdict::kNoMapping], 1u);
}

TEST(Nat, IsWhatItsClassicalNameSays) {
  EXPECT_EQ(NatOptions::full_cone().filtering, kAny);
  EXPECT_EQ(NatOptions::address_restricted().filtering, kAddress);
  EXPECT_EQ(NatOptions::port_restricted().filtering, kBoth);
  EXPECT_EQ(NatOptions::symmetric().mapping, kBoth);
  EXPECT_EQ(NatOptions::symmetric().filtering, kBoth);
  EXPECT_EQ(NatOptions::port_restricted().mapping, kAny);
}

TEST(Nat, KeepsTheInternalPortWhenItPreservesPortsAndTheyAreFree) {
  Neighbourhood there({.port_preservation = true});
  EXPECT_EQ(there.external_towards(there.bob).port, 5000);
  Host& dave = there.world.add_host("dave", {.behind = &there.nat});
  Talker talker(dave, 5000);
  talker.say(there.bob.endpoint(), "hello");
  there.world.run_for(kSettle);
  EXPECT_EQ(there.bob.heard.back().source.address, there.nat.address());
  EXPECT_NE(there.bob.heard.back().source.port, 5000);
}

TEST(Nat, ChoosesPortsAtRandomOtherwise) {
  std::set<std::uint16_t> ports;
  Neighbourhood there({});
  for (std::uint16_t port = 7000; port < 7050; ++port) {
    Talker talker(there.alice_host, port);
    talker.say(there.bob.endpoint(), "hello");
    there.world.run_for(kSettle);
    ports.insert(there.bob.heard.back().source.port);
  }
  EXPECT_EQ(ports.size(), 50u);
  EXPECT_GT(*ports.rbegin() - *ports.begin(), 10'000);
}

TEST(Nat, HairpinsWithTheExternalSource) {
  Neighbourhood there(NatOptions::port_restricted());
  Host& dave = there.world.add_host("dave", {.behind = &there.nat});
  Talker talker(dave, 5001);
  const Endpoint alices = there.external_towards(there.bob);
  talker.say(there.bob.endpoint(), "hello");
  there.world.run_for(kSettle);
  const Endpoint daves = there.bob.heard.back().source;

  // The filters stand between neighbours too: the first packet only opens the way back.
  talker.say(alices, "blocked");
  there.world.run_for(kSettle);
  EXPECT_FALSE(there.alice.heard_text("blocked"));
  there.alice.say(daves, "to dave");
  talker.say(alices, "to alice");
  there.world.run_for(kSettle);
  ASSERT_TRUE(talker.heard_text("to dave"));
  EXPECT_EQ(talker.heard.back().source, alices);
  ASSERT_TRUE(there.alice.heard_text("to alice"));
  EXPECT_EQ(there.alice.heard.back().source, daves);
}

TEST(Nat, DropsHairpinsWhenItDoesNotHairpin) {
  Neighbourhood there({.filtering = kAny, .hairpin = false});
  Host& dave = there.world.add_host("dave", {.behind = &there.nat});
  Talker talker(dave);
  talker.say(there.external_towards(there.bob), "knock");
  there.world.run_for(kSettle);
  EXPECT_TRUE(there.alice.heard.empty());
  EXPECT_EQ(there.nat.tally()[Verdict::kNoHairpin], 1u);
}

TEST(Nat, LetsNeighboursTalkDirectlyWithoutNoticing) {
  Neighbourhood there(NatOptions::symmetric());
  Host& dave = there.world.add_host("dave", {.behind = &there.nat});
  Talker talker(dave);
  talker.say(there.alice.endpoint(), "hello");
  there.world.run_for(kSettle);
  ASSERT_EQ(there.alice.heard.size(), 1u);
  EXPECT_EQ(there.alice.heard[0].source, talker.endpoint());
  EXPECT_EQ(there.nat.mappings(), 0u);
}

TEST(Nat, ForgetsAMappingAfterItsTimeoutAndNotBefore) {
  Neighbourhood there({.filtering = kAny, .udp_timeout = 120s});
  const Endpoint external = there.external_towards(there.bob);
  there.world.run_for(119s);
  EXPECT_TRUE(there.reaches_alice(there.bob, external));
  there.world.run_for(2s);
  EXPECT_FALSE(there.reaches_alice(there.bob, external));
  EXPECT_EQ(there.nat.tally()[Verdict::kNoMapping], 1u);
  EXPECT_NE(there.external_towards(there.bob), external);
}

TEST(Nat, RefreshesAMappingByOutboundPackets) {
  Neighbourhood there({.udp_timeout = 30s});
  const Endpoint external = there.external_towards(there.bob);
  for (int i = 0; i < 10; ++i) {
    there.world.run_for(20s);
    EXPECT_EQ(there.external_towards(there.bob), external);
  }
}

TEST(Nat, RefreshesAMappingByInboundPacketsOnlyIfToldTo) {
  for (const bool refreshes : {false, true}) {
    Neighbourhood there({.udp_timeout = 30s, .inbound_refresh = refreshes});
    const Endpoint external = there.external_towards(there.bob);
    there.world.run_for(20s);
    EXPECT_TRUE(there.reaches_alice(there.bob, external));
    there.world.run_for(20s);
    EXPECT_EQ(there.reaches_alice(there.bob, external), refreshes);
  }
}

TEST(Nat, ForgetsWhomItLetsInOneByOne) {
  Neighbourhood there({.udp_timeout = 30s});
  const Endpoint external = there.external_towards(there.bob);
  there.world.run_for(20s);
  there.external_towards(there.carol);
  there.world.run_for(20s);
  EXPECT_FALSE(there.reaches_alice(there.bob, external));
  EXPECT_EQ(there.nat.tally()[Verdict::kFiltered], 1u);
  EXPECT_TRUE(there.reaches_alice(there.carol, external));
}

TEST(Nat, MovesMappingsWhenItRebinds) {
  Neighbourhood there(NatOptions::full_cone());
  const Endpoint before = there.external_towards(there.bob);
  there.nat.rebind();
  EXPECT_FALSE(there.reaches_alice(there.bob, before));
  const Endpoint now = there.external_towards(there.bob);
  EXPECT_EQ(now.address, before.address);
  EXPECT_NE(now.port, before.port);
}

TEST(Nat, ComesBackFromARebootWithItsNewAddress) {
  Neighbourhood there(NatOptions::full_cone());
  const Endpoint before = there.external_towards(there.bob);
  const Address fresh = address_of("203.0.113.77");
  there.nat.reboot({fresh});
  const Endpoint now = there.external_towards(there.bob);
  EXPECT_EQ(now.address, fresh);
  EXPECT_EQ(there.nat.address(), fresh);
  EXPECT_TRUE(there.reaches_alice(there.bob, now));
  EXPECT_FALSE(there.reaches_alice(there.bob, before));
  EXPECT_EQ(there.world.internet().tally()[Verdict::kNoSuchAddress], 1u);
}

const std::vector<Address> kPool = {Address::v4(203, 0, 113, 1), Address::v4(203, 0, 113, 2),
                                    Address::v4(203, 0, 113, 3), Address::v4(203, 0, 113, 4)};

TEST(Nat, GivesOneHostOneAddressOfAPairedPool) {
  Neighbourhood there({.mapping = kBoth, .external = kPool, .pooling = Pooling::kPaired});
  std::set<Address> hosts_got;
  for (int i = 0; i < 10; ++i) {
    Host& host = there.world.add_host("host" + std::to_string(i), {.behind = &there.nat});
    std::set<Address> used;
    for (int n = 0; n < 5; ++n) {
      Talker talker(host);
      talker.say(there.bob.endpoint(), "hello");
      there.world.run_for(kSettle);
      used.insert(there.bob.heard.back().source.address);
    }
    EXPECT_EQ(used.size(), 1u);
    hosts_got.merge(used);
  }
  EXPECT_GT(hosts_got.size(), 1u);
}

TEST(Nat, GivesOneHostManyAddressesOfAnArbitraryPool) {
  Neighbourhood there({.mapping = kBoth, .external = kPool, .pooling = Pooling::kArbitrary});
  std::set<Address> used;
  for (int n = 0; n < 20; ++n) {
    Talker talker(there.alice_host);
    talker.say(there.bob.endpoint(), "hello");
    there.world.run_for(kSettle);
    used.insert(there.bob.heard.back().source.address);
  }
  EXPECT_GT(used.size(), 2u);
}

TEST(Nat, StandsBehindAnotherNat) {
  World world(1);
  Nat& carrier = world.add_nat({.mapping = kAny, .filtering = kAny});
  Nat& home = world.add_nat({.mapping = kAny, .filtering = kAny, .behind = &carrier});
  Nat& neighbours = world.add_nat({.mapping = kAny, .filtering = kAny, .behind = &carrier});
  Host& alice_host = world.add_host("alice", {.behind = &home});
  Host& dave_host = world.add_host("dave", {.behind = &neighbours});
  Host& bob_host = world.add_host("bob");
  Talker alice(alice_host), dave(dave_host), bob(bob_host);
  EXPECT_TRUE(home.address().is_private());

  alice.say(bob.endpoint(), "hello");
  world.run_for(kSettle);
  ASSERT_EQ(bob.heard.size(), 1u);
  EXPECT_EQ(bob.heard[0].source.address, carrier.address());
  bob.say(bob.heard[0].source, "welcome");
  world.run_for(kSettle);
  EXPECT_TRUE(alice.heard_text("welcome"));

  // Neighbours meet at the carrier's NAT, by hairpin.
  dave.say(bob.heard[0].source, "next door");
  world.run_for(kSettle);
  ASSERT_TRUE(alice.heard_text("next door"));
  EXPECT_EQ(alice.heard.back().source.address, carrier.address());
}

TEST(Nat, MapsAnAddressOneToOneInBothDirections) {
  Neighbourhood there(NatOptions::symmetric());
  const Address elastic = address_of("203.0.113.50");
  there.nat.map_static(there.alice_host.address(), elastic);
  EXPECT_EQ(there.external_towards(there.bob), (Endpoint{elastic, 5000}));
  EXPECT_TRUE(there.reaches_alice(there.carol, {elastic, 5000}));
  there.nat.rebind();
  EXPECT_TRUE(there.reaches_alice(there.carol, {elastic, 5000}));
}

TEST(Nat, MapsOneEndpointToAnotherPort) {
  Neighbourhood there(NatOptions::symmetric());
  const Endpoint forwarded{there.nat.address(), 443};
  there.nat.map_static(Protocol::kUdp, {there.alice_host.address(), 5000}, forwarded);
  EXPECT_EQ(there.external_towards(there.bob), forwarded);
  EXPECT_TRUE(there.reaches_alice(there.carol, forwarded));
  Talker other(there.alice_host, 5002);
  other.say(there.bob.endpoint(), "hello");
  there.world.run_for(kSettle);
  EXPECT_NE(there.bob.heard.back().source, forwarded);
}

TEST(Nat, DoesNotForwardToItsOwnAddresses) {
  Neighbourhood there(NatOptions::full_cone());
  there.alice.say({there.nat.inside_attachment().address(), 53}, "router?");
  there.world.run_for(kSettle);
  EXPECT_EQ(there.nat.tally()[Verdict::kNoSuchPort], 1u);
  EXPECT_EQ(there.nat.mappings(), 0u);
}

TEST(Nat, RunsOutOfPortsWithoutBreakingThoseInUse) {
  Neighbourhood there({.mapping = kBoth, .first_port = 2000, .last_port = 2099});
  const Endpoint external = there.external_towards(there.bob);
  for (std::uint16_t i = 1; i <= 110; ++i) there.alice.say({Address::v4(192, 0, 2, 1), i}, "x");
  there.world.run_for(kSettle);
  EXPECT_EQ(there.nat.mappings(), 100u);
  EXPECT_EQ(there.nat.tally()[Verdict::kNoFreePort], 11u);
  EXPECT_TRUE(there.reaches_alice(there.bob, external));
  there.world.run_for(2min);
  there.alice.say({Address::v4(192, 0, 2, 1), 7}, "x");
  there.world.run_for(kSettle);
  EXPECT_EQ(there.nat.tally()[Verdict::kNoFreePort], 11u);
}

TEST(Nat, KeepsUdpAndTcpApart) {
  Neighbourhood there({.filtering = kAny, .first_port = 2000, .last_port = 2000});
  struct Quiet final : StreamHandler {
    void on_connected() override { connected = true; }
    void on_data(MutableBytes) override {}
    void on_closed(const Error&) override {}
    bool connected = false;
  } quiet;
  struct Door final : ListenerHandler {
    void on_accept(std::unique_ptr<Stream> accepted) override { stream = std::move(accepted); }
    std::unique_ptr<Stream> stream;
  } door;
  const Endpoint external = there.external_towards(there.bob);
  const auto listener = there.bob_host.listen({Address(), 80}, door);
  ASSERT_TRUE(listener);
  const auto stream = there.alice_host.connect({there.bob_host.address(), 80},
                                               Endpoint{there.alice_host.address(), 5000}, quiet);
  ASSERT_TRUE(stream);
  there.world.run_for(kSettle);
  EXPECT_TRUE(quiet.connected);
  ASSERT_NE(door.stream, nullptr);
  EXPECT_EQ(door.stream->remote(), external);
  EXPECT_EQ(there.nat.mappings(), 2u);
  EXPECT_TRUE(there.reaches_alice(there.carol, external));
}

TEST(Nat, ClearsExpiredMappingsAway) {
  Neighbourhood there({.mapping = kBoth, .udp_timeout = 1s});
  for (std::uint16_t i = 1; i < 20'000; ++i) {
    there.alice.say({Address::v4(192, 0, 2, 1), i}, "x");
    there.world.run_for(1ms);
  }
  EXPECT_LT(there.nat.mappings(), 5000u);
}

TEST(Nat, GivesTwoHomesTheSamePrivateAddresses) {
  World world(1);
  const auto block = AddressBlock::parse("192.168.1.0/24");
  Nat& one = world.add_nat({.inside = block});
  Nat& two = world.add_nat({.inside = block});
  Host& alice = world.add_host("alice", {.behind = &one});
  Host& bob = world.add_host("bob", {.behind = &two});
  EXPECT_EQ(alice.address(), bob.address());
  Talker from(alice), to(bob, 9);
  from.say(to.endpoint(), "to myself");
  world.run_for(kSettle);
  EXPECT_TRUE(to.heard.empty());
}

TEST(Nat, OverloadsOnePortAndTellsItsHostsApartByTheirPeers) {
  Neighbourhood there({.port_overloading = true});
  Host& dave_host = there.world.add_host("dave", {.behind = &there.nat});
  Talker dave(dave_host, 5000);
  const Endpoint external = there.external_towards(there.bob);
  EXPECT_EQ(external, (Endpoint{there.nat.address(), 5000}));
  dave.say(there.carol.endpoint(), "hello");
  there.world.run_for(kSettle);
  EXPECT_EQ(there.carol.heard.back().source, external) << "the same for both";
  there.bob.say(external, "to alice");
  there.carol.say(external, "to dave");
  there.bob_too.say(external, "to nobody");
  there.world.run_for(kSettle);
  EXPECT_TRUE(there.alice.heard_text("to alice"));
  EXPECT_TRUE(dave.heard_text("to dave"));
  EXPECT_EQ(there.alice.heard.size() + dave.heard.size(), 2u);
  // To one and the same peer only one of them can get through.
  dave.say(there.bob.endpoint(), "me too");
  there.world.run_for(kSettle);
  there.bob.say(external, "whose?");
  there.world.run_for(kSettle);
  EXPECT_TRUE(dave.heard_text("whose?"));
  EXPECT_FALSE(there.alice.heard_text("whose?"));
}

TEST(Nat, OverloadedPortsExpireOneByOne) {
  Neighbourhood there({.port_overloading = true, .udp_timeout = 30s});
  Host& dave_host = there.world.add_host("dave", {.behind = &there.nat});
  Talker dave(dave_host, 5000);
  const Endpoint external = there.external_towards(there.bob);
  there.world.run_for(20s);
  dave.say(there.carol.endpoint(), "hello");
  there.world.run_for(15s);
  EXPECT_FALSE(there.reaches_alice(there.bob, external));
  there.carol.say(external, "still there?");
  there.world.run_for(kSettle);
  EXPECT_TRUE(dave.heard_text("still there?"));
  EXPECT_EQ(there.nat.tally()[Verdict::kFiltered], 1u);
}

TEST(Nat, OfACarrierGivesEachCustomerOneOfItsAddresses) {
  World world(1);
  const std::vector<Address> pool = {address_of("203.0.113.1"), address_of("203.0.113.2"),
                                     address_of("203.0.113.3")};
  Nat& carrier = world.add_nat(NatOptions::carrier_grade(pool));
  Host& server_host = world.add_host("server");
  Talker server(server_host, 6000);
  for (int i = 0; i < 6; ++i) {
    NatOptions home = NatOptions::home_router();
    home.behind = &carrier;
    Host& host = world.add_host("customer" + std::to_string(i), {.behind = &world.add_nat(home)});
    Talker first(host), second(host);
    server.heard.clear();
    first.say(server.endpoint(), "one");
    second.say(server.endpoint(), "two");
    world.run_for(kSettle);
    ASSERT_EQ(server.heard.size(), 2u);
    EXPECT_EQ(server.heard[0].source.address, server.heard[1].source.address);
    EXPECT_NE(std::find(pool.begin(), pool.end(), server.heard[0].source.address), pool.end());
  }
}

}  // namespace
}  // namespace floe::net::sim
