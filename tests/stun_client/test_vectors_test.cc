#include "tests/stun_client/test_vectors.h"

#include <gtest/gtest.h>

#include <array>

#include "floe/stun_client/credentials.h"
#include "floe/stun_client/message.h"

namespace floe::stun {
namespace {

constexpr TransactionId kSampleId{0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34,
                                  0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae};

Bytes password() {
  return as_bytes(kSamplePassword);
}

std::vector<std::uint8_t> copy_with(std::vector<std::uint8_t> bytes, std::size_t at,
                                    std::uint8_t value) {
  bytes.at(at) = value;
  return bytes;
}

TEST(Rfc5769, ParsesTheSampleRequest) {
  const auto bytes = vector_bytes(kSampleRequest);
  EXPECT_TRUE(looks_like_stun(bytes));
  const Result<Message> message = Message::parse(bytes);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->cls(), Class::kRequest);
  EXPECT_EQ(message->method(), Method::kBinding);
  EXPECT_EQ(message->transaction_id(), kSampleId);
  EXPECT_EQ(message->software(), "STUN test client");
  EXPECT_EQ(message->username(), "evtj:h6vY");
  EXPECT_EQ(message->priority(), 0x6e0001ffu);
  EXPECT_EQ(message->ice_controlled(), 0x932ff9b151263b36u);
  EXPECT_EQ(message->check_integrity_sha1(password()), Message::Integrity::kOk);
  EXPECT_EQ(message->check_fingerprint(), Message::Fingerprint::kOk);
}

TEST(Rfc5769, ParsesTheSampleIpv4Response) {
  const auto bytes = vector_bytes(kSampleIpv4Response);
  const Result<Message> message = Message::parse(bytes);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->cls(), Class::kSuccess);
  EXPECT_EQ(message->software(), "test vector");
  EXPECT_EQ(message->xor_mapped_address(), net::Endpoint::parse("192.0.2.1:32853"));
  EXPECT_EQ(message->check_integrity_sha1(password()), Message::Integrity::kOk);
  EXPECT_EQ(message->check_fingerprint(), Message::Fingerprint::kOk);
}

TEST(Rfc5769, ParsesTheSampleIpv6Response) {
  const auto bytes = vector_bytes(kSampleIpv6Response);
  const Result<Message> message = Message::parse(bytes);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->xor_mapped_address(),
            net::Endpoint::parse("[2001:db8:1234:5678:11:2233:4455:6677]:32853"));
  EXPECT_EQ(message->check_integrity_sha1(password()), Message::Integrity::kOk);
  EXPECT_EQ(message->check_fingerprint(), Message::Fingerprint::kOk);
}

TEST(Rfc5769, ParsesTheSampleRequestWithLongTermAuthentication) {
  const auto bytes = vector_bytes(kSampleLongTermRequest);
  const Result<Message> message = Message::parse(bytes);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->username(), kSampleUsername);
  EXPECT_EQ(message->nonce(), "f//499k954d6OL34oL9FSTvy64sA");
  EXPECT_EQ(message->realm(), kSampleRealm);
  const Result<Key> key = long_term_key(kSampleUsername, kSampleRealm, kSampleLongTermPassword);
  ASSERT_TRUE(key);
  EXPECT_EQ(message->check_integrity_sha1(*key), Message::Integrity::kOk);
  EXPECT_EQ(message->check_fingerprint(), Message::Fingerprint::kMissing);
}

TEST(Rfc8489, ParsesTheSampleRequestWithSha256AndUserhash) {
  const auto bytes = vector_bytes(kSampleSha256Request);
  const Result<Message> message = Message::parse(bytes);
  ASSERT_TRUE(message) << message.error().message;
  EXPECT_EQ(message->nonce(), "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA");
  const auto hash = user_hash(kSampleUsername, kSampleRealm);
  ASSERT_TRUE(hash);
  ASSERT_TRUE(message->userhash());
  EXPECT_EQ(to_hex(*message->userhash()), to_hex(*hash));
  const Result<Key> key = long_term_key(kSampleUsername, kSampleRealm, kSampleLongTermPassword,
                                        PasswordAlgorithm::kSha256);
  ASSERT_TRUE(key);
  EXPECT_EQ(message->check_integrity_sha256(*key), Message::Integrity::kOk);
  EXPECT_EQ(message->check_integrity_sha1(*key), Message::Integrity::kMissing);
}

TEST(Rfc8489, RefusesTheSha256SampleAsPrintedForItsWrongLength) {
  const Result<Message> message = Message::parse(vector_bytes(kPrintedSha256Request));
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().message,
            "the STUN message's header says 156 bytes of attributes, there are 136");
}

// The samples of RFC 5769 pad with spaces, which the integrity covers; the standard since says
// zeros (RFC 8489 section 14). The two vectors below pad with zeros, so they are rebuilt in full.

