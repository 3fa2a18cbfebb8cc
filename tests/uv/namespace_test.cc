#include <sched.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "tests/uv/fixture.h"

// What the kernel says of interfaces and routes that change, in a network namespace of its own.
namespace floe::net::uv {
namespace {

bool ip(const std::string& arguments) {
  return std::system(("ip " + arguments).c_str()) == 0;
}

/// Runs `body` on a thread in a new, empty network namespace, which ends with it. Says why not, if
/// not.
std::string in_a_new_namespace(const std::function<void()>& body) {
  std::string reason;
  std::thread([&] {
    if (unshare(CLONE_NEWNET) != 0) {
      reason = std::string("no network namespace: ") + std::strerror(errno);
    } else if (!ip("link set lo up") || !ip("link add v0 type veth peer name v1")) {
      reason = "no interfaces in a network namespace: `ip` does not make any";
    } else {
      body();
    }
  }).join();
  return reason;
}

bool lists(Network& network, const Address& address) {
  for (const Interface& each : network.interfaces()) {
    if (each.address == address) return true;
  }
  return false;
}

TEST(NetworkNamespace, TellsOfAddressesThatComeAndGo) {
  const std::string skipped = in_a_new_namespace([] {
    auto network = *Network::create();
    int calls = 0;
    const auto watch = network->watch_interfaces([&] { ++calls; });
    const auto told = [&](const std::string& change) {
      run_for(*network, std::chrono::milliseconds(50));
      calls = 0;
      EXPECT_TRUE(ip(change));
      EXPECT_EQ(calls, 0) << "never from within";
      return run_until(*network, [&] { return calls > 0; });
    };
    const Address address = Address::v4(192, 0, 2, 5);
    EXPECT_TRUE(told("addr add 192.0.2.5/24 dev lo"));
    EXPECT_TRUE(lists(*network, address));
    EXPECT_TRUE(told("addr del 192.0.2.5/24 dev lo"));
    EXPECT_FALSE(lists(*network, address));
    EXPECT_TRUE(told("addr add 2001:db8::5/64 dev lo nodad"));
    EXPECT_TRUE(lists(*network, *Address::parse("2001:db8::5")));
    EXPECT_TRUE(told("link set lo down"));
    EXPECT_FALSE(lists(*network, loopback()));
    EXPECT_TRUE(told("link set lo up"));

    // What went and came back between two turns shows in no list, but it is told.
    EXPECT_TRUE(ip("addr add 192.0.2.5/24 dev lo"));
    run_for(*network, std::chrono::milliseconds(50));
    calls = 0;
    EXPECT_TRUE(ip("addr del 192.0.2.5/24 dev lo"));
    EXPECT_TRUE(ip("addr add 192.0.2.5/24 dev lo"));
    EXPECT_TRUE(run_until(*network, [&] { return calls > 0; }));
  });
  if (!skipped.empty()) GTEST_SKIP() << skipped;
}

TEST(NetworkNamespace, LetsACallbackEndWatchesAndTheNetwork) {
  const std::string skipped = in_a_new_namespace([] {
    auto network = *Network::create();
    std::unique_ptr<InterfaceWatch> first, second;
    int calls = 0;
    bool ended = false;
    const auto end_all = [&] {
      ++calls;
      first.reset();
      second.reset();
    };
    first = network->watch_interfaces(end_all);
    second = network->watch_interfaces(end_all);
    EXPECT_TRUE(ip("addr add 192.0.2.5/24 dev lo"));
    EXPECT_TRUE(run_until(*network, [&] { return calls > 0; }));
    run_for(*network, std::chrono::milliseconds(50));
    EXPECT_EQ(calls, 1);

    first = network->watch_interfaces([&] {
      ended = true;
      network.reset();
    });
    second = network->watch_interfaces([&] { ++calls; });
    EXPECT_TRUE(ip("addr add 192.0.2.6/24 dev lo"));
    while (!ended) network->run_once();
    EXPECT_EQ(calls, 1);
    EXPECT_TRUE(ip("addr add 192.0.2.7/24 dev lo"));
  });
  if (!skipped.empty()) GTEST_SKIP() << skipped;
}

TEST(NetworkNamespace, KnowsItsGateways) {
  const std::string skipped = in_a_new_namespace([] {
    auto network = *Network::create();
    EXPECT_TRUE(network->gateways().empty());
    EXPECT_TRUE(ip("link set v0 up") && ip("link set v1 up"));
    EXPECT_TRUE(ip("addr add 192.0.2.5/24 dev v0") && ip("addr add 2001:db8::5/64 dev v0 nodad"));
    EXPECT_TRUE(ip("route add default via 192.0.2.1") &&
                ip("-6 route add default via fe80::1 dev v0"));
    const std::vector<DefaultRoute> routes = network->gateways();
    ASSERT_EQ(routes.size(), 2u);
    EXPECT_EQ(routes[0].gateway, Address::v4(192, 0, 2, 1));
    EXPECT_EQ(routes[0].interface, "v0");
    EXPECT_EQ(routes[1].gateway.to_string(), "fe80::1");
    EXPECT_NE(routes[1].gateway.scope_id(), 0u);
  });
  if (!skipped.empty()) GTEST_SKIP() << skipped;
}

TEST(NetworkNamespace, CarriesIpv6GroupsOnTheInterfaceAskedFor) {
  const std::string skipped = in_a_new_namespace([] {
    EXPECT_TRUE(ip("link set v0 addrgenmode none") && ip("link set v0 up") && ip("link set v1 up"));
    EXPECT_TRUE(ip("addr add fe80::5/64 dev v0 nodad"));
    auto network = *Network::create();
    const Address group = *Address::parse("ff02::fb");
    UdpOptions options;
    options.bind = {Address::unspecified(Family::kIpv6), 5353};
    options.reuse_address = true;
    options.multicast = Multicast{.groups = {group}, .interface = "v0", .hops = 255};
    Inbox inbox;
    const auto sender = network->open_udp(options, inbox);
    ASSERT_TRUE(sender) << sender.error().message;
    SendBatch batch;
    batch.add({(*sender)->id(), {group, 5353}, {}}, numbered(1, 20));
    network->send(batch);
    EXPECT_TRUE(batch.failures().empty());
    EXPECT_TRUE(run_until(*network, [&] { return inbox.packets.size() == 1; }));
  });
  if (!skipped.empty()) GTEST_SKIP() << skipped;
}

}  // namespace
}  // namespace floe::net::uv
