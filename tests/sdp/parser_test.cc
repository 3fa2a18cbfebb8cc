#include "floe/sdp/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>

#include "tests/sdp/vectors.h"

namespace floe::sdp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SdpParser, ReadsTheSessionLinesOfRfc8866) {
  // The example of RFC 8866 section 5, with b=, r=, z= and k= lines added.
  const auto parsed = parse(
      "v=0\r\n"
      "o=jdoe 3724394400 3724394405 IN IP4 198.51.100.1\r\n"
      "s=Call to John Smith\r\n"
      "i=SDP Offer #1\r\n"
      "u=http://www.jdoe.example.com/home.html\r\n"
      "e=Jane Doe <jane@jdoe.example.com>\r\n"
      "p=+1 617 555-6011\r\n"
      "c=IN IP4 198.51.100.1\r\n"
      "b=CT:1000\r\n"
      "t=3724394400 3724398000\r\n"
      "r=604800 3600 0 90000\r\n"
      "z=3730928400 -1h\r\n"
      "t=0 0\r\n"
      "k=prompt\r\n"
      "m=audio 49170 RTP/AVP 0\r\n"
      "m=audio 49180/2 RTP/AVP 0\r\n"
      "i=the second one\r\n"
      "k=clear:x\r\n"
      "m=video 51372 RTP/AVP 99\r\n"
      "c=IN IP6 2001:db8::2\r\n"
      "c=IN IP4 233.252.0.1/127\r\n"
      "b=AS:500\r\n"
      "a=rtpmap:99 h263-1998/90000\r\n");
  ASSERT_TRUE(parsed) << parsed.error().message;
  const Description& d = *parsed;
  EXPECT_EQ(d.origin, (Origin{"jdoe", 3724394400, 3724394405, "IN", "IP4", "198.51.100.1"}));
  EXPECT_EQ(d.session_name, "Call to John Smith");
  EXPECT_EQ(d.information, "SDP Offer #1");
  EXPECT_EQ(d.uri, "http://www.jdoe.example.com/home.html");
  EXPECT_THAT(d.emails, ElementsAre("Jane Doe <jane@jdoe.example.com>"));
  EXPECT_THAT(d.phones, ElementsAre("+1 617 555-6011"));
  EXPECT_EQ(d.connection, (Connection{"IN", "IP4", "198.51.100.1"}));
  EXPECT_THAT(d.bandwidths, ElementsAre(Bandwidth{"CT", 1000}));
  EXPECT_THAT(d.timings,
              ElementsAre(Timing{3724394400, 3724398000, {"604800 3600 0 90000"}, "3730928400 -1h"},
                          Timing{}));
  EXPECT_EQ(d.key, "prompt");
  ASSERT_EQ(d.media.size(), 3u);
  EXPECT_EQ(effective_connection(d, d.media[0]), d.connection);
  EXPECT_EQ(d.media[1].port, 49180);
  EXPECT_EQ(d.media[1].port_count, 2u);
  EXPECT_EQ(d.media[1].information, "the second one");
  EXPECT_EQ(d.media[1].key, "clear:x");
  EXPECT_THAT(d.media[2].connections, ElementsAre(Connection{"IN", "IP6", "2001:db8::2"},
                                                  Connection{"IN", "IP4", "233.252.0.1/127"}));
  EXPECT_EQ(effective_connection(d, d.media[2]), (Connection{"IN", "IP6", "2001:db8::2"}));
  EXPECT_THAT(d.media[2].bandwidths, ElementsAre(Bandwidth{"AS", 500}));
}

