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

/// A message with one attribute of `type`, its value in hexadecimal.
class OneAttribute {
 public:
  OneAttribute(AttributeType type, std::string_view hex)
      : OneAttribute(type, from_hex(hex).value()) {}
  OneAttribute(AttributeType type, const std::vector<std::uint8_t>& value)
      : space_(kHeaderSize + 8 + value.size()) {
    MessageBuilder builder(space_, Class::kRequest, Method::kBinding, {});
    builder.add(type, value);
    space_.resize(builder.bytes().size());
  }
  Message operator*() const { return Message::parse(space_).value(); }

 private:
  std::vector<std::uint8_t> space_;
};

TEST(StunGetters, AbsentAttributesYieldNothing) {
  const OneAttribute only(AttributeType{0xc123}, "");
  const Message m = *only;
  EXPECT_FALSE(m.mapped_address());
  EXPECT_FALSE(m.xor_mapped_address());
  EXPECT_FALSE(m.username());
  EXPECT_FALSE(m.nonce());
  EXPECT_FALSE(m.userhash());
  EXPECT_FALSE(m.error_code());
  EXPECT_TRUE(m.unknown_attributes().empty());
  EXPECT_FALSE(m.password_algorithms());
  EXPECT_FALSE(m.password_algorithm());
  EXPECT_FALSE(m.priority());
  EXPECT_FALSE(m.use_candidate());
  EXPECT_FALSE(m.even_port());
  EXPECT_FALSE(m.icmp());
  EXPECT_FALSE(m.address_error_code());
  EXPECT_EQ(m.check_integrity_sha1({}), Message::Integrity::kMissing);
  EXPECT_EQ(m.check_fingerprint(), Message::Fingerprint::kMissing);
}

TEST(StunGetters, AddressesOfTheWrongLengthOrFamilyAreNone) {
  const auto mapped = [](std::string_view hex) {
    return (*OneAttribute(AttributeType::kMappedAddress, hex)).mapped_address();
  };
  EXPECT_EQ(mapped("0001123401020304"), net::Endpoint::parse("1.2.3.4:4660"));
  EXPECT_EQ(mapped("ff01123401020304"), net::Endpoint::parse("1.2.3.4:4660"));
  EXPECT_EQ(mapped("00021234"
                   "20010db8000000000000000000000001"),
            net::Endpoint::parse("[2001:db8::1]:4660"));
  EXPECT_FALSE(mapped(""));
  EXPECT_FALSE(mapped("0001"));
  EXPECT_FALSE(mapped("00011234010203"));
  EXPECT_FALSE(mapped("000112340102030405"));
  EXPECT_FALSE(mapped("0001123420010db8000000000000000000000001"));
  EXPECT_FALSE(mapped("0002123401020304"));
  EXPECT_FALSE(mapped("0000123401020304"));
  EXPECT_FALSE(mapped("0003123401020304"));
}

TEST(StunGetters, XorAddressesSurviveARoundTripInBothFamilies) {
  const TransactionId id{9, 8, 7, 6, 5, 4, 3, 2, 1, 255, 254, 253};
  for (const std::string_view text : {"203.0.113.7:1", "0.0.0.0:0", "255.255.255.255:65535",
                                      "[2001:db8::8:800:200c:417a]:3478", "[::]:0"}) {
    const net::Endpoint endpoint = net::Endpoint::parse(text).value();
    std::array<std::uint8_t, 128> space;
    MessageBuilder builder(space, Class::kSuccess, Method::kAllocate, id);
    builder.add_xor_address(AttributeType::kXorRelayedAddress, endpoint);
    builder.add_xor_address(AttributeType::kXorPeerAddress, endpoint);
    builder.add_address(AttributeType::kAlternateServer, endpoint);
    const Message message = Message::parse(builder.bytes()).value();
    EXPECT_EQ(message.xor_relayed_address(), endpoint);
    EXPECT_EQ(message.xor_peer_address(), endpoint);
    EXPECT_FALSE(message.xor_peer_address(1));
    EXPECT_EQ(message.alternate_server(), endpoint);
    EXPECT_NE(message.address(AttributeType::kXorPeerAddress), endpoint);
  }
}

TEST(StunGetters, TextLongerThan763BytesOrNotUtf8IsNone) {
  const auto username = [](const std::string& text) {
    const OneAttribute one(AttributeType::kUsername, to_vector(as_bytes(text)));
    const std::optional<std::string_view> found = (*one).username();
    return found ? std::optional(std::string(*found)) : std::nullopt;
  };
  EXPECT_EQ(username(""), "");
  EXPECT_EQ(username(std::string(763, 'u')), std::string(763, 'u'));
  EXPECT_EQ(username(std::string(764, 'u')), std::nullopt);
  EXPECT_EQ(username("\xff"), std::nullopt);
  EXPECT_EQ(username("caf\u00e9"), "caf\u00e9");
}

