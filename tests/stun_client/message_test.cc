#include "floe/stun_client/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "floe/core/text.h"
#include "floe/crypto/crypto.h"
#include "tests/stun_client/test_vectors.h"

namespace floe::stun {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::string_view kHeader = "000100002112a442000102030405060708090a0b";

/// A Binding request with `attributes` behind the header, whose length is filled in.
std::vector<std::uint8_t> message_with(std::string_view attributes) {
  std::vector<std::uint8_t> bytes =
      from_hex(std::string(kHeader) + std::string(attributes)).value();
  bytes[2] = static_cast<std::uint8_t>((bytes.size() - kHeaderSize) >> 8);
  bytes[3] = static_cast<std::uint8_t>(bytes.size() - kHeaderSize);
  return bytes;
}

std::string parse_error(Bytes bytes) {
  const Result<Message> message = Message::parse(bytes);
  return message ? std::string() : message.error().message;
}

TEST(StunMessage, ABareHeaderIsAWholeMessage) {
  const auto bytes = message_with("");
  const Result<Message> message = Message::parse(bytes);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->transaction_id(), (TransactionId{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}));
  EXPECT_TRUE(message->is_request(Method::kBinding));
  EXPECT_TRUE(message->attribute_types().empty());
}

TEST(StunMessage, ReadsEveryClassAndMethodBit) {
  for (unsigned method = 0; method < 0x1000; ++method) {
    for (const Class cls : {Class::kRequest, Class::kIndication, Class::kSuccess, Class::kError}) {
      std::array<std::uint8_t, kHeaderSize> space;
      MessageBuilder builder(space, cls, Method{static_cast<std::uint16_t>(method)}, {});
      EXPECT_EQ(space[0] & 0xc0, 0);
      const Message message = Message::parse(builder.bytes()).value();
      ASSERT_EQ(message.cls(), cls);
      ASSERT_EQ(static_cast<unsigned>(message.method()), method);
    }
  }
}

TEST(StunMessage, ReadsTheMessageTypesThatTheStandardsPrint) {
  const auto type = [](std::string_view hex) {
    auto bytes = message_with("");
    const auto two = from_hex(hex).value();
    std::copy(two.begin(), two.end(), bytes.begin());
    const Message message = Message::parse(bytes).value();
    return std::pair(message.cls(), message.method());
  };
  EXPECT_EQ(type("0001"), std::pair(Class::kRequest, Method::kBinding));
  EXPECT_EQ(type("0011"), std::pair(Class::kIndication, Method::kBinding));
  EXPECT_EQ(type("0101"), std::pair(Class::kSuccess, Method::kBinding));
  EXPECT_EQ(type("0111"), std::pair(Class::kError, Method::kBinding));
  EXPECT_EQ(type("0003"), std::pair(Class::kRequest, Method::kAllocate));
  EXPECT_EQ(type("0113"), std::pair(Class::kError, Method::kAllocate));
  EXPECT_EQ(type("0016"), std::pair(Class::kIndication, Method::kSend));
  EXPECT_EQ(type("0017"), std::pair(Class::kIndication, Method::kData));
  EXPECT_EQ(type("0109"), std::pair(Class::kSuccess, Method::kChannelBind));
}

TEST(StunMessage, SaysWhatIsWrongWithTheHeader) {
  EXPECT_THAT(parse_error({}), HasSubstr("at least 20 bytes, this one has 0"));
  EXPECT_THAT(parse_error(Bytes(message_with("")).first(19)), HasSubstr("this one has 19"));

  auto bytes = message_with("");
  bytes[0] = 0x80;
  EXPECT_THAT(parse_error(bytes), HasSubstr("first two bits"));

  bytes = message_with("");
  bytes[4] ^= 1;
  EXPECT_THAT(parse_error(bytes), HasSubstr("magic cookie"));

  bytes = message_with("80220004");
  bytes[3] = 2;
  EXPECT_THAT(parse_error(bytes), HasSubstr("length 2 is not a multiple of 4"));

  bytes = message_with("8022000461626364");
  bytes[3] = 12;
  EXPECT_THAT(parse_error(bytes), HasSubstr("says 12 bytes of attributes, there are 8"));
  bytes[3] = 4;
  EXPECT_THAT(parse_error(bytes), HasSubstr("says 4 bytes of attributes, there are 8"));
}

TEST(StunMessage, RefusesAnAttributeThatRunsPastTheEnd) {
  EXPECT_EQ(parse_error(message_with("8022000561626364")),
            "SOFTWARE runs past the end of the STUN message");
  EXPECT_EQ(parse_error(message_with("7ffeffff")),
            "attribute 0x7ffe runs past the end of the STUN message");
  EXPECT_EQ(parse_error(message_with("80220000")), "");
}

