#include "floe/dtls/identity.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/dtls/openssl_peer.h"

namespace floe::dtls {
namespace {

using ::testing::HasSubstr;
constexpr std::chrono::sys_seconds kNow{std::chrono::seconds(1'800'000'000)};

TEST(Identity, GeneratesADifferentCertificateEachTime) {
  const auto a = Identity::generate(kNow);
  const auto b = Identity::generate(kNow);
  ASSERT_TRUE(a.has_value() && b.has_value());
  EXPECT_NE((*a)->fingerprint()->to_string(), (*b)->fingerprint()->to_string());
}

TEST(Identity, ExpiresWhenItsLifetimeIsOver) {
  Identity::Options options;
  options.lifetime = std::chrono::hours(5);
  EXPECT_EQ((*Identity::generate(kNow, options))->expires(), kNow + std::chrono::hours(5));
  EXPECT_EQ((*Identity::generate(kNow))->expires(), kNow + std::chrono::days(30));
}

TEST(Identity, RefusesLifetimesAndNamesNoCertificateCanHave) {
  Identity::Options options;
  options.lifetime = std::chrono::seconds(1);
  EXPECT_THAT(Identity::generate(kNow, options).error().message, HasSubstr("lifetime"));
  options.lifetime = std::chrono::days(1);
  options.common_name = std::string(65, 'a');
  EXPECT_THAT(Identity::generate(kNow, options).error().message, HasSubstr("common name"));
  options.common_name = "\xff";
  EXPECT_THAT(Identity::generate(kNow, options).error().message, HasSubstr("common name"));
  options.common_name = "J\xc3\xbcrgen";
  EXPECT_TRUE(Identity::generate(kNow, options).has_value());
}

TEST(Identity, ComesBackFromPemAsItWas) {
  const auto identity = Identity::generate(kNow);
  const auto pem = (*identity)->to_pem();
  ASSERT_TRUE(pem.has_value());
  const auto again = Identity::from_pem(pem->certificate_chain, pem->private_key);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_EQ((*again)->certificate(), (*identity)->certificate());
  EXPECT_EQ((*again)->expires(), (*identity)->expires());
  EXPECT_EQ((*again)->to_pem()->private_key, pem->private_key);
}

TEST(Identity, KeepsTheCertificatesAboveItsOwn) {
  const auto own = (*Identity::generate(kNow))->to_pem();
  const auto issuer = (*Identity::generate(kNow))->to_pem();
  const std::string chain = own->certificate_chain + issuer->certificate_chain;
  const auto identity = Identity::from_pem(chain, own->private_key);
  ASSERT_TRUE(identity.has_value()) << identity.error().message;
  EXPECT_EQ((*identity)->to_pem()->certificate_chain, chain);
}

TEST(Identity, TakesRsaAndP384Keys) {
  for (const auto& pem : {testing::make_rsa_identity(2'048), testing::make_ec_identity("P-384")}) {
    const auto identity = Identity::from_pem(pem.certificate, pem.key);
    EXPECT_TRUE(identity.has_value()) << identity.error().message;
  }
}

TEST(Identity, NamesWhatIsWrongWithPem) {
  const auto good = *(*Identity::generate(kNow))->to_pem();
  const auto other = *(*Identity::generate(kNow))->to_pem();
  const auto message = [](std::string_view chain, std::string_view key) {
    const auto identity = Identity::from_pem(chain, key);
    return identity ? "no error" : identity.error().message;
  };
  EXPECT_THAT(message("", good.private_key), HasSubstr("holds no certificate"));
  EXPECT_THAT(message(good.private_key, good.private_key), HasSubstr("holds no certificate"));
  std::string broken = good.certificate_chain;
  broken.replace(60, 4, "!!!!");
  EXPECT_THAT(message(broken, good.private_key), HasSubstr("certificate 1 of the chain"));
  EXPECT_THAT(message(good.certificate_chain + broken, good.private_key),
              HasSubstr("certificate 2 of the chain"));
  EXPECT_THAT(message(good.certificate_chain, ""), HasSubstr("private key cannot be read"));
  EXPECT_THAT(message(good.certificate_chain, good.certificate_chain),
              HasSubstr("private key cannot be read"));
  EXPECT_THAT(message(good.certificate_chain, other.private_key),
              HasSubstr("does not belong to the first certificate"));
  EXPECT_THAT(message(good.certificate_chain, testing::encrypt_key(good.private_key)),
              HasSubstr("encrypted"));
  const auto weak = testing::make_rsa_identity(1'024);
  EXPECT_THAT(message(weak.certificate, weak.key), HasSubstr("2,048 bits"));
  const auto exotic = testing::make_ec_identity("secp256k1");
  EXPECT_THAT(message(exotic.certificate, exotic.key), HasSubstr("neither ECDSA P-256"));
}

TEST(Identity, RefusesChainsAndTextsWithoutMeasure) {
  const auto good = *(*Identity::generate(kNow))->to_pem();
  std::string chain;
  for (int i = 0; i < 9; ++i) chain += good.certificate_chain;
  EXPECT_EQ(Identity::from_pem(chain, good.private_key).error().code, Errc::kLimitExceeded);
  EXPECT_EQ(Identity::from_pem(std::string(300'000, ' '), good.private_key).error().code,
            Errc::kLimitExceeded);
}

TEST(Identity, FingerprintsItsCertificate) {
  const auto identity = *Identity::generate(kNow);
  EXPECT_TRUE(matches(identity->certificate(), {{*identity->fingerprint()}}));
  EXPECT_TRUE(matches(identity->certificate(), {{*identity->fingerprint("SHA-512")}}));
  EXPECT_EQ(identity->fingerprint("md5").error().code, Errc::kUnsupported);
}

}  // namespace
}  // namespace floe::dtls
