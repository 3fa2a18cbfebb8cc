#include "floe/net/sim/router.h"

#include <gtest/gtest.h>

#include "tests/sim/stream_ends.h"
#include "tests/sim/talker.h"

namespace floe::net::sim {
namespace {

using namespace std::chrono_literals;

constexpr Duration kSettle = 100ms;
const Address kAnyV4 = Address::unspecified(Family::kIpv4);

// Alice behind a NAT whose router maps ports, Bob outside.
struct Home {
  explicit Home(const RouterOptions& options = {}) : router(world.add_router(nat, options)) {}

  // What the router answers to `request` from Alice's port; empty if nothing.
  std::vector<std::uint8_t> ask(const std::vector<std::uint8_t>& request) {
    const std::size_t before = alice.heard.size();
    alice.say({alice_host.gateways().at(0).gateway, Router::kPort}, as_text(request));
    world.run_for(kSettle);
    if (alice.heard.size() == before) return {};
    return to_vector(as_bytes(alice.heard.back().text));
  }
  // The answer to an HTTP request.
  std::string http(const std::string& request) {
    StreamEnd end;
    end.stream = *alice_host.connect({alice_host.gateways().at(0).gateway, Router::kHttpPort},
                                     std::nullopt, end);
    EXPECT_TRUE(end.stream->write(as_bytes(request)));
    EXPECT_TRUE(world.run_until([&] { return end.closed.has_value(); }, 5s));
    return end.text;
  }
  std::string soap(const std::string& action, const std::string& arguments) {
    const std::string service = "urn:schemas-upnp-org:service:WANIPConnection:1";
    const std::string body = "<s:Envelope><s:Body><u:" + action + " xmlns:u=\"" + service + "\">" +
                             arguments + "</u:" + action + "></s:Body></s:Envelope>";
    return http("POST /control HTTP/1.1\r\nHost: x\r\nSOAPAction: \"" + service + "#" + action +
                "\"\r\ncontent-length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  }
  std::string add_by_upnp(const std::string& client, int external, int lease) {
    return soap("AddPortMapping",
                "<NewRemoteHost></NewRemoteHost><NewExternalPort>" + std::to_string(external) +
                    "</NewExternalPort><NewProtocol>UDP</NewProtocol><NewInternalPort>5000"
                    "</NewInternalPort><NewInternalClient>" +
                    client + "</NewInternalClient><NewLeaseDuration>" + std::to_string(lease) +
                    "</NewLeaseDuration>");
  }
  bool bob_reaches_alice(std::uint16_t external_port) {
    const std::size_t before = alice.heard.size();
    bob.say({nat.address(), external_port}, "knock");
    world.run_for(kSettle);
    return alice.heard.size() > before;
  }

  World world{1};
  Nat& nat = world.add_nat(NatOptions::symmetric());
  Router& router;
  Host& alice_host = world.add_host("alice", {.behind = &nat});
  Host& bob_host = world.add_host("bob");
  Talker alice{alice_host, 5000};
  Talker bob{bob_host, 6000};
};

std::uint16_t u16_at(const std::vector<std::uint8_t>& packet, std::size_t at) {
  return static_cast<std::uint16_t>(packet.at(at) << 8 | packet.at(at + 1));
}
std::uint32_t u32_at(const std::vector<std::uint8_t>& packet, std::size_t at) {
  return static_cast<std::uint32_t>(u16_at(packet, at)) << 16 | u16_at(packet, at + 2);
}

std::vector<std::uint8_t> nat_pmp_map(std::uint16_t internal, std::uint16_t external,
                                      std::uint32_t lifetime) {
  std::vector<std::uint8_t> packet(12);
  ByteWriter writer(packet);
  writer.u16(0x0001);
  writer.u16(0);
  writer.u16(internal);
  writer.u16(external);
  writer.u32(lifetime);
  return packet;
}

std::vector<std::uint8_t> pcp_map(const Address& client, std::uint8_t nonce, std::uint32_t lifetime,
                                  std::uint16_t external = 0, std::uint8_t option = 0) {
  std::vector<std::uint8_t> packet(option == 0 ? 60 : 64);
  ByteWriter writer(packet);
  writer.u16(0x0201);
  writer.u16(0);
  writer.u32(lifetime);
  writer.zeros(10);
  writer.u16(0xffff);
  writer.bytes(client.bytes());
  for (int i = 0; i < 12; ++i) writer.u8(nonce);
  writer.u8(17);
  writer.zeros(3);
  writer.u16(5000);
  writer.u16(external);
  writer.zeros(16);
  if (option != 0) writer.u8(option);
  return packet;
}

TEST(NatDynamicMapping, LetsEverybodyInUntilItExpires) {
  Home home;
  const auto external = home.nat.map_dynamic(Protocol::kUdp, home.alice.endpoint(), 40'000, 60s);
  EXPECT_EQ(external, (Endpoint{home.nat.address(), 40'000}));
  EXPECT_TRUE(home.bob_reaches_alice(40'000));
  home.alice.say(home.bob.endpoint(), "from the mapping");
  home.world.run_for(kSettle);
  EXPECT_EQ(home.bob.heard.back().source, *external);
  home.world.run_for(60s);
  EXPECT_FALSE(home.bob_reaches_alice(40'000));
  EXPECT_TRUE(home.nat.dynamic_mappings().empty());
}

TEST(NatDynamicMapping, KeepsTheEndpointThatPacketsHaveMade) {
  World world(1);
  Nat& nat = world.add_nat(NatOptions::port_restricted());
  Host& alice_host = world.add_host("alice", {.behind = &nat});
  Host& bob_host = world.add_host("bob");
  Talker alice(alice_host, 5000), bob(bob_host, 6000);
  alice.say(bob.endpoint(), "hello");
  world.run_for(kSettle);
  EXPECT_EQ(nat.map_dynamic(Protocol::kUdp, alice.endpoint(), 40'000, 60s), bob.heard[0].source);
}

TEST(NatDynamicMapping, GoesWithARestartWhichTheRouterAnnounces) {
  Home home;
  const Endpoint all{Address::v4(224, 0, 0, 1), Router::kAnnouncementPort};
  struct Listener final : UdpHandler {
    void on_datagrams(std::span<Datagram> datagrams) override {
      for (const Datagram& each : datagrams) heard.push_back(to_vector(each.payload));
    }
    std::vector<std::vector<std::uint8_t>> heard;
  } listener;
  UdpOptions options;
  options.bind = {kAnyV4, all.port};
  options.multicast = Multicast{.groups = {all.address}};
  const auto socket = home.alice_host.open_udp(options, listener);
  ASSERT_TRUE(socket);
  home.world.run_for(10s);
  home.nat.map_dynamic(Protocol::kUdp, home.alice.endpoint(), 40'000, 1h);
  EXPECT_TRUE(listener.heard.empty());
  home.nat.reboot({address_of("203.0.113.9")});
  EXPECT_TRUE(home.nat.dynamic_mappings().empty());
  home.world.run_for(kSettle);
  ASSERT_EQ(listener.heard.size(), 2u) << "one of each protocol";
  EXPECT_EQ(listener.heard[0].size(), 12u);
  EXPECT_EQ(u32_at(listener.heard[0], 4), 0u) << "the epoch has begun again";
  EXPECT_EQ(u32_at(listener.heard[0], 8), 0xcb007109u) << "203.0.113.9";
  EXPECT_EQ(listener.heard[1][0], 2);
  home.world.run_for(10min);
  EXPECT_EQ(listener.heard.size(), 20u) << "RFC 6886 section 3.2.1: ten times";
}

TEST(Router, TellsItsExternalAddressByNatPmp) {
  Home home;
  home.world.run_for(30s);
  const auto answer = home.ask({0, 0});
  ASSERT_EQ(answer.size(), 12u);
  EXPECT_EQ(u32_at(answer, 0), 0x00800000u);
  EXPECT_EQ(u32_at(answer, 4), 30u);
  EXPECT_EQ(Address::v4(answer[8], answer[9], answer[10], answer[11]), home.nat.address());
}

TEST(Router, MapsAndUnmapsByNatPmp) {
  Home home({.max_lifetime = 1h});
  const auto answer = home.ask(nat_pmp_map(5000, 40'000, 7200));
  ASSERT_EQ(answer.size(), 16u);
  EXPECT_EQ(u32_at(answer, 0), 0x00810000u);
  EXPECT_EQ(u16_at(answer, 8), 5000);
  EXPECT_EQ(u16_at(answer, 10), 40'000);
  EXPECT_EQ(u32_at(answer, 12), 3600u) << "no longer than the router wants";
  EXPECT_TRUE(home.bob_reaches_alice(40'000));
  const auto gone = home.ask(nat_pmp_map(5000, 0, 0));
  EXPECT_EQ(u32_at(gone, 0), 0x00810000u);
  EXPECT_EQ(u32_at(gone, 12), 0u);
  EXPECT_FALSE(home.bob_reaches_alice(40'000));
}

TEST(Router, GivesAnotherPortByNatPmpWhenTheWantedOneIsTaken) {
  Home home;
  Host& carol = home.world.add_host("carol", {.behind = &home.nat});
  home.nat.map_dynamic(Protocol::kUdp, {carol.address(), 5000}, 40'000, 1h);
  const auto answer = home.ask(nat_pmp_map(5000, 40'000, 3600));
  EXPECT_EQ(u16_at(answer, 2), 0);
  EXPECT_NE(u16_at(answer, 10), 40'000);
  EXPECT_TRUE(home.bob_reaches_alice(u16_at(answer, 10)));
}

TEST(Router, RefusesByNatPmpWhatItDoesNotKnowOrDoesNotWant) {
  Home home({.pcp = false, .max_mappings = 0});
  EXPECT_EQ(u16_at(home.ask(nat_pmp_map(5000, 0, 60)), 2), 4) << "out of resources";
  EXPECT_EQ(u32_at(home.ask({0, 9}), 0), 0x00890005u) << "unsupported opcode";
  EXPECT_EQ(u32_at(home.ask({2, 1, 0, 0}), 0), 0x00810001u) << "unsupported version";
  EXPECT_TRUE(home.ask({0}).empty());
  EXPECT_TRUE(home.ask({0, 0x80}).empty()) << "a response";
  home.router.set_options({.refuses = true});
  EXPECT_EQ(u16_at(home.ask(nat_pmp_map(5000, 0, 60)), 2), 2) << "not authorized";
  home.router.set_options({.nat_pmp = false, .pcp = false, .upnp = false});
  EXPECT_TRUE(home.ask({0, 0}).empty());
}

TEST(Router, MapsAndUnmapsByPcp) {
  Home home;
  const Address client = home.alice_host.address();
  const auto answer = home.ask(pcp_map(client, 7, 600, 41'000));
  ASSERT_EQ(answer.size(), 60u);
  EXPECT_EQ(u32_at(answer, 0), 0x02810000u);
  EXPECT_EQ(u32_at(answer, 4), 600u);
  EXPECT_EQ(answer[24], 7) << "the nonce";
  EXPECT_EQ(u16_at(answer, 40), 5000);
  EXPECT_EQ(u16_at(answer, 42), 41'000);
  EXPECT_EQ(u16_at(answer, 54), 0xffff) << "an IPv4-mapped address";
  EXPECT_EQ(Address::v4(answer[56], answer[57], answer[58], answer[59]), home.nat.address());
  EXPECT_TRUE(home.bob_reaches_alice(41'000));
  EXPECT_EQ(home.ask(pcp_map(client, 8, 0))[3], 2) << "another's nonce does not end it";
  EXPECT_TRUE(home.bob_reaches_alice(41'000));
  EXPECT_EQ(home.ask(pcp_map(client, 7, 0))[3], 0);
  EXPECT_FALSE(home.bob_reaches_alice(41'000));
}

TEST(Router, RefusesByPcpWithTheResultOfTheStandard) {
  Home home;
  const Address client = home.alice_host.address();
  auto request = pcp_map(client, 7, 600);
  request[0] = 3;
  EXPECT_EQ(home.ask(request)[3], 1) << "version";
  EXPECT_EQ(home.ask(pcp_map(address_of("10.9.9.9"), 7, 600))[3], 12) << "somebody else's address";
  request = pcp_map(client, 7, 600);
  request.resize(40);
  EXPECT_EQ(home.ask(request)[3], 3) << "malformed";
  request = pcp_map(client, 7, 600);
  request[1] = 2;
  EXPECT_EQ(home.ask(request)[3], 4) << "opcode";
  EXPECT_EQ(home.ask(pcp_map(client, 7, 600, 0, 1))[3], 5) << "an option it must understand";
  EXPECT_EQ(home.ask(pcp_map(client, 7, 600, 0, 200))[3], 0) << "an option it may ignore";
  request = pcp_map(client, 7, 600);
  request[36] = 99;
  EXPECT_EQ(home.ask(request)[3], 9) << "protocol";
  Host& carol = home.world.add_host("carol", {.behind = &home.nat});
  home.nat.map_dynamic(Protocol::kUdp, {carol.address(), 5000}, 40'000, 1h);
  home.nat.unmap_dynamic(Protocol::kUdp, home.alice.endpoint());
  EXPECT_EQ(home.ask(pcp_map(client, 7, 600, 40'000, 2))[3], 11) << "prefer failure";
  EXPECT_EQ(home.nat.dynamic_mappings().size(), 1u);
  home.router.set_options({.refuses = true});
  EXPECT_EQ(home.ask(pcp_map(client, 7, 600))[3], 2);
}

TEST(Router, IsFoundByUpnpAndDescribesItself) {
  Home home;
  home.alice.say({Address::v4(239, 255, 255, 250), 1900},
                 "M-SEARCH * HTTP/1.1\r\nHOST: 239.255.255.250:1900\r\nMAN: \"ssdp:discover\"\r\n"
                 "MX: 2\r\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\r\n\r\n");
  home.world.run_for(kSettle);
  ASSERT_EQ(home.alice.heard.size(), 1u);
  const std::string place =
      "http://" + home.alice_host.gateways()[0].gateway.to_string() + ":5000/description.xml";
  EXPECT_NE(home.alice.heard[0].text.find("LOCATION: " + place), std::string::npos);
  const std::string description = home.http("GET /description.xml HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_NE(description.find("<controlURL>/control</controlURL>"), std::string::npos);
  EXPECT_TRUE(home.http("GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 404"));
}

TEST(Router, MapsAndUnmapsByUpnp) {
  Home home;
  const std::string client = home.alice_host.address().to_string();
  EXPECT_NE(home.soap("GetExternalIPAddress", "")
                .find("<NewExternalIPAddress>" + home.nat.address().to_string() + "<"),
            std::string::npos);
  EXPECT_TRUE(home.add_by_upnp(client, 40'000, 600).starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(home.bob_reaches_alice(40'000));
  const std::string which =
      "<NewExternalPort>40000</NewExternalPort><NewProtocol>UDP</NewProtocol>";
  EXPECT_TRUE(home.soap("DeletePortMapping", which).starts_with("HTTP/1.1 200"));
  EXPECT_FALSE(home.bob_reaches_alice(40'000));
  EXPECT_NE(home.soap("DeletePortMapping", which).find(">714<"), std::string::npos);
}

TEST(Router, RefusesByUpnpWithTheErrorOfTheStandard) {
  Home home({.upnp_permanent_only = true});
  const std::string client = home.alice_host.address().to_string();
  Host& carol = home.world.add_host("carol", {.behind = &home.nat});
  home.nat.map_dynamic(Protocol::kUdp, {carol.address(), 5000}, 40'000, 1h);
  EXPECT_NE(home.add_by_upnp(client, 40'000, 600).find(">725<"), std::string::npos);
  EXPECT_NE(home.add_by_upnp(client, 40'000, 0).find(">718<"), std::string::npos);
  EXPECT_NE(home.add_by_upnp("10.9.9.9", 40'001, 0).find(">606<"), std::string::npos);
  EXPECT_NE(home.add_by_upnp(client, 70'000, 0).find(">402<"), std::string::npos);
  EXPECT_NE(home.soap("Reboot", "").find(">401<"), std::string::npos);
  EXPECT_EQ(home.nat.dynamic_mappings().size(), 1u);
}

}  // namespace
}  // namespace floe::net::sim