TEST(StunGetters, ANonceMayHoldAnyBytes) {
  const OneAttribute one(AttributeType::kNonce, "00ff80");
  EXPECT_EQ((*one).nonce()->size(), 3u);
}

TEST(StunGetters, ErrorCodesOutsideTheirRangeAreNone) {
  const auto code = [](std::string_view hex) {
    const OneAttribute one(AttributeType::kErrorCode, hex);
    const std::optional<ErrorCode> error = (*one).error_code();
    return error ? error->code : 0;
  };
  EXPECT_EQ(code("00000401"), 401);
  EXPECT_EQ(code("fffffc63"), 499) << "the reserved bits are ignored";
  EXPECT_EQ(code("00000300"), 300);
  EXPECT_EQ(code("00000663"), 699);
  EXPECT_EQ(code("00000200"), 0);
  EXPECT_EQ(code("00000700"), 0);
  EXPECT_EQ(code("00000464"), 0) << "the number is at most 99";
  EXPECT_EQ(code("000004"), 0);
}

TEST(StunGetters, AnUnreadableReasonDoesNotHideTheCode) {
  const OneAttribute good(AttributeType::kErrorCode,
                          "00000414"
                          "6e6f");
  EXPECT_EQ((*good).error_code()->reason, "no");
  const OneAttribute bad(AttributeType::kErrorCode,
                         "00000414"
                         "ff");
  EXPECT_EQ((*bad).error_code()->code, 420);
  EXPECT_EQ((*bad).error_code()->reason, "");
}

TEST(StunGetters, ReadsTheListOfUnknownAttributes) {
  const OneAttribute one(AttributeType::kUnknownAttributes, "7ffe0003aa");
  EXPECT_THAT((*one).unknown_attributes(),
              ElementsAre(AttributeType{0x7ffe}, AttributeType::kChangeRequest));
  const OneAttribute many(AttributeType::kUnknownAttributes, std::vector<std::uint8_t>(2000, 1));
  EXPECT_EQ((*many).unknown_attributes().size(), kMaxAttributes);
}

TEST(StunGetters, PicksTheFirstPasswordAlgorithmItCanUse) {
  const auto first = [](std::string_view hex) {
    return (*OneAttribute(AttributeType::kPasswordAlgorithms, hex))
        .first_supported_password_algorithm();
  };
  EXPECT_EQ(first("0001000000020000"), PasswordAlgorithm::kMd5);
  EXPECT_EQ(first("0002000000010000"), PasswordAlgorithm::kSha256);
  EXPECT_EQ(first("0009000312345600"
                  "00020000"),
            PasswordAlgorithm::kSha256);
  EXPECT_EQ(first("00090003123456"), std::nullopt);
  EXPECT_EQ(first("00020004"
                  "01020304"
                  "00010000"),
            PasswordAlgorithm::kMd5)
      << "SHA-256 has no parameters";
  EXPECT_EQ(first("000200"), std::nullopt);
  EXPECT_EQ(first("0009ffff"
                  "00020000"),
            std::nullopt);
  EXPECT_EQ(first(""), std::nullopt);
}

TEST(StunGetters, AListOfPasswordAlgorithmsIsEchoedWholeOrNotAtAll) {
  const OneAttribute good(AttributeType::kPasswordAlgorithms, "0001000000020000");
  EXPECT_EQ(to_hex((*good).password_algorithms().value()), "0001000000020000");
  const OneAttribute endless(AttributeType::kPasswordAlgorithms, std::vector<std::uint8_t>(132));
  EXPECT_FALSE((*endless).password_algorithms());
  const OneAttribute cut(AttributeType::kPasswordAlgorithms, "0001000000020004");
  EXPECT_FALSE((*cut).password_algorithms());
}

TEST(StunGetters, ReadsThePasswordAlgorithm) {
  const auto algorithm = [](std::string_view hex) {
    return (*OneAttribute(AttributeType::kPasswordAlgorithm, hex)).password_algorithm();
  };
  EXPECT_EQ(algorithm("00020000"), PasswordAlgorithm::kSha256);
  EXPECT_EQ(algorithm("00030000"), std::nullopt);
  EXPECT_EQ(algorithm("0002"), std::nullopt);
  EXPECT_EQ(algorithm("0002000000010000"), std::nullopt);
}

