#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "tests/sim/talker.h"

// What a host's network says of its interfaces, and what it sends to groups.
namespace floe::net::sim {
namespace {

using namespace std::chrono_literals;

const Address kMdnsV4 = Address::v4(224, 0, 0, 251);
const Address kAnyV4 = Address::v4(0, 0, 0, 0);

struct Watched {
  explicit Watched(Host& host) : watch(host.watch_interfaces([this] { ++calls; })) {}
  int calls = 0;
  std::unique_ptr<InterfaceWatch> watch;
};

TEST(InterfaceWatch, TellsAtALaterTurnOfEveryKindOfChange) {
  World world(1);
  Host& alice = world.add_host("alice", {.addresses = {address_of("198.51.100.7")}});
  Watched seen(alice);
  const auto changes = [&](const std::function<void()>& change) {
    const int before = seen.calls;
    change();
    EXPECT_EQ(seen.calls, before) << "never from within";
    world.run_for(1ms);
    return seen.calls - before;
  };
  EXPECT_EQ(changes([&] { alice.set_up(false); }), 1);
  EXPECT_EQ(changes([&] { alice.set_up(false); }), 0) << "it was down already";
  EXPECT_EQ(changes([&] { alice.set_up(true); }), 1);
  EXPECT_EQ(changes([&] { alice.attach({.kind = InterfaceKind::kWifi, .name = "wlan0"}); }), 1);
  EXPECT_EQ(changes([&] { alice.interface().add_address(address_of("198.51.100.9")); }), 1);
  EXPECT_EQ(changes([&] { alice.interface().remove_address(address_of("198.51.100.9")); }), 1);
  EXPECT_EQ(changes([&] { alice.interface().set_addresses({address_of("198.51.100.8")}); }), 1);
  EXPECT_EQ(changes([&] { alice.detach("wlan0"); }), 1);
  EXPECT_EQ(changes([&] {
              alice.set_up(false);
              alice.set_up(true);
            }),
            1)
      << "one call stands for several changes";
}

TEST(InterfaceWatch, EndsWithItsObjectEvenWithACallUnderWay) {
  World world(1);
  Host& alice = world.add_host("alice");
  Watched first(alice), second(alice);
  alice.set_up(false);
  first.watch.reset();
  world.run_for(1ms);
  EXPECT_EQ(first.calls, 0);
  EXPECT_EQ(second.calls, 1);

  std::unique_ptr<InterfaceWatch> own;
  int calls = 0;
  own = alice.watch_interfaces([&] {
    ++calls;
    own.reset();
  });
  alice.set_up(true);
  world.run_for(1ms);
  alice.set_up(false);
  world.run_for(1ms);
  EXPECT_EQ(calls, 1);
}

TEST(InterfaceWatch, WaitsUntilTheHostWakes) {
  World world(1);
  Host& alice = world.add_host("alice");
  Watched seen(alice);
  alice.sleep_for(10s);
  alice.set_up(false);
  world.run_for(9s);
  EXPECT_EQ(seen.calls, 0);
  world.run_for(2s);
  EXPECT_EQ(seen.calls, 1);
}

TEST(Interfaces, GiveASocketItsAddressBackWhenItReturns) {
  World world(1);
  Host& alice = world.add_host("alice");
  Host& bob = world.add_host("bob");
  Talker talker(alice, 5000, alice.address());
  Talker other(bob, 6000);
  const std::vector<Address> addresses = alice.interface().addresses();
  alice.interface().set_addresses({});
  talker.say(other.endpoint(), "lost");
  EXPECT_EQ(talker.failure(), Errc::kUnreachable);
  alice.interface().set_addresses(addresses);
  talker.say(other.endpoint(), "back");
  world.run_for(100ms);
  EXPECT_TRUE(other.heard_text("back"));
}

TEST(Gateways, AreTheDefaultRoutesOfInterfacesThatAreUp) {
  World world(1);
  Nat& nat = world.add_nat();
  Firewall& firewall = world.add_firewall({.inside = &nat.inside()});
  Host& alice = world.add_host("alice", {.behind = &nat, .stack = Stack::kDual});
  Host& bob = world.add_host("bob");
  EXPECT_TRUE(bob.gateways().empty()) << "the public internet has no gateway";
  const std::vector<DefaultRoute> routes = alice.gateways();
  ASSERT_EQ(routes.size(), 2u);
  EXPECT_EQ(routes[0].gateway, nat.inside_attachment().address(Family::kIpv4));
  EXPECT_EQ(routes[1].gateway, firewall.inside_attachment().address(Family::kIpv6));
  EXPECT_EQ(routes[0].interface, "eth0");
  alice.set_up(false);
  EXPECT_TRUE(alice.gateways().empty());
}

// A home: Alice, Bob and Carol on one segment behind a NAT.
struct Segment {
  World world{1};
  Nat& nat = world.add_nat();
  Host& alice = world.add_host("alice", {.behind = &nat, .stack = Stack::kIpv4});
  Host& bob = world.add_host("bob", {.behind = &nat});
  Host& carol = world.add_host("carol", {.behind = &nat});
  Host& stranger = world.add_host("stranger");
};

// A socket that may have joined a group.
class Member final : public UdpHandler {
 public:
  Member(Host& host, const UdpOptions& options) : host_(host) {
    auto socket = host.open_udp(options, *this);
    EXPECT_TRUE(socket) << socket.error().message;
    socket_ = *std::move(socket);
  }
  void say(const Endpoint& to, std::string_view text) {
    SendBatch batch;
    batch.add({socket_->id(), to, {}}, as_bytes(text));
    host_.send(batch);
    EXPECT_TRUE(batch.failures().empty());
  }
  void on_datagrams(std::span<Datagram> datagrams) override {
    for (const Datagram& each : datagrams) heard.push_back({each.source, as_text(each.payload)});
  }
  struct Heard {
    Endpoint source;
    std::string text;
    Heard(const Endpoint& source, std::string_view text) : source(source), text(text) {}
  };
  std::vector<Heard> heard;

