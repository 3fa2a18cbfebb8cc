#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "floe/core/limits.h"
#include "tests/network_conformance/stage.h"

namespace floe::net::conformance {
namespace {

TEST_P(NetworkConformance, DeliversBatchesCompleteInOrderWithTheirSizesAndSources) {
  for (const Family family : stage_->families()) {
    Inbox inbox;
    Inbox unused;
    const auto from = open_udp(alice(), stage_->alice_address(family), unused);
    const auto to = open_udp(bob(), stage_->bob_address(family), inbox);
    const Route route{from->id(), to->local(), {}};
    SendBatch batch;
    std::vector<std::vector<std::uint8_t>> sent;
    // Long runs, short last packets, growing packets and single ones.
    for (const auto& [count, size] : {std::pair{70, 1200}, {1, 300}, {3, 40}, {5, 1100}, {1, 1}}) {
      for (int i = 0; i < count; ++i) {
        sent.push_back(pattern(static_cast<std::size_t>(size), sent.size()));
        ASSERT_TRUE(batch.add(route, sent.back()));
      }
    }
    EXPECT_TRUE(send(alice(), batch).empty());
    ASSERT_TRUE(run_until([&] { return inbox.packets.size() >= sent.size(); }));
    ASSERT_EQ(inbox.packets.size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
      EXPECT_EQ(inbox.packets[i].payload, sent[i]) << "packet " << i;
      EXPECT_EQ(inbox.packets[i].source, from->local());
      EXPECT_EQ(inbox.packets[i].socket, to->id());
    }
    EXPECT_TRUE(unused.packets.empty());
  }
}

TEST_P(NetworkConformance, SortsTheRunsOfOneBatchByTheirSocketsAndDestinations) {
  Inbox inboxes[2];
  Inbox unused;
  const Address here = stage_->alice_address(Family::kIpv4);
  const Address there = stage_->bob_address(Family::kIpv4);
  const std::unique_ptr<UdpSocket> from[] = {open_udp(alice(), here, unused),
                                             open_udp(alice(), here, unused)};
  const std::unique_ptr<UdpSocket> to[] = {open_udp(bob(), there, inboxes[0]),
                                           open_udp(bob(), there, inboxes[1])};
  SendBatch batch;
  for (std::size_t round = 0; round < 10; ++round) {
    for (std::size_t i = 0; i < 4; ++i) {
      const Route route{from[i / 2]->id(), to[i % 2]->local(), {}};
      ASSERT_TRUE(batch.add(route, pattern(200, i / 2)));
    }
  }
  EXPECT_TRUE(send(alice(), batch).empty());
  ASSERT_TRUE(run_until(
      [&] { return inboxes[0].packets.size() == 20 && inboxes[1].packets.size() == 20; }));
  for (const Inbox& inbox : inboxes) {
    for (const ReceivedPacket& packet : inbox.packets) {
      const bool first = packet.source == from[0]->local();
      EXPECT_TRUE(first || packet.source == from[1]->local());
      EXPECT_EQ(packet.payload, pattern(200, first ? 0 : 1));
    }
  }
}

TEST_P(NetworkConformance, CarriesAFullBatch) {
  Inbox inbox;
  Inbox unused;
  const auto from = open_udp(alice(), stage_->alice_address(Family::kIpv4), unused);
  const auto to = open_udp(bob(), stage_->bob_address(Family::kIpv4), inbox);
  SendBatch batch;
  std::size_t count = 0;
  while (batch.add({from->id(), to->local(), {}}, pattern(kBaseDatagram, count))) ++count;
  EXPECT_TRUE(send(alice(), batch).empty());
  ASSERT_TRUE(run_until([&] { return inbox.packets.size() == count; }));
  for (std::size_t i = 0; i < count; ++i) {
    ASSERT_EQ(inbox.packets[i].payload, pattern(kBaseDatagram, i)) << "packet " << i;
  }
  EXPECT_EQ(alice().send_backlog(), 0u);
}

TEST_P(NetworkConformance, CarriesADatagramWithoutPayload) {
  Inbox inbox;
  Inbox unused;
  const auto from = open_udp(alice(), stage_->alice_address(Family::kIpv4), unused);
  const auto to = open_udp(bob(), stage_->bob_address(Family::kIpv4), inbox);
  const Route route{from->id(), to->local(), {}};
  SendBatch batch;
  ASSERT_TRUE(batch.add(route, pattern(9)));
  ASSERT_TRUE(batch.add_empty(route));
  ASSERT_TRUE(batch.add(route, pattern(5)));
  EXPECT_TRUE(send(alice(), batch).empty());
  ASSERT_TRUE(run_until([&] { return inbox.packets.size() == 3; }));
  EXPECT_EQ(inbox.packets[0].payload.size(), 9u);
  EXPECT_EQ(inbox.packets[1].payload.size(), 0u);
  EXPECT_EQ(inbox.packets[1].source, from->local());
  EXPECT_EQ(inbox.packets[2].payload.size(), 5u);
}

TEST_P(NetworkConformance, CarriesTheLargestDatagramThereIs) {
  Inbox inbox;
  Inbox unused;
  const auto from = open_udp(alice(), stage_->alice_address(Family::kIpv4), unused);
  const auto to = open_udp(bob(), stage_->bob_address(Family::kIpv4), inbox);
  SendBatch batch;
  ASSERT_TRUE(batch.add({from->id(), to->local(), {}}, pattern(kMaxUdpPayload)));
  EXPECT_TRUE(send(alice(), batch).empty());
  ASSERT_TRUE(run_until([&] { return !inbox.packets.empty(); }));
  EXPECT_EQ(inbox.packets[0].payload, pattern(kMaxUdpPayload));
}

TEST_P(NetworkConformance, SendsTheBytesThatARoutePutsBeforeEachPayload) {
  Inbox inbox;
  Inbox unused;
  const auto from = open_udp(alice(), stage_->alice_address(Family::kIpv4), unused);
  const auto to = open_udp(bob(), stage_->bob_address(Family::kIpv4), inbox);
  SendBatch batch;
  const Route route{from->id(), to->local(), Prefix::channel_data(0x4001, false)};
  for (const std::size_t size : {100, 100, 60}) ASSERT_TRUE(batch.add(route, pattern(size)));
  EXPECT_TRUE(send(alice(), batch).empty());
  ASSERT_TRUE(run_until([&] { return inbox.packets.size() == 3; }));
  for (const ReceivedPacket& packet : inbox.packets) {
    ASSERT_GT(packet.payload.size(), 4u);
    const std::size_t size = packet.payload.size() - 4;
    EXPECT_EQ(Bytes(packet.payload).first(4)[3], size);
    EXPECT_EQ(to_vector(Bytes(packet.payload).subspan(4)), pattern(size));
  }
}

TEST_P(NetworkConformance, BindsToThePortAskedForAndSaysWhenItIsTaken) {
  for (const Family family : stage_->families()) {
    Inbox inbox;
    const auto first = open_udp(alice(), stage_->alice_address(family), inbox);
    EXPECT_NE(first->local().port, 0);
    EXPECT_EQ(first->local().address, stage_->alice_address(family));
    UdpOptions options;
    options.bind = first->local();
    const auto second = alice().open_udp(options, inbox);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::kAddressInUse);
  }
}

TEST_P(NetworkConformance, FreesThePortOfADestroyedSocketAtOnce) {
  Inbox inbox;
  auto first = open_udp(alice(), stage_->alice_address(Family::kIpv4), inbox);
  UdpOptions options;
  options.bind = first->local();
  first.reset();
  const auto second = alice().open_udp(options, inbox);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ((*second)->local(), options.bind);
}

TEST_P(NetworkConformance, RefusesAnAddressThatIsNotOneOfTheMachines) {
  Inbox inbox;
  UdpOptions options;
  options.bind.address = Address::v4(203, 0, 113, 77);
  const auto socket = alice().open_udp(options, inbox);
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().code, Errc::kAddressNotAvailable);
}