TEST(SdpParser, ReadsTheSessionAttributesOfJsep) {
  const Description d = parse_session(
      "a=group:BUNDLE a1 d1\r\n"
      "a=group:LS a1\r\n"
      "a=group:FID\r\n"
      "a=ice-lite\r\n"
      "a=ice-options:trickle ice2\r\n"
      "a=ice-ufrag:ufrg\r\n"
      "a=ice-pwd:pwdpwdpwdpwdpwdpwdpwdpwd\r\n"
      "a=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13\r\n"
      "a=setup:passive\r\n"
      "a=tls-id:abc3de65cddef001be82\r\n"
      "a=msid-semantic: WMS *\r\n"
      "a=msid-semantic:WMS a b\r\n"
      "a=extmap-allow-mixed\r\n"
      "a=extmap:3 urn:x\r\n"
      "a=recvonly\r\n"
      "a=end-of-candidates\r\n"
      "a=identity:eyJpZHA=\r\n"
      "a=tool:x\r\n");
  EXPECT_THAT(d.groups,
              ElementsAre(Group{"BUNDLE", {"a1", "d1"}}, Group{"LS", {"a1"}}, Group{"FID", {}}));
  EXPECT_TRUE(d.ice_lite);
  EXPECT_THAT(d.ice_options, ElementsAre("trickle", "ice2"));
  EXPECT_EQ(d.ice_ufrag, "ufrg");
  EXPECT_EQ(d.ice_pwd, "pwdpwdpwdpwdpwdpwdpwdpwd");
  EXPECT_THAT(d.fingerprints,
              ElementsAre(Fingerprint{
                  "sha-1", "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13"}));
  EXPECT_EQ(d.setup, sdp::Setup::kPassive);
  EXPECT_EQ(d.tls_id, "abc3de65cddef001be82");
  EXPECT_THAT(d.msid_semantics,
              ElementsAre(MsidSemantic{"WMS", {"*"}}, MsidSemantic{"WMS", {"a", "b"}}));
  EXPECT_TRUE(d.extmap_allow_mixed);
  EXPECT_THAT(d.extmaps, ElementsAre(Extmap{3, {}, "urn:x", ""}));
  EXPECT_EQ(d.direction, Direction::kRecvonly);
  EXPECT_TRUE(d.end_of_candidates);
  EXPECT_THAT(d.attributes, ElementsAre(Attribute{"identity", "eyJpZHA="}, Attribute{"tool", "x"}));
}

TEST(SdpParser, ReadsTheTransportOfASection) {
  const Media m = parse_media(
      "a=mid:v1\r\n"
      "a=bundle-only\r\n"
      "a=ice-ufrag:abcd\r\n"
      "a=ice-pwd:abcdefghijklmnopqrstuv\r\n"
      "a=ice-options:renomination\r\n"
      "a=fingerprint:SHA-1 00:01:02:03:04:05:06:07:08:09:0a:0b:0c:0d:0e:0f:10:11:12:13\r\n"
      "a=fingerprint:x-new AB\r\n"
      "a=setup:actpass\r\n"
      "a=candidate:1 1 udp 2113929471 203.0.113.100 10100 typ host\r\n"
      "a=candidate:this is no candidate, and is left for ICE to ignore\r\n"
      "a=end-of-candidates\r\n"
      "a=rtcp:9 IN IP4 0.0.0.0\r\n"
      "a=rtcp-mux\r\n"
      "a=rtcp-mux-only\r\n"
      "a=rtcp-rsize\r\n");
  EXPECT_EQ(m.mid, "v1");
  EXPECT_TRUE(m.bundle_only);
  EXPECT_EQ(m.ice_ufrag, "abcd");
  EXPECT_EQ(m.ice_pwd, "abcdefghijklmnopqrstuv");
  EXPECT_THAT(m.ice_options, ElementsAre("renomination"));
  EXPECT_THAT(
      m.fingerprints,
      ElementsAre(
          Fingerprint{"sha-1", "00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13"},
          Fingerprint{"x-new", "AB"}));
  EXPECT_EQ(m.setup, sdp::Setup::kActpass);
  EXPECT_THAT(m.candidates, ElementsAre("1 1 udp 2113929471 203.0.113.100 10100 typ host",
                                        "this is no candidate, and is left for ICE to ignore"));
  EXPECT_TRUE(m.end_of_candidates);
  EXPECT_EQ(m.rtcp, (Rtcp{9, Connection{}}));
  EXPECT_TRUE(m.rtcp_mux);
  EXPECT_TRUE(m.rtcp_mux_only);
  EXPECT_TRUE(m.rtcp_rsize);
  EXPECT_THAT(m.attributes, IsEmpty());
}

