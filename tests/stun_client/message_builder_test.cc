#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "floe/core/text.h"
#include "floe/stun_client/message.h"

namespace floe::stun {
namespace {

using ::testing::ElementsAre;

constexpr TransactionId kId{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};

TEST(StunMessageBuilder, PadsWithZerosAndKeepsTheHeaderLengthRight) {
  std::array<std::uint8_t, 64> space;
  space.fill(0xee);
  MessageBuilder builder(space, Class::kRequest, Method::kBinding, kId);
  EXPECT_EQ(to_hex(builder.bytes()), "000100002112a442000102030405060708090a0b");
  builder.add_text(AttributeType::kUsername, "a");
  EXPECT_EQ(to_hex(builder.bytes()),
            "000100082112a442000102030405060708090a0b"
            "0006000161000000");
  builder.add_flag(AttributeType::kUseCandidate);
  EXPECT_EQ(to_hex(builder.bytes().subspan(28)), "00250000");
  EXPECT_EQ(builder.size(), 32u);
  EXPECT_EQ(space[3], 12);
}

TEST(StunMessageBuilder, WritesNothingThatDoesNotFit) {
  for (std::size_t room = 0; room < 32; ++room) {
    std::vector<std::uint8_t> space(room, 0xee);
    MessageBuilder builder(space, Class::kRequest, Method::kBinding, kId);
    EXPECT_EQ(builder.ok(), room >= kHeaderSize);
    builder.add_u64(AttributeType::kIceControlled, 1);
    EXPECT_FALSE(builder.ok());
    EXPECT_TRUE(builder.bytes().empty());
    builder.add_flag(AttributeType::kUseCandidate);
    EXPECT_FALSE(builder.ok()) << "a hole in a message cannot be mended";
  }
}

TEST(StunMessageBuilder, RefusesAValueBeyondTheLengthField) {
  std::vector<std::uint8_t> space(200'000);
  MessageBuilder whole(space, Class::kIndication, Method::kSend, kId);
  whole.add(AttributeType::kData, std::vector<std::uint8_t>(0xfff9));
  EXPECT_FALSE(whole.ok());

  MessageBuilder sum(space, Class::kIndication, Method::kSend, kId);
  sum.add(AttributeType::kData, std::vector<std::uint8_t>(40'000));
  EXPECT_TRUE(sum.ok());
  sum.add(AttributeType::kData, std::vector<std::uint8_t>(40'000));
  EXPECT_FALSE(sum.ok());
}

TEST(StunMessageBuilder, RefusesAttributesBehindTheIntegrity) {
  const auto ok_after = [](auto first, auto second) {
    std::array<std::uint8_t, 256> space;
    MessageBuilder builder(space, Class::kRequest, Method::kBinding, kId);
    first(builder);
    EXPECT_TRUE(builder.ok());
    second(builder);
    return builder.ok();
  };
  const auto sha1 = [](MessageBuilder& b) { b.add_integrity_sha1(as_bytes("k")); };
  const auto sha256 = [](MessageBuilder& b) { b.add_integrity_sha256(as_bytes("k")); };
  const auto fingerprint = [](MessageBuilder& b) { b.add_fingerprint(); };
  const auto attribute = [](MessageBuilder& b) { b.add_u32(AttributeType::kPriority, 1); };
  EXPECT_TRUE(ok_after(sha1, sha256));
  EXPECT_TRUE(ok_after(sha1, fingerprint));
  EXPECT_TRUE(ok_after(sha256, fingerprint));
  EXPECT_FALSE(ok_after(sha256, sha1));
  EXPECT_FALSE(ok_after(sha1, sha1));
  EXPECT_FALSE(ok_after(sha1, attribute));
  EXPECT_FALSE(ok_after(sha256, attribute));
  EXPECT_FALSE(ok_after(fingerprint, attribute));
  EXPECT_FALSE(ok_after(fingerprint, fingerprint));
  EXPECT_FALSE(ok_after(fingerprint, sha1));
}

TEST(StunMessageBuilder, BothIntegritiesAndTheFingerprintHoldTogether) {
  std::array<std::uint8_t, 256> space;
  MessageBuilder builder(space, Class::kRequest, Method::kBinding, kId);
  builder.add_text(AttributeType::kUsername, "user");
  builder.add_integrity_sha1(as_bytes("key"));
  builder.add_integrity_sha256(as_bytes("key"));
  builder.add_fingerprint();
  const Message message = Message::parse(builder.bytes()).value();
  EXPECT_EQ(message.check_integrity_sha1(as_bytes("key")), Message::Integrity::kOk);
  EXPECT_EQ(message.check_integrity_sha256(as_bytes("key")), Message::Integrity::kOk);
  EXPECT_EQ(message.check_integrity_sha256(as_bytes("yek")), Message::Integrity::kBad);
  EXPECT_EQ(message.check_fingerprint(), Message::Fingerprint::kOk);
}

TEST(StunMessageBuilder, WritesA420WithItsList) {
  std::array<std::uint8_t, 128> space;
  MessageBuilder builder(space, Class::kError, Method::kBinding, kId);
  builder.add_error(kUnknownAttribute, "Unknown Attribute");
  const std::array unknown{AttributeType{0x7ffe}, AttributeType{0x0003}, AttributeType{0x7fff}};
  builder.add_unknown_attributes(unknown);
  const Message message = Message::parse(builder.bytes()).value();
  EXPECT_EQ(message.error_code()->code, 420);
  EXPECT_EQ(message.error_code()->reason, "Unknown Attribute");
  EXPECT_THAT(message.unknown_attributes(),
              ElementsAre(AttributeType{0x7ffe}, AttributeType{0x0003}, AttributeType{0x7fff}));
}

TEST(StunMessageBuilder, RefusesErrorCodesThatCannotBeWritten) {
  for (const std::uint16_t code : {0, 299, 700, 65535}) {
    std::array<std::uint8_t, 64> space;
    MessageBuilder builder(space, Class::kError, Method::kBinding, kId);
    builder.add_error(code, "");
    EXPECT_FALSE(builder.ok()) << code;
  }
}

TEST(StunMessageBuilder, CutsAReasonAt127CharactersWithoutSplittingOne) {
  std::string reason;
  for (int i = 0; i < 200; ++i) reason += "\u00e9";
  std::array<std::uint8_t, 512> space;
  MessageBuilder builder(space, Class::kError, Method::kBinding, kId);
  builder.add_error(kServerError, reason);
  EXPECT_EQ(Message::parse(builder.bytes())->error_code()->reason, reason.substr(0, 254));
}

TEST(StunMessageBuilder, WritesTheTurnAttributesThatItsReaderReads) {
  std::array<std::uint8_t, 512> space;
  MessageBuilder builder(space, Class::kRequest, Method::kAllocate, kId);
  builder.add_requested_transport(17);
  builder.add_u32(AttributeType::kLifetime, 600);
  builder.add_flag(AttributeType::kDontFragment);
  builder.add_even_port({.reserve_next = true});
  builder.add_address_family(AttributeType::kRequestedAddressFamily, net::Family::kIpv6);
  builder.add_address_family(AttributeType::kAdditionalAddressFamily, net::Family::kIpv4);
  builder.add_channel_number(0x4abc);
  builder.add_address_error(net::Family::kIpv6, kInsufficientCapacity, "full");
  builder.add_icmp({.type = 11, .code = 1, .error_data = 0x01020304});
  builder.add_change_request({.address = true, .port = false});
  builder.add_goog_network_info({.id = 3, .cost = 900});
  const std::array algorithms{PasswordAlgorithm::kSha256, PasswordAlgorithm::kMd5};
  builder.add_password_algorithms(algorithms);
  builder.add_password_algorithm(PasswordAlgorithm::kSha256);
  ASSERT_TRUE(builder.ok());
  const Message message = Message::parse(builder.bytes()).value();
  EXPECT_EQ(message.requested_transport(), 17);
  EXPECT_EQ(message.lifetime(), 600u);
  EXPECT_TRUE(message.dont_fragment());
  EXPECT_TRUE(message.even_port()->reserve_next);
  EXPECT_EQ(message.requested_address_family(), net::Family::kIpv6);
  EXPECT_EQ(message.additional_address_family(), net::Family::kIpv4);
  EXPECT_EQ(message.channel_number(), 0x4abc);
  EXPECT_EQ(message.address_error_code()->error.code, 508);
  EXPECT_EQ(message.address_error_code()->family, net::Family::kIpv6);
  EXPECT_EQ(message.icmp()->type, 11);
  EXPECT_EQ(message.icmp()->code, 1);
  EXPECT_EQ(message.icmp()->error_data, 0x01020304u);
  EXPECT_TRUE(message.change_request()->address);
  EXPECT_FALSE(message.change_request()->port);
  EXPECT_EQ(message.goog_network_info()->cost, 900);
  EXPECT_EQ(message.first_supported_password_algorithm(), PasswordAlgorithm::kSha256);
  EXPECT_EQ(message.password_algorithm(), PasswordAlgorithm::kSha256);
}

}  // namespace
}  // namespace floe::stun
