// Which codecs two sides have in common, and what numbers they get.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "floe/sdp/codec_match.h"
#include "floe/sdp/codec_table.h"
#include "floe/sdp/numbering.h"
#include "tests/sdp/vectors.h"

namespace floe::sdp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Codec codec(std::uint16_t number, std::string_view name, std::string_view fmtp = {}) {
  Codec codec{number, Rtpmap{std::string(name), 90'000, {}}, {}, {}};
  if (!fmtp.empty()) codec.fmtp = fmtp;
  return codec;
}

std::vector<std::string> names(const std::vector<Codec>& codecs) {
  std::vector<std::string> out;
  for (const Codec& codec : codecs) {
    out.push_back(std::to_string(codec.payload_type) + " " + codec.rtpmap->name);
  }
  return out;
}

Media media_of(std::string_view lines) {
  return parse_session(lines).media.at(0);
}

TEST(SdpCodecs, IgnoresPayloadTypesThatRtpCannotCarryAndWhatHangsOnThem) {
  const Media media = media_of(
      "m=video 9 UDP/TLS/RTP/SAVPF 96 97 128 200 72 98 99 35 96 x\r\n"
      "a=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=200\r\n"
      "a=rtpmap:128 VP9/90000\r\na=rtpmap:200 VP8/90000\r\na=rtpmap:72 VP8/90000\r\n"
      "a=rtpmap:98 rtx/90000\r\na=fmtp:98 apt=96\r\na=rtpmap:35 AV1/90000\r\n");
  EXPECT_THAT(names(usable_codecs(media)), ElementsAre("96 VP8", "98 rtx", "35 AV1"));
}

TEST(SdpCodecs, KnowsTheStaticPayloadTypes) {
  const Media media = media_of("m=audio 9 RTP/SAVPF 0 8 9 77 101\r\na=rtcp-fb:* nack\r\n");
  const auto codecs = usable_codecs(media);
  EXPECT_THAT(names(codecs), ElementsAre("0 PCMU", "8 PCMA", "9 G722"));
  EXPECT_THAT(codecs[0].rtcp_fb, ElementsAre("nack"));
}

TEST(SdpCodecs, TellsH264ProfilesAndPacketizationModesApart) {
  const auto h264 = [](const char* fmtp) { return codec(1, "H264", fmtp); };
  // Constrained Baseline is written in three ways (RFC 6184 section 8.1, table 5).
  EXPECT_TRUE(same_format(h264("profile-level-id=42e01f"), h264("profile-level-id=42C00D")));
  EXPECT_TRUE(same_format(h264("profile-level-id=42e01f"), h264("profile-level-id=4d8020")));
  EXPECT_TRUE(same_format(h264("profile-level-id=42e01f"), h264("profile-level-id=58e020")));
  EXPECT_FALSE(same_format(h264("profile-level-id=42e01f"), h264("profile-level-id=42001f")));
  EXPECT_FALSE(same_format(h264("profile-level-id=4d001f"), h264("profile-level-id=64001f")));
  EXPECT_FALSE(same_format(h264("profile-level-id=42e01f;packetization-mode=1"),
                           h264("profile-level-id=42e01f")));
  EXPECT_TRUE(same_format(h264("profile-level-id=42e01f;packetization-mode=0"),
                          h264("profile-level-id=42e01f")));
  EXPECT_TRUE(same_format(codec(1, "H264"), h264("profile-level-id=42001f")));
  EXPECT_FALSE(same_format(h264("profile-level-id=zz"), h264("profile-level-id=zz")));
}

TEST(SdpCodecs, TellsTheProfilesOfVp9Av1AndH265Apart) {
  EXPECT_TRUE(same_format(codec(1, "VP9"), codec(2, "vp9", "profile-id=0")));
  EXPECT_FALSE(same_format(codec(1, "VP9"), codec(2, "VP9", "profile-id=2")));
  EXPECT_TRUE(same_format(codec(1, "AV1", "level-idx=5"), codec(2, "AV1", "profile=0;tier=0")));
  EXPECT_FALSE(same_format(codec(1, "AV1"), codec(2, "AV1", "profile=1")));
  EXPECT_TRUE(same_format(codec(1, "H265"), codec(2, "H265", "profile-id=1;tx-mode=SRST")));
  EXPECT_FALSE(same_format(codec(1, "H265"), codec(2, "H265", "profile-id=2")));
  EXPECT_FALSE(same_format(codec(1, "VP8"), codec(2, "VP9")));
}

TEST(SdpCodecs, AgreesOnTheirNumbersInTheWantedOrderWithTheFeedbackOfBoth) {
  std::vector<Codec> ours = {codec(96, "VP9", "profile-id=0"), codec(97, "rtx", "apt=96"),
                             codec(98, "VP8"), codec(99, "rtx", "apt=98")};
  ours[2].rtcp_fb = {"transport-cc", "nack", "nack pli"};
  std::vector<Codec> theirs = {codec(100, "VP8"), codec(101, "rtx", "apt=100"), codec(104, "X"),
                               codec(105, "rtx", "apt=104"), codec(102, "VP9")};
  theirs[0].rtcp_fb = {"nack pli", "nack", "goog-remb"};
  const auto as_offered = common_codecs(ours, theirs, CodecOrder::kTheirs);
  EXPECT_THAT(names(as_offered), ElementsAre("100 VP8", "101 rtx", "102 VP9"));
  EXPECT_THAT(as_offered[0].rtcp_fb, ElementsAre("nack", "nack pli"));
  EXPECT_EQ(as_offered[1].fmtp, "apt=100");
  EXPECT_THAT(names(common_codecs(ours, theirs, CodecOrder::kOurs)),
              ElementsAre("102 VP9", "100 VP8", "101 rtx"));
}

TEST(SdpCodecs, HasNothingInCommonWhenOnlyAuxiliaryCodecsAre) {
  const std::vector<Codec> ours = {codec(96, "VP8"), codec(97, "red"), codec(98, "ulpfec")};
  EXPECT_THAT(common_codecs(ours, {codec(1, "red"), codec(2, "ulpfec")}, CodecOrder::kTheirs),
              IsEmpty());
}

TEST(SdpCodecs, TakesTheLowerLevelUnlessBothAllowAsymmetry) {
  const auto level = [](const char* ours, const char* theirs) {
    return std::string(
        common_codecs({codec(1, "H264", ours)}, {codec(2, "H264", theirs)}, CodecOrder::kTheirs)
            .at(0)
            .parameter("profile-level-id")
            .value());
  };
  EXPECT_EQ(level("profile-level-id=42e01f", "profile-level-id=42e00d"), "42e00d");
  EXPECT_EQ(level("profile-level-id=42e01f", "profile-level-id=42e034"), "42e01f");
  EXPECT_EQ(level("level-asymmetry-allowed=1;profile-level-id=42e01f",
                  "profile-level-id=42e00d;level-asymmetry-allowed=1"),
            "42e01f");
}

TEST(SdpCodecs, RedBuildsOnTheCodecItNames) {
  const std::vector<Codec> ours = {codec(111, "opus"), codec(63, "red", "111/111")};
  EXPECT_THAT(names(common_codecs(ours, {codec(96, "opus"), codec(97, "red", "96/96")},
                                  CodecOrder::kTheirs)),
              ElementsAre("96 opus", "97 red"));
  EXPECT_THAT(names(common_codecs(ours, {codec(96, "opus"), codec(97, "red", "96/98")},
                                  CodecOrder::kTheirs)),
              ElementsAre("96 opus"));
}

TEST(SdpCodecTable, HasEveryNumberOnceAndEachRtxItsCodec) {
  std::vector<int> seen(128);
  for (const MediaType type : {MediaType::kAudio, MediaType::kVideo}) {
    Media media;
    for (const Codec& codec : default_codecs(type)) {
      ASSERT_LT(codec.payload_type, 128);
      EXPECT_EQ(seen[codec.payload_type]++, 0) << codec.payload_type;
      media.formats.push_back(std::to_string(codec.payload_type));
      media.codecs.push_back(codec);
    }
    EXPECT_EQ(usable_codecs(media).size(), default_codecs(type).size());
    EXPECT_FALSE(default_extensions(type).empty());
  }
  EXPECT_THAT(default_codecs(MediaType::kText), IsEmpty());
}

TEST(SdpNumbering, KeepsWhatThePeerCallsThingsAndMovesOutOfItsWay) {
  Numbering numbering;
  numbering.learn(
      parse_session("m=video 9 UDP/TLS/RTP/SAVPF 96 97 120\r\na=rtpmap:96 H264/90000\r\n"
                    "a=fmtp:96 profile-level-id=64001f;packetization-mode=1\r\n"
                    "a=rtpmap:97 VP8/90000\r\na=rtpmap:120 rtx/90000\r\na=fmtp:120 apt=97\r\n"
                    "a=extmap:4 urn:x\r\na=extmap:9 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"));
  RtpSection section;
  section.type = MediaType::kVideo;
  section.codecs = default_codecs(MediaType::kVideo);
  section.extensions = default_extensions(MediaType::kVideo);
  numbering.assign(section);
  EXPECT_THAT(names({section.codecs.begin(), section.codecs.begin() + 2}),
              ElementsAre("97 VP8", "120 rtx"));
  EXPECT_EQ(section.codecs[1].fmtp, "apt=97");
  std::vector<int> seen(128);
  for (const Codec& codec : section.codecs) EXPECT_EQ(seen[codec.payload_type]++, 0);
  std::vector<int> ids(16);
  for (const Extmap& extmap : section.extensions) {
    EXPECT_EQ(ids[extmap.id]++, 0);
    EXPECT_NE(extmap.id, 4);
    EXPECT_EQ(extmap.id == 9, extmap.uri == "urn:ietf:params:rtp-hdrext:sdes:mid");
  }
}

TEST(SdpNumbering, LeavesOutWhatNoNumberIsLeftFor) {
  Numbering numbering;
  std::string lines = "m=video 9 UDP/TLS/RTP/SAVPF";
  for (int i = 0; i < 128; ++i) lines += " " + std::to_string(i);
  lines += "\r\n";
  for (int i = 0; i < 128; ++i) lines += "a=rtpmap:" + std::to_string(i) + " X/90000\r\n";
  numbering.learn(parse_session(lines));
  RtpSection section;
  section.type = MediaType::kVideo;
  section.codecs = default_codecs(MediaType::kVideo);
  numbering.assign(section);
  EXPECT_THAT(section.codecs, IsEmpty());
}

}  // namespace
}  // namespace floe::sdp