TEST(SdpParser, ReadsTheMediaOfASection) {
  const Media m = parse_media(
      "a=sendonly\r\n"
      "a=fmtp:97 apt=96;rtx-time=3000\r\n"
      "a=rtpmap:96 VP8/90000\r\n"
      "a=rtpmap:97 rtx/90000\r\n"
      "a=rtcp-fb:96 nack\r\n"
      "a=rtcp-fb:96 nack pli\r\n"
      "a=rtcp-fb:* transport-cc\r\n"
      "a=rtpmap:111 opus/48000/2\r\n"
      "a=fmtp:webrtc-datachannel max-message-size=100000\r\n"
      "a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
      "a=extmap:4096/sendonly http://example.com/ext.htm#xmeta short long\r\n"
      "a=msid:stream track\r\n"
      "a=msid:-\r\n"
      "a=rid:h send\r\n"
      "a=rid:l recv pt=96;max-width=320\r\n"
      "a=simulcast:recv l send h,~m;~q\r\n"
      "a=ssrc-group:FID 1 4294967295\r\n"
      "a=ssrc:1 cname:x y\r\n"
      "a=ssrc:4294967295 cname:z\r\n"
      "a=ssrc:1 msid:a b\r\n"
      "a=ssrc:1 flag\r\n"
      "a=maxptime:120\r\n");
  EXPECT_EQ(m.direction, Direction::kSendonly);
  ASSERT_EQ(m.codecs.size(), 3u);
  EXPECT_EQ(m.codecs[0], (Codec{97, Rtpmap{"rtx", 90000, {}}, "apt=96;rtx-time=3000", {}}));
  EXPECT_EQ(m.codecs[1], (Codec{96, Rtpmap{"VP8", 90000, {}}, {}, {"nack", "nack pli"}}));
  EXPECT_EQ(m.codecs[2], (Codec{111, Rtpmap{"opus", 48000, 2}, {}, {}}));
  EXPECT_THAT(m.rtcp_fb, ElementsAre("transport-cc"));
  EXPECT_THAT(m.extmaps, ElementsAre(Extmap{1, {}, "urn:ietf:params:rtp-hdrext:sdes:mid", ""},
                                     Extmap{4096, Direction::kSendonly,
                                            "http://example.com/ext.htm#xmeta", "short long"}));
  EXPECT_THAT(m.msids, ElementsAre(Msid{"stream", "track"}, Msid{"-", ""}));
  EXPECT_THAT(m.rids, ElementsAre(Rid{"h", Rid::Direction::kSend, ""},
                                  Rid{"l", Rid::Direction::kRecv, "pt=96;max-width=320"}));
  const Simulcast expected{{{{"h", false}, {"m", true}}, {{"q", true}}}, {{{"l", false}}}};
  EXPECT_EQ(m.simulcast, expected);
  EXPECT_THAT(m.ssrc_groups, ElementsAre(SsrcGroup{"FID", {1, 4294967295}}));
  EXPECT_THAT(m.ssrcs, ElementsAre(Ssrc{1, {{"cname", "x y"}, {"msid", "a b"}, {"flag", {}}}},
                                   Ssrc{4294967295, {{"cname", "z"}}}));
  EXPECT_THAT(m.attributes,
              ElementsAre(Attribute{"fmtp", "webrtc-datachannel max-message-size=100000"},
                          Attribute{"maxptime", "120"}));
}

TEST(SdpParser, ReadsTheLinesOfDataSections) {
  const Description d = parse_session(
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
      "a=sctp-port:0\r\n"
      "a=max-message-size:0\r\n"
      "a=sctp-init:AQAAJA==\r\n"
      "m=application 9 DTLS/SCTP 5000\r\n"
      "a=sctpmap:5000 webrtc-datachannel 1024\r\n"
      "m=application 9 DTLS/SCTP 5001\r\n"
      "a=sctpmap:5001 webrtc-datachannel\r\n");
  EXPECT_EQ(d.media[0].sctp_port, 0);
  EXPECT_EQ(d.media[0].max_message_size, 0u);
  EXPECT_EQ(d.media[0].sctp_init, "AQAAJA==");
  EXPECT_EQ(d.media[1].sctpmap, (Sctpmap{5000, "webrtc-datachannel", 1024}));
  EXPECT_EQ(d.media[2].sctpmap, (Sctpmap{5001, "webrtc-datachannel", {}}));
  for (const Media& media : d.media) EXPECT_TRUE(media.is_data());
}

TEST(SdpParser, TakesAMessageSizeBeyond64BitsForTheLargest) {
  EXPECT_EQ(parse_media("a=max-message-size:99999999999999999999999\r\n").max_message_size,
            std::numeric_limits<std::uint64_t>::max());
}

TEST(SdpParser, AcceptsLfAloneEmptyLinesAndALastLineWithoutItsEnd) {
  const auto parsed = parse(
      "v=0\no=- 1 2 IN IP4 0.0.0.0\ns=-\r\n\r\nt=0 0\n\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 0\na=mid:0");
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->media.at(0).mid, "0");
}

