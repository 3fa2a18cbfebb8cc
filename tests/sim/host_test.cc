#include "floe/net/sim/host.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/sim/talker.h"

namespace floe::net::sim {
namespace {

using namespace std::chrono_literals;

struct Ignored final : UdpHandler {
  void on_datagrams(std::span<Datagram>) override {}
};

struct Pair {
  World world{1};
  Host& alice = world.add_host("alice");
  Host& bob = world.add_host("bob");
};

TEST(Host, DeliversADatagramWithItsSource) {
  Pair there;
  Talker alice(there.alice, 5000), bob(there.bob, 6000);
  alice.say(bob.endpoint(), "hello");
  EXPECT_TRUE(bob.heard.empty());
  there.world.run_for(1s);
  ASSERT_EQ(bob.heard.size(), 1u);
  EXPECT_EQ(bob.heard[0].text, "hello");
  EXPECT_EQ(bob.heard[0].source, (Endpoint{there.alice.address(), 5000}));
  EXPECT_EQ(bob.heard[0].at, World::kStart + 2ms);  // Two cables of 1 ms.
}

TEST(Host, HandsOverWhatArrivesTogetherInOneCall) {
  Pair there;
  Talker alice(there.alice), bob(there.bob);
  alice.say_zeros(bob.endpoint(), 100, 200);
  there.world.run_for(1s);
  EXPECT_EQ(bob.heard.size(), 200u);
  EXPECT_EQ(bob.calls, 4);  // At most 64 in each.
}

TEST(Host, DeliversDatagramsWithoutPayload) {
  Pair there;
  Talker alice(there.alice), bob(there.bob);
  alice.say(bob.endpoint(), "");
  there.world.run_for(1s);
  EXPECT_EQ(bob.heard.size(), 1u);
}

TEST(Host, ListsTheAddressesOfInterfacesThatAreUp) {
  World world(1);
  Nat& nat = world.add_nat();
  Host& host =
      world.add_host("host", {.behind = &nat, .kind = InterfaceKind::kWifi, .name = "wlan0"});
  host.attach({.stack = Stack::kDual, .kind = InterfaceKind::kCellular, .name = "wwan0"});
  const auto all = host.interfaces();
  ASSERT_EQ(all.size(), 5u);
  EXPECT_EQ(all[0].kind, InterfaceKind::kLoopback);
  EXPECT_TRUE(all[1].address.is_loopback());
  EXPECT_EQ(all[2].name, "wlan0");
  EXPECT_EQ(all[2].kind, InterfaceKind::kWifi);
  EXPECT_EQ(all[2].address, host.address());
  EXPECT_EQ(all[2].prefix_length, 24);
  EXPECT_EQ(all[4].address.family(), Family::kIpv6);
  host.set_up(false, "wlan0");
  EXPECT_EQ(host.interfaces().size(), 4u);
  host.detach("wwan0");
  EXPECT_EQ(host.interfaces().size(), 2u);
}

TEST(Host, RefusesToBindWhatIsTakenOrNotItsOwn) {
  Pair there;
  Ignored handler;
  const auto open = [&](const Address& address, std::uint16_t port, bool reuse = false) {
    return there.alice.open_udp({.bind = {address, port}, .reuse_port = reuse}, handler);
  };
  const Address any = Address::v4(0, 0, 0, 0);
  const Address own = there.alice.address();
  auto taken = open(own, 5000);
  ASSERT_TRUE(taken);
  EXPECT_EQ(open(own, 5000).error().code, Errc::kAddressInUse);
  EXPECT_EQ(open(any, 5000).error().code, Errc::kAddressInUse);
  EXPECT_EQ(open(there.bob.address(), 0).error().code, Errc::kAddressNotAvailable);
  EXPECT_TRUE(open(Address::v4(127, 0, 0, 1), 5000));
  EXPECT_TRUE(open(Address::unspecified(Family::kIpv6), 5000));
  taken->reset();
  EXPECT_TRUE(open(any, 5000));
  auto one = open(any, 7000, true), two = open(any, 7000, true);
  EXPECT_TRUE(one && two);
  EXPECT_EQ(open(any, 7000).error().code, Errc::kAddressInUse);
  there.alice.set_up(false);
  EXPECT_EQ(open(own, 0).error().code, Errc::kAddressNotAvailable);
}

TEST(Host, TriesEveryPortOfARange) {
  Pair there;
  Ignored handler;
  std::vector<std::unique_ptr<UdpSocket>> sockets;
  std::set<std::uint16_t> ports;
  const UdpOptions range{.bind = {}, .port_min = 5000, .port_max = 5009};
  for (int i = 0; i < 10; ++i) {
    auto socket = there.alice.open_udp(range, handler);
    ASSERT_TRUE(socket);
    ports.insert((*socket)->local().port);
    sockets.push_back(*std::move(socket));
  }
  EXPECT_EQ(ports.size(), 10u);
  EXPECT_EQ(*ports.begin(), 5000);
  EXPECT_EQ(*ports.rbegin(), 5009);
  EXPECT_EQ(there.alice.open_udp(range, handler).error().code, Errc::kAddressInUse);
  EXPECT_EQ(there.alice.open_udp({.bind = {}, .port_min = 9, .port_max = 8}, handler).error().code,
            Errc::kInvalidArgument);
}

TEST(Host, StartsAPortRangeAtADifferentPortInEachWorld) {
  Ignored handler;
  std::set<std::uint16_t> first;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    World world(seed);
    auto socket =
        world.add_host("host").open_udp({.bind = {}, .port_min = 5000, .port_max = 5999}, handler);
    first.insert((*socket)->local().port);
  }
  EXPECT_GT(first.size(), 15u);
}

TEST(Host, FailsToSendWhereNoWayLeads) {
  Pair there;
  Subnet& island =
      there.world.add_subnet({.name = "island", .ipv4 = AddressBlock::parse("10.9.0.0/24")});
  Host& castaway = there.world.add_host("castaway", {.on = &island});
  Talker alice(there.alice, 5000), bob(there.bob), lost(castaway);
  lost.say(bob.endpoint(), "help");
  EXPECT_EQ(lost.failure(), Errc::kUnreachable);
  alice.say({address_of("2001:db8::1"), 9}, "wrong family");
  EXPECT_EQ(alice.failure(), Errc::kUnreachable);
  alice.say({bob.endpoint().address, 0}, "no port");
  EXPECT_EQ(alice.failure(), Errc::kInvalidArgument);
  there.alice.set_up(false);
  alice.say(bob.endpoint(), "interface down");
  EXPECT_EQ(alice.failure(), Errc::kUnreachable);
  there.alice.set_up(true);
  alice.say(bob.endpoint(), "fine");
  EXPECT_EQ(alice.failure(), std::nullopt);
}

TEST(Host, LosesWithoutAnErrorWhatNobodyHas) {
  Pair there;
  Talker alice(there.alice);
  alice.say({Address::v4(192, 0, 2, 1), 9}, "nobody");
  EXPECT_EQ(alice.failure(), std::nullopt);
  alice.say({there.bob.address(), 9}, "no socket");
  there.world.run_for(1s);
  EXPECT_EQ(there.world.internet().tally()[Verdict::kNoSuchAddress], 1u);
  EXPECT_EQ(there.bob.tally()[Verdict::kNoSuchPort], 1u);
}

TEST(Host, RefusesDatagramsLargerThanItsOwnMtu) {
  Pair there;
  Talker alice(there.alice), bob(there.bob);
  alice.say_zeros(bob.endpoint(), 1472);  // 1500 less the headers of IPv4 and UDP.
  EXPECT_EQ(alice.failure(), std::nullopt);
  alice.say_zeros(bob.endpoint(), 1473);
  EXPECT_EQ(alice.failure(), Errc::kMessageTooLong);
  there.world.run_for(1s);
  EXPECT_EQ(bob.heard.size(), 1u);
}

TEST(Host, LosesDatagramsLargerThanTheMtuOfAnotherLink) {
  Pair there;
  Talker alice(there.alice), bob(there.bob);
  there.bob.interface().set_link({.mtu = 1280});
  alice.say_zeros(bob.endpoint(), 1252);
  alice.say_zeros(bob.endpoint(), 1253);
  EXPECT_EQ(alice.failure(), std::nullopt);
  there.world.run_for(1s);
  EXPECT_EQ(bob.heard.size(), 1u);
  EXPECT_EQ(there.bob.interface().downlink().tally()[Verdict::kTooLarge], 1u);
}

TEST(Host, FailsSendsAsTold) {
  Pair there;
  Talker alice(there.alice), bob(there.bob, 6000), other(there.bob, 6001);
  there.alice.fail_sends([](const Route& route) -> std::optional<Error> {
    if (route.destination.port != 6000) return std::nullopt;
    return Error{Errc::kPermissionDenied, "iptables says no"};
  });
  alice.say(bob.endpoint(), "no");
  EXPECT_EQ(alice.failure(), Errc::kPermissionDenied);
  alice.say(other.endpoint(), "yes");
  EXPECT_EQ(alice.failure(), std::nullopt);
  there.alice.fail_sends({});
  alice.say(bob.endpoint(), "now");
  there.world.run_for(1s);
  EXPECT_EQ(bob.heard.size(), 1u);
  EXPECT_EQ(other.heard.size(), 1u);
}

TEST(Host, IgnoresRunsForSocketsThatAreGone) {
  Pair there;
  SendBatch batch;
  batch.add({SocketId{77}, {there.bob.address(), 9}, {}}, as_bytes("x"));
  there.alice.send(batch);
  EXPECT_TRUE(batch.failures().empty());
}

TEST(Host, TalksToItselfOverLoopbackAndItsOwnAddresses) {
  Pair there;
  Talker one(there.alice, 5000), two(there.alice, 6000);
  one.say({Address::v4(127, 0, 0, 1), 6000}, "loopback");
  one.say({there.alice.address(), 6000}, "own");
  EXPECT_TRUE(two.heard.empty());  // Never from within send.
  there.world.run_for(1ms);
  ASSERT_EQ(two.heard.size(), 2u);
  EXPECT_EQ(two.heard[0].source, (Endpoint{Address::v4(127, 0, 0, 1), 5000}));
  EXPECT_EQ(two.heard[1].source, (Endpoint{there.alice.address(), 5000}));
  EXPECT_EQ(there.alice.interface().uplink().tally()[Verdict::kSent], 0u);
}

TEST(Host, DoesNotSendFromLoopbackToOthers) {
  Pair there;
  Talker alice(there.alice, 0, Address::v4(127, 0, 0, 1));
  alice.say({there.bob.address(), 9}, "x");
  EXPECT_EQ(alice.failure(), Errc::kUnreachable);
}

TEST(Host, PrefersTheSocketThatIsBoundToTheAddress) {
  Pair there;
  Talker bound(there.alice, 0, there.alice.address());
  Talker bob(there.bob);
  bob.say(bound.endpoint(), "hello");
  there.world.run_for(1s);
  EXPECT_EQ(bound.heard.size(), 1u);
}

TEST(Host, SendsAFlowToOneOfTheSocketsThatShareAPort) {
  Pair there;
  Talker bob(there.bob), other(there.bob);
  struct Counted final : UdpHandler {
    void on_datagrams(std::span<Datagram> datagrams) override { count += datagrams.size(); }
    std::size_t count = 0;
  } first, second;
  const UdpOptions shared{.bind = {Address(), 5000}, .reuse_port = true};
  auto one = there.alice.open_udp(shared, first);
  auto two = there.alice.open_udp(shared, second);
  bob.say_zeros({there.alice.address(), 5000}, 10, 50);
  there.world.run_for(1s);
  EXPECT_TRUE((first.count == 50 && second.count == 0) || (first.count == 0 && second.count == 50));
}

TEST(Host, UsesTheInterfaceOfTheSocketsAddress) {
  World world(1);
  Nat& wifi = world.add_nat();
  Nat& mobile = world.add_nat();
  Host& alice = world.add_host("alice", {.behind = &wifi, .name = "wlan0"});
  alice.attach({.behind = &mobile, .name = "wwan0"});
  Host& bob_host = world.add_host("bob");
  Talker any(alice), bound(alice, 0, alice.address(Family::kIpv4, "wwan0")), bob(bob_host);
  any.say(bob.endpoint(), "any");
  bound.say(bob.endpoint(), "bound");
  world.run_for(1s);
  ASSERT_EQ(bob.heard.size(), 2u);
  EXPECT_EQ(bob.heard[0].source.address, wifi.address());
  EXPECT_EQ(bob.heard[1].source.address, mobile.address());
  // Wi-Fi goes: the wildcard socket moves over, and back when it returns.
  alice.set_up(false, "wlan0");
  any.say(bob.endpoint(), "moved");
  world.run_for(1s);
  EXPECT_EQ(bob.heard.back().source.address, mobile.address());
  alice.detach("wwan0");
  any.say(bob.endpoint(), "nowhere");
  EXPECT_EQ(any.failure(), Errc::kUnreachable);
  bound.say(bob.endpoint(), "nowhere");
  EXPECT_EQ(bound.failure(), Errc::kUnreachable);
}

TEST(Host, LosesThePacketsUnderWayToAnInterfaceThatGoes) {
  Pair there;
  Talker alice(there.alice), bob(there.bob);
  alice.say(bob.endpoint(), "under way");
  there.bob.detach();
  there.world.run_for(1s);
  EXPECT_TRUE(bob.heard.empty());
}

TEST(Host, IsReachedAtItsNewAddressOnly) {
  Pair there;
  Talker alice(there.alice), bob(there.bob, 6000), bound(there.bob, 6001, there.bob.address());
  const Address old = there.bob.address();
  const Address fresh = address_of("203.0.113.9");
  there.bob.interface().set_addresses({fresh});
  alice.say({old, 6000}, "old");
  alice.say({fresh, 6000}, "new");
  there.world.run_for(1s);
  ASSERT_EQ(bob.heard.size(), 1u);
  EXPECT_EQ(bob.heard[0].text, "new");
  bound.say(alice.endpoint(), "from the old address");
  EXPECT_EQ(bound.failure(), Errc::kUnreachable);
}

TEST(Host, ScopesLinkLocalAddressesByInterface) {
  World world(1);
  Subnet& lan = world.add_subnet({.name = "lan"});
  const Address alices = address_of("fe80::1"), bobs = address_of("fe80::2");
  Host& alice_host = world.add_host("alice", {.on = &lan, .addresses = {alices}});
  Host& bob_host = world.add_host("bob", {.on = &lan, .addresses = {bobs}});
  const Address scoped = alice_host.interfaces().back().address;
  ASSERT_NE(scoped.scope_id(), 0u);
  Talker alice(alice_host, 5000, scoped), bob(bob_host, 6000, Address::unspecified(Family::kIpv6));
  alice.say({Address::v6(bobs.bytes().first<16>(), scoped.scope_id()), 6000}, "hello");
  EXPECT_EQ(alice.failure(), std::nullopt);
  world.run_for(1s);
  ASSERT_EQ(bob.heard.size(), 1u);
  EXPECT_EQ(
      bob.heard[0].source.address,
      Address::v6(alices.bytes().first<16>(), bob_host.interfaces().back().address.scope_id()));
  bob.say(bob.heard[0].source, "answer");
  world.run_for(1s);
  EXPECT_TRUE(alice.heard_text("answer"));
}

TEST(Host, DropsWhatItsReceiveBufferCannotHold) {
  Pair there;
  Talker alice(there.alice), bob(there.bob);
  there.bob.set_receive_buffer(1000);
  alice.say_zeros(bob.endpoint(), 100, 15);
  there.world.run_for(1s);
  EXPECT_EQ(bob.heard.size(), 10u);
  EXPECT_EQ(there.bob.tally()[Verdict::kBufferFull], 5u);
}

TEST(Host, SleepsThroughPacketsAndWakesWithItsTimersLate) {
  Pair there;
  Talker alice(there.alice), bob(there.bob);
  std::vector<Time> fired;
  const auto timer = there.bob.create_timer([&] { fired.push_back(there.bob.now()); });
  timer->arm(there.world.now() + 1s);
  there.bob.sleep_for(10min);
  EXPECT_TRUE(there.bob.asleep());
  alice.say(bob.endpoint(), "asleep?");
  bool posted = false;
  there.bob.post([&] { posted = true; });
  there.world.run_for(9min);
  EXPECT_TRUE(fired.empty());
  EXPECT_FALSE(posted);
  EXPECT_EQ(there.bob.tally()[Verdict::kAsleep], 1u);
  there.world.run_for(2min);
  EXPECT_EQ(fired, std::vector{World::kStart + 10min});
  EXPECT_TRUE(posted);
  alice.say(bob.endpoint(), "awake?");
  there.world.run_for(1s);
  EXPECT_TRUE(bob.heard_text("awake?"));
}

TEST(HostTimer, FiresOnceAtItsTime) {
  Pair there;
  std::vector<Time> fired;
  const auto timer = there.alice.create_timer([&] { fired.push_back(there.alice.now()); });
  timer->arm(World::kStart + 5s);
  timer->arm(World::kStart + 3s);
  there.world.run_for(10s);
  EXPECT_EQ(fired, std::vector{World::kStart + 3s});
  timer->arm(World::kStart);  // Past: the next turn.
  there.world.run_for(1ns);
  EXPECT_EQ(fired.size(), 2u);
  EXPECT_EQ(fired.back(), World::kStart + 10s);
  timer->arm(World::kStart + 20s);
  timer->arm(kNever);
  there.world.run_for(1h);
  EXPECT_EQ(fired.size(), 2u);
}

TEST(HostTimer, MayBeArmedAndDestroyedByItsOwnCallback) {
  Pair there;
  int fired = 0;
  std::unique_ptr<Timer> timer;
  const auto shared = std::make_shared<int>(7);
  timer = there.alice.create_timer([&, shared] {
    if (++fired < 3) return timer->arm(there.alice.now() + 1s);
    timer.reset();
    EXPECT_EQ(*shared, 7);  // The callback itself outlives its timer.
  });
  timer->arm(there.alice.now());
  there.world.run_for(1min);
  EXPECT_EQ(fired, 3);
}

TEST(HostTimer, DoesNotFireOnceDestroyed) {
  Pair there;
  auto timer = there.alice.create_timer([] { FAIL(); });
  timer->arm(there.alice.now());
  timer.reset();
  there.world.run_for(1min);
}

TEST(Host, LetsASocketBeDestroyedByItsOwnHandler) {
  Pair there;
  struct Suicidal final : UdpHandler {
    void on_datagrams(std::span<Datagram> datagrams) override {
      ++calls;
      socket.reset();
      for (Datagram& datagram : datagrams) datagram.payload[0] ^= 1;  // Still valid in here.
    }
    std::unique_ptr<UdpSocket> socket;
    int calls = 0;
  } handler;
  handler.socket = *there.bob.open_udp({.bind = {Address(), 6000}}, handler);
  Talker alice(there.alice);
  alice.say_zeros({there.bob.address(), 6000}, 100, 130);
  there.world.run_for(1s);
  EXPECT_EQ(handler.calls, 1);
}

TEST(Host, ForgetsASocketWithDatagramsWaiting) {
  Pair there;
  Talker alice(there.alice);
  auto bob = std::make_unique<Talker>(there.bob, 6000);
  alice.say({there.bob.address(), 6000}, "late");
  there.world.run_for(1ms);
  bob.reset();
  there.world.run_for(1s);
  EXPECT_EQ(there.bob.tally()[Verdict::kNoSuchPort], 1u);
}

TEST(Host, NeverGivesASocketIdTwice) {
  Pair there;
  Ignored handler;
  std::set<SocketId> ids;
  for (int i = 0; i < 100; ++i) ids.insert((*there.alice.open_udp({}, handler))->id());
  EXPECT_EQ(ids.size(), 100u);
  EXPECT_FALSE(ids.contains(kNoSocket));
}

}  // namespace
}  // namespace floe::net::sim
