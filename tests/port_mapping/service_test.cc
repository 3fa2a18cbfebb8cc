#include "floe/port_mapping/service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/net/sim/world.h"

namespace floe::port_mapping {
namespace {

using namespace std::chrono_literals;
using net::sim::Host;
using net::sim::NatOptions;
using net::sim::RouterOptions;
using ::testing::HasSubstr;

/// A UDP socket that counts what it gets.
class Ear final : public net::UdpHandler {
 public:
  Ear(Host& host, std::uint16_t port) : host_(host) {
    socket_ = std::move(host.open_udp({.bind = {host.address(), port}}, *this).value());
  }
  void on_datagrams(std::span<net::Datagram> datagrams) override { heard += datagrams.size(); }
  void say(const net::Endpoint& to) {
    net::SendBatch batch;
    batch.add({socket_->id(), to, {}}, as_bytes("knock"));
    host_.send(batch);
  }
  std::size_t heard = 0;

 private:
  Host& host_;
  std::unique_ptr<net::UdpSocket> socket_;
};

/// Alice behind a router of her home, Bob outside.
struct Home {
  explicit Home(std::optional<RouterOptions> options) {
    if (options) router = &world.add_router(nat, *options);
  }
  Service::Callback callback() {
    return [this](Result<External> result) { results.push_back(std::move(result)); };
  }
  std::unique_ptr<Mapping> map(Service& service) {
    auto mapping = service.map({alice.address(), 5000}, Protocol::kUdp, callback());
    EXPECT_TRUE(results.empty());
    return mapping;
  }
  bool bob_reaches_alice(const net::Endpoint& external) {
    const std::size_t before = ear.heard;
    bob_mouth.say(external);
    world.run_for(1s);
    return ear.heard > before;
  }