TEST(SdpParser, AcceptsAnySessionName) {
  for (const char* name : {"-", " ", "Call to John Smith", "\xC3\xA9t\xC3\xA9", "\xFF", "a=b"}) {
    const auto parsed =
        parse("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=" + std::string(name) + "\r\nt=0 0\r\n");
    ASSERT_TRUE(parsed) << parsed.error().message;
    EXPECT_EQ(parsed->session_name, name);
  }
  EXPECT_EQ(parse("v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=\r\nt=0 0\r\n")->session_name, "-");
}

TEST(SdpParser, ToleratesUnknownExtensionsAndPayloadTypesAbove127) {
  const Media m = parse_media(
      "a=rtpmap:200 vnd.example/90000\r\n"
      "a=fmtp:200 x\r\n"
      "a=extmap:300 urn:nobody:knows\r\n"
      "a=rtcp-fb:200 vnd-feedback with words\r\n"
      "a=vnd-flag\r\n"
      "a=vnd-value:\r\n"
      "a=vnd-text: : \r\n");
  EXPECT_THAT(
      m.codecs,
      ElementsAre(Codec{200, Rtpmap{"vnd.example", 90000, {}}, "x", {"vnd-feedback with words"}}));
  EXPECT_THAT(m.extmaps, ElementsAre(Extmap{300, {}, "urn:nobody:knows", ""}));
  EXPECT_THAT(m.attributes, ElementsAre(Attribute{"vnd-flag", {}}, Attribute{"vnd-value", ""},
                                        Attribute{"vnd-text", " : "}));
}

TEST(SdpParser, KeepsAnAttributeOfTheOtherLevelAsItIs) {
  const Description d = parse_session(
      "a=rtcp-mux\r\na=mid:0\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=ice-lite\r\na=group:BUNDLE 0\r\n");
  EXPECT_THAT(d.attributes, ElementsAre(Attribute{"rtcp-mux", {}}, Attribute{"mid", "0"}));
  EXPECT_FALSE(d.ice_lite);
  EXPECT_THAT(d.groups, IsEmpty());
  EXPECT_THAT(d.media[0].attributes,
              ElementsAre(Attribute{"ice-lite", {}}, Attribute{"group", "BUNDLE 0"}));
}

TEST(SdpParser, ToleratesABandwidthLineThatAnApplicationPutBehindAttributes) {
  const Media m = parse_media("a=mid:0\r\nb=AS:256\r\nc=IN IP4 0.0.0.0\r\na=rtcp-mux\r\n");
  EXPECT_THAT(m.bandwidths, ElementsAre(Bandwidth{"AS", 256}));
  EXPECT_EQ(m.connections.size(), 1u);
  EXPECT_TRUE(m.rtcp_mux);
}

TEST(SdpParser, ToleratesBlanksAroundWords) {
  const Description d = parse_session(
      "m=audio  9  UDP/TLS/RTP/SAVPF  0 8 \r\n"
      "a=mid: 0 \r\n"
      "a=sendrecv \r\n"
      "a=rtpmap:0  PCMU/8000 \r\n");
  EXPECT_THAT(d.media[0].formats, ElementsAre("0", "8"));
  EXPECT_EQ(d.media[0].mid, "0");
  EXPECT_EQ(d.media[0].direction, Direction::kSendrecv);
  EXPECT_EQ(d.media[0].codecs.at(0).rtpmap, (Rtpmap{"PCMU", 8000, {}}));
}

TEST(SdpParser, ReadsIceOptionsSeparatedByCommasOrLines) {
  EXPECT_THAT(parse_media("a=ice-options:ice2,trickle\r\na=ice-options:rtp+ecn\r\n").ice_options,
              ElementsAre("ice2", "trickle", "rtp+ecn"));
}

TEST(SdpParser, ReadsTheSameSingleLineTwice) {
  const Media m = parse_media("a=mid:0\r\na=mid:0\r\na=setup:active\r\na=setup:active\r\n");
  EXPECT_EQ(m.mid, "0");
  EXPECT_EQ(m.setup, sdp::Setup::kActive);
}

