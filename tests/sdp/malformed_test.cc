#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "floe/sdp/parser.h"
#include "tests/sdp/vectors.h"

namespace floe::sdp {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(SdpParser, RefusesALineThatDoesNotFollowItsGrammarAndNamesIt) {
  const std::string session(kOpening);
  const std::string media = session + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n";
  const std::string malformed_session_lines[] = {
      "x=1",
      "tt=0 0",
      "t",
      "=",
      "a",
      "a=",
      "a=:x",
      " a=x",
      "y=",
      "T=0 0",
      "v=0",
      "o=- 1 2 IN IP4 0.0.0.0",
      "s=-",
      "t=0",
      "t=0 x",
      "t=0 0 0",
      "t=-1 0",
      "t=99999999999999999999 0",
      "z=0 1h",
      "c=IN",
      "c=IN IP4",
      "c=",
      "b=AS",
      "b=AS:",
      "b=:1",
      "b=AS:-1",
      "b=AS:99999999999999999999",
      "a=group",
      "a=group:",
      "a=ice-lite:yes",
      "a=msid-semantic:",
      "a=extmap:1",
      "a=extmap: urn:x",
      "a=extmap:70000 urn:x",
      "a=extmap:1/up urn:x",
      "a=ice-options:",
      "a=ice-options: ,",
      "a=fingerprint:sha-256",
      "a=fingerprint:sha-256 AB",
      "a=fingerprint:x A",
      "a=fingerprint:x AB:",
      "a=fingerprint:x AB:C",
      "a=fingerprint:x AB-CD",
      "a=fingerprint:x GG",
      "a=fingerprint:x AB CD",
      "a=fingerprint:",
      "a=setup:",
      "a=setup",
      "a=setup:both",
      "a=setup:active passive",
      "a=tls-id:",
      "a=sendrecv:yes",
      "a=ice-ufrag:",
      "a=ice-ufrag",
      "a=ice-pwd:a b",
      "m=",
      "m=audio",
      "m=audio 9",
      "m=audio 9 RTP/AVP",
      "m=audio x RTP/AVP 0",
      "m=audio 65536 RTP/AVP 0",
      "m=audio -1 RTP/AVP 0",
      "m=audio 9/0 RTP/AVP 0",
      "m=audio 9/ RTP/AVP 0",
      "m=audio 99999999999999999999 RTP/AVP 0",
  };
  for (const std::string& line : malformed_session_lines) {
    EXPECT_THAT(parse_error(session + line + "\r\n"), StartsWith("line 5 \"" + line + "\": "))
        << line;
  }
  const std::string malformed_media_lines[] = {
      "t=0 0",
      "u=x",
      "e=x",
      "p=x",
      "r=1 1 1",
      "z=0 1h",
      "v=0",
      "x=1",
      "c=IN IP4",
      "b=x",
      "a=candidate",
      "a=mid:",
      "a=mid:a b",
      "a=mid",
      "a=bundle-only:1",
      "a=rtcp-mux:1",
      "a=sctp-port:",
      "a=sctp-port:65536",
      "a=sctp-port:-1",
      "a=sctp-port:5000 1",
      "a=max-message-size:",
      "a=max-message-size:-1",
      "a=max-message-size:64k",
      "a=sctpmap:5000",
      "a=sctpmap:x webrtc-datachannel",
      "a=sctpmap:1 a x",
      "a=sctpmap:1 a 1 1",
      "a=sctp-init:",
      "a=rtpmap:0",
      "a=rtpmap:x PCMU/8000",
      "a=rtpmap:0 PCMU",
      "a=rtpmap:0 /8000",
      "a=rtpmap:0 PCMU/x",
      "a=rtpmap:0 PCMU/8000/x",
      "a=rtpmap:0 PCMU/8000/1/1",
      "a=rtpmap:0 PCMU/8000 x",
      "a=rtpmap:65536 PCMU/8000",
      "a=fmtp:",
      "a=rtcp-fb:0",
      "a=rtcp-fb:",
      "a=rtcp:",
      "a=rtcp:x",
      "a=rtcp:9 IN",
      "a=rtcp:65536",
      "a=msid:",
      "a=rid:",
      "a=rid:h",
      "a=rid:h both",
      "a=simulcast:",
      "a=simulcast:send",
      "a=simulcast:send h;",
      "a=simulcast:send ;h",
      "a=simulcast:send h,,l",
      "a=simulcast:send h send l",
      "a=simulcast:both h",
      "a=simulcast:send ~",
      "a=ssrc-group:",
      "a=ssrc-group:FID x",
      "a=ssrc-group:FID 4294967296",
      "a=ssrc:",
      "a=ssrc:1",
      "a=ssrc:x cname:y",
      "a=ssrc:4294967296 cname:y",
      "a=ssrc:-1 cname:y",
      "a=ssrc:1 :y",
  };
  for (const std::string& line : malformed_media_lines) {
    EXPECT_THAT(parse_error(media + line + "\r\n"), StartsWith("line 6 \"" + line + "\": "))
        << line;
  }
}

TEST(SdpParser, SaysHowTheLineShouldLook) {
  EXPECT_EQ(parse_error(std::string(kOpening) + "a=setup:both\r\n"),
            "line 5 \"a=setup:both\": expected a=setup:actpass, active, passive or holdconn");
  EXPECT_EQ(parse_error("v=1\r\n"), "line 1 \"v=1\": expected v=0 as the first line");
}

TEST(SdpParser, RefusesLinesThatContradictEachOther) {
  const std::pair<const char*, const char*> session_pairs[] = {
      {"i=a", "i=b"},
      {"u=a", "u=b"},
      {"k=a", "k=b"},
      {"c=IN IP4 192.0.2.1", "c=IN IP4 192.0.2.2"},
      {"a=ice-ufrag:abcd", "a=ice-ufrag:abce"},
      {"a=ice-pwd:a", "a=ice-pwd:b"},
      {"a=setup:active", "a=setup:passive"},
      {"a=tls-id:a", "a=tls-id:b"},
      {"a=sendrecv", "a=inactive"},
  };
  for (const auto& [first, second] : session_pairs) {
    const std::string text = std::string(kOpening) + first + "\r\n" + second + "\r\n";
    EXPECT_THAT(parse_error(text),
                StartsWith("line 6 \"" + std::string(second) + "\": an earlier"));
  }
  const std::pair<const char*, const char*> media_pairs[] = {
      {"a=mid:a", "a=mid:b"},
      {"a=sctp-port:5000", "a=sctp-port:5001"},
      {"a=sctp-port:0", "a=sctp-port:5001"},
      {"a=max-message-size:0", "a=max-message-size:1"},
      {"a=sctpmap:1 a", "a=sctpmap:1 b"},
      {"a=sctp-init:a", "a=sctp-init:b"},
      {"a=rtpmap:0 PCMU/8000", "a=rtpmap:0 PCMA/8000"},
      {"a=fmtp:0 a", "a=fmtp:0 b"},
      {"a=rtcp:9", "a=rtcp:10"},
      {"a=simulcast:send a", "a=simulcast:recv a"},
  };
  for (const auto& [first, second] : media_pairs) {
    const std::string text =
        std::string(kOpening) + "m=audio 9 RTP/AVP 0\r\n" + first + "\r\n" + second + "\r\n";
    EXPECT_THAT(parse_error(text),
                StartsWith("line 7 \"" + std::string(second) + "\": an earlier"));
  }
}

TEST(SdpParser, WantsTheOpeningLinesFirstAndInOrder) {
  for (const char* text :
       {"", "\r\n\r\n", "v=0\r\n", "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\n",
        "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\n", "o=- 1 2 IN IP4 0.0.0.0\r\nv=0\r\n",
        "v=0\r\ns=-\r\no=- 1 2 IN IP4 0.0.0.0\r\n", "v=0\r\no=- 1 2 IN IP4\r\n",
        "v=0\r\no=- 1 IN IP4 0.0.0.0\r\n", "v=0\r\no=- x 2 IN IP4 0.0.0.0\r\n",
        "v=0\r\no=- 1 99999999999999999999 IN IP4 0.0.0.0\r\n",
        "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\nt=0 0\r\ns=-\r\n", "v=2\r\n", "hello", "{\"type\":1}"}) {
    EXPECT_NE(parse_error(text), "") << text;
  }
  EXPECT_THAT(parse_error("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nm=audio 9 RTP/AVP 0\r\n"),
              HasSubstr("no t= line"));
}

TEST(SdpParser, RefusesNulAndCrWithinALine) {
  std::string text(kOpening);
  text += "a=x";
  text += '\0';
  text += "y\r\n";
  EXPECT_THAT(parse_error(text), HasSubstr("line 5"));
  EXPECT_THAT(parse_error(std::string(kOpening) + "a=x\ry\r\n"), HasSubstr("line 5"));
  EXPECT_THAT(parse_error(std::string(kOpening) + "a=x\r\r\n"), HasSubstr("line 5"));
}

TEST(SdpParser, SurvivesEveryTruncation) {
  for (const auto& [name, text] : all_vectors()) {
    for (std::size_t size = 0; size < text.size(); size += 7) {
      const auto parsed = parse(std::string_view(text).substr(0, size));
      EXPECT_TRUE(parsed || !parsed.error().message.empty()) << name << " cut at " << size;
    }
  }
}

struct Bound {
  const char* what;
  std::string accepted;
  std::string refused;
};

std::string repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

std::string numbered(std::string_view before, std::size_t count, std::string_view after) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    out += std::string(before) + std::to_string(i) + std::string(after);
  }
  return out;
}