  net::sim::World world{5};
  net::sim::Nat& nat = world.add_nat(NatOptions::symmetric());
  net::sim::Router* router = nullptr;
  Host& alice = world.add_host("alice", {.behind = &nat});
  Host& bob = world.add_host("bob");
  Ear ear{alice, 5000};
  Ear bob_mouth{bob, 6000};
  std::vector<Result<External>> results;
};

struct Row {
  Method method;
  RouterOptions options;
  double loss = 0;
};
class PortMappingMethod : public ::testing::TestWithParam<Row> {};

TEST_P(PortMappingMethod, MakesAliceReachableAndTakesItBack) {
  const Row& row = GetParam();
  Home home(row.options);
  home.alice.interface().set_link({.loss = row.loss});
  Service service(home.alice);
  auto mapping = home.map(service);
  home.world.run_for(row.loss > 0 ? 8s : 2s);
  ASSERT_EQ(home.results.size(), 1u);
  ASSERT_TRUE(home.results[0]) << home.results[0].error().message;
  EXPECT_EQ(home.results[0]->endpoint.address, home.nat.address());
  EXPECT_EQ(home.results[0]->router, home.alice.gateways().at(0).gateway);
  if (row.loss > 0) return;
  EXPECT_EQ(home.results[0]->method, row.method);
  EXPECT_EQ(home.nat.dynamic_mappings().size(), 1u);
  EXPECT_TRUE(home.bob_reaches_alice(home.results[0]->endpoint));

  home.world.run_for(2h);  // Renewed, many times.
  EXPECT_EQ(home.results.size(), 1u);
  EXPECT_TRUE(home.bob_reaches_alice(home.results[0]->endpoint));

  mapping.reset();
  home.world.run_for(1s);
  EXPECT_TRUE(home.nat.dynamic_mappings().empty());
  EXPECT_FALSE(home.bob_reaches_alice(home.results[0]->endpoint));
  EXPECT_EQ(home.results.size(), 1u);
}

INSTANTIATE_TEST_SUITE_P(
    Routers, PortMappingMethod,
    ::testing::Values(Row{Method::kPcp, {}}, Row{Method::kPcp, {.nat_pmp = false, .upnp = false}},
                      Row{Method::kNatPmp, {.pcp = false}},
                      Row{Method::kUpnp, {.nat_pmp = false, .pcp = false}},
                      Row{Method::kUpnp,
                          {.nat_pmp = false, .pcp = false, .upnp_permanent_only = true}},
                      Row{Method::kPcp, {}, 0.2}, Row{Method::kNatPmp, {.pcp = false}, 0.2},
                      Row{Method::kUpnp, {.nat_pmp = false, .pcp = false}, 0.1}));

TEST(PortMappingService, MapsAgainSoonAfterTheRouterRestarted) {
  for (const bool pcp : {true, false}) {
    Home home(RouterOptions{.pcp = pcp});
    Service service(home.alice);
    const auto mapping = home.map(service);
    home.world.run_for(1min);
    ASSERT_EQ(home.results.size(), 1u);
    const net::Address moved = net::Address::v4(192, 0, 2, 77);
    home.nat.reboot({moved});
    EXPECT_TRUE(home.nat.dynamic_mappings().empty());
    home.world.run_for(3s);
    ASSERT_EQ(home.results.size(), 2u) << pcp;
    ASSERT_TRUE(home.results[1]);
    EXPECT_EQ(home.results[1]->endpoint.address, moved);
    EXPECT_TRUE(home.bob_reaches_alice(home.results[1]->endpoint));
  }
}

TEST(PortMappingService, SaysWhatWentWrongInWords) {
  const auto why = [](std::optional<RouterOptions> options) {
    Home home(options);
    Service service(home.alice);
    const auto mapping = home.map(service);
    home.world.run_for(30s);
    EXPECT_EQ(home.results.size(), 1u);
    EXPECT_FALSE(home.results.at(0));
    return home.results.at(0).error().message;
  };
  const std::string silent = why(std::nullopt);
  EXPECT_THAT(silent, HasSubstr("answers none of PCP, NAT-PMP, UPnP"));
  EXPECT_THAT(silent, HasSubstr("the router "));
  const std::string refused = why(RouterOptions{.refuses = true});
  EXPECT_THAT(refused, HasSubstr("PCP does not permit mappings"));
  EXPECT_THAT(refused, HasSubstr("UPnP answered 606"));
}

TEST(PortMappingService, SaysWhatTheCallerGotWrong) {
  Home home(RouterOptions{});
  Service service(home.alice);
  Service outside(home.bob);
  std::vector<std::unique_ptr<Mapping>> mappings;
  for (const net::Endpoint& bad :
       {net::Endpoint{net::Address::v4(0, 0, 0, 0), 5000}, net::Endpoint{home.alice.address(), 0},
        net::Endpoint{net::Address::v4(1, 2, 3, 4), 5000}}) {
    mappings.push_back(service.map(bad, Protocol::kUdp, home.callback()));
  }
  mappings.push_back(outside.map({home.bob.address(), 6000}, Protocol::kUdp, home.callback()));
  home.world.run_for(1s);
  ASSERT_EQ(home.results.size(), 4u);
  EXPECT_EQ(home.results[0].error().code, Errc::kInvalidArgument);
  EXPECT_EQ(home.results[1].error().code, Errc::kInvalidArgument);
  EXPECT_EQ(home.results[2].error().code, Errc::kAddressNotAvailable);
  EXPECT_EQ(home.results[3].error().code, Errc::kNotFound);
  EXPECT_THAT(home.results[3].error().message, HasSubstr("no default router is known"));
}

TEST(PortMappingService, BoundsItsMappings) {
  Home home(std::nullopt);
  Service service(home.alice);
  std::vector<std::unique_ptr<Mapping>> mappings;
  for (std::size_t i = 0; i <= Service::kMaxMappings; ++i) {
    mappings.push_back(service.map({home.alice.address(), static_cast<std::uint16_t>(1000 + i)},
                                   Protocol::kUdp, home.callback()));
  }
  home.world.run_for(1s);
  ASSERT_EQ(home.results.size(), 1u);
  EXPECT_EQ(home.results[0].error().code, Errc::kLimitExceeded);
}

TEST(PortMappingService, MayBeDestroyedFromItsOwnCallback) {
  for (const bool whole_service : {false, true}) {
    Home home(RouterOptions{});
    auto service = std::make_unique<Service>(home.alice);
    std::unique_ptr<Mapping> mapping;
    int calls = 0;
    mapping = service->map({home.alice.address(), 5000}, Protocol::kUdp, [&](const auto& result) {
      EXPECT_TRUE(result);
      ++calls;
      whole_service ? service.reset() : mapping.reset();
    });
    home.world.run_for(5s);
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(home.nat.dynamic_mappings().empty());
  }
}

TEST(PortMappingService, IsNotFooledByAnotherHostOfTheHome) {
  Home home(std::nullopt);
  Host& mallory = home.world.add_host("mallory", {.behind = &home.nat});
  // Answers every search with her own description.
  class Liar final : public net::UdpHandler {
   public:
    explicit Liar(Host& host) : host_(host) {
      net::UdpOptions options;
      options.bind = {net::Address::unspecified(net::Family::kIpv4), 1900};
      options.reuse_address = true;
      options.multicast = net::Multicast{{net::Address::v4(239, 255, 255, 250)}, "eth0", 2, false};
      socket_ = std::move(host.open_udp(options, *this).value());
    }
    void on_datagrams(std::span<net::Datagram> datagrams) override {
      for (const net::Datagram& datagram : datagrams) {
        ++asked;
        net::SendBatch batch;
        batch.add({socket_->id(), datagram.source, {}},
                  as_bytes("HTTP/1.1 200 OK\r\nLocation: http://" + host_.address().to_string() +
                           "/d.xml\r\n\r\n"));
        host_.send(batch);
      }
    }
    int asked = 0;

   private:
    Host& host_;
    std::unique_ptr<net::UdpSocket> socket_;
  } liar(mallory);
  Service service(home.alice);
  const auto mapping = home.map(service);
  home.world.run_for(30s);
  EXPECT_GT(liar.asked, 0);
  ASSERT_EQ(home.results.size(), 1u);
  EXPECT_THAT(home.results[0].error().message, HasSubstr("answers none"));
}

}  // namespace
}  // namespace floe::port_mapping
