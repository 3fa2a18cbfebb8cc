#include "floe/dtls/record.h"

#include <gtest/gtest.h>

#include <vector>

namespace floe::dtls {
namespace {

std::vector<std::uint8_t> record(std::uint8_t type, std::uint16_t epoch,
                                 const std::vector<std::uint8_t>& body) {
  std::vector<std::uint8_t> bytes(Record::kHeaderSize + body.size());
  ByteWriter writer(bytes);
  writer.u8(type);
  writer.u16(0xfefd);
  writer.u16(epoch);
  writer.zeros(6);
  writer.u16(static_cast<std::uint16_t>(body.size()));
  writer.bytes(body);
  return bytes;
}

std::vector<std::uint8_t> message(std::uint8_t type, std::uint32_t length, std::uint32_t offset,
                                  std::uint32_t fragment, std::size_t present) {
  std::vector<std::uint8_t> bytes(12 + present);
  ByteWriter writer(bytes);
  writer.u8(type);
  writer.u24(length);
  writer.u16(0);
  writer.u24(offset);
  writer.u24(fragment);
  writer.zeros(present);
  return bytes;
}

std::optional<DropReason> why_drop(std::uint8_t type, const std::vector<std::uint8_t>& body,
                                   Role own = Role::kServer) {
  const auto bytes = record(type, 0, body);
  Bytes rest = bytes;
  const auto parsed = next_record(rest);
  EXPECT_TRUE(parsed.has_value());
  return why_drop_unencrypted(*parsed, own);
}

TEST(Record, ReadsSeveralFromOneDatagram) {
  auto datagram = record(22, 0, {1, 2, 3});
  const auto second = record(23, 1, {4});
  datagram.insert(datagram.end(), second.begin(), second.end());
  Bytes rest = datagram;
  const auto a = next_record(rest);
  ASSERT_TRUE(a.has_value());
  EXPECT_TRUE(a->is(ContentType::kHandshake));
  EXPECT_FALSE(a->encrypted());
  EXPECT_EQ(a->body.size(), 3u);
  EXPECT_EQ(a->whole.size(), 16u);
  const auto b = next_record(rest);
  ASSERT_TRUE(b.has_value());
  EXPECT_TRUE(b->is(ContentType::kApplicationData));
  EXPECT_TRUE(b->encrypted());
  EXPECT_TRUE(rest.empty());
}

TEST(Record, RefusesEveryTruncation) {
  const auto whole = record(22, 0, {1, 2, 3});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    Bytes rest = Bytes(whole).first(size);
    EXPECT_FALSE(next_record(rest).has_value()) << size;
  }
}

TEST(Record, RefusesOtherProtocolsVersionsAndEmptyBodies) {
  auto bytes = record(22, 0, {1});
  bytes[1] = 3;
  Bytes rest = bytes;
  EXPECT_FALSE(next_record(rest).has_value());
  const auto empty = record(22, 0, {});
  rest = empty;
  EXPECT_FALSE(next_record(rest).has_value());
}

TEST(Record, LeavesTheUnifiedHeaderOfDtls13ToTheRecordLayer) {
  const std::vector<std::uint8_t> bytes = {0x2f, 0, 1, 2, 3};
  Bytes rest = bytes;
  const auto parsed = next_record(rest);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_TRUE(parsed->unified());
  EXPECT_TRUE(parsed->encrypted());
  EXPECT_EQ(parsed->whole.size(), 5u);
  EXPECT_TRUE(rest.empty());
}

TEST(Record, KeepsHandshakeMessagesThatThePeersRoleSends) {
  EXPECT_EQ(why_drop(22, message(1, 4, 0, 4, 4)), std::nullopt);
  EXPECT_EQ(why_drop(22, message(1, 100, 40, 4, 4)), std::nullopt);
  EXPECT_EQ(why_drop(22, message(14, 0, 0, 0, 0), Role::kClient), std::nullopt);
  auto two = message(11, 2, 0, 2, 2);
  const auto second = message(16, 1, 0, 1, 1);
  two.insert(two.end(), second.begin(), second.end());
  EXPECT_EQ(why_drop(22, two), std::nullopt);
}

TEST(Record, DropsHandshakeMessagesThatOnlyTheOtherRoleSends) {
  EXPECT_EQ(why_drop(22, message(2, 4, 0, 4, 4)), DropReason::kUnexpected);
  EXPECT_EQ(why_drop(22, message(1, 4, 0, 4, 4), Role::kClient), DropReason::kUnexpected);
  EXPECT_EQ(why_drop(22, message(0, 0, 0, 0, 0), Role::kClient), DropReason::kUnexpected);
  EXPECT_EQ(why_drop(22, message(20, 12, 0, 12, 12)), DropReason::kUnexpected);
  EXPECT_EQ(why_drop(22, message(99, 4, 0, 4, 4)), DropReason::kUnexpected);
}

TEST(Record, DropsHandshakeFragmentsThatContradictThemselves) {
  EXPECT_EQ(why_drop(22, message(1, 4, 0, 5, 5)), DropReason::kMalformed);
  EXPECT_EQ(why_drop(22, message(1, 4, 3, 2, 2)), DropReason::kMalformed);
  EXPECT_EQ(why_drop(22, message(1, 4, 0, 4, 3)), DropReason::kMalformed);
  EXPECT_EQ(why_drop(22, message(1, 4, 0, 0, 0)), DropReason::kMalformed);
  EXPECT_EQ(why_drop(22, message(1, 200'000, 0, 4, 4)), DropReason::kMalformed);
  EXPECT_EQ(why_drop(22, {1, 0, 0}), DropReason::kMalformed);
}

TEST(Record, DropsOtherUnencryptedTypesThanTheHandshakeNeeds) {
  EXPECT_EQ(why_drop(20, {1}), std::nullopt);
  EXPECT_EQ(why_drop(20, {2}), DropReason::kMalformed);
  EXPECT_EQ(why_drop(20, {1, 1}), DropReason::kMalformed);
  EXPECT_EQ(why_drop(23, {1}), DropReason::kUnexpected);
  EXPECT_EQ(why_drop(26, {1}), DropReason::kUnexpected);
}

}  // namespace
}  // namespace floe::dtls
