#include <gtest/gtest.h>

#include "tests/sim/stream_ends.h"
#include "tests/sim/talker.h"

// Hosts with IPv6 alone, and how they reach IPv4: NAT64, DNS64 and 464XLAT.
namespace floe::net::sim {
namespace {

using namespace std::chrono_literals;

const Address kAnyV4 = Address::unspecified(Family::kIpv4);
const Address kAnyV6 = Address::unspecified(Family::kIpv6);
constexpr Duration kSettle = 100ms;

// A mobile carrier: IPv6 through a firewall, IPv4 through a NAT64.
struct Carrier {
  explicit Carrier(std::string_view prefix = "64:ff9b::/96")
      : nat64(world.add_nat({.filtering = Behavior::kAddressDependent,
                             .inside_subnet = &firewall.inside(),
                             .nat64 = Nat64Prefix::parse(prefix)})),
        prefix(*Nat64Prefix::parse(prefix)) {}

  std::vector<Address> look_up(std::string_view name) {
    std::vector<Address> found;
    const auto lookup = phone.lookup(name, [&](Result<std::vector<Address>> result) {
      if (result) found = *result;
    });
    world.run_for(1s);
    return found;
  }

  World world{1};
  Firewall& firewall = world.add_firewall({.ipv4 = false});
  Nat& nat64;
  Nat64Prefix prefix;
  Host& phone = world.add_host("phone", {.behind = &firewall, .stack = Stack::kIpv6});
  Host& server = world.add_host("server", {.stack = Stack::kDual});
};

class Nat64Prefixes : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Lengths, Nat64Prefixes,
                         testing::Values("64:ff9b::/96", "2001:db8:64::/48", "2001:db8:6464::/64",
                                         "2001:db9::/32"));

TEST_P(Nat64Prefixes, ReachAnIpv4HostFromAnIpv6OnlyHost) {
  Carrier there(GetParam());
  Talker phone(there.phone, 5000, kAnyV6), server(there.server, 6000, kAnyV4);
  const Endpoint synthesized{there.prefix.embed(there.server.address()), 6000};
  phone.say(synthesized, "hello");
  there.world.run_for(kSettle);
  ASSERT_EQ(server.heard.size(), 1u);
  EXPECT_EQ(server.heard[0].source.address, there.nat64.address());
  server.say(server.heard[0].source, "answer");
  there.world.run_for(kSettle);
  ASSERT_EQ(phone.heard.size(), 1u);
  EXPECT_EQ(phone.heard[0].source, synthesized);
}

TEST(Nat64, LeavesIpv6ToTheFirewall) {
  Carrier there;
  Talker phone(there.phone, 5000, kAnyV6), server(there.server, 6000, kAnyV6);
  phone.say(server.endpoint(Family::kIpv6), "hello");
  there.world.run_for(kSettle);
  ASSERT_EQ(server.heard.size(), 1u);
  EXPECT_EQ(server.heard[0].source, phone.endpoint(Family::kIpv6));
  EXPECT_EQ(there.nat64.tally()[Verdict::kSent], 0u);
}

TEST(Nat64, MapsOneEndpointForAllAndFiltersByAddress) {
  Carrier there;
  Host& other = there.world.add_host("other");
  Talker phone(there.phone, 5000, kAnyV6), server(there.server, 6000, kAnyV4), third(other, 6000);
  const auto reach = [&](Talker& to) {
    phone.say({there.prefix.embed(to.endpoint().address), 6000}, "hello");
    there.world.run_for(kSettle);
    return to.heard.back().source;
  };
  const Endpoint external = reach(server);
  third.say(external, "too early");
  there.world.run_for(kSettle);
  EXPECT_TRUE(phone.heard.empty());
  EXPECT_EQ(reach(third), external);
  third.say(external, "now");
  there.world.run_for(kSettle);
  EXPECT_TRUE(phone.heard_text("now"));
}

TEST(Nat64, HairpinsBetweenTwoIpv6OnlyHosts) {
  World world(1);
  Nat& nat64 = world.add_nat(
      {.filtering = Behavior::kEndpointIndependent, .nat64 = Nat64Prefix::well_known()});
  Host& a = world.add_host("a", {.behind = &nat64, .stack = Stack::kIpv6});
  Host& b = world.add_host("b", {.behind = &nat64, .stack = Stack::kIpv6});
  Host& server_host = world.add_host("server");
  Talker alice(a, 5000, kAnyV6), bob(b, 5000, kAnyV6), server(server_host, 6000);
  const auto embed = [](const Endpoint& endpoint) {
    return Endpoint{Nat64Prefix::well_known().embed(endpoint.address), endpoint.port};
  };
  bob.say(embed(server.endpoint()), "where am I?");
  world.run_for(kSettle);
  ASSERT_EQ(server.heard.size(), 1u);
  alice.say(embed(server.heard[0].source), "found you");
  world.run_for(kSettle);
  ASSERT_TRUE(bob.heard_text("found you"));
  EXPECT_EQ(Nat64Prefix::well_known().extract(bob.heard.back().source.address), nat64.address());
}

TEST(Nat64, CarriesTcp) {
  Carrier there;
  StreamEnd client, accepted;
  StreamDoor door(accepted);
  const auto listener = there.server.listen({there.server.address(), 443}, door);
  ASSERT_TRUE(listener);
  client.stream =
      *there.phone.connect({there.prefix.embed(there.server.address()), 443}, std::nullopt, client);
  ASSERT_TRUE(there.world.run_until([&] { return client.connected && accepted.stream; }, 5s));
  const std::string text(100'000, 'x');
  EXPECT_TRUE(client.stream->write(as_bytes(text)));
  EXPECT_TRUE(there.world.run_until([&] { return accepted.text.size() == text.size(); }, 10s));
  EXPECT_EQ(accepted.stream->remote().address, there.nat64.address());
}

TEST(Dns64, GivesANameWithoutIpv6AddressesTheOnesThatLeadThere) {
  Carrier there("2001:db8:64::/48");
  there.world.dns().add("old.example", {there.server.address()});
  there.world.dns().add("new.example", {there.server.address(), address_of("2001:db8::99")});
  const Address synthesized = there.prefix.embed(there.server.address());
  EXPECT_EQ(there.look_up("old.example"),
            (std::vector<Address>{synthesized, there.server.address()}));
  EXPECT_EQ(there.look_up("new.example"),
            (std::vector<Address>{there.server.address(), address_of("2001:db8::99")}));
  EXPECT_EQ(there.look_up("192.0.2.1"), std::vector<Address>{address_of("192.0.2.1")});
}

TEST(Dns64, TellsItsPrefixToWhoAsksForIpv4onlyArpa) {
  Carrier there("2001:db8:64::/48");
  const std::vector<Address> found = there.look_up("ipv4only.arpa");
  ASSERT_EQ(found.size(), 4u);
  EXPECT_EQ(Nat64Prefix::discover(found[0]), there.prefix);
  EXPECT_EQ(found[2], address_of("192.0.0.170"));
  // Without a DNS64 there are the IPv4 addresses only (RFC 7050 section 3).
  std::vector<Address> plain;
  const auto lookup = there.server.lookup(
      "ipv4only.arpa", [&](Result<std::vector<Address>> result) { plain = *result; });
  there.world.run_for(1s);
  EXPECT_EQ(plain.size(), 2u);
}

TEST(Clat, GivesIpv4SocketsToAnIpv6OnlyHost) {
  Carrier there;
  Clat& clat = there.world.add_clat({.behind = &there.firewall});
  there.phone.attach({.behind = &clat, .link = Clat::host_link(), .name = "clat4"});
  Talker phone(there.phone, 5000, kAnyV4), server(there.server, 6000, kAnyV4);
  EXPECT_TRUE(
      AddressBlock::parse("192.0.0.0/29")->contains(there.phone.address(Family::kIpv4, "clat4")));
  phone.say(server.endpoint(), "hello");
  there.world.run_for(kSettle);
  ASSERT_EQ(server.heard.size(), 1u);
  EXPECT_EQ(server.heard[0].source.address, there.nat64.address());
  server.say(server.heard[0].source, "answer");
  there.world.run_for(kSettle);
  ASSERT_EQ(phone.heard.size(), 1u);
  EXPECT_EQ(phone.heard[0].source, server.endpoint());
  phone.say_zeros(server.endpoint(), 1480 - 28);
  there.world.run_for(kSettle);
  EXPECT_EQ(server.heard.size(), 2u) << "the largest packet its MTU allows gets through";
}

TEST(Clat, TakesNothingThatDidNotComeThroughTheNat64) {
  Carrier there;
  Clat& clat = there.world.add_clat({.behind = &there.firewall});
  there.phone.attach({.behind = &clat, .link = Clat::host_link(), .name = "clat4"});
  Talker phone(there.phone, 5000, kAnyV4), server(there.server, 6000, kAnyV4);
  phone.say(server.endpoint(), "hello");
  there.world.run_for(kSettle);
  Host& neighbour = there.world.add_host("n", {.behind = &there.firewall, .stack = Stack::kIpv6});
  Talker stranger(neighbour, 7000, kAnyV6);
  stranger.say({clat.outside().address(Family::kIpv6), 5000}, "knock");
  there.world.run_for(kSettle);
  EXPECT_TRUE(phone.heard.empty());
  EXPECT_EQ(clat.tally()[Verdict::kNoMapping], 1u);
}

}  // namespace
}  // namespace floe::net::sim
