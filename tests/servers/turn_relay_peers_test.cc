// Peers of the TURN relay's clients: who may be one, and the packets to and from them.
#include <string>
#include <vector>

#include "tests/servers/turn_relay_fixture.h"

namespace floe::server {
namespace {

using namespace std::chrono_literals;
using stun::AttributeType;
using stun::Class;
using stun::Message;
using stun::Method;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(TurnRelayTest, RefusesPeersThatOnlyANeighbourCouldReach) {
  ASSERT_EQ(code(alice, Method::kAllocate,
                 [](stun::MessageBuilder& b) {
                   udp()(b);
                   b.add_address_family(AttributeType::kAdditionalAddressFamily,
                                        net::Family::kIpv6);
                 }),
            0);
  for (const char* refused : {"127.0.0.1:1",     "10.1.2.3:1",         "192.168.0.1:1",
                              "172.16.0.1:1",    "100.64.0.1:1",       "169.254.1.1:1",
                              "224.0.0.1:1",     "255.255.255.255:1",  "0.0.0.0:1",
                              "0.1.2.3:1",       "240.0.0.1:1",        "[::1]:1",
                              "[::]:1",          "[fe80::1]:1",        "[fd00::1]:1",
                              "[ff02::1]:1",     "[::ffff:8.8.8.8]:1", "[2002:808:808::1]:1",
                              "[2001:0:1::1]:1", "[64:ff9b::7f00:1]:1"}) {
    EXPECT_EQ(code(alice, Method::kCreatePermission, peer(refused)), 403) << refused;
    EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4000, refused)), 403) << refused;
  }
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("[64:ff9b::808:808]:1")), 0);
  EXPECT_EQ(code(alice, Method::kCreatePermission,
                 [](stun::MessageBuilder& b) {
                   peer(kPeer)(b);
                   peer("10.0.0.1:1")(b);
                 }),
            403);
  EXPECT_TRUE(receive(TurnVoice::send_indication(kPeer, "x", nothing())).empty())
      << "all of a request's permissions or none";
}

TEST_F(TurnRelayTest, LetsItsOwnRelaysMeetButNothingElseOnTheMachineBeReached) {
  auto configuration = defaults();
  configuration.own_addresses = {net::Address::v4(192, 0, 2, 20)};
  start(configuration);
  ASSERT_EQ(allocate(endpoint("203.0.113.6:1")), 0);
  const std::string other = last().xor_relayed_address()->to_string();
  ASSERT_EQ(allocate(), 0);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("192.0.2.20:3478")), 403);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer(other)), 0);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4000, other)), 0);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4001, "192.0.2.10:22")), 403);
  EXPECT_THAT(receive(TurnVoice::send_indication(other, "x", nothing())), SizeIs(1));
  EXPECT_THAT(receive(TurnVoice::send_indication("192.0.2.10:22", "x", nothing())), IsEmpty());
}

TEST_F(TurnRelayTest, ObeysTheOperatorsRangesBeforeItsOwn) {
  auto configuration = defaults();
  configuration.peers.allow = {*AddressRange::parse("10.0.0.0/8")};
  configuration.peers.deny = {*AddressRange::parse("10.1.0.0/16"),
                              *AddressRange::parse("198.51.100.0/25")};
  start(configuration);
  ASSERT_EQ(allocate(), 0);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("10.2.0.1:1")), 0);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("10.1.0.1:1")), 403);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("198.51.100.127:1")), 403);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("198.51.100.128:1")), 0);
}

TEST_F(TurnRelayTest, RelaysSendIndicationsToPermittedPeersAndTheirAnswersBack) {
  ASSERT_EQ(allocate(), 0);
  EXPECT_THAT(receive(TurnVoice::send_indication(kPeer, "hi", nothing())), IsEmpty());
  EXPECT_THAT(from_peer("unasked"), IsEmpty());
  EXPECT_EQ(relay->stats().dropped_no_permission, 2u);
  ASSERT_EQ(code(alice, Method::kCreatePermission, peer(kPeer)), 0);

  const auto out = receive(TurnVoice::send_indication(kPeer, "hi", nothing()));
  ASSERT_THAT(out, SizeIs(1));
  EXPECT_EQ(out[0].route, (net::Route{relay_socket(), endpoint(kPeer), {}}));
  EXPECT_EQ(as_text(out[0].bytes), "hi");

  const auto back = from_peer("hello", "198.51.100.7:6000");
  ASSERT_THAT(back, SizeIs(1)) << "the port does not matter";
  EXPECT_EQ(back[0].route, (net::Route{kListener, kClient, {}}));
  const Message indication = Message::parse(back[0].bytes).value();
  EXPECT_EQ(indication.cls(), Class::kIndication);
  EXPECT_EQ(indication.method(), Method::kData);
  EXPECT_EQ(indication.xor_peer_address(), endpoint("198.51.100.7:6000"));
  EXPECT_EQ(as_text(*indication.data()), "hello");

  pass(299s);
  EXPECT_THAT(from_peer("still"), SizeIs(1));
  pass(1s);
  EXPECT_THAT(from_peer("late"), IsEmpty());
  EXPECT_THAT(receive(TurnVoice::send_indication(kPeer, "late", nothing())), IsEmpty());
}