TEST_P(NetworkConformance, UsesEveryPortOfARangeBeforeItSaysThereIsNone) {
  Inbox inbox;
  // Ten ports next to one that the system has just given away: hardly anybody else's.
  const std::uint16_t low =
      open_udp(alice(), stage_->alice_address(Family::kIpv4), inbox)->local().port;
  UdpOptions options;
  options.bind.address = stage_->alice_address(Family::kIpv4);
  options.port_min = static_cast<std::uint16_t>(std::min<int>(low, 65000));
  options.port_max = static_cast<std::uint16_t>(options.port_min + 9);
  std::vector<std::unique_ptr<UdpSocket>> sockets;
  std::set<std::uint16_t> ports;
  for (;;) {
    auto socket = alice().open_udp(options, inbox);
    if (!socket) {
      EXPECT_EQ(socket.error().code, Errc::kAddressInUse);
      break;
    }
    const std::uint16_t port = (*socket)->local().port;
    EXPECT_GE(port, options.port_min);
    EXPECT_LE(port, options.port_max);
    EXPECT_TRUE(ports.insert(port).second);
    sockets.push_back(std::move(*socket));
    ASSERT_LE(sockets.size(), 10u);
  }
  EXPECT_GE(sockets.size(), 8u) << "two may belong to another program";
  sockets.pop_back();
  EXPECT_TRUE(alice().open_udp(options, inbox));
}

