#include "floe/mdns/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/core/text.h"
#include "floe/mdns/link.h"

namespace floe::mdns {
namespace {

using ::testing::IsEmpty;
using ::testing::SizeIs;

const net::Address kAddress = net::Address::v4(192, 168, 1, 7);

std::vector<std::uint8_t> bytes(std::string_view hex) {
  return from_hex(hex).value();
}

TEST(MdnsMessage, ReadsWhatItWrites) {
  Message message;
  message.id = 7;
  message.is_response = true;
  message.questions.push_back({"a.local", Type::kAny, true});
  message.answers.push_back({"a.local", Type::kA, true, 120, kAddress});
  message.authorities.push_back(
      {"a.local", Type::kAaaa, false, 60, net::Address::parse("fe80::1")});
  message.additionals.push_back({"a.local", Type::kNsec, true, 120, {}, Type::kAaaa});
  const Result<Message> read = Message::parse(message.write());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->id, 7);
  EXPECT_TRUE(read->is_response);
  ASSERT_THAT(read->questions, SizeIs(1));
  EXPECT_EQ(read->questions[0].name, "a.local");
  EXPECT_EQ(read->questions[0].type, Type::kAny);
  EXPECT_TRUE(read->questions[0].unicast);
  ASSERT_THAT(read->answers, SizeIs(1));
  EXPECT_EQ(read->answers[0].address, kAddress);
  EXPECT_TRUE(read->answers[0].cache_flush);
  EXPECT_EQ(read->answers[0].ttl, 120u);
  ASSERT_THAT(read->authorities, SizeIs(1));
  EXPECT_EQ(read->authorities[0].address, net::Address::parse("fe80::1"));
  EXPECT_FALSE(read->authorities[0].cache_flush);
  ASSERT_THAT(read->additionals, SizeIs(1));
  EXPECT_EQ(read->additionals[0].type, Type::kNsec);
}

TEST(MdnsMessage, WritesNsecAsItsStandardShows) {
  Message message;
  message.answers.push_back({"a.local", Type::kNsec, true, 120, {}, Type::kAaaa});
  // The name again, window 0, four bytes, bit 28.
  const std::vector<std::uint8_t> end = bytes(
      "0161056c6f63616c00002f8001000000780"
      "00f0161056c6f63616c00000400000008");
  const std::vector<std::uint8_t> written = message.write();
  ASSERT_GE(written.size(), end.size());
  EXPECT_TRUE(
      std::equal(end.begin(), end.end(), written.end() - static_cast<std::ptrdiff_t>(end.size())));
}

TEST(MdnsMessage, FollowsCompressedNamesAndFoldsTheirCase) {
  // A question for "A.local", and an answer whose name points at it.
  const Result<Message> message =
      Message::parse(bytes("000084000001000100000000"
                           "0141054c6f63616c0000010001"
                           "c00c00018001000000780004c0a80107"));
  ASSERT_TRUE(message) << message.error().message;
  ASSERT_THAT(message->answers, SizeIs(1));
  EXPECT_EQ(message->questions[0].name, "a.local");
  EXPECT_EQ(message->answers[0].name, "a.local");
  EXPECT_EQ(message->answers[0].address, kAddress);
}

TEST(MdnsMessage, RefusesNamesThatRunInCirclesOrForward) {
  EXPECT_FALSE(
      Message::parse(bytes("000000000001000000000000"
                           "c00c00010001")));  // To itself.
  EXPECT_FALSE(
      Message::parse(bytes("000000000001000000000000"
                           "c00e00010001")));  // Forward.
  EXPECT_FALSE(
      Message::parse(bytes("000000000001000000000000"
                           "0161c00c00010001")));
  EXPECT_FALSE(
      Message::parse(bytes("000000000001000000000000"
                           "40610000010001")));  // Reserved.
}

TEST(MdnsMessage, RefusesWhatEndsEarlyAtEveryByte) {
  Message message;
  message.questions.push_back({"a.local", Type::kAny, true});
  message.answers.push_back({"a.local", Type::kA, true, 120, kAddress});
  const std::vector<std::uint8_t> whole = message.write();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(Message::parse(Bytes(whole).first(size))) << size;
  }
  EXPECT_FALSE(Message::parse(std::vector<std::uint8_t>(kMaxMessage + 1)));
}