TEST_F(TurnRelayTest, SetsTheDontFragmentBitForAllocationsThatAskAndDropsPacketsOfOthersThatDo) {
  const Add dont_fragment = [](stun::MessageBuilder& b) {
    b.add_flag(AttributeType::kDontFragment);
  };
  ASSERT_EQ(allocate(), 0);
  ASSERT_EQ(code(alice, Method::kCreatePermission, peer(kPeer)), 0);
  EXPECT_THAT(receive(TurnVoice::send_indication(kPeer, "x", dont_fragment)), IsEmpty());
  EXPECT_EQ(relay->stats().dropped_dont_fragment, 1u);
  EXPECT_EQ(host.with_dont_fragment, 0);
  const net::Endpoint other = endpoint("203.0.113.5:4001");
  ASSERT_EQ(code(
                alice, Method::kAllocate,
                [&](stun::MessageBuilder& b) {
                  udp()(b);
                  dont_fragment(b);
                },
                other),
            0);
  EXPECT_EQ(host.with_dont_fragment, 1);
  ASSERT_EQ(code(alice, Method::kCreatePermission, peer(kPeer), other), 0);
  EXPECT_THAT(receive(TurnVoice::send_indication(kPeer, "x", dont_fragment), other), SizeIs(1));
}

TEST_F(TurnRelayTest, RelaysATrainOnAChannelAsOneRunInEachDirection) {
  ASSERT_EQ(allocate(), 0);
  ASSERT_EQ(code(alice, Method::kChannelBind, channel(0x4001, kPeer)), 0);
  const std::string payload(1'000, 'x');
  net::SendBatch batch;
  for (int i = 0; i < 30; ++i) {
    Packet packet = TurnVoice::channel_data(0x4001, payload);
    relay->handle_packet(now, {packet, kClient, kListener}, batch);
  }
  ASSERT_THAT(batch.runs(), SizeIs(1));
  EXPECT_EQ(batch.runs()[0].segments, 30u);
  EXPECT_EQ(batch.runs()[0].route, (net::Route{relay_socket(), endpoint(kPeer), {}}));
  EXPECT_EQ(as_text(batch.packet(batch.runs()[0], 29)), payload);

  net::SendBatch back;
  for (int i = 0; i < 30; ++i) {
    Packet packet = to_vector(as_bytes(payload));
    relay->handle_packet(now, {packet, endpoint(kPeer), relay_socket()}, back);
  }
  ASSERT_THAT(back.runs(), SizeIs(1));
  EXPECT_EQ(to_vector(back.packet(back.runs()[0], 7)), TurnVoice::channel_data(0x4001, payload));
  EXPECT_EQ(relay->stats().bytes_to_peers, 30'000u);
  EXPECT_EQ(relay->stats().bytes_to_clients, 30'000u);
}

TEST_F(TurnRelayTest, StopsRelayingOnAChannelTheMomentWhatItStandsOnEnds) {
  ASSERT_EQ(allocate(), 0);
  ASSERT_EQ(code(alice, Method::kChannelBind, channel(0x4001, kPeer)), 0);
  EXPECT_THAT(from_peer("in time"), SizeIs(1));
  pass(300s);
  EXPECT_THAT(from_peer("the permission is gone"), IsEmpty());
  EXPECT_THAT(receive(TurnVoice::channel_data(0x4001, "the channel is not")), SizeIs(1));
  ASSERT_EQ(code(alice, Method::kRefresh, nothing()), 0);
  pass(300s);
  EXPECT_THAT(receive(TurnVoice::channel_data(0x4001, "now it is")), IsEmpty());
  ASSERT_EQ(code(alice, Method::kChannelBind, channel(0x4001, "198.51.100.8:1")), 0);
  EXPECT_THAT(receive(TurnVoice::channel_data(0x4001, "another")), SizeIs(1));
  ASSERT_EQ(code(alice, Method::kRefresh, lifetime(0)), 0);
  EXPECT_THAT(receive(TurnVoice::channel_data(0x4001, "nobody's")), IsEmpty());
  EXPECT_EQ(relay->stats().dropped_no_allocation, 1u);
}

TEST_F(TurnRelayTest, BindsOneChannelToOnePeer) {
  ASSERT_EQ(allocate(), 0);
  ASSERT_EQ(code(alice, Method::kChannelBind, channel(0x4001, kPeer)), 0);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4001, kPeer)), 0);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4001, "198.51.100.8:1")), 400);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4002, kPeer)), 400);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x3fff, "198.51.100.8:1")), 400);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x8000, "198.51.100.8:1")), 400);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x7fff, "198.51.100.8:1")), 0);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4003, "[2001:db8::1]:1")), 443);
  EXPECT_EQ(code(alice, Method::kChannelBind, peer(kPeer)), 400);
  EXPECT_EQ(code(alice, Method::kCreatePermission, nothing()), 400);
}

