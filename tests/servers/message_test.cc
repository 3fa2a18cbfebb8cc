#include "floe/servers/signaling/message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace floe::server {
namespace {

using testing::HasSubstr;

const SignalingLimits kLimits;

Refused refusal_of(std::string_view text) {
  const auto message = parse_client_message(text, kLimits);
  return message ? Refused::kOther : message.error().code;
}

std::string nested(int levels) {
  return std::string(static_cast<std::size_t>(levels), '[') +
         std::string(static_cast<std::size_t>(levels), ']');
}

TEST(SignalingMessage, ReadsBackWhatAClientWrites) {
  const ClientMessage messages[] = {Join{"kitchen", "Zo\u00eb"}, Join{"kitchen", ""}, Leave{},
                                    Relay{"peer", R"({"a":[1,"\"",null]})"}};
  for (const ClientMessage& message : messages) {
    const auto read = parse_client_message(serialize(message), kLimits);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, message) << serialize(message);
  }
}

TEST(SignalingMessage, ReadsBackWhatTheServerWrites) {
  const ServerMessage messages[] = {
      Joined{
          "r", "me", {{"a", "Ann"}, {"b", ""}}, {{{"stun:h:1"}, "", ""}, {{"turn:h:2"}, "u", "p"}}},
      Joined{"r", "me", {}, {}},
      Left{},
      PeerJoined{{"a", "Ann"}},
      PeerLeft{"a"},
      Delivery{"a", R"({"x":1})"},
      Refusal{Refused::kRoomFull, "full"}};
  for (const ServerMessage& message : messages) {
    const auto read = parse_server_message(serialize(message));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, message) << serialize(message);
  }
}

TEST(SignalingMessage, JoinedLooksAsDocumented) {
  EXPECT_EQ(serialize(Joined{"r", "me", {{"a", "Ann"}}, {{{"stun:h:1"}, "", ""}}}),
            R"({"iceServers":[{"urls":["stun:h:1"]}],"id":"me","peers":[{"id":"a","name":"Ann"}],)"
            R"("room":"r","type":"joined"})");
  EXPECT_EQ(serialize(Joined{"r", "me", {}, {}}),
            R"({"id":"me","peers":[],"room":"r","type":"joined"})");
}

TEST(SignalingMessage, IgnoresFieldsItDoesNotKnow) {
  EXPECT_EQ(parse_client_message(R"({"type":"leave","why":{"later":true}})", kLimits).value(),
            ClientMessage(Leave{}));
}

TEST(SignalingMessage, RefusesWhatIsNotAJsonObject) {
  for (const char* text : {"", "{", "hello", "{\"type\":\"leave\"} x", "{\"type\":\"leave\",}",
                           "\"leave\"", "[]", "null", "1", "{\"type\":\"\xff\"}", "{'type':1}"}) {
    EXPECT_EQ(refusal_of(text), Refused::kBadJson) << text;
  }
}

TEST(SignalingMessage, RefusesFieldsThatAreMissingOrOfTheWrongKind) {
  for (const char* text :
       {"{}", R"({"type":1})", R"({"type":"join"})", R"({"type":"join","room":7})",
        R"({"type":"join","room":"r","name":[]})", R"({"type":"signal","data":1})",
        R"({"type":"signal","to":1,"data":1})", R"({"type":"signal","to":"x"})"}) {
    EXPECT_EQ(refusal_of(text), Refused::kBadField) << text;
  }
}

TEST(SignalingMessage, NamesTheTypeItDoesNotKnow) {
  const auto message = parse_client_message(R"({"type":"dance"})", kLimits);
  ASSERT_FALSE(message);
  EXPECT_EQ(message.error().code, Refused::kUnknownType);
  EXPECT_THAT(message.error().message, HasSubstr("dance"));
}

