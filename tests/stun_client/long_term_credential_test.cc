#include "floe/stun_client/long_term_credential.h"

#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "floe/core/text.h"

namespace floe::stun {
namespace {

constexpr TransactionId kId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
using Add = std::function<void(MessageBuilder&)>;

/// A message that outlives its bytes' builder.
class Built {
 public:
  Built(Class cls, const Add& add) {
    std::array<std::uint8_t, 4096> space;
    MessageBuilder builder(space, cls, Method::kAllocate, kId);
    add(builder);
    EXPECT_TRUE(builder.ok());
    bytes_ = to_vector(builder.bytes());
  }
  Message operator*() const { return Message::parse(bytes_).value(); }

 private:
  std::vector<std::uint8_t> bytes_;
};

Built challenge(
    std::uint16_t code, std::string_view realm, std::string_view nonce,
    const Add& more = [](MessageBuilder&) {}) {
  return Built(Class::kError, [&](MessageBuilder& b) {
    b.add_error(code, "");
    if (!realm.empty()) b.add_text(AttributeType::kRealm, realm);
    if (!nonce.empty()) b.add_text(AttributeType::kNonce, nonce);
    more(b);
  });
}

Built request(const LongTermCredential& credential, Attempt& attempt) {
  return Built(Class::kRequest, [&](MessageBuilder& b) { credential.authenticate(b, attempt); });
}

Built success_signed_with(const Add& sign) {
  return Built(Class::kSuccess, [&](MessageBuilder& b) {
    b.add_u32(AttributeType::kLifetime, 600);
    sign(b);
  });
}

const Add kOfferBoth = [](MessageBuilder& b) {
  b.add_password_algorithms(std::array{PasswordAlgorithm::kSha256, PasswordAlgorithm::kMd5});
};

Key md5_key() {
  return long_term_key("user", "realm", "pass").value();
}
Key sha256_key() {
  return long_term_key("user", "realm", "pass", PasswordAlgorithm::kSha256).value();
}

class StunLongTermCredential : public ::testing::Test {
 protected:
  LongTermCredential credential = LongTermCredential::create("user", "pass").value();
  Attempt attempt;

  Verdict receive(const Built& response) { return credential.handle_response(*response, attempt); }
  Message send() {
    sent_.push_back(request(credential, attempt));
    return *sent_.back();
  }