TEST(MdnsMessage, RefusesAnAddressOfTheWrongLengthAndOtherOpcodes) {
  EXPECT_FALSE(
      Message::parse(bytes("000084000000000100000000"
                           "016100"
                           "00018001000000780003c0a801")));
  EXPECT_FALSE(Message::parse(bytes("0000a8000000000000000000")));  // Opcode 5
  EXPECT_FALSE(Message::parse(bytes("000084030000000000000000")));  // NXDOMAIN
}

TEST(MdnsMessage, LeavesOutOtherClassesAndBoundsTheRest) {
  const Result<Message> chaos =
      Message::parse(bytes("000084000000000100000000"
                           "016100"
                           "00010003000000780004c0a80107"));
  ASSERT_TRUE(chaos);
  EXPECT_THAT(chaos->answers, IsEmpty());

  std::vector<std::uint8_t> many = bytes("000000000400000000000000");
  for (int i = 0; i < 1024; ++i) {
    for (const std::uint8_t byte : {0, 0, 1, 0, 1}) many.push_back(byte);
  }
  const Result<Message> message = Message::parse(many);
  ASSERT_TRUE(message);
  EXPECT_THAT(message->questions, SizeIs(Message::kMaxEntries));
}

TEST(MdnsMessage, EscapesDotsInsideOfLabels) {
  const Result<Message> message =
      Message::parse(bytes("000000000001000000000000"
                           "03612e62056c6f63616c0000010001"));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->questions[0].name, "a\\.b.local");
  EXPECT_EQ(Message::parse(message->write())->questions[0].name, "a\\.b.local");
  Message no_name;
  no_name.questions.push_back({"a..local", Type::kA, false});
  EXPECT_THAT(no_name.write(), IsEmpty());
}

TEST(MdnsMessage, KnowsWhichNamesItResolves) {
  for (const char* good : {"a.local", "1f4712db-ea17-4bcf-a596-105139dfd8bf.LOCAL", "a.b.local"}) {
    EXPECT_TRUE(is_local_name(good)) << good;
  }
  const std::string long_label = std::string(64, 'a') + ".local";
  std::string long_name;
  while (long_name.size() < 250) long_name += "abc.";
  for (const std::string& bad :
       {std::string("local"), std::string(".local"), std::string("a.locale"),
        std::string("a..local"), std::string("a b.local"), std::string("a.example"), std::string(),
        std::string("a_b.local"), long_label, long_name + "local"}) {
    EXPECT_FALSE(is_local_name(bad)) << bad;
  }
}

TEST(MdnsLink, KnowsWhoIsOnIt) {
  const Link link{
      net::SocketId{1},
      net::Family::kIpv4,
      {{"eth0", kAddress, 23, {}},
       {"eth0", net::Address::v6(net::Address::parse("fe80::5")->bytes().first<16>(), 3), 64, {}},
       {"eth0", *net::Address::parse("2001:db8::5"), 64, {}}}};
  EXPECT_TRUE(link.is_on_link(net::Address::v4(192, 168, 0, 200)));
  EXPECT_FALSE(link.is_on_link(net::Address::v4(192, 168, 2, 200)));
  EXPECT_TRUE(link.is_on_link(*net::Address::parse("2001:db8::77")));
  EXPECT_FALSE(link.is_on_link(*net::Address::parse("2001:db8:1::77")));
  EXPECT_EQ(link.scope_id(), 3u);
  const auto link_local = [](std::uint32_t scope) {
    return net::Address::v6(net::Address::parse("fe80::9")->bytes().first<16>(), scope);
  };
  EXPECT_TRUE(link.is_on_link(link_local(3)));
  EXPECT_FALSE(link.is_on_link(link_local(4)));
}

}  // namespace
}  // namespace floe::mdns
