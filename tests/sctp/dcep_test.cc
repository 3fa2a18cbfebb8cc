#include "floe/sctp/dcep.h"

#include <gtest/gtest.h>

#include "floe/core/text.h"

namespace floe::sctp {
namespace {

std::vector<std::uint8_t> hex(std::string_view text) {
  return from_hex(text).value();
}

DcepOpen parse_open(std::string_view text) {
  const auto message = parse_dcep(hex(text));
  EXPECT_TRUE(message) << message.error().message;
  return std::get<DcepOpen>(*message);
}

TEST(Dcep, WritesOpenAsSection51DrawsIt) {
  DcepOpen open;
  open.label = "chat";
  open.protocol = "v1";
  EXPECT_EQ(to_hex(*serialize(open)),
            "0300010000000000000400026368617476"
            "31");
}

TEST(Dcep, GivesEachReliabilityItsChannelType) {
  DcepOpen open;
  EXPECT_EQ((*serialize(open))[1], 0x00);
  open.ordered = false;
  EXPECT_EQ((*serialize(open))[1], 0x80);
  open.max_retransmits = 7;
  EXPECT_EQ(to_hex(*serialize(open)), "038101000000000700000000");
  open.ordered = true;
  EXPECT_EQ((*serialize(open))[1], 0x01);
  open.max_retransmits.reset();
  open.max_packet_life_time = 0xfffffffe;
  EXPECT_EQ(to_hex(*serialize(open)), "03020100fffffffe00000000");
  open.ordered = false;
  EXPECT_EQ((*serialize(open))[1], 0x82);
}

TEST(Dcep, ReadsWhatItWrites) {
  DcepOpen open;
  open.label = std::string(65'535, 'x');
  open.protocol = "\xc3\xa9";
  open.ordered = false;
  open.max_packet_life_time = 0;
  open.priority = 1024;
  const auto read = parse_dcep(*serialize(open));
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<DcepOpen>(*read), open);
  EXPECT_TRUE(std::holds_alternative<DcepAck>(*parse_dcep(serialize(DcepAck{}))));
}

TEST(Dcep, IgnoresTheReliabilityParameterOfReliableChannels) {
  const DcepOpen open = parse_open("03000100deadbeef00000000");
  EXPECT_FALSE(open.max_retransmits);
  EXPECT_FALSE(open.max_packet_life_time);
}

TEST(Dcep, RefusesEveryTruncation) {
  DcepOpen open;
  open.label = "label";
  open.protocol = "protocol";
  const auto whole = *serialize(open);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_dcep(Bytes(whole).first(size))) << size;
  }
}

TEST(Dcep, RefusesLengthsThatRunPastTheEndAndBytesAfterIt) {
  EXPECT_FALSE(parse_dcep(hex("0300010000000000ffff0000")));
  EXPECT_FALSE(parse_dcep(hex("03000100000000000000ffff")));
  EXPECT_FALSE(parse_dcep(hex("03000100000000000000000000")));
  EXPECT_FALSE(parse_dcep(hex("0200")));
}

TEST(Dcep, RefusesUnknownMessageAndChannelTypes) {
  EXPECT_FALSE(parse_dcep(hex("00")));
  EXPECT_FALSE(parse_dcep(hex("01")));
  EXPECT_FALSE(parse_dcep(hex("ff")));
  EXPECT_FALSE(parse_dcep(hex("037f01000000000000000000")));
  EXPECT_FALSE(parse_dcep(hex("03ff01000000000000000000")));
  EXPECT_FALSE(parse_dcep(hex("030301000000000000000000")));
}

TEST(Dcep, RefusesTextThatIsNotUtf8) {
  EXPECT_FALSE(parse_dcep(hex("030001000000000000010000ff")));
  EXPECT_FALSE(parse_dcep(hex("030001000000000000000001c0")));
  DcepOpen open;
  open.label = "\xff";
  EXPECT_FALSE(serialize(open));
  open.label = std::string(65'536, 'x');
  EXPECT_FALSE(serialize(open));
  open.label.clear();
  open.max_retransmits = 1;
  open.max_packet_life_time = 1;
  EXPECT_FALSE(serialize(open));
}

}  // namespace
}  // namespace floe::sctp