TEST_P(NetworkConformance, SharesAPortAmongSocketsThatAllAskForIt) {
  Inbox inbox;
  UdpOptions options;
  options.bind.address = stage_->alice_address(Family::kIpv4);
  options.reuse_port = true;
  const auto first = alice().open_udp(options, inbox);
  ASSERT_TRUE(first) << first.error().message;
  options.bind = (*first)->local();
  const auto second = alice().open_udp(options, inbox);
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ((*second)->local(), (*first)->local());
  options.reuse_port = false;
  EXPECT_FALSE(alice().open_udp(options, inbox));
}

TEST_P(NetworkConformance, ReceivesOnTheWildcardAddress) {
  for (const Family family : stage_->families()) {
    Inbox inbox;
    Inbox unused;
    const auto from = open_udp(alice(), stage_->alice_address(family), unused);
    const auto to = open_udp(bob(), Address::unspecified(family), inbox);
    SendBatch batch;
    const Endpoint destination{stage_->bob_address(family), to->local().port};
    ASSERT_TRUE(batch.add({from->id(), destination, {}}, pattern(10)));
    EXPECT_TRUE(send(alice(), batch).empty());
    ASSERT_TRUE(run_until([&] { return !inbox.packets.empty(); }));
    EXPECT_EQ(inbox.packets[0].source, from->local());
  }
}

TEST_P(NetworkConformance, DropsPacketsForASocketThatIsGoneWithoutAWord) {
  Inbox inbox;
  Inbox unused;
  auto from = open_udp(alice(), stage_->alice_address(Family::kIpv4), unused);
  const auto to = open_udp(bob(), stage_->bob_address(Family::kIpv4), inbox);
  const SocketId gone = from->id();
  UdpOptions options;
  options.bind = from->local();
  from.reset();
  const auto successor = alice().open_udp(options, unused);
  ASSERT_TRUE(successor);
  EXPECT_NE((*successor)->id(), gone);
  SendBatch batch;
  ASSERT_TRUE(batch.add({gone, to->local(), {}}, pattern(10)));
  ASSERT_TRUE(batch.add({kNoSocket, to->local(), {}}, pattern(11)));
  ASSERT_TRUE(batch.add({(*successor)->id(), to->local(), {}}, pattern(12)));
  EXPECT_TRUE(send(alice(), batch).empty());
  ASSERT_TRUE(run_until([&] { return !inbox.packets.empty(); }));
  settle();
  ASSERT_EQ(inbox.packets.size(), 1u);
  EXPECT_EQ(inbox.packets[0].payload.size(), 12u);
}

