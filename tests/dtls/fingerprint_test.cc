#include "floe/dtls/fingerprint.h"

#include <gtest/gtest.h>

namespace floe::dtls {
namespace {

constexpr std::string_view kSha256OfAbc =
    "sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:"
    "F2:00:15:AD";
constexpr std::string_view kSha1OfAbc =
    "sha-1 A9:99:3E:36:47:06:81:6A:BA:3E:25:71:78:50:C2:6C:9C:D0:D8:9D";

Fingerprint parsed(std::string_view text) {
  auto fingerprint = Fingerprint::parse(text);
  EXPECT_TRUE(fingerprint.has_value()) << text;
  return *fingerprint;
}

TEST(Fingerprint, ReadsAndWritesTheFormOfRfc8122) {
  const Fingerprint fingerprint = parsed(kSha256OfAbc);
  EXPECT_EQ(fingerprint.algorithm, "sha-256");
  ASSERT_EQ(fingerprint.bytes.size(), 32u);
  EXPECT_EQ(fingerprint.bytes[0], 0xba);
  EXPECT_EQ(fingerprint.to_string(), kSha256OfAbc);
}

TEST(Fingerprint, TakesNamesAndDigitsInEitherCase) {
  const Fingerprint fingerprint =
      parsed("SHA-1 a9:99:3e:36:47:06:81:6a:ba:3e:25:71:78:50:c2:6c:9c:d0:d8:9d");
  EXPECT_EQ(fingerprint.to_string(), kSha1OfAbc);
}

TEST(Fingerprint, HashesWithEachFunctionItKnows) {
  for (const auto& [name, size] : std::vector<std::pair<std::string, std::size_t>>{
           {"sha-1", 20}, {"sha-224", 28}, {"sha-256", 32}, {"sha-384", 48}, {"sha-512", 64}}) {
    const auto fingerprint = Fingerprint::of(as_bytes("abc"), name);
    ASSERT_TRUE(fingerprint.has_value());
    EXPECT_EQ(fingerprint->bytes.size(), size);
    EXPECT_EQ(parsed(fingerprint->to_string()), *fingerprint);
  }
  EXPECT_EQ(Fingerprint::of(as_bytes("abc"))->to_string(), kSha256OfAbc);
  EXPECT_EQ(Fingerprint::of(as_bytes("abc"), "SHA-1")->to_string(), kSha1OfAbc);
}

TEST(Fingerprint, CallsHashFunctionsItMustNotUseUnsupported) {
  EXPECT_EQ(Fingerprint::parse("md5 90:01:50:98:3C:D2:4F:B0:D6:96:3F:7D:28:E1:7F:72").error().code,
            Errc::kUnsupported);
  EXPECT_EQ(Fingerprint::parse("sha-3 00").error().code, Errc::kUnsupported);
  EXPECT_EQ(Fingerprint::of(as_bytes("abc"), "md5").error().code, Errc::kUnsupported);
}

TEST(Fingerprint, RefusesWhatIsNotBytesBetweenColons) {
  const std::string good(kSha1OfAbc);
  EXPECT_EQ(Fingerprint::parse("").error().code, Errc::kMalformed);
  EXPECT_EQ(Fingerprint::parse("sha-1").error().code, Errc::kMalformed);
  EXPECT_EQ(Fingerprint::parse(good.substr(0, good.size() - 3)).error().code, Errc::kMalformed);
  EXPECT_EQ(Fingerprint::parse(good + ":00").error().code, Errc::kMalformed);
  for (std::size_t at = 6; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = 'x';
    EXPECT_EQ(Fingerprint::parse(bad).error().code, Errc::kMalformed) << bad;
  }
}

TEST(Fingerprint, MatchesIfOneOfSeveralCertificatesIsMeant) {
  const std::vector<Fingerprint> promised = {*Fingerprint::of(as_bytes("other")),
                                             *Fingerprint::of(as_bytes("abc"))};
  EXPECT_TRUE(matches(as_bytes("abc"), promised));
  EXPECT_TRUE(matches(as_bytes("other"), promised));
  EXPECT_FALSE(matches(as_bytes("third"), promised));
}

TEST(Fingerprint, CountsOnlyThoseOfTheStrongestHashFunction) {
  const std::vector<Fingerprint> promised = {*Fingerprint::of(as_bytes("abc"), "sha-1"),
                                             *Fingerprint::of(as_bytes("other"), "sha-256")};
  EXPECT_FALSE(matches(as_bytes("abc"), promised));
  EXPECT_TRUE(matches(as_bytes("other"), promised));
}

TEST(Fingerprint, MatchesNothingWithoutAUsableFingerprint) {
  EXPECT_FALSE(matches(as_bytes("abc"), {}));
  const std::vector<Fingerprint> unknown = {{"sha-9", {1, 2, 3}}};
  EXPECT_FALSE(matches(as_bytes("abc"), unknown));
  std::vector<Fingerprint> cut = {*Fingerprint::of(as_bytes("abc"))};
  cut[0].bytes.pop_back();
  EXPECT_FALSE(matches(as_bytes("abc"), cut));
}

}  // namespace
}  // namespace floe::dtls
