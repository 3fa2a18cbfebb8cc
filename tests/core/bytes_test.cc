#include "floe/core/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace floe {
namespace {

TEST(ByteReader, ReadsNetworkByteOrder) {
  const std::vector<std::uint8_t> bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.u8(), 1);
  EXPECT_EQ(reader.u16(), 0x0203);
  EXPECT_EQ(reader.u24(), 0x040506u);
  EXPECT_EQ(reader.u32(), 0x0708090au);
  EXPECT_TRUE(reader.ok());
  EXPECT_EQ(reader.remaining(), 0u);
}

TEST(ByteReader, StaysNotOkOnceItReadPastTheEnd) {
  const std::vector<std::uint8_t> bytes = {1, 2};
  ByteReader reader(bytes);
  EXPECT_EQ(reader.u32(), 0u);
  EXPECT_FALSE(reader.ok());
  EXPECT_EQ(reader.u8(), 0);
  EXPECT_TRUE(reader.bytes(1).empty());
  EXPECT_FALSE(reader.ok());
}

TEST(ByteWriter, WritesWhatTheReaderReads) {
  std::vector<std::uint8_t> space(16);
  ByteWriter writer(space);
  writer.u16(0xffff);
  writer.u64(0x0102030405060708);
  writer.bytes(as_bytes("ab"));
  writer.zeros(1);
  writer.patch_u16(0, 0x1234);
  ASSERT_TRUE(writer.ok());
  ByteReader reader(writer.written());
  EXPECT_EQ(reader.u16(), 0x1234);
  EXPECT_EQ(reader.u64(), 0x0102030405060708u);
  EXPECT_EQ(as_text(reader.bytes(2)), "ab");
  EXPECT_EQ(reader.u8(), 0);
}

TEST(ByteWriter, WritesNothingPastTheEnd) {
  std::vector<std::uint8_t> space(3, 9);
  ByteWriter writer(space);
  writer.u16(1);
  writer.u16(2);
  EXPECT_FALSE(writer.ok());
  EXPECT_EQ(writer.size(), 2u);
  EXPECT_THAT(space, testing::ElementsAre(0, 1, 9));
}

}  // namespace
}  // namespace floe