TEST_P(NetworkConformance, ListsARouteOfTheWrongFamilyAndSendsTheOthers) {
  Inbox inbox;
  Inbox unused;
  const auto from = open_udp(alice(), stage_->alice_address(Family::kIpv4), unused);
  const auto to = open_udp(bob(), stage_->bob_address(Family::kIpv4), inbox);
  const Route wrong{from->id(), {*Address::parse("2001:db8::1"), 9}, {}};
  SendBatch batch;
  ASSERT_TRUE(batch.add({from->id(), to->local(), {}}, pattern(10)));
  ASSERT_TRUE(batch.add(wrong, pattern(10)));
  ASSERT_TRUE(batch.add({from->id(), to->local(), {}}, pattern(20)));
  alice().send(batch);
  ASSERT_EQ(batch.failures().size(), 1u);
  EXPECT_EQ(batch.failures()[0].route, wrong);
  ASSERT_TRUE(run_until([&] { return inbox.packets.size() == 2; }));
}

TEST_P(NetworkConformance, NeverCallsAUdpHandlerFromWithinSend) {
  Inbox inbox;
  const auto socket = open_udp(alice(), stage_->alice_address(Family::kIpv4), inbox);
  SendBatch batch;
  ASSERT_TRUE(batch.add({socket->id(), socket->local(), {}}, pattern(10)));
  EXPECT_TRUE(send(alice(), batch).empty());
  EXPECT_TRUE(inbox.packets.empty());
  EXPECT_TRUE(run_until([&] { return inbox.packets.size() == 1; }));
}

TEST_P(NetworkConformance, LetsAUdpHandlerDestroyItsSocket) {
  Inbox inbox;
  Inbox unused;
  const auto from = open_udp(alice(), stage_->alice_address(Family::kIpv4), unused);
  auto to = open_udp(bob(), stage_->bob_address(Family::kIpv4), inbox);
  inbox.then = [&] { to.reset(); };
  SendBatch batch;
  for (std::size_t i = 0; i < 50; ++i) {
    // No two of one size, so that they cannot arrive as one train.
    ASSERT_TRUE(batch.add({from->id(), to->local(), {}}, pattern(100 + i)));
  }
  EXPECT_TRUE(send(alice(), batch).empty());
  ASSERT_TRUE(run_until([&] { return to == nullptr; }));
  const std::size_t received = inbox.packets.size();
  settle();
  EXPECT_EQ(inbox.packets.size(), received);
}

TEST_P(NetworkConformance, CallsNoHandlerOfASocketThatWasDestroyedWithPacketsWaiting) {
  Inbox inbox;
  Inbox other;
  const auto from = open_udp(alice(), stage_->alice_address(Family::kIpv4), other);
  auto to = open_udp(bob(), stage_->bob_address(Family::kIpv4), inbox);
  const auto second = open_udp(bob(), stage_->bob_address(Family::kIpv4), other);
  SendBatch batch;
  ASSERT_TRUE(batch.add({from->id(), to->local(), {}}, pattern(10)));
  ASSERT_TRUE(batch.add({from->id(), second->local(), {}}, pattern(10)));
  EXPECT_TRUE(send(alice(), batch).empty());
  to.reset();
  ASSERT_TRUE(run_until([&] { return !other.packets.empty(); }));
  settle();
  EXPECT_TRUE(inbox.packets.empty());
}

TEST_P(NetworkConformance, LetsOneHandlerDestroyAnotherSocketThatHasPacketsWaiting) {
  Inbox inboxes[2];
  Inbox unused;
  const auto from = open_udp(alice(), stage_->alice_address(Family::kIpv4), unused);
  std::unique_ptr<UdpSocket> sockets[2];
  SendBatch batch;
  for (int i = 0; i < 2; ++i) {
    sockets[i] = open_udp(bob(), stage_->bob_address(Family::kIpv4), inboxes[i]);
    inboxes[i].then = [&sockets, i] { sockets[1 - i].reset(); };
    ASSERT_TRUE(batch.add({from->id(), sockets[i]->local(), {}}, pattern(10)));
  }
  EXPECT_TRUE(send(alice(), batch).empty());
  settle();
  EXPECT_EQ(inboxes[0].packets.size() + inboxes[1].packets.size(), 1u);
}