TEST(SdpParser, HoldsEveryBound) {
  const std::string session(kOpening);
  const std::string media = session + "m=audio 9 RTP/AVP 0\r\n";
  const auto at = [](const std::string& head, const std::string& body) {
    return head + body + "\r\n";
  };
  const std::string section = "m=audio 9 RTP/AVP 0\r\n";
  const Bound bounds[] = {
      {"lines", session + repeat("a=x\n", kMaxLines - 4), session + repeat("a=x\n", kMaxLines - 3)},
      {"100k lines", session, session + repeat("a=rtpmap:0 PCMU/8000\n", 100'000)},
      {"empty lines", session + repeat("\n", kMaxLines - 4), session + repeat("\n", kMaxLines - 3)},
      {"text", session + "a=" + std::string(kMaxTextSize - session.size() - 2, 'x'),
       session + "a=" + std::string(kMaxTextSize - session.size() - 1, 'x')},
      {"sections", session + repeat(section, kMaxMedia), session + repeat(section, kMaxMedia + 1)},
      {"formats", at(session, "m=audio 9 RTP/AVP" + repeat(" 0", kMaxItems)),
       at(session, "m=audio 9 RTP/AVP" + repeat(" 0", kMaxItems + 1))},
      {"mids", at(session, "a=group:BUNDLE" + repeat(" 0", kMaxItems)),
       at(session, "a=group:BUNDLE" + repeat(" 0", kMaxItems + 1))},
      {"groups", session + repeat("a=group:LS\n", kMaxItems),
       session + repeat("a=group:LS\n", kMaxItems + 1)},
      {"msid semantics", at(session, "a=msid-semantic:WMS" + repeat(" 0", kMaxItems)),
       at(session, "a=msid-semantic:WMS" + repeat(" 0", kMaxItems + 1))},
      {"ICE options", session + repeat("a=ice-options:x\n", kMaxItems),
       session + repeat("a=ice-options:x\n", kMaxItems + 1)},
      {"payload types", media + numbered("a=fmtp:", kMaxItems, " x\n"),
       media + numbered("a=fmtp:", kMaxItems + 1, " x\n")},
      {"rtpmaps", media + numbered("a=rtpmap:", kMaxItems, " x/1\n"),
       media + numbered("a=rtpmap:", kMaxItems + 1, " x/1\n")},
      {"feedback", media + numbered("a=rtcp-fb:", kMaxItems, " nack\n"),
       media + numbered("a=rtcp-fb:", kMaxItems + 1, " nack\n")},
      {"SSRCs", media + numbered("a=ssrc:", kMaxItems, " x\n"),
       media + numbered("a=ssrc:", kMaxItems + 1, " x\n")},
      {"SSRC groups", at(media, "a=ssrc-group:FID" + repeat(" 1", kMaxItems)),
       at(media, "a=ssrc-group:FID" + repeat(" 1", kMaxItems + 1))},
      {"simulcast", at(media, "a=simulcast:send x" + repeat(",x", kMaxItems - 1)),
       at(media, "a=simulcast:send x" + repeat(";x", kMaxItems))},
  };
  for (const Bound& bound : bounds) {
    const auto accepted = parse(bound.accepted);
    EXPECT_TRUE(accepted) << bound.what << ": " << accepted.error().message;
    const auto refused = parse(bound.refused);
    ASSERT_FALSE(refused) << bound.what;
    EXPECT_EQ(refused.error().code, Errc::kLimitExceeded) << bound.what;
    EXPECT_LT(refused.error().message.size(), 300u) << bound.what;
  }
}

}  // namespace
}  // namespace floe::sdp