TEST(StunGetters, NumbersOfTheWrongLengthAreNone) {
  EXPECT_EQ((*OneAttribute(AttributeType::kPriority, "00000102")).priority(), 258u);
  EXPECT_FALSE((*OneAttribute(AttributeType::kPriority, "000102")).priority());
  EXPECT_FALSE((*OneAttribute(AttributeType::kPriority, "0000010200")).priority());
  EXPECT_EQ((*OneAttribute(AttributeType::kIceControlling, "0102030405060708")).ice_controlling(),
            0x0102030405060708u);
  EXPECT_FALSE((*OneAttribute(AttributeType::kIceControlling, "01020304")).ice_controlling());
  EXPECT_FALSE((*OneAttribute(AttributeType::kReservationToken, "01020304")).reservation_token());
  EXPECT_FALSE((*OneAttribute(AttributeType::kUserhash, "01020304")).userhash());
  EXPECT_FALSE((*OneAttribute(AttributeType::kConnectionId, "0102")).connection_id());
}

TEST(StunGetters, ReadsTheTurnAttributes) {
  EXPECT_EQ((*OneAttribute(AttributeType::kChannelNumber, "40010000")).channel_number(), 0x4001);
  EXPECT_FALSE((*OneAttribute(AttributeType::kChannelNumber, "3fff0000")).channel_number());
  EXPECT_FALSE((*OneAttribute(AttributeType::kChannelNumber, "50000000")).channel_number());
  EXPECT_EQ((*OneAttribute(AttributeType::kRequestedTransport, "11ffffff")).requested_transport(),
            17);
  EXPECT_TRUE((*OneAttribute(AttributeType::kEvenPort, "80")).even_port()->reserve_next);
  EXPECT_FALSE((*OneAttribute(AttributeType::kEvenPort, "7f")).even_port()->reserve_next);
  EXPECT_FALSE((*OneAttribute(AttributeType::kEvenPort, "")).even_port());
  EXPECT_EQ((*OneAttribute(AttributeType::kRequestedAddressFamily, "02000000"))
                .requested_address_family(),
            net::Family::kIpv6);
  EXPECT_FALSE((*OneAttribute(AttributeType::kRequestedAddressFamily, "03000000"))
                   .requested_address_family());
  const OneAttribute icmp(AttributeType::kIcmp, "00000304000005dc");
  EXPECT_EQ((*icmp).icmp()->type, 3);
  EXPECT_EQ((*icmp).icmp()->code, 4);
  EXPECT_EQ((*icmp).icmp()->error_data, 1500u);
  const OneAttribute error(AttributeType::kAddressErrorCode,
                           "02000428"
                           "6e6f");
  EXPECT_EQ((*error).address_error_code()->family, net::Family::kIpv6);
  EXPECT_EQ((*error).address_error_code()->error.code, 440);
  EXPECT_EQ((*error).address_error_code()->error.reason, "no");
}

TEST(StunGetters, ReadsTheNatDiscoveryAttributes) {
  const OneAttribute change(AttributeType::kChangeRequest, "00000006");
  EXPECT_TRUE((*change).change_request()->address);
  EXPECT_TRUE((*change).change_request()->port);
  const OneAttribute port_only(AttributeType::kChangeRequest, "fffffff2");
  EXPECT_FALSE((*port_only).change_request()->address);
  EXPECT_TRUE((*port_only).change_request()->port);
  EXPECT_EQ((*OneAttribute(AttributeType::kResponsePort, "0d960000")).response_port(), 3478);
}

TEST(StunGetters, ReadsWhatBrowsersAdd) {
  const OneAttribute network(AttributeType::kGoogNetworkInfo, "0001000a");
  EXPECT_EQ((*network).goog_network_info()->id, 1);
  EXPECT_EQ((*network).goog_network_info()->cost, 10);
  EXPECT_EQ((*OneAttribute(AttributeType::kNomination, "00000005")).nomination(), 5u);
}

TEST(StunGetters, AnAlternateDomainHasOneTo255Bytes) {
  const auto has_domain = [](std::size_t size) {
    const OneAttribute one(AttributeType::kAlternateDomain, std::vector<std::uint8_t>(size, 'a'));
    return (*one).alternate_domain().has_value();
  };
  EXPECT_FALSE(has_domain(0));
  EXPECT_TRUE(has_domain(255));
  EXPECT_FALSE(has_domain(256));
}

}  // namespace
}  // namespace floe::stun
