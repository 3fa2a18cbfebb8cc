#include "floe/net/send_batch.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "floe/core/limits.h"
#include "floe/core/text.h"

namespace floe::net {
namespace {

Route route_to(std::uint16_t port, Prefix prefix = {}) {
  return {SocketId{1}, {Address::v4(192, 0, 2, 1), port}, prefix};
}

void add(SendBatch& batch, const Route& route, std::size_t size) {
  const MutableBytes space = batch.open(route, size);
  ASSERT_EQ(space.size(), size);
  std::fill(space.begin(), space.end(), static_cast<std::uint8_t>(size));
  batch.commit(size);
}

TEST(SendBatch, JoinsEqualSizesOnOneRouteAndClosesTheRunAtAShorterPacket) {
  SendBatch batch;
  for (const std::size_t size : {100, 100, 60, 60}) add(batch, route_to(1), size);
  ASSERT_EQ(batch.runs().size(), 2u);
  EXPECT_EQ(batch.runs()[0].segments, 3u);
  EXPECT_EQ(batch.runs()[0].segment_size, 100u);
  EXPECT_EQ(batch.runs()[0].size, 260u);
  EXPECT_EQ(batch.packet(batch.runs()[0], 2).size(), 60u);
  EXPECT_EQ(batch.runs()[1].segments, 1u);
  EXPECT_EQ(batch.packets(), 4u);
}

TEST(SendBatch, StartsANewRunForALargerPacketOrAnotherRoute) {
  SendBatch batch;
  add(batch, route_to(1), 50);
  add(batch, route_to(1), 51);
  add(batch, route_to(2), 51);
  EXPECT_EQ(batch.runs().size(), 3u);
}

TEST(SendBatch, KeepsARunWithinWhatTheKernelTakes) {
  SendBatch batch;
  for (std::size_t i = 0; i < 65; ++i) add(batch, route_to(1), 10);
  for (std::size_t i = 0; i < 55; ++i) add(batch, route_to(2), 1200);
  ASSERT_EQ(batch.runs().size(), 4u);
  EXPECT_EQ(batch.runs()[0].segments, SendBatch::kMaxSegments);
  EXPECT_EQ(batch.runs()[2].segments, 54u);
  EXPECT_LE(batch.runs()[2].size, kMaxUdpPayload);
}

TEST(SendBatch, WritesTheChannelDataHeaderAndItsLength) {
  SendBatch batch;
  add(batch, route_to(1, Prefix::channel_data(0x4001, false)), 5);
  const Bytes packet = batch.packet(batch.runs()[0], 0);
  EXPECT_EQ(to_vector(packet), (std::vector<std::uint8_t>{0x40, 1, 0, 5, 5, 5, 5, 5, 5}));
}

TEST(SendBatch, PadsChannelDataOverAStreamToFourBytes) {
  SendBatch batch;
  add(batch, route_to(1, Prefix::channel_data(0x4001, true)), 5);
  const Bytes packet = batch.packet(batch.runs()[0], 0);
  EXPECT_EQ(packet.size(), 12u);
  EXPECT_EQ(packet[3], 5);
}

TEST(SendBatch, PrefixesAStreamPacketWithItsLength) {
  SendBatch batch;
  add(batch, route_to(1, Prefix::rfc4571()), 300);
  const Bytes packet = batch.packet(batch.runs()[0], 0);
  EXPECT_EQ(packet[0], 1);
  EXPECT_EQ(packet[1], 44);
  EXPECT_EQ(packet.size(), 302u);
}

TEST(SendBatch, WrapsAPacketIntoASendIndicationThatIsPaddedOverUdpToo) {
  SendBatch batch;
  const Prefix prefix = Prefix::send_indication({Address::v4(192, 0, 2, 77), 0x1234});
  add(batch, route_to(1, prefix), 5);
  EXPECT_EQ(to_hex(batch.packet(batch.runs()[0], 0)),
            "0016"
            "0018"
            "2112a442"
            "0000000000000000"
            "00000001"
            "00120008"
            "0001"
            "3326"
            "e112a60f"
            "00130005"
            "0505050505"
            "000000");
}

TEST(SendBatch, HidesAnIpv6PeerUnderTheTransactionIdTooAndAsksForTheDontFragmentBit) {
  SendBatch batch;
  const Prefix prefix = Prefix::send_indication(*Endpoint::parse("[2001:db8::1:2:3]:80"),
                                                /*dont_fragment=*/true);
  add(batch, route_to(1, prefix), 4);
  EXPECT_EQ(prefix.size(), Prefix::kMaxSize);
  EXPECT_EQ(to_hex(batch.packet(batch.runs()[0], 0)),
            "0016"
            "0024"
            "2112a442"
            "0000000000000000"
            "00000001"
            "00120014"
            "0002"
            "2142"
            "0113a9fa"
            "00000000"
            "00000001"
            "00020002"
            "001a0000"
            "00130004"
            "04040404");
}

TEST(SendBatch, JoinsSendIndicationsOfOneSizeToOnePeerAndTellsThemApart) {
  SendBatch batch;
  const Prefix one = Prefix::send_indication({Address::v4(192, 0, 2, 77), 1});
  const Prefix other = Prefix::send_indication({Address::v4(192, 0, 2, 77), 2});
  for (int i = 0; i < 3; ++i) add(batch, route_to(1, one), 100);
  add(batch, route_to(1, one), 99);  // Padded to the same size.
  add(batch, route_to(1, other), 100);
  ASSERT_EQ(batch.runs().size(), 2u);
  EXPECT_EQ(batch.runs()[0].segments, 4u);
  EXPECT_EQ(batch.runs()[0].segment_size, 136u);
  EXPECT_NE(to_vector(batch.packet(batch.runs()[0], 0)),
            to_vector(batch.packet(batch.runs()[0], 1)));
}

TEST(SendBatch, RefusesAPayloadThatTheLengthOfAStunMessageCannotSay) {
  SendBatch batch;
  const Route route =
      route_to(1, Prefix::send_indication({Address::unspecified(Family::kIpv6), 1}));
  EXPECT_TRUE(batch.add(route, std::vector<std::uint8_t>(65'504)));
  EXPECT_EQ(batch.packets(), 1u);
  EXPECT_TRUE(batch.add(route, std::vector<std::uint8_t>(65'505)));
  EXPECT_EQ(batch.packets(), 1u);
  ASSERT_EQ(batch.failures().size(), 1u);
  EXPECT_EQ(batch.failures()[0].error.code, Errc::kMessageTooLong);
}

TEST(SendBatch, ForgetsAnAbandonedPacketButSendsAnEmptyOne) {
  SendBatch batch;
  ASSERT_FALSE(batch.open(route_to(1), 100).empty());
  batch.commit(0);
  EXPECT_TRUE(batch.empty());
  EXPECT_TRUE(batch.add_empty(route_to(1)));
  ASSERT_EQ(batch.runs().size(), 1u);
  EXPECT_EQ(batch.packet(batch.runs()[0], 0).size(), 0u);
}

TEST(SendBatch, SaysWhenItIsFullAndKeepsWhatItHas) {
  SendBatch batch;
  const std::vector<std::uint8_t> payload(60'000, 7);
  std::size_t count = 0;
  while (batch.add(route_to(1), payload)) ++count;
  EXPECT_EQ(count, SendBatch::kCapacity / 60'000);
  EXPECT_EQ(batch.packets(), count);
  EXPECT_EQ(batch.packet(batch.runs()[0], 0)[59'999], 7);
  batch.clear();
  EXPECT_TRUE(batch.add(route_to(1), payload));
}

}  // namespace
}  // namespace floe::net
