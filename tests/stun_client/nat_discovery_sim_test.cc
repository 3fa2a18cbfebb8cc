#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/net/sim/world.h"
#include "floe/servers/stun/stun_server.h"
#include "floe/stun_client/nat_discovery_run.h"

namespace floe::stun {
namespace {

using namespace std::chrono_literals;
using net::Address;
using net::sim::Behavior;
using net::sim::NatOptions;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const std::vector<Address> kTwoAddresses{Address::v4(192, 0, 2, 10), Address::v4(192, 0, 2, 20)};
const std::vector<Address> kOneAddress{kTwoAddresses[0]};

/// A STUN server on `host`, with what RFC 5780 asks for if the host has two addresses.
std::unique_ptr<server::StunServer> serve(net::sim::Host& host) {
  const std::vector<Address>& addresses = host.interface().addresses();
  server::StunServer::Configuration configuration;
  configuration.bind.address = addresses.at(0);
  if (addresses.size() > 1) configuration.alternate = net::Endpoint{addresses[1], 3479};
  auto server = server::StunServer::create(host, configuration);
  EXPECT_TRUE(server) << server.error().message;
  return std::move(*server);
}

struct Neighbourhood {
  explicit Neighbourhood(std::optional<NatOptions> nat_options,
                         std::vector<Address> server_addresses = kTwoAddresses)
      : server(serve(world.add_host("server", {.addresses = std::move(server_addresses)}))) {
    if (nat_options) nat = &world.add_nat(*nat_options);
    alice = &world.add_host("alice", {.behind = nat});
  }

  /// What Alice finds out within `deadline`.
  NatReport discover(NatDiscovery::Configuration configuration, Duration deadline = 1min) {
    configuration.server = server->local();
    std::optional<NatReport> report;
    NatDiscoveryRun::Configuration run;
    run.discovery = std::move(configuration);
    run.on_concluded = [&](NatTest test, const NatReport&) { concluded.push_back(test); };
    run.on_done = [&](const NatReport& found) { report = found; };
    auto started = NatDiscoveryRun::start(*alice, std::move(run));
    EXPECT_TRUE(started) << started.error().message;
    EXPECT_TRUE(world.run_until([&] { return report.has_value(); }, deadline));
    return report.value_or(NatReport{});
  }

