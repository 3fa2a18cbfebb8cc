#include "floe/crypto/crypto.h"

#include <gtest/gtest.h>

#include "floe/core/text.h"

namespace floe::crypto {
namespace {

TEST(Crypto, DigestsMatchTheirStandardsVectors) {
  EXPECT_EQ(to_hex(md5(as_bytes("abc"))), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(to_hex(sha1(as_bytes("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(to_hex(sha256(as_bytes("abc"))),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Crypto, HmacTakesItsDataInParts) {
  // RFC 2202 case 2 and RFC 4231 case 2
  const Bytes parts[] = {as_bytes("what do ya want "), as_bytes("for nothing?")};
  EXPECT_EQ(to_hex(hmac_sha1(as_bytes("Jefe"), parts)), "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
  EXPECT_EQ(to_hex(hmac_sha256(as_bytes("Jefe"), parts)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(hmac_sha1({}, {})), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d");
}

TEST(Crypto, StreamedDigestEqualsTheWholeOne) {
  Sha256Stream stream;
  stream.update(as_bytes("a"));
  stream.update({});
  stream.update(as_bytes("bc"));
  EXPECT_EQ(stream.finish(), sha256(as_bytes("abc")));
}

TEST(Crypto, Crc32MatchesZlibAndCrc32cMatchesRfc3720) {
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xcbf43926u);
  EXPECT_EQ(crc32c(as_bytes("123456789")), 0xe3069283u);
  const std::vector<std::uint8_t> zeros(32, 0);
  EXPECT_EQ(crc32c(zeros), 0x8a9136aau);
}

TEST(Crypto, Crc32cGoesOnFromAnEarlierPart) {
  EXPECT_EQ(crc32c(as_bytes("6789"), crc32c(as_bytes("12345"))), crc32c(as_bytes("123456789")));
}

TEST(Crypto, ConstantTimeEqualComparesLengthAndContent) {
  EXPECT_TRUE(constant_time_equal(as_bytes("ab"), as_bytes("ab")));
  EXPECT_FALSE(constant_time_equal(as_bytes("ab"), as_bytes("ac")));
  EXPECT_FALSE(constant_time_equal(as_bytes("ab"), as_bytes("abc")));
  EXPECT_TRUE(constant_time_equal({}, {}));
}

}  // namespace
}  // namespace floe::crypto