TEST(Rfc5769, BuildsTheSampleRequestWithLongTermAuthenticationByteForByte) {
  const auto expected = vector_bytes(kSampleLongTermRequest);
  const Message sample = Message::parse(expected).value();
  std::array<std::uint8_t, 256> space;
  MessageBuilder builder(space, Class::kRequest, Method::kBinding, sample.transaction_id());
  builder.add_text(AttributeType::kUsername, kSampleUsername);
  builder.add_text(AttributeType::kNonce, "f//499k954d6OL34oL9FSTvy64sA");
  builder.add_text(AttributeType::kRealm, kSampleRealm);
  builder.add_integrity_sha1(
      long_term_key(kSampleUsername, kSampleRealm, kSampleLongTermPassword).value());
  EXPECT_TRUE(builder.ok());
  EXPECT_EQ(to_hex(builder.bytes()), to_hex(expected));
}

TEST(Rfc8489, BuildsTheSampleRequestWithSha256AndUserhashByteForByte) {
  const auto expected = vector_bytes(kSampleSha256Request);
  const Message sample = Message::parse(expected).value();
  std::array<std::uint8_t, 256> space;
  MessageBuilder builder(space, Class::kRequest, Method::kBinding, sample.transaction_id());
  builder.add(AttributeType::kUserhash, user_hash(kSampleUsername, kSampleRealm).value());
  builder.add_text(AttributeType::kNonce, "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA");
  builder.add_text(AttributeType::kRealm, kSampleRealm);
  builder.add_integrity_sha256(long_term_key(kSampleUsername, kSampleRealm, kSampleLongTermPassword,
                                             PasswordAlgorithm::kSha256)
                                   .value());
  EXPECT_EQ(to_hex(builder.bytes()), to_hex(expected));
}

TEST(Rfc5769, BuildsTheSampleResponsesUpToTheirPadding) {
  for (const std::string_view hex : {kSampleIpv4Response, kSampleIpv6Response}) {
    const auto expected = vector_bytes(hex);
    const Message sample = Message::parse(expected).value();
    std::array<std::uint8_t, 256> space;
    MessageBuilder builder(space, Class::kSuccess, Method::kBinding, kSampleId);
    builder.add_text(AttributeType::kSoftware, "test vector");
    builder.add_xor_address(AttributeType::kXorMappedAddress, *sample.xor_mapped_address());
    const std::size_t end_of_address = builder.size();
    builder.add_integrity_sha1(password());
    builder.add_fingerprint();
    ASSERT_EQ(builder.size(), expected.size());
    // SOFTWARE's one byte of padding stands at 35: a space in the sample.
    auto built = to_vector(builder.bytes());
    EXPECT_EQ(built[35], 0);
    built[35] = ' ';
    EXPECT_EQ(to_hex(Bytes(built).first(end_of_address)),
              to_hex(Bytes(expected).first(end_of_address)));
  }
}

TEST(Rfc5769, NoBitOfASampleCanChangeUnnoticed) {
  for (const std::string_view hex : {kSampleRequest, kSampleIpv4Response, kSampleIpv6Response}) {
    const auto sample = vector_bytes(hex);
    for (std::size_t bit = 0; bit < sample.size() * 8; ++bit) {
      auto changed = sample;
      changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ 1 << bit % 8);
      const Result<Message> message = Message::parse(changed);
      EXPECT_FALSE(message && message->check_fingerprint() == Message::Fingerprint::kOk)
          << "bit " << bit;
      // The integrity covers all but the fingerprint's own eight bytes.
      if (bit / 8 < sample.size() - 8) {
        EXPECT_FALSE(message &&
                     message->check_integrity_sha1(password()) == Message::Integrity::kOk)
            << "bit " << bit;
      }
    }
  }
}

TEST(Rfc5769, AWrongPasswordIsBadIntegrity) {
  const auto bytes = vector_bytes(kSampleRequest);
  const Message message = Message::parse(bytes).value();
  EXPECT_EQ(message.check_integrity_sha1(as_bytes("VOkJxbRl1RmTxUk/WvJxBu")),
            Message::Integrity::kBad);
  EXPECT_EQ(message.check_integrity_sha1({}), Message::Integrity::kBad);
}

TEST(Rfc5769, TheIntegrityHoldsWithTheFingerprintCutOff) {
  auto bytes = vector_bytes(kSampleRequest);
  bytes.resize(bytes.size() - 8);
  bytes = copy_with(bytes, 3, static_cast<std::uint8_t>(bytes.size() - kHeaderSize));
  const Message message = Message::parse(bytes).value();
  EXPECT_EQ(message.check_fingerprint(), Message::Fingerprint::kMissing);
  EXPECT_EQ(message.check_integrity_sha1(password()), Message::Integrity::kOk);
}

}  // namespace
}  // namespace floe::stun