TEST(SdpDescription, KnowsEveryMediaType) {
  const std::pair<const char*, MediaType> types[] = {
      {"audio", MediaType::kAudio},    {"video", MediaType::kVideo},
      {"text", MediaType::kText},      {"application", MediaType::kApplication},
      {"image", MediaType::kImage},    {"message", MediaType::kMessage},
      {"hologram", MediaType::kOther},
  };
  for (const auto& [word, type] : types) {
    const Description d = parse_session("m=" + std::string(word) + " 9 X y\r\n");
    EXPECT_EQ(d.media.at(0).media, word);
    EXPECT_EQ(d.media.at(0).type(), type);
  }
}

TEST(SdpDescription, PrefersTheSectionsValueAndFallsBackToTheSessions) {
  const Description d = parse_session(
      "c=IN IP4 192.0.2.1\r\n"
      "a=ice-ufrag:sess\r\na=ice-pwd:session\r\na=ice-options:trickle\r\n"
      "a=fingerprint:x AA\r\na=setup:actpass\r\na=tls-id:session\r\na=inactive\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
      "c=IN IP4 192.0.2.2\r\n"
      "a=ice-ufrag:medi\r\na=ice-pwd:media\r\na=ice-options:ice2\r\n"
      "a=fingerprint:x BB\r\na=setup:active\r\na=tls-id:media\r\na=sendonly\r\n");
  const Media& bare = d.media[0];
  EXPECT_EQ(effective_ufrag(d, bare), "sess");
  EXPECT_EQ(effective_pwd(d, bare), "session");
  EXPECT_THAT(effective_ice_options(d, bare), ElementsAre("trickle"));
  EXPECT_THAT(effective_fingerprints(d, bare), ElementsAre(Fingerprint{"x", "AA"}));
  EXPECT_EQ(effective_setup(d, bare), sdp::Setup::kActpass);
  EXPECT_EQ(effective_tls_id(d, bare), "session");
  EXPECT_EQ(effective_direction(d, bare), Direction::kInactive);
  EXPECT_EQ(effective_connection(d, bare)->address, "192.0.2.1");
  const Media& own = d.media[1];
  EXPECT_EQ(effective_ufrag(d, own), "medi");
  EXPECT_EQ(effective_pwd(d, own), "media");
  EXPECT_THAT(effective_ice_options(d, own), ElementsAre("ice2"));
  EXPECT_THAT(effective_fingerprints(d, own), ElementsAre(Fingerprint{"x", "BB"}));
  EXPECT_EQ(effective_setup(d, own), sdp::Setup::kActive);
  EXPECT_EQ(effective_tls_id(d, own), "media");
  EXPECT_EQ(effective_direction(d, own), Direction::kSendonly);
  EXPECT_EQ(effective_connection(d, own)->address, "192.0.2.2");
}

TEST(SdpDescription, SendsAndReceivesWhenNobodySaysOtherwise) {
  const Description d = parse_session("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n");
  EXPECT_EQ(effective_direction(d, d.media[0]), Direction::kSendrecv);
}

TEST(SdpDescription, TellsRejectedFromBundleOnly) {
  const Description d = parse_session(
      "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n"
      "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=bundle-only\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n");
  EXPECT_TRUE(d.media[0].rejected());
  EXPECT_FALSE(d.media[1].rejected());
  EXPECT_FALSE(d.media[2].rejected());
}

TEST(SdpDescription, FindsSectionsGroupsAndAttributes) {
  const Description d = parse_session(
      "a=group:LS a\r\na=group:BUNDLE a b\r\na=tool:x\r\na=flag\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:a\r\n"
      "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n");
  EXPECT_EQ(find_media(d, "a"), &d.media[0]);
  EXPECT_EQ(find_media(d, "b"), nullptr);
  EXPECT_EQ(find_media(d, ""), nullptr);
  EXPECT_EQ(find_bundle(d, "b"), &d.groups[1]);
  EXPECT_EQ(find_bundle(d, "c"), nullptr);
  EXPECT_EQ(find_bundle(d, ""), nullptr);
  EXPECT_EQ(find_attribute(d.attributes, "tool"), "x");
  EXPECT_EQ(find_attribute(d.attributes, "flag"), "");
  EXPECT_EQ(find_attribute(d.attributes, "none"), std::nullopt);
  EXPECT_EQ(section_name(d, 0), "section 1 (m=audio, mid \"a\")");
  EXPECT_EQ(section_name(d, 1), "section 2 (m=application)");
}

}  // namespace
}  // namespace floe::sdp
