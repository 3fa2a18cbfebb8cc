#include "floe/stun_client/short_term_credential.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace floe::stun {
namespace {

const Key kKey = short_term_key("pass").value();

enum Sign { kNothing, kSha1, kSha256, kBoth };

std::vector<std::uint8_t> response(Sign sign, const Key& key = kKey) {
  std::array<std::uint8_t, 256> space;
  MessageBuilder builder(space, Class::kSuccess, Method::kBinding, {});
  if (sign == kSha1 || sign == kBoth) builder.add_integrity_sha1(key);
  if (sign == kSha256 || sign == kBoth) builder.add_integrity_sha256(key);
  return to_vector(builder.bytes());
}

/// Sends a request with `credential` and judges `answer`.
Verdict judge(ShortTermCredential& credential, const std::vector<std::uint8_t>& answer) {
  std::array<std::uint8_t, 256> space;
  MessageBuilder builder(space, Class::kRequest, Method::kBinding, {});
  Attempt attempt;
  credential.authenticate(builder, attempt);
  return credential.handle_response(Message::parse(answer).value(), attempt);
}

ShortTermCredential credential(IntegrityAlgorithm algorithm) {
  return ShortTermCredential::create("user", "pass", algorithm).value();
}

TEST(StunShortTermCredential, SignsWithBothUntilItKnowsBetter) {
  std::array<std::uint8_t, 256> space;
  MessageBuilder builder(space, Class::kRequest, Method::kBinding, {});
  Attempt attempt;
  credential(IntegrityAlgorithm::kUnknown).authenticate(builder, attempt);
  const Message message = Message::parse(builder.bytes()).value();
  EXPECT_EQ(message.username(), "user");
  EXPECT_EQ(message.check_integrity_sha1(kKey), Message::Integrity::kOk);
  EXPECT_EQ(message.check_integrity_sha256(kKey), Message::Integrity::kOk);
}

TEST(StunShortTermCredential, KeepsToTheAlgorithmOfTheFirstAnswer) {
  for (const auto& [sign, algorithm] : {std::pair(kSha1, IntegrityAlgorithm::kSha1),
                                        std::pair(kSha256, IntegrityAlgorithm::kSha256)}) {
    ShortTermCredential c = credential(IntegrityAlgorithm::kUnknown);
    EXPECT_EQ(judge(c, response(sign)), Verdict::kAuthentic);
    EXPECT_EQ(c.algorithm(), algorithm);
  }
}

TEST(StunShortTermCredential, RefusesAnAnswerInAnAlgorithmItDidNotUse) {
  ShortTermCredential sha1 = credential(IntegrityAlgorithm::kSha1);
  EXPECT_EQ(judge(sha1, response(kSha1)), Verdict::kAuthentic);
  EXPECT_EQ(judge(sha1, response(kSha256)), Verdict::kIntegrityViolated);
  ShortTermCredential sha256 = credential(IntegrityAlgorithm::kSha256);
  EXPECT_EQ(judge(sha256, response(kSha256)), Verdict::kAuthentic);
  EXPECT_EQ(judge(sha256, response(kSha1)), Verdict::kIntegrityViolated);
}

TEST(StunShortTermCredential, DropsAnswersThatAreNotSignedOrSignedWrongly) {
  ShortTermCredential c = credential(IntegrityAlgorithm::kUnknown);
  EXPECT_EQ(judge(c, response(kNothing)), Verdict::kIntegrityViolated);
  EXPECT_EQ(judge(c, response(kSha1, Key{1})), Verdict::kIntegrityViolated);
  EXPECT_EQ(judge(c, response(kSha256, Key{1})), Verdict::kIntegrityViolated);
  EXPECT_EQ(c.algorithm(), IntegrityAlgorithm::kUnknown);
}

TEST(StunShortTermCredential, RefusesEmptyNamesAndPasswords) {
  EXPECT_FALSE(ShortTermCredential::create("", "pass"));
  EXPECT_FALSE(ShortTermCredential::create("user", ""));
}

}  // namespace
}  // namespace floe::stun