 private:
  Host& host_;
  std::unique_ptr<UdpSocket> socket_;
};

UdpOptions mdns(const Address& group = kMdnsV4) {
  UdpOptions options;
  options.bind = {Address::unspecified(group.family()), 5353};
  options.reuse_address = true;
  options.multicast = Multicast{.groups = {group}, .interface = "eth0", .hops = 255};
  return options;
}

TEST(Multicast, ReachesTheMembersOnTheSegmentAndNobodyElse) {
  Segment there;
  Member alice(there.alice, mdns()), bob(there.bob, mdns()), outside(there.stranger, mdns());
  Member deaf(there.carol, {.bind = {kAnyV4, 5353}});
  alice.say({kMdnsV4, 5353}, "who is bob.local?");
  there.world.run_for(100ms);
  ASSERT_EQ(bob.heard.size(), 1u);
  EXPECT_EQ(bob.heard[0].source, (Endpoint{there.alice.address(), 5353}));
  EXPECT_EQ(there.carol.tally()[Verdict::kNotMember], 1u);
  EXPECT_TRUE(deaf.heard.empty());
  EXPECT_TRUE(outside.heard.empty());
  EXPECT_EQ(there.nat.tally()[Verdict::kSent], 0u);
  bob.say(bob.heard[0].source, "it is me");
  there.world.run_for(100ms);
  EXPECT_EQ(alice.heard.back().text, "it is me");
}

TEST(Multicast, ComesBackToItsOwnHostUnlessTheSenderWantsNoLoop) {
  Segment there;
  UdpOptions quiet = mdns();
  quiet.multicast->loop = false;
  Member first(there.alice, mdns()), second(there.alice, mdns()), silent(there.alice, quiet);
  first.say({kMdnsV4, 5353}, "loud");
  there.world.run_for(100ms);
  EXPECT_EQ(first.heard.size(), 1u);
  EXPECT_EQ(second.heard.size(), 1u) << "each that shares the port gets its own";
  silent.say({kMdnsV4, 5353}, "not for us");
  there.world.run_for(100ms);
  EXPECT_EQ(first.heard.size(), 1u);
  EXPECT_EQ(second.heard.size(), 1u);
}

TEST(Multicast, GoesOverIpv6FromALinkLocalAddress) {
  World world(1);
  Subnet& lan = world.add_subnet({.name = "lan", .ipv6 = AddressBlock::parse("fd00::/64")});
  const Address group = address_of("ff02::fb");
  Host& alice = world.add_host(
      "alice", {.on = &lan, .addresses = {address_of("fd00::a"), address_of("fe80::a")}});
  Host& bob = world.add_host(
      "bob", {.on = &lan, .addresses = {address_of("fd00::b"), address_of("fe80::b")}});
  Member here(alice, mdns(group)), there(bob, mdns(group));
  here.say({group, 5353}, "hello");
  world.run_for(100ms);
  ASSERT_EQ(there.heard.size(), 1u);
  const Address source = there.heard[0].source.address;
  EXPECT_TRUE(source.is_link_local());
  EXPECT_EQ(source.scope_id(), bob.interfaces().back().address.scope_id());
}

TEST(Multicast, RefusesWhatCannotBe) {
  Segment there;
  Talker any(there.alice);
  const auto code = [&](const std::function<void(UdpOptions&)>& spoil) {
    UdpOptions options = mdns();
    spoil(options);
    const auto socket = there.alice.open_udp(options, any);
    return socket ? std::optional<Errc>() : socket.error().code;
  };
  EXPECT_EQ(code([](UdpOptions&) {}), std::nullopt);
  EXPECT_EQ(code([](UdpOptions& o) { o.multicast->interface = "wlan7"; }),
            Errc::kAddressNotAvailable);
  EXPECT_EQ(code([](UdpOptions& o) { o.multicast->groups = {Address::v4(10, 0, 0, 1)}; }),
            Errc::kInvalidArgument);
  EXPECT_EQ(code([](UdpOptions& o) { o.multicast->groups = {address_of("ff02::fb")}; }),
            Errc::kInvalidArgument);
  EXPECT_EQ(code([](UdpOptions& o) { o.multicast->groups.assign(21, kMdnsV4); }),
            Errc::kLimitExceeded);
  Member holder(there.alice, mdns());
  EXPECT_EQ(code([](UdpOptions& o) { o.reuse_address = false; }), Errc::kAddressInUse);
}

TEST(UdpSocket, SendsFragmentsOnlyIfItMay) {
  World world(1);
  Host& alice = world.add_host("alice");
  Host& bob = world.add_host("bob");
  Talker other(bob, 6000);
  Member whole(alice, {.bind = {kAnyV4, 0}, .dont_fragment = false});
  whole.say(other.endpoint(), std::string(4000, 'x'));
  world.run_for(100ms);
  ASSERT_EQ(other.heard.size(), 1u);
  EXPECT_EQ(other.heard[0].text.size(), 4000u);
  Talker plain(alice);
  plain.say_zeros(other.endpoint(), 4000);
  EXPECT_EQ(plain.failure(), Errc::kMessageTooLong);
}

}  // namespace
}  // namespace floe::net::sim