TEST_F(TurnRelayTest, CarriesDatagramsWithoutPayload) {
  ASSERT_EQ(allocate(), 0);
  ASSERT_EQ(code(alice, Method::kChannelBind, channel(0x4001, kPeer)), 0);
  const auto out = receive(TurnVoice::channel_data(0x4001, ""));
  ASSERT_THAT(out, SizeIs(1));
  EXPECT_THAT(out[0].bytes, IsEmpty());
  EXPECT_EQ(from_peer("").at(0).bytes, TurnVoice::channel_data(0x4001, ""));
}

TEST_F(TurnRelayTest, BoundsThePermissionsAndChannelsOfOneAllocation) {
  ASSERT_EQ(allocate(), 0);
  const auto nth = [](std::size_t i) {
    return "198.51." + std::to_string(i / 200) + "." + std::to_string(i % 200 + 1) + ":9";
  };
  for (std::size_t i = 0; i < Allocation::kMaxChannels; ++i) {
    const auto number = static_cast<std::uint16_t>(0x4000 + i);
    ASSERT_EQ(code(alice, Method::kChannelBind, channel(number, nth(i))), 0);
  }
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4abc, "203.0.113.77:1")), 508);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("203.0.113.77:1")), 508);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer(nth(3))), 0) << "one that is there";
  pass(301s);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("203.0.113.77:1")), 0);
}

TEST_F(TurnRelayTest, TellsTheExternalAddressBehindAOneToOneNatAndRecognizesItInPeers) {
  auto configuration = defaults();
  configuration.relay_addresses = {
      {net::Address::v4(10, 0, 0, 5), net::Address::v4(192, 0, 2, 10)}};
  start(configuration);
  ASSERT_EQ(allocate(endpoint("203.0.113.6:1")), 0);
  const net::Endpoint other = *last().xor_relayed_address();
  EXPECT_EQ(other.address, net::Address::v4(192, 0, 2, 10));
  EXPECT_EQ(host.open.begin()->second, (net::Endpoint{net::Address::v4(10, 0, 0, 5), other.port}));
  ASSERT_EQ(allocate(), 0);
  ASSERT_EQ(code(alice, Method::kCreatePermission, peer(other.to_string())), 0);
  const auto out = receive(TurnVoice::send_indication(other.to_string(), "x", nothing()));
  ASSERT_THAT(out, SizeIs(1));
  EXPECT_EQ(out[0].route.destination, host.open.begin()->second);
  const auto back = receive({1, 2}, host.open.begin()->second, host.open.rbegin()->first);
  ASSERT_THAT(back, SizeIs(1));
  EXPECT_EQ(Message::parse(back[0].bytes)->xor_peer_address(), other);
}

TEST_F(TurnRelayTest, AnswersBindingRequestsAndDropsWhatItCannotRead) {
  Packet space(64);
  stun::MessageBuilder binding(space, Class::kRequest, Method::kBinding, {1});
  const auto sent = receive(to_vector(binding.bytes()));
  EXPECT_EQ(Message::parse(sent.at(0).bytes)->xor_mapped_address(), kClient);
  for (const Packet& junk :
       std::vector<Packet>{{}, {0}, {0x40}, {0x40, 0, 0, 9, 1}, {0x80, 1}, {0, 3, 0, 0}}) {
    EXPECT_THAT(receive(junk), IsEmpty());
  }
  EXPECT_EQ(relay->stats().dropped_malformed, 6u);
}

}  // namespace
}  // namespace floe::server
