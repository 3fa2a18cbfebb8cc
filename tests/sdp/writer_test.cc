#include "floe/sdp/writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/core/text.h"
#include "floe/sdp/parser.h"
#include "tests/sdp/vectors.h"

namespace floe::sdp {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(SdpWriter, WritesTheSmallestDescription) {
  EXPECT_EQ(write(Description{}), "v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n");
}

TEST(SdpWriter, WritesEveryLineInTheOrderOfTheStandards) {
  const std::string_view text =
      "v=0\r\n"
      "o=jdoe 1 2 IN IP6 2001:db8::1\r\n"
      "s=name\r\n"
      "i=information\r\n"
      "u=http://example.com\r\n"
      "e=a@example.com\r\n"
      "p=+1 617 555-6011\r\n"
      "c=IN IP4 0.0.0.0\r\n"
      "b=CT:1000\r\n"
      "t=3724394400 3724398000\r\n"
      "r=604800 3600 0 90000\r\n"
      "z=3730928400 -1h\r\n"
      "t=0 0\r\n"
      "k=prompt\r\n"
      "a=group:BUNDLE 0 1\r\n"
      "a=group:LS\r\n"
      "a=ice-lite\r\n"
      "a=recvonly\r\n"
      "a=extmap-allow-mixed\r\n"
      "a=extmap:1 urn:a\r\n"
      "a=msid-semantic: WMS *\r\n"
      "a=ice-ufrag:sess\r\n"
      "a=ice-pwd:sessionsessionsession0\r\n"
      "a=ice-options:trickle ice2\r\n"
      "a=fingerprint:x AB\r\n"
      "a=setup:actpass\r\n"
      "a=tls-id:abc3de65cddef001be82\r\n"
      "a=end-of-candidates\r\n"
      "a=other:x\r\n"
      "m=video 9/2 UDP/TLS/RTP/SAVPF 96 97\r\n"
      "i=information\r\n"
      "c=IN IP4 0.0.0.0\r\n"
      "b=AS:1000\r\n"
      "k=prompt\r\n"
      "a=mid:0\r\n"
      "a=sendrecv\r\n"
      "a=rtpmap:96 opus/48000/2\r\n"
      "a=fmtp:96 x=y\r\n"
      "a=rtcp-fb:96 nack pli\r\n"
      "a=rtpmap:97 rtx/90000\r\n"
      "a=rtcp-fb:* transport-cc\r\n"
      "a=extmap-allow-mixed\r\n"
      "a=extmap:2/sendonly urn:b words too\r\n"
      "a=msid:stream track\r\n"
      "a=msid:-\r\n"
      "a=rid:h send\r\n"
      "a=rid:l recv pt=96;max-width=320\r\n"
      "a=simulcast:send h,~m;q recv l\r\n"
      "a=ssrc-group:FID 1 2\r\n"
      "a=ssrc:1 cname:x\r\n"
      "a=ssrc:1 flag\r\n"
      "a=ssrc:2 cname:x\r\n"
      "a=bundle-only\r\n"
      "a=ice-ufrag:medi\r\n"
      "a=ice-pwd:mediamediamediamedia00\r\n"
      "a=ice-options:renomination\r\n"
      "a=fingerprint:x CD\r\n"
      "a=setup:passive\r\n"
      "a=tls-id:00c3de65cddef001be82\r\n"
      "a=rtcp:10 IN IP4 0.0.0.0\r\n"
      "a=rtcp-mux\r\n"
      "a=rtcp-mux-only\r\n"
      "a=rtcp-rsize\r\n"
      "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n"
      "a=end-of-candidates\r\n"
      "a=maxptime:120\r\n"
      "m=application 0 DTLS/SCTP 5000\r\n"
      "a=mid:1\r\n"
      "a=rtcp:9\r\n"
      "a=sctp-port:5000\r\n"
      "a=sctpmap:5000 webrtc-datachannel 1024\r\n"
      "a=max-message-size:65536\r\n"
      "a=sctp-init:AQAAJA==\r\n"
      "a=other:\r\n"
      "a=other\r\n";
  const auto parsed = parse(text);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(write(*parsed), text);
}

TEST(SdpWriter, WritesSimulcastOfOneDirection) {
  Description d;
  Media& media = d.media.emplace_back();
  media.protocol = "RTP/AVP";
  media.formats = {"0"};
  media.simulcast = Simulcast{{}, {{{"a", false}}, {{"b", true}}}};
  EXPECT_THAT(write(d), HasSubstr("\r\na=simulcast:recv a;~b\r\n"));
}

// An application's mid or fingerprint must not be able to smuggle a line into the description.
TEST(SdpWriter, NeverLetsAValueStartALine) {
  Description d;
  const std::string evil("x\r\na=evil\n\0m=evil", 18);
  d.origin.username = d.origin.network_type = d.origin.address_type = d.origin.address = evil;
  d.session_name = evil;
  d.information = d.uri = d.key = evil;
  d.emails = d.phones = {evil};
  d.connection = Connection{evil, evil, evil};
  d.bandwidths = {{evil, 1}};
  d.timings = {{0, 0, {evil}, evil}};
  d.groups = {{evil, {evil}}};
  d.msid_semantics = {{evil, {evil}}};
  d.ice_ufrag = d.ice_pwd = d.tls_id = evil;
  d.ice_options = {evil};
  d.fingerprints = {{evil, evil}};
  d.extmaps = {{1, {}, evil, evil}};
  d.attributes = {{evil, evil}};
  Media& m = d.media.emplace_back();
  m.media = m.protocol = m.mid = m.sctp_init = evil;
  m.formats = m.candidates = m.rtcp_fb = {evil};
  m.rtcp = Rtcp{9, Connection{evil, evil, evil}};
  m.codecs = {{1, Rtpmap{evil, 1, 1}, evil, {evil}}};
  m.msids = {{evil, evil}};
  m.rids = {{evil, Rid::Direction::kSend, evil}};
  m.simulcast = Simulcast{{{{evil, true}}}, {}};
  m.ssrc_groups = {{evil, {1}}};
  m.ssrcs = {{1, {{evil, evil}}}};
  m.sctpmap = Sctpmap{1, evil, {}};
  const std::string text = write(d);
  EXPECT_EQ(text.find('\0'), std::string::npos);
  for (const std::string_view line : split(text, '\n')) {
    EXPECT_FALSE(line.starts_with("a=evil") || line.starts_with("m=evil")) << line;
    EXPECT_TRUE(line.empty() || line.ends_with('\r')) << line;
  }
}

TEST(SdpWriter, WritesADashForAnEmptySessionName) {
  Description d;
  d.session_name.clear();
  EXPECT_THAT(write(d), HasSubstr("\r\ns=-\r\n"));
}

}  // namespace
}  // namespace floe::sdp