TEST(StunMessage, RefusesEveryTruncationOfAWholeMessage) {
  const auto whole = vector_bytes(kSampleRequest);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A heap copy of exactly that size, so that a read past the end is seen by the sanitizer.
    const std::vector<std::uint8_t> cut(whole.begin(), whole.begin() + static_cast<long>(size));
    EXPECT_FALSE(Message::parse(cut)) << size;
    EXPECT_FALSE(looks_like_stun(cut)) << size;
  }
}

TEST(StunMessage, RefusesGarbageOfEverySizeUpToTheLargestDatagram) {
  SeededRandom random(1);
  for (const std::size_t size : {0, 1, 2, 3, 4, 19, 20, 21, 24, 100, 1200, 65'507}) {
    std::vector<std::uint8_t> garbage(size);
    random.fill(garbage);
    EXPECT_FALSE(Message::parse(garbage)) << size;
    EXPECT_FALSE(looks_like_stun(garbage)) << size;
  }
}

TEST(StunMessage, TakesAMessageOfTheLargestLength) {
  std::vector<std::uint8_t> bytes(kHeaderSize + 0xfffc);
  MessageBuilder builder(bytes, Class::kIndication, Method::kSend, {});
  builder.add(AttributeType::kData, std::vector<std::uint8_t>(0xfff8, 7));
  ASSERT_TRUE(builder.ok());
  const Result<Message> message = Message::parse(builder.bytes());
  ASSERT_TRUE(message);
  EXPECT_EQ(message->data()->size(), 0xfff8u);
}

TEST(StunMessage, RefusesMoreAttributesThanItsTableHolds) {
  std::string attributes;
  for (std::size_t i = 0; i < kMaxAttributes; ++i) attributes += "c1000000";
  EXPECT_EQ(parse_error(message_with(attributes)), "");
  EXPECT_THAT(parse_error(message_with(attributes + "c1000000")),
              HasSubstr("more than 32 attributes"));
}

TEST(StunMessage, LooksLikeStunOnlyWithCookieAndAFittingLength) {
  auto bytes = message_with("8022000461626364");
  EXPECT_TRUE(looks_like_stun(bytes));
  bytes.push_back(0);  // More bytes than the message needs: a stream may hold the next one.
  EXPECT_TRUE(looks_like_stun(bytes));
  bytes.resize(27);
  EXPECT_FALSE(looks_like_stun(bytes));
  bytes = message_with("");
  bytes[0] = 0x40;  // TURN ChannelData
  EXPECT_FALSE(looks_like_stun(bytes));
  bytes[0] = 0x16;  // DTLS: its first byte is above what a STUN message type begins with,
  bytes[7] = 0;     // and there is no cookie
  EXPECT_FALSE(looks_like_stun(bytes));
}

TEST(StunMessage, TellsAStreamHowLongTheNextMessageIs) {
  const auto bytes = vector_bytes(kSampleRequest);
  EXPECT_EQ(message_size(bytes), bytes.size());
  EXPECT_EQ(message_size(Bytes(bytes).first(4)), bytes.size());
  EXPECT_EQ(message_size(Bytes(bytes).first(3)), std::nullopt);
  EXPECT_EQ(message_size(from_hex("40000008").value()), std::nullopt);
  EXPECT_EQ(message_size(from_hex("00010003").value()), std::nullopt);
}

TEST(StunMessage, ParsesWhatAnRfc3489ClientSends) {
  auto bytes = message_with("0003000400000000");
  const auto id = from_hex("ffeeddcc").value();
  std::copy(id.begin(), id.end(), bytes.begin() + 4);
  EXPECT_FALSE(looks_like_stun(bytes));
  const Result<Message> message = Message::parse_classic(bytes);
  ASSERT_TRUE(message);
  EXPECT_FALSE(message->has_magic_cookie());
  EXPECT_EQ(message->cookie(), 0xffeeddccu);
  std::array<std::uint8_t, 64> space;
  const MessageBuilder response(space, Class::kSuccess, *message);
  EXPECT_EQ(to_hex(response.bytes()), "01010000ffeeddcc000102030405060708090a0b");
}

TEST(StunMessage, OfRepeatedAttributesTheFirstCounts) {
  const auto bytes = message_with(
      "000d000400000001"
      "000d000400000002");
  const Message message = Message::parse(bytes).value();
  EXPECT_EQ(message.lifetime(), 1u);
  EXPECT_EQ(to_hex(*message.find(AttributeType::kLifetime, 1)), "00000002");
  EXPECT_FALSE(message.find(AttributeType::kLifetime, 2));
}

TEST(StunMessage, ListsUnknownComprehensionRequiredAttributesOnceEach) {
  const auto bytes = message_with(
      "7ffe0000"
      "000600024142aaaa"
      "00030000"
      "ffff0000"
      "7ffe0000"
      "80220000");
  const Message message = Message::parse(bytes).value();
  const std::array known{AttributeType::kUsername};
  EXPECT_THAT(message.unknown_required(known),
              ElementsAre(AttributeType{0x7ffe}, AttributeType::kChangeRequest));
  EXPECT_TRUE(message.unknown_required(message.attribute_types()).empty());
}

TEST(StunMessage, DoesNotSeeAttributesBehindTheIntegrity) {
  // PRIORITY behind MESSAGE-INTEGRITY: an attacker could have put it there (RFC 8489 section 9).
  const std::string integrity = "00080014" + std::string(40, '0');
  const std::string sha256 = "001c0020" + std::string(64, '0');
  const std::string priority = "0024000400000001";
  const std::string fingerprint = "8028000400000000";

  auto bytes = message_with(integrity + priority + sha256 + priority + fingerprint);
  EXPECT_THAT(Message::parse(bytes)->attribute_types(),
              ElementsAre(AttributeType::kMessageIntegrity, AttributeType::kMessageIntegritySha256,
                          AttributeType::kFingerprint));
  EXPECT_FALSE(Message::parse(bytes)->priority());
  EXPECT_TRUE(Message::parse(bytes)
                  ->unknown_required(std::array{AttributeType::kMessageIntegrity,
                                                AttributeType::kMessageIntegritySha256})
                  .empty());

  bytes = message_with(sha256 + integrity + priority + fingerprint);
  EXPECT_THAT(Message::parse(bytes)->attribute_types(),
              ElementsAre(AttributeType::kMessageIntegritySha256, AttributeType::kFingerprint));

  bytes = message_with(priority + integrity);
  EXPECT_EQ(Message::parse(bytes)->priority(), 1u);
}

TEST(StunMessage, RefusesAFingerprintThatIsNotTheLast) {
  EXPECT_THAT(parse_error(message_with("8028000400000000"
                                       "80220000")),
              HasSubstr("FINGERPRINT is not the last"));
}

TEST(StunMessage, FingerprintsOfTheWrongLengthAreBad) {
  for (const std::string_view attribute : {"80280000", "802800080000000000000000"}) {
    const auto bytes = message_with(attribute);
    EXPECT_EQ(Message::parse(bytes)->check_fingerprint(), Message::Fingerprint::kBad);
  }
}

TEST(StunMessage, IntegritiesOfTheWrongLengthAreBad) {
  for (const std::string_view attribute :
       {"00080000", "0008001000000000000000000000000000000000"}) {
    const auto bytes = message_with(attribute);
    EXPECT_EQ(Message::parse(bytes)->check_integrity_sha1({}), Message::Integrity::kBad);
  }
  const auto bytes = message_with("001c0024" + std::string(72, '0'));
  EXPECT_EQ(Message::parse(bytes)->check_integrity_sha256({}), Message::Integrity::kBad);
}

TEST(StunMessage, TakesATruncatedSha256OnlyWhereTheUsageAllowsIt) {
  // RFC 8489 section 14.6: 16 to 32 bytes in steps of 4, and the length is covered.
  const Bytes key = as_bytes("key");
  for (const std::size_t length : {12, 16, 20, 24, 28, 30, 32}) {
    std::array<std::uint8_t, 256> space;
    MessageBuilder full(space, Class::kRequest, Method::kBinding, {});
    full.add(AttributeType::kMessageIntegritySha256, std::vector<std::uint8_t>(length));
    const std::size_t padded = (length + 3) / 4 * 4;
    ASSERT_EQ(full.size(), kHeaderSize + 4 + padded);
    // The header now says how long the message with the truncated value is: sign just that.
    std::array<std::uint8_t, 256> signer_space = space;
    signer_space[3] = static_cast<std::uint8_t>(4 + padded);
    const Bytes covered = Bytes(signer_space).first(kHeaderSize);
    const crypto::Sha256 mac = crypto::hmac_sha256(key, {&covered, 1});
    std::copy_n(mac.begin(), length, space.begin() + kHeaderSize + 4);

    const Message message = Message::parse(full.bytes()).value();
    const bool well_formed = length >= 16 && length % 4 == 0;
    EXPECT_EQ(message.check_integrity_sha256(key, 16),
              well_formed ? Message::Integrity::kOk : Message::Integrity::kBad)
        << length;
    EXPECT_EQ(message.check_integrity_sha256(key),
              length == 32 ? Message::Integrity::kOk : Message::Integrity::kBad)
        << length;
  }
}

TEST(StunMessage, NamesEveryAttributeItKnows) {
  EXPECT_EQ(name(AttributeType::kXorMappedAddress), "XOR-MAPPED-ADDRESS");
  EXPECT_EQ(name(AttributeType::kUseCandidate), "USE-CANDIDATE");
  EXPECT_EQ(name(AttributeType{0x7ffe}), "");
}

}  // namespace
}  // namespace floe::stun