  net::sim::World world{7};
  std::unique_ptr<server::StunServer> server;
  net::sim::Nat* nat = nullptr;
  net::sim::Host* alice = nullptr;
  std::vector<NatTest> concluded;
};

NatBehavior named(Behavior behavior) {
  switch (behavior) {
    case Behavior::kEndpointIndependent:
      return NatBehavior::kEndpointIndependent;
    case Behavior::kAddressDependent:
      return NatBehavior::kAddressDependent;
    case Behavior::kAddressAndPortDependent:
      break;
  }
  return NatBehavior::kAddressAndPortDependent;
}

struct Cell {
  Behavior mapping;
  Behavior filtering;
  double loss;
};
class NatDiscoveryCell : public ::testing::TestWithParam<Cell> {};

TEST_P(NatDiscoveryCell, NamesTheMappingAndTheFilteringOfEveryNat) {
  const Cell& cell = GetParam();
  Neighbourhood there(NatOptions{
      .mapping = cell.mapping, .filtering = cell.filtering, .link = {.loss = cell.loss}});
  const NatReport report = there.discover({});
  EXPECT_EQ(report.mapping, named(cell.mapping)) << report.to_string();
  EXPECT_EQ(report.filtering, named(cell.filtering)) << report.to_string();
  ASSERT_TRUE(report.mapped);
  EXPECT_EQ(report.mapped->address, there.nat->address());
  EXPECT_FALSE(report.rewrites_addresses);
  EXPECT_EQ(there.concluded.size(), 3u);
  // With an endpoint independent mapping the two sockets open each other's filters.
  if (cell.mapping == Behavior::kEndpointIndependent) {
    EXPECT_EQ(report.hairpinning, true) << report.to_string();
    EXPECT_EQ(report.hairpins_external_source, true);
  }
}

std::vector<Cell> all_cells() {
  constexpr std::array kBehaviors{Behavior::kEndpointIndependent, Behavior::kAddressDependent,
                                  Behavior::kAddressAndPortDependent};
  std::vector<Cell> cells;
  for (const Behavior mapping : kBehaviors) {
    for (const Behavior filtering : kBehaviors) {
      for (const double loss : {0.0, 0.05}) cells.push_back({mapping, filtering, loss});
    }
  }
  return cells;
}
INSTANTIATE_TEST_SUITE_P(Matrix, NatDiscoveryCell, ::testing::ValuesIn(all_cells()));

TEST(NatDiscoverySim, SeesThatThereIsNoNat) {
  Neighbourhood there(std::nullopt);
  const NatReport report = there.discover({});
  EXPECT_EQ(report.mapping, NatBehavior::kNone);
  EXPECT_EQ(report.filtering, NatBehavior::kEndpointIndependent);
  EXPECT_FALSE(report.hairpinning);
  EXPECT_THAT(report.verdict(), HasSubstr("every peer can connect"));
}

TEST(NatDiscoverySim, SeesThatTheNatDoesNotHairpin) {
  Neighbourhood there(NatOptions{.hairpin = false});
  EXPECT_EQ(there.discover({}).hairpinning, false);
}

TEST(NatDiscoverySim, MeasuresHowLongABindingLivesWithoutTraffic) {
  for (const Duration lifetime : {30s, 120s, 555s}) {
    Neighbourhood there(NatOptions{.udp_timeout = lifetime});
    const NatReport report = there.discover({.tests = {NatTest::kLifetime}}, 3h);
    ASSERT_TRUE(report.lifetime_at_least && report.lifetime_below) << report.to_string();
    EXPECT_LE(*report.lifetime_at_least, lifetime);
    // The server's answer crosses the NAT after the last packet that refreshed the binding.
    EXPECT_GE(*report.lifetime_below + 1s, lifetime);
    EXPECT_LE(*report.lifetime_below - *report.lifetime_at_least, 5s);
  }
}

TEST(NatDiscoverySim, SaysThatABindingOutlivedEveryTrial) {
  Neighbourhood there(NatOptions{.udp_timeout = 2h});
  const NatReport report = there.discover({.tests = {NatTest::kLifetime}}, 3h);
  ASSERT_TRUE(report.lifetime_at_least);
  EXPECT_GE(*report.lifetime_at_least, 595s);
  EXPECT_FALSE(report.lifetime_below);
}

TEST(NatDiscoverySim, SaysThatTheServerCannotMeasureLifetimes) {
  Neighbourhood there(NatOptions{}, kOneAddress);
  const NatReport report = there.discover({.tests = {NatTest::kLifetime}});
  EXPECT_FALSE(report.lifetime_at_least);
  EXPECT_THAT(report.notes, Contains(HasSubstr("420")));
}

TEST(NatDiscoverySim, ComparesTwoServersThatHaveOneAddressEach) {
  for (const Behavior mapping : {Behavior::kEndpointIndependent, Behavior::kAddressDependent}) {
    Neighbourhood there(NatOptions{.mapping = mapping}, kOneAddress);
    const auto second = serve(there.world.add_host("second"));
    const NatReport alone = there.discover({});
    EXPECT_EQ(alone.mapping, NatBehavior::kUnknown);
    EXPECT_EQ(alone.filtering, NatBehavior::kUnknown);
    EXPECT_THAT(alone.notes, Contains(HasSubstr("OTHER-ADDRESS")));
    const NatReport compared = there.discover({.second_server = second->local()});
    EXPECT_EQ(compared.mapping, mapping == Behavior::kEndpointIndependent
                                    ? NatBehavior::kEndpointIndependent
                                    : NatBehavior::kDependent);
  }
}

TEST(NatDiscoverySim, SaysThatNothingComesThrough) {
  Neighbourhood there(NatOptions{.link = {.loss = 1.0}});
  const NatReport report = there.discover({});
  EXPECT_FALSE(report.reachable());
  EXPECT_THAT(report.notes, Contains(HasSubstr("does not answer")));
  EXPECT_THAT(report.verdict(), HasSubstr("relay over TCP"));
  EXPECT_EQ(there.concluded.size(), 3u);
}

TEST(NatDiscoverySim, StopsWhenItIsDestroyedByItsOwnCallback) {
  Neighbourhood there(NatOptions{});
  std::unique_ptr<NatDiscoveryRun> run;
  int calls = 0;
  NatDiscoveryRun::Configuration configuration;
  configuration.discovery.server = there.server->local();
  configuration.on_concluded = [&](NatTest, const NatReport&) {
    ++calls;
    run.reset();
  };
  configuration.on_done = [&](const NatReport&) { ADD_FAILURE() << "done although destroyed"; };
  run = std::move(NatDiscoveryRun::start(*there.alice, std::move(configuration)).value());
  EXPECT_TRUE(there.world.run_until_idle(1min));
  EXPECT_EQ(calls, 1);
}

TEST(NatDiscoverySim, SeesThatFragmentsPass) {
  for (const std::size_t mtu : {1500u, 576u}) {
    Neighbourhood there(NatOptions{});
    there.alice->interface().set_link({.mtu = mtu});
    const NatReport report = there.discover({.tests = {NatTest::kFragments}});
    EXPECT_EQ(report.fragments, true) << report.to_string();
  }
}

TEST(NatDiscoverySim, RefusesAServerWithoutAPort) {
  Neighbourhood there(std::nullopt);
  NatDiscoveryRun::Configuration configuration;
  configuration.discovery.server = {Address::v4(192, 0, 2, 10), 0};
  const auto run = NatDiscoveryRun::start(*there.alice, std::move(configuration));
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, Errc::kInvalidArgument);
}

}  // namespace
}  // namespace floe::stun
