#include "floe/sdp/attributes.h"

#include <gtest/gtest.h>

#include "floe/sdp/grammar.h"

namespace floe::sdp {
namespace {

TEST(SdpCodec, FindsAFormatParameterByName) {
  const Codec codec{97, {}, "profile-level-id=42e01f; Packetization-Mode=1;useinbandfec ; x=", {}};
  EXPECT_EQ(codec.parameter("profile-level-id"), "42e01f");
  EXPECT_EQ(codec.parameter("packetization-mode"), "1");
  EXPECT_EQ(codec.parameter("useinbandfec"), "");
  EXPECT_EQ(codec.parameter("x"), "");
  EXPECT_EQ(codec.parameter("apt"), std::nullopt);
  EXPECT_EQ(Codec{}.parameter("apt"), std::nullopt);
}

TEST(SdpGrammar, ReadsBackTheNamesOfSetupAndDirection) {
  for (const sdp::Setup setup :
       {sdp::Setup::kActpass, sdp::Setup::kActive, sdp::Setup::kPassive, sdp::Setup::kHoldconn}) {
    EXPECT_EQ(parse_setup(to_string(setup)), setup);
  }
  for (const Direction direction :
       {Direction::kSendrecv, Direction::kSendonly, Direction::kRecvonly, Direction::kInactive}) {
    EXPECT_EQ(parse_direction(to_string(direction)), direction);
  }
  EXPECT_EQ(parse_setup("ACTIVE"), std::nullopt);
  EXPECT_EQ(parse_direction(""), std::nullopt);
}

TEST(SdpGrammar, KnowsTheDigestLengthsOfRfc8122) {
  const std::pair<const char*, std::size_t> lengths[] = {{"md5", 16},     {"sha-1", 20},
                                                         {"sha-224", 28}, {"sha-256", 32},
                                                         {"sha-384", 48}, {"sha-512", 64}};
  for (const auto& [name, bytes] : lengths) {
    std::string digest = "00";
    for (std::size_t i = 1; i < bytes; ++i) digest += ":AB";
    EXPECT_TRUE(parse_fingerprint(std::string(name) + " " + digest)) << name;
    EXPECT_FALSE(parse_fingerprint(std::string(name) + " " + digest + ":AB")) << name;
  }
}

TEST(SdpGrammar, TellsTokensAndIceTextFromOtherText) {
  EXPECT_TRUE(is_token("a1!#$%&'*+-.^_`{|}~"));
  for (const char* text : {"", "a b", "a/b", "a:b", "a\"b", "\xC3\xA9"}) {
    EXPECT_FALSE(is_token(text)) << text;
  }
  EXPECT_TRUE(is_ice_text("azAZ09+/"));
  for (const char* text : {"", "a b", "a-b", "a:b", "a=b"}) EXPECT_FALSE(is_ice_text(text)) << text;
}

}  // namespace
}  // namespace floe::sdp
