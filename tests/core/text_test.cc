#include "floe/core/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace floe {
namespace {

using testing::ElementsAre;

TEST(Text, SplitKeepsEmptyParts) {
  EXPECT_THAT(split("a,,b", ','), ElementsAre("a", "", "b"));
  EXPECT_THAT(split("", ','), ElementsAre(""));
}

TEST(Text, ParseDecimalTakesWholeUnsignedNumbersOnly) {
  EXPECT_EQ(parse_decimal<std::uint16_t>("65535"), 65535);
  for (const char* bad : {"65536", "", "-1", "+1", " 1", "1 ", "0x1", "1.0"}) {
    EXPECT_EQ(parse_decimal<std::uint16_t>(bad), std::nullopt) << bad;
  }
}

TEST(Text, Base64MatchesTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "Zg=="},
                                                         {"fo", "Zm8="},
                                                         {"foo", "Zm9v"},
                                                         {"foob", "Zm9vYg=="},
                                                         {"fooba", "Zm9vYmE="},
                                                         {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, encoded] : vectors) {
    EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
    const auto decoded = from_base64(encoded);
    ASSERT_TRUE(decoded);
    EXPECT_EQ(as_text(*decoded), plain);
  }
}

TEST(Text, Base64RefusesWhatIsNotCanonical) {
  for (const char* bad : {"Zg", "Zg=", "Zh==", "Z===", "====", "Zg==Zg==", "Zm9v\n", "Zm 9"}) {
    EXPECT_FALSE(from_base64(bad)) << bad;
  }
}

TEST(Text, HexRoundTripsAndRefusesOddOrForeignDigits) {
  EXPECT_EQ(to_hex(as_bytes("\x01\xfe")), "01fe");
  EXPECT_EQ(from_hex("01FE"), (std::vector<std::uint8_t>{1, 0xfe}));
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(Text, Utf8RefusesOverlongFormsSurrogatesAndCutSequences) {
  for (const char* good : {"", "plain", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    EXPECT_TRUE(is_utf8(as_bytes(good))) << good;
  }
  for (const char* bad : {"\x80", "\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                          "\xc3", "\xe2\x82", "\xff"}) {
    EXPECT_FALSE(is_utf8(as_bytes(bad))) << quoted(bad);
  }
}

TEST(Text, QuotedMakesControlBytesVisibleAndCutsLongText) {
  EXPECT_EQ(quoted("a\nb"), "\"a\\x0ab\"");
  EXPECT_EQ(quoted("abcdef", 3), "\"abc...\"");
}

}  // namespace
}  // namespace floe
