#include "floe/stun_client/credentials.h"

#include <gtest/gtest.h>

#include <string>

#include "floe/core/text.h"
#include "floe/stun_client/ephemeral_credential.h"

namespace floe::stun {
namespace {

using namespace std::literals;

TEST(StunCredentials, DerivesTheKeyThatTheStandardPrints) {
  // RFC 8489 section 9.2.2.
  EXPECT_EQ(to_hex(long_term_key("user", "realm", "pass").value()),
            "8493fbc53ba582fb4c044c456bdc40eb");
}

TEST(StunCredentials, Sha256KeysHave32Bytes) {
  // sha256("user:realm:pass")
  EXPECT_EQ(to_hex(long_term_key("user", "realm", "pass", PasswordAlgorithm::kSha256).value()),
            "07e934117abd40836e7c6329b54731b2b2d2a5f9a71f544922d75e0730d8251b");
}

TEST(StunCredentials, QuotesAndTrailingZerosAreNotPartOfTheKey) {
  EXPECT_EQ(long_term_key("\"user\"", "\"realm\"", "pass").value(),
            long_term_key("user", "realm", "pass").value());
  EXPECT_EQ(long_term_key("user\0\0"s, "realm\0"s, "pass\0"s).value(),
            long_term_key("user", "realm", "pass").value());
  EXPECT_NE(long_term_key("user", "realm", "\"pass\"").value(),
            long_term_key("user", "realm", "pass").value());
}

TEST(StunCredentials, AShortTermKeyIsThePasswordItself) {
  EXPECT_EQ(short_term_key("VOkJxbRl1RmTxUk/WvJxBt").value(),
            to_vector(as_bytes("VOkJxbRl1RmTxUk/WvJxBt")));
}

TEST(StunCredentials, SpacesBecomeTheOneOfAscii) {
  // RFC 8265 section 4.3, example 3: an OGHAM SPACE MARK.
  EXPECT_EQ(opaque_string("foo\u1680bar"), "foo bar");
  EXPECT_EQ(opaque_string("a\u00a0b\u3000c d"), "a b c d");
}

TEST(StunCredentials, CaseSymbolsAndOtherScriptsStayAsTheyAre) {
  // RFC 8265 section 4.3, examples 1, 2 and 4.
  for (const std::string_view text :
       {"correct horse battery staple", "Correct Horse", "\u03c0\u00df\u00e5", "Jack of \u2666s"}) {
    EXPECT_EQ(opaque_string(text), text);
  }
}

TEST(StunCredentials, RefusesWhatTheProfileRefuses) {
  // RFC 8265 section 4.3, examples 5 and 6: empty, and a control character.
  for (const std::string_view text :
       {""sv, "my cat is a \tby"sv, "a\0b"sv, "a\x7f"sv, "a\u0085"sv, "a\u00adb"sv, "\ufeff"sv,
        "a\u200bb"sv, "\ufdd0"sv, "\xff"sv, "\xc0\xaf"sv}) {
    const Result<std::string> opaque = opaque_string(text);
    EXPECT_FALSE(opaque) << quoted(text);
  }
  EXPECT_FALSE(long_term_key("", "realm", "pass"));
  EXPECT_FALSE(long_term_key("user", "", "pass"));
  EXPECT_FALSE(long_term_key("user", "realm", ""));
  EXPECT_FALSE(short_term_key(""));
  EXPECT_FALSE(user_hash("", "realm"));
  EXPECT_EQ(long_term_key("user", "a\nb", "pass").error().message,
            "realm: the text has a control or invisible character at byte 1");
}

TEST(StunCredentials, TheNonceCookieCarriesTheSecurityFeatures) {
  // "obMatJos2" and 24 bits in base64, bit 0 first (RFC 8489 sections 9.2, 18.1).
  EXPECT_EQ(nonce_cookie({}), "obMatJos2AAAA");
  EXPECT_EQ(nonce_cookie({.password_algorithms = true, .username_anonymity = false}),
            "obMatJos2gAAA");
  EXPECT_EQ(nonce_cookie({.password_algorithms = false, .username_anonymity = true}),
            "obMatJos2QAAA");
  for (const SecurityFeatures features :
       {SecurityFeatures{}, SecurityFeatures{true, false}, SecurityFeatures{false, true},
        SecurityFeatures{true, true}}) {
    EXPECT_EQ(security_features(nonce_cookie(features) + "rest"), features);
  }
}

TEST(StunCredentials, NoncesWithoutAWholeCookieClaimNothing) {
  for (const std::string_view nonce : {"", "obMatJos2", "obMatJos2gAA", "obMatJos2====", "xgAAA",
                                       "f//499k954d6OL34oL9FSTvy64sA"}) {
    EXPECT_EQ(security_features(nonce), SecurityFeatures()) << nonce;
  }
  // RFC 8656 section 20 prints this one.
  EXPECT_TRUE(security_features("obMatJos2gAAAadl7W7PeDU4hKE72jda").password_algorithms);
}

TEST(StunCredentials, EphemeralOnesAreWhatTheTurnRestApiIssues) {
  // The password: openssl dgst -sha1 -hmac north -binary | base64
  const EphemeralCredential credential = ephemeral_credential("north", "alice", 1'433'895'918);
  EXPECT_EQ(credential.username, "1433895918:alice");
  EXPECT_EQ(credential.password, "RqMvcGPYTJMGThVLSi4amT4zFtI=");
  EXPECT_EQ(ephemeral_password("north", credential.username), credential.password);
  EXPECT_EQ(ephemeral_expiry(credential.username), 1'433'895'918u);
  EXPECT_EQ(ephemeral_credential("north", "", 5).username, "5");
  EXPECT_EQ(ephemeral_expiry("5"), 5u);
  for (const std::string_view username : {"", "alice", "12x:alice", "-1:alice", ":alice"}) {
    EXPECT_EQ(ephemeral_expiry(username), std::nullopt) << username;
  }
}

}  // namespace
}  // namespace floe::stun