TEST_P(NetworkConformance, ListsItsInterfacesWithTheirAddresses) {
  const std::vector<Interface> interfaces = alice().interfaces();
  for (const Family family : stage_->families()) {
    const auto found = std::find_if(interfaces.begin(), interfaces.end(), [&](const Interface& i) {
      return i.address == stage_->alice_address(family);
    });
    ASSERT_NE(found, interfaces.end());
    EXPECT_FALSE(found->name.empty());
    EXPECT_GT(found->prefix_length, 0);
    EXPECT_NE(found->kind, InterfaceKind::kUnknown);
  }
  for (const Interface& each : interfaces) {
    EXPECT_EQ(each.address.is_loopback(), each.kind == InterfaceKind::kLoopback) << each.name;
    if (each.address.is_v6() && each.address.is_link_local()) {
      EXPECT_NE(each.address.scope_id(), 0u);
    }
  }
}

// An administratively scoped group (RFC 2365).
const Address kGroup = Address::v4(239, 255, 77, 77);

std::string interface_with(Network& network, const Address& address) {
  for (const Interface& each : network.interfaces()) {
    if (each.address == address) return each.name;
  }
  return "missing";
}

TEST_P(NetworkConformance, DeliversWhatIsSentToAGroupToEachMember) {
  Inbox first, second, outsider, unused;
  UdpOptions options;
  options.bind.address = Address::unspecified(Family::kIpv4);
  options.reuse_address = true;
  options.multicast =
      Multicast{.groups = {kGroup},
                .interface = interface_with(bob(), stage_->bob_address(Family::kIpv4)),
                .hops = 255};
  const auto one = bob().open_udp(options, first);
  ASSERT_TRUE(one) << one.error().message;
  options.bind.port = (*one)->local().port;
  const auto two = bob().open_udp(options, second);
  ASSERT_TRUE(two) << two.error().message;
  options.multicast->groups.clear();
  const auto three = bob().open_udp(options, outsider);
  ASSERT_TRUE(three) << three.error().message;

  UdpOptions sending;
  sending.bind.address = stage_->alice_address(Family::kIpv4);
  sending.multicast = Multicast{
      .interface = interface_with(alice(), stage_->alice_address(Family::kIpv4)), .hops = 255};
  const auto from = alice().open_udp(sending, unused);
  ASSERT_TRUE(from) << from.error().message;
  SendBatch batch;
  ASSERT_TRUE(batch.add({(*from)->id(), {kGroup, options.bind.port}, {}}, pattern(30)));
  EXPECT_TRUE(send(alice(), batch).empty());
  ASSERT_TRUE(run_until([&] { return first.packets.size() == 1 && second.packets.size() == 1; }));
  EXPECT_EQ(first.packets[0].source, (*from)->local());
  settle();
  EXPECT_TRUE(outsider.packets.empty()) << "it has joined nothing";
}

TEST_P(NetworkConformance, RefusesGroupsThatCannotBeJoined) {
  Inbox unused;
  UdpOptions options;
  options.bind.address = Address::unspecified(Family::kIpv4);
  options.multicast = Multicast{.groups = {kGroup}, .interface = "no-such-thing"};
  EXPECT_EQ(alice().open_udp(options, unused).error().code, Errc::kAddressNotAvailable);
  options.multicast->interface = interface_with(alice(), stage_->alice_address(Family::kIpv4));
  options.multicast->groups = {Address::v4(10, 0, 0, 1)};
  EXPECT_EQ(alice().open_udp(options, unused).error().code, Errc::kInvalidArgument);
}

TEST_P(NetworkConformance, TellsNobodyOfInterfacesThatStayAsTheyAre) {
  int calls = 0;
  auto watch = alice().watch_interfaces([&] { ++calls; });
  const auto other = alice().watch_interfaces([&] { ++calls; });
  settle();
  watch.reset();
  settle();
  EXPECT_EQ(calls, 0);
}

}  // namespace
}  // namespace floe::net::conformance