 private:
  std::vector<Built> sent_;
};

TEST_F(StunLongTermCredential, TheFirstRequestCarriesNoCredentials) {
  EXPECT_TRUE(send().attribute_types().empty());
  EXPECT_FALSE(attempt.authenticated());
}

TEST_F(StunLongTermCredential, A401IsAnsweredWithRealmAndNonce) {
  send();
  EXPECT_EQ(receive(challenge(401, "realm", "nonce")), Verdict::kRetry);
  const Message second = send();
  EXPECT_EQ(second.username(), "user");
  EXPECT_EQ(second.realm(), "realm");
  EXPECT_EQ(second.nonce(), "nonce");
  EXPECT_FALSE(second.has(AttributeType::kPasswordAlgorithm));
  EXPECT_EQ(second.check_integrity_sha1(md5_key()), Message::Integrity::kOk);
  EXPECT_FALSE(second.has(AttributeType::kMessageIntegritySha256));
  EXPECT_EQ(receive(success_signed_with([](auto& b) { b.add_integrity_sha1(md5_key()); })),
            Verdict::kAuthentic);
}

TEST_F(StunLongTermCredential, AWrongPasswordStopsAfterOneRetry) {
  send();
  EXPECT_EQ(receive(challenge(401, "realm", "nonce")), Verdict::kRetry);
  send();
  EXPECT_EQ(receive(challenge(401, "realm", "other nonce")), Verdict::kRefused);
  EXPECT_EQ(attempt.error().code, Errc::kPermissionDenied);
  EXPECT_EQ(attempt.error().message,
            "the server refuses the username or password for realm \"realm\"");
}

TEST_F(StunLongTermCredential, AnotherRealmIsWorthAnotherTry) {
  send();
  EXPECT_EQ(receive(challenge(401, "first", "n1")), Verdict::kRetry);
  send();
  EXPECT_EQ(receive(challenge(401, "realm", "n2")), Verdict::kRetry);
  EXPECT_EQ(send().check_integrity_sha1(md5_key()), Message::Integrity::kOk);
}

TEST_F(StunLongTermCredential, AStaleNonceIsReplacedAndTheNextRequestUsesItAtOnce) {
  send();
  EXPECT_EQ(receive(challenge(401, "realm", "n1")), Verdict::kRetry);
  send();
  EXPECT_EQ(receive(challenge(438, "realm", "n2")), Verdict::kRetry);
  EXPECT_EQ(send().nonce(), "n2");
  Attempt later;
  EXPECT_EQ((*request(credential, later)).nonce(), "n2");
}

TEST_F(StunLongTermCredential, A438WithoutRealmMeansTheOneInUse) {
  send();
  EXPECT_EQ(receive(challenge(401, "realm", "n1")), Verdict::kRetry);
  send();
  EXPECT_EQ(receive(challenge(438, "", "n2")), Verdict::kRetry);
  EXPECT_EQ(send().realm(), "realm");
}

TEST_F(StunLongTermCredential, AServerThatNeverLikesANonceIsGivenUp) {
  unsigned requests = 0;
  Verdict verdict = Verdict::kRetry;
  for (int i = 0; verdict == Verdict::kRetry && i < 100; ++i, ++requests) {
    send();
    verdict = receive(challenge(i == 0 ? 401 : 438, "realm", "n" + std::to_string(i)));
  }
  EXPECT_EQ(verdict, Verdict::kRefused);
  EXPECT_EQ(attempt.error().code, Errc::kLimitExceeded);
  EXPECT_EQ(requests, LongTermCredential::kMaxRetries + 1);
}

TEST_F(StunLongTermCredential, EveryRequestHasItsOwnRetries) {
  // 438 again every ten minutes is normal; the bound is per request.
  for (unsigned i = 0; i < 3 * LongTermCredential::kMaxRetries; ++i) {
    Attempt fresh;
    request(credential, fresh);
    EXPECT_EQ(credential.handle_response(*challenge(438, "realm", "n" + std::to_string(i)), fresh),
              Verdict::kRetry);
  }
}

TEST_F(StunLongTermCredential, AChallengeWithoutRealmOrNonceIsRefused) {
  send();
  EXPECT_EQ(receive(challenge(401, "", "nonce")), Verdict::kRefused);
  EXPECT_EQ(attempt.error().code, Errc::kMalformed);
  EXPECT_EQ(receive(challenge(401, "realm", "")), Verdict::kRefused);
  EXPECT_FALSE(credential.challenged());
}

TEST_F(StunLongTermCredential, TakesTheFirstAlgorithmOfferedAndEchoesTheList) {
  send();
  const std::string nonce = nonce_cookie({.password_algorithms = true}) + "x";
  EXPECT_EQ(receive(challenge(401, "realm", nonce, kOfferBoth)), Verdict::kRetry);
  const Message second = send();
  EXPECT_EQ(second.password_algorithm(), PasswordAlgorithm::kSha256);
  EXPECT_EQ(to_hex(*second.password_algorithms()), "0002000000010000");
  EXPECT_EQ(second.check_integrity_sha256(sha256_key()), Message::Integrity::kOk);
  EXPECT_FALSE(second.has(AttributeType::kMessageIntegrity));
}

TEST_F(StunLongTermCredential, AnAnswerToSha256MustBeSha256) {
  send();
  receive(challenge(401, "realm", nonce_cookie({.password_algorithms = true}), kOfferBoth));
  send();
  EXPECT_EQ(receive(success_signed_with([](auto& b) { b.add_integrity_sha1(sha256_key()); })),
            Verdict::kIntegrityViolated);
  EXPECT_EQ(receive(success_signed_with([](auto& b) { b.add_integrity_sha256(sha256_key()); })),
            Verdict::kAuthentic);
}

TEST_F(StunLongTermCredential, RefusesWhenTheAlgorithmsWereRemovedFromTheChallenge) {
  send();
  EXPECT_EQ(receive(challenge(401, "realm", nonce_cookie({.password_algorithms = true}))),
            Verdict::kRefused);
  EXPECT_EQ(attempt.error().code, Errc::kVerificationFailed);
}

TEST_F(StunLongTermCredential, RefusesWhenALaterChallengeNoLongerOffersAlgorithms) {
  send();
  receive(challenge(401, "realm", nonce_cookie({.password_algorithms = true}), kOfferBoth));
  send();
  EXPECT_EQ(receive(challenge(438, "realm", "a nonce without cookie")), Verdict::kRefused);
  EXPECT_EQ(attempt.error().code, Errc::kVerificationFailed);
}

TEST_F(StunLongTermCredential, RefusesAlgorithmsItDoesNotHave) {
  send();
  EXPECT_EQ(receive(challenge(401, "realm", "nonce",
                              [](MessageBuilder& b) {
                                b.add_password_algorithms(std::array{PasswordAlgorithm{9}});
                              })),
            Verdict::kRefused);
  EXPECT_EQ(attempt.error().code, Errc::kUnsupported);
}

TEST_F(StunLongTermCredential, OtherResponsesWithoutThePromisedAlgorithmsAreIgnored) {
  send();
  receive(challenge(401, "realm", "nonce"));
  send();
  EXPECT_EQ(receive(success_signed_with([](MessageBuilder& b) {
              b.add_text(AttributeType::kNonce, nonce_cookie({.password_algorithms = true}));
              b.add_integrity_sha1(md5_key());
            })),
            Verdict::kDiscard);
}

TEST_F(StunLongTermCredential, HidesTheUsernameWhereTheServerCanDoWithout) {
  send();
  EXPECT_EQ(receive(challenge(401, "realm", nonce_cookie({.username_anonymity = true}))),
            Verdict::kRetry);
  const Message second = send();
  EXPECT_FALSE(second.username());
  ASSERT_TRUE(second.userhash());
  EXPECT_EQ(to_hex(*second.userhash()), to_hex(user_hash("user", "realm").value()));
}

TEST_F(StunLongTermCredential, UnauthenticatedJunkIsDroppedAndRemembered) {
  send();
  receive(challenge(401, "realm", "nonce"));
  send();
  EXPECT_FALSE(attempt.integrity_violated());
  EXPECT_EQ(receive(success_signed_with([](MessageBuilder&) {})), Verdict::kIntegrityViolated);
  EXPECT_EQ(receive(success_signed_with([](auto& b) { b.add_integrity_sha1(as_bytes("no")); })),
            Verdict::kIntegrityViolated);
  EXPECT_TRUE(attempt.integrity_violated());
  EXPECT_EQ(receive(success_signed_with([](auto& b) { b.add_integrity_sha1(md5_key()); })),
            Verdict::kAuthentic);
}

TEST_F(StunLongTermCredential, AnUnprotected400ToASignedRequestIsIgnored) {
  const auto bad_request = [](const Add& sign) {
    return Built(Class::kError, [&](MessageBuilder& b) {
      b.add_error(400, "");
      sign(b);
    });
  };
  send();
  EXPECT_EQ(receive(bad_request([](MessageBuilder&) {})), Verdict::kUnprotected);
  receive(challenge(401, "realm", "nonce"));
  send();
  EXPECT_EQ(receive(bad_request([](MessageBuilder&) {})), Verdict::kDiscard);
  EXPECT_EQ(receive(bad_request([](auto& b) { b.add_integrity_sha1(md5_key()); })),
            Verdict::kAuthentic);
}

TEST_F(StunLongTermCredential, AServerThatAsksForNothingIsTakenAtItsWord) {
  send();
  EXPECT_EQ(receive(success_signed_with([](MessageBuilder&) {})), Verdict::kUnprotected);
}

TEST_F(StunLongTermCredential, AResponseIsJudgedWithTheKeyItsRequestWasSignedWith) {
  Attempt earlier;
  request(credential, earlier);
  credential.handle_response(*challenge(401, "realm", "n1"), earlier);
  request(credential, earlier);
  // Meanwhile another request learns that the server moved to another realm.
  send();
  EXPECT_EQ(receive(challenge(401, "elsewhere", "n2")), Verdict::kRetry);
  EXPECT_EQ(credential.handle_response(
                *success_signed_with([](auto& b) { b.add_integrity_sha1(md5_key()); }), earlier),
            Verdict::kAuthentic);
}

TEST_F(StunLongTermCredential, ForgetsTheServerWhenRedirected) {
  send();
  receive(challenge(401, "realm", "nonce", kOfferBoth));
  credential.forget_server();
  Attempt fresh;
  EXPECT_TRUE((*request(credential, fresh)).attribute_types().empty());
  EXPECT_EQ(credential.handle_response(*challenge(401, "realm", "plain"), fresh), Verdict::kRetry)
      << "another server may know no algorithms";
}

TEST_F(StunLongTermCredential, TheLongestCredentialsFitARequest) {
  auto longest = LongTermCredential::create(std::string(LongTermCredential::kMaxUsername, 'u'),
                                            std::string(500, 'p'));
  ASSERT_TRUE(longest);
  const Built asked = challenge(401, std::string(763, 'r'), std::string(763, 'n'), kOfferBoth);
  request(*longest, attempt);
  ASSERT_EQ(longest->handle_response(*asked, attempt), Verdict::kRetry);
  EXPECT_LT((*request(*longest, attempt)).bytes().size(), 2'560u - 200);
}

TEST(StunLongTermCredentialNames, AreCheckedWhenTheyAreGiven) {
  EXPECT_EQ(LongTermCredential::create("", "pass").error().message, "username: the text is empty");
  EXPECT_EQ(LongTermCredential::create("user", "a\nb").error().code, Errc::kMalformed);
  EXPECT_EQ(LongTermCredential::create(std::string(509, 'u'), "pass").error().code,
            Errc::kLimitExceeded);
}

TEST_F(StunLongTermCredential, UsesAnAccessTokensKeyAsItIs) {
  // RFC 7635 sections 5 and 9: kid as USERNAME, the session key without any hashing.
  const std::vector<std::uint8_t> mac_key{9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
  const std::vector<std::uint8_t> token(100, 0xab);
  LongTermCredential credential =
      LongTermCredential::create_with_access_token("kid-1", mac_key, token).value();
  EXPECT_TRUE(credential.access_token().empty());
  Attempt attempt;
  request(credential, attempt);
  const Built asked = challenge(401, "realm", "nonce", [](MessageBuilder& b) {
    b.add_text(AttributeType::kThirdPartyAuthorization, "turn1@example.com");
  });
  ASSERT_EQ(credential.handle_response(*asked, attempt), Verdict::kRetry);
  EXPECT_EQ(to_vector(credential.access_token()), token);
  const Built signed_request = request(credential, attempt);
  EXPECT_EQ((*signed_request).username(), "kid-1");
  EXPECT_EQ((*signed_request).check_integrity_sha1(mac_key), Message::Integrity::kOk);
  const Built answer =
      success_signed_with([&](MessageBuilder& b) { b.add_integrity_sha1(mac_key); });
  EXPECT_EQ(credential.handle_response(*answer, attempt), Verdict::kAuthentic);
}

TEST_F(StunLongTermCredential, GivesNoTokenToAServerThatTakesNone) {
  const std::vector<std::uint8_t> key(20, 1);
  LongTermCredential credential =
      LongTermCredential::create_with_access_token("kid", key, key).value();
  Attempt attempt;
  request(credential, attempt);
  EXPECT_EQ(credential.handle_response(*challenge(401, "realm", "nonce"), attempt),
            Verdict::kRefused);
  EXPECT_EQ(attempt.error().message, "the STUN server does not take access tokens");
  EXPECT_FALSE(LongTermCredential::create_with_access_token("kid", {}, key));
  EXPECT_FALSE(LongTermCredential::create_with_access_token("kid", key, {}));
  EXPECT_FALSE(LongTermCredential::create_with_access_token(
      "kid", key, std::vector<std::uint8_t>(LongTermCredential::kMaxAccessToken + 1)));
}

}  // namespace
}  // namespace floe::stun