TEST(SignalingMessage, RefusesJsonThatNestsDeeperThanTheLimit) {
  EXPECT_EQ(refusal_of(R"({"type":"signal","to":"x","data":)" + nested(kMaxNesting - 1) + "}"),
            Refused::kOther);
  EXPECT_EQ(refusal_of(R"({"type":"signal","to":"x","data":)" + nested(kMaxNesting) + "}"),
            Refused::kTooDeep);
  EXPECT_EQ(refusal_of(nested(100'000)), Refused::kTooDeep);
  EXPECT_FALSE(parse_server_message(nested(100'000)));
  EXPECT_FALSE(parse_signal(nested(100'000)));
}

TEST(SignalingMessage, CountsNoBracketsWithinStrings) {
  const std::string brackets(1000, '[');
  EXPECT_EQ(refusal_of(R"({"type":"signal","to":"x","data":"\")" + brackets + "\"}"),
            Refused::kOther);
}

TEST(SignalingMessage, RefusesNamesThatAreTooLongOrNotPrintable) {
  const auto join = [](const std::string& room, const std::string& name) {
    return refusal_of(serialize(ClientMessage(Join{room, name})));
  };
  EXPECT_EQ(
      join(std::string(kLimits.max_room_bytes, 'r'), std::string(kLimits.max_name_bytes, 'n')),
      Refused::kOther);
  EXPECT_EQ(join("", ""), Refused::kBadRoom);
  EXPECT_EQ(join(std::string(kLimits.max_room_bytes + 1, 'r'), ""), Refused::kBadRoom);
  EXPECT_EQ(join("a\nb", ""), Refused::kBadRoom);
  EXPECT_EQ(join("r", std::string(kLimits.max_name_bytes + 1, 'n')), Refused::kBadName);
  EXPECT_EQ(join("r", "a\tb"), Refused::kBadName);
}

TEST(SignalingMessage, PrintableTextHidesAndReordersNothing) {
  for (const char* good : {"", "a b", "Zo\u00eb", "\u4f60\u597d", "\U0001F469\u200D\U0001F680",
                           "\u0915\u094d\u200d"}) {
    EXPECT_TRUE(is_printable(good)) << good;
  }
  for (const char* bad :
       {" a", "a ", "\x01", "a\x7f", "\u0085", "\u00ad", "\u200b", "\u202e", "\u2028", "\u2066",
        "\ufeff", "\ufffe", "\U0001FFFF", "\U000E0041", "\xff", "\xc0\x80", "\xed\xa0\x80"}) {
    EXPECT_FALSE(is_printable(bad)) << bad;
  }
  EXPECT_FALSE(is_printable(std::string_view("a\0b", 3)));
}

TEST(SignalingMessage, EveryRefusalHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kRefusedCount; ++i) {
    const auto code = static_cast<Refused>(i);
    EXPECT_FALSE(to_string(code).empty());
    EXPECT_TRUE(names.insert(to_string(code)).second) << to_string(code);
    const auto read = parse_server_message(serialize(ServerMessage(Refusal{code, "m"})));
    ASSERT_TRUE(read);
    EXPECT_EQ(std::get<Refusal>(*read).code, code);
  }
}

TEST(SignalingMessage, KeepsTheNameOfAnErrorItDoesNotKnow) {
  const auto read = parse_server_message(R"({"type":"error","code":"on-fire","message":"run"})");
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<Refusal>(*read), (Refusal{Refused::kOther, "on-fire: run"}));
}

TEST(SignalingMessage, TellsAnUnknownTypeOfTheServerFromNonsense) {
  EXPECT_EQ(parse_server_message(R"({"type":"weather"})").error().code, Errc::kUnsupported);
  for (const char* text :
       {"", "[]", "{}", R"({"type":"joined"})", R"({"type":"joined","room":"r","id":"i"})",
        R"({"type":"joined","room":"r","id":"i","peers":[1]})",
        R"({"type":"joined","room":"r","id":"i","peers":[{"name":"n"}]})",
        R"({"type":"peer-joined"})", R"({"type":"peer-joined","peer":{}})",
        R"({"type":"peer-left"})", R"({"type":"signal","from":"a"})",
        R"({"type":"signal","data":1})", R"({"type":"error"})"}) {
    EXPECT_EQ(parse_server_message(text).error().code, Errc::kMalformed) << text;
  }
}

TEST(SignalingMessage, TakesIceServersInBothFormsOfTheW3c) {
  const auto read = parse_server_message(
      R"({"type":"joined","room":"r","id":"i","peers":[],"iceServers":)"
      R"([{"urls":"stun:a"},{"urls":["turn:b","turn:c"],"username":"u","credential":"p"},{},7]})");
  ASSERT_TRUE(read);
  EXPECT_EQ(std::get<Joined>(*read).ice_servers,
            (std::vector<IceServer>{{{"stun:a"}, "", ""}, {{"turn:b", "turn:c"}, "u", "p"}}));
}

TEST(Signal, HasTheNamesOfTheW3c) {
  EXPECT_EQ(to_json(Description{"offer", "v=0\r\n"}).value(),
            R"({"description":{"sdp":"v=0\r\n","type":"offer"}})");
  EXPECT_EQ(to_json(Candidate{"candidate:1", "0", 0, "abcd"}).value(),
            R"({"candidate":{"candidate":"candidate:1","sdpMLineIndex":0,"sdpMid":"0",)"
            R"("usernameFragment":"abcd"}})");
  EXPECT_EQ(to_json(Candidate{"", {}, {}, {}}).value(), R"({"candidate":{"candidate":""}})");
}

TEST(Signal, ReadsBackWhatItWrites) {
  const Signal signals[] = {Description{"answer", "v=0\r\n"},
                            Description{"rollback", ""},
                            Candidate{"candidate:1", "audio", 65535, "abcd"},
                            Candidate{"", {}, {}, {}},
                            OtherSignal{R"({"chat":"hi"})"},
                            OtherSignal{"[1,2]"}};
  for (const Signal& signal : signals) {
    const std::string json = to_json(signal).value();
    const Result<Signal> read = parse_signal(json);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, signal) << json;
  }
}

TEST(Signal, TakesNullWhereABrowserWritesIt) {
  EXPECT_EQ(parse_signal(R"({"candidate":null})").value(), Signal(Candidate{}));
  EXPECT_EQ(parse_signal(R"({"description":null,"candidate":{"candidate":"c","sdpMid":null,)"
                         R"("sdpMLineIndex":null,"usernameFragment":null}})")
                .value(),
            Signal(Candidate{"c", {}, {}, {}}));
}

TEST(Signal, RefusesFieldsOfTheWrongKind) {
  for (const char* text :
       {"", "{", R"({"description":1})", R"({"description":{}})",
        R"({"description":{"type":"dance"}})", R"({"description":{"type":"offer","sdp":1}})",
        R"({"candidate":1})", R"({"candidate":{}})", R"({"candidate":{"candidate":1}})",
        R"({"candidate":{"candidate":"","sdpMid":0}})",
        R"({"candidate":{"candidate":"","sdpMLineIndex":-1}})",
        R"({"candidate":{"candidate":"","sdpMLineIndex":65536}})",
        R"({"candidate":{"candidate":"","sdpMLineIndex":0.5}})",
        R"({"candidate":{"candidate":"","usernameFragment":1}})"}) {
    EXPECT_EQ(parse_signal(text).error().code, Errc::kMalformed) << text;
  }
}

TEST(Signal, RefusesAnOtherSignalThatIsNotJsonOrWouldNotFitInAMessage) {
  EXPECT_EQ(to_json(OtherSignal{"{"}).error().code, Errc::kInvalidArgument);
  EXPECT_TRUE(to_json(OtherSignal{nested(kMaxNesting - 1)}));
  EXPECT_EQ(to_json(OtherSignal{nested(kMaxNesting)}).error().code, Errc::kLimitExceeded);
}

TEST(Signal, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(to_json(Description{"offer", "\xff"}).value(),
            "{\"description\":{\"sdp\":\"\ufffd\",\"type\":\"offer\"}}");
}

}  // namespace
}  // namespace floe::server
