#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "floe/sdp/data_section.h"
#include "floe/sdp/offer_answer.h"
#include "floe/sdp/parser.h"
#include "tests/sdp/vectors.h"

// What real peers' descriptions say, read out of the model.
namespace floe::sdp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const Codec* codec_of(const Media& media, std::uint16_t payload_type) {
  for (const Codec& codec : media.codecs) {
    if (codec.payload_type == payload_type) return &codec;
  }
  return nullptr;
}

/// Every "rtx" codec must name, in `apt`, another codec of its section (RFC 4588 section 8.1).
std::size_t count_rtx(const Media& media) {
  std::size_t count = 0;
  for (const Codec& codec : media.codecs) {
    if (!codec.rtpmap || codec.rtpmap->name != "rtx") continue;
    const auto apt = codec.parameter("apt");
    EXPECT_TRUE(apt && codec_of(media, static_cast<std::uint16_t>(std::stoi(std::string(*apt)))));
    ++count;
  }
  return count;
}

TEST(SdpRecorded, ChromeOffersAudioSimulcastAndData) {
  const Description d = vector_description("chrome_av_data_offer");
  EXPECT_EQ(d.origin.username, "-");
  EXPECT_EQ(d.origin.session_version, 2u);
  EXPECT_THAT(d.groups, ElementsAre(Group{"BUNDLE", {"0", "1", "2"}}));
  EXPECT_TRUE(d.extmap_allow_mixed);
  ASSERT_THAT(d.media, SizeIs(3));
  const Media& audio = d.media[0];
  EXPECT_EQ(audio.type(), MediaType::kAudio);
  EXPECT_EQ(audio.formats.front(), "111");
  EXPECT_EQ(codec_of(audio, 111)->rtpmap, (Rtpmap{"opus", 48000, 2}));
  EXPECT_EQ(codec_of(audio, 111)->parameter("minptime"), "10");
  EXPECT_EQ(codec_of(audio, 111)->rtcp_fb, std::vector<std::string>{"transport-cc"});
  EXPECT_EQ(audio.rtcp, (Rtcp{9, Connection{}}));
  EXPECT_TRUE(audio.rtcp_mux && audio.rtcp_rsize);
  EXPECT_EQ(find_attribute(audio.attributes, "rtcp-xr"), "rcvr-rtt=all");
  ASSERT_THAT(audio.ssrcs, SizeIs(1));
  EXPECT_EQ(audio.ssrcs[0].attributes.at(0).name, "cname");
  EXPECT_THAT(audio.msids, SizeIs(1));
  EXPECT_THAT(audio.candidates, SizeIs(2));
  const Media& video = d.media[1];
  EXPECT_EQ(video.type(), MediaType::kVideo);
  EXPECT_EQ(codec_of(video, 96)->rtpmap, (Rtpmap{"VP8", 90000, {}}));
  EXPECT_THAT(codec_of(video, 96)->rtcp_fb,
              ElementsAre("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"));
  EXPECT_GE(count_rtx(video), 5u);
  EXPECT_THAT(video.rids, SizeIs(3));
  ASSERT_TRUE(video.simulcast);
  EXPECT_THAT(video.simulcast->send, SizeIs(3));
  EXPECT_THAT(video.simulcast->recv, IsEmpty());
  EXPECT_EQ(video.direction, Direction::kSendrecv);
  EXPECT_TRUE(d.media[2].is_data());
  EXPECT_EQ(d.media[2].sctp_port, 5000);
}

TEST(SdpRecorded, FirefoxOffersAudioSimulcastAndData) {
  const Description d = vector_description("firefox_av_data_offer");
  EXPECT_EQ(d.origin.username, "mozilla...THIS_IS_SDPARTA-99.0");
  EXPECT_THAT(d.msid_semantics, ElementsAre(MsidSemantic{"WMS", {"*"}}));
  EXPECT_EQ(d.direction, Direction::kSendrecv);
  ASSERT_THAT(d.media, SizeIs(3));
  const Media& video = d.media[1];
  EXPECT_THAT(video.connections, ElementsAre(Connection{"IN", "IP4", "0.0.0.0"}));
  EXPECT_THAT(video.fingerprints, IsEmpty());
  EXPECT_THAT(effective_fingerprints(d, video), SizeIs(1));
  EXPECT_THAT(effective_ice_options(d, video), ElementsAre("trickle"));
  EXPECT_THAT(video.simulcast->send, SizeIs(3));
  EXPECT_THAT(video.ssrc_groups, SizeIs(3));
  EXPECT_THAT(video.ssrcs, SizeIs(6));
  EXPECT_GE(count_rtx(video), 3u);
  const Media& audio = d.media[0];
  EXPECT_EQ(audio.extmaps.at(1).direction, Direction::kRecvonly);
  EXPECT_EQ(codec_of(audio, 9)->rtpmap, (Rtpmap{"G722", 8000, 1}));
}

TEST(SdpRecorded, SafariOffersAudioVideoAndData) {
  const Description d = vector_description("safari_av_data_offer");
  const Media& video = d.media.at(1);
  EXPECT_THAT(video.bandwidths, ElementsAre(Bandwidth{"AS", 2500}));
  EXPECT_EQ(codec_of(video, 100)->parameter("tx-mode"), "SRST");
  EXPECT_EQ(count_rtx(video), 4u);
  EXPECT_THAT(video.ssrc_groups, ElementsAre(SsrcGroup{"FID", {1034427093, 3790013521}}));
}

TEST(SdpRecorded, JsepExampleBundlesItsDataIntoTheAudioSection) {
  const Description d = vector_description("jsep_offer_b1");
  const Media& data = d.media.at(1);
  EXPECT_EQ(data.port, 0);
  EXPECT_TRUE(data.bundle_only);
  EXPECT_FALSE(data.rejected());
  const auto remote = read_data_section(d, Type::kOffer);
  ASSERT_TRUE(remote) << remote.error().message;
  EXPECT_EQ(remote->transport.ufrag, "ATEn");
  EXPECT_EQ(remote->transport.tls_id, "17f0f4ba8a5f1213faca591b58ba52a7");
}

TEST(SdpRecorded, JsepAnswersTakeTheirTransportFromTheTaggedSection) {
  const auto remote = read_data_section(vector_description("jsep_answer_b1"), Type::kAnswer);
  ASSERT_TRUE(remote) << remote.error().message;
  EXPECT_EQ(remote->index, 1u);
  EXPECT_EQ(remote->transport.ufrag, "7sFv");
  EXPECT_EQ(remote->transport.setup, sdp::Setup::kActive);
  EXPECT_EQ(remote->data.max_message_size, 65'536u);
}

struct DataVector {
  const char* name;
  Type type;
  std::size_t index;
  const char* mid;
  sdp::Setup setup;
  std::uint16_t sctp_port;
  std::uint64_t max_message_size;
  std::size_t candidates;
};

TEST(SdpRecorded, EveryPeersDataSectionIsRead) {
  const DataVector vectors[] = {
      {"chrome_data_offer", Type::kOffer, 0, "0", sdp::Setup::kActpass, 5000, 262'144, 2},
      {"chrome_data_answer", Type::kAnswer, 0, "0", sdp::Setup::kActive, 5000, 262'144, 2},
      {"chrome_av_data_offer", Type::kOffer, 2, "2", sdp::Setup::kActpass, 5000, 262'144, 2},
      {"chrome_av_data_answer", Type::kAnswer, 2, "2", sdp::Setup::kActive, 5000, 262'144, 2},
      {"chrome_max_bundle_offer", Type::kOffer, 2, "2", sdp::Setup::kActpass, 5000, 262'144, 0},
      {"chrome_stopped_offer", Type::kOffer, 2, "2", sdp::Setup::kActpass, 5000, 262'144, 2},
      {"chrome_stopped_answer", Type::kAnswer, 2, "2", sdp::Setup::kActive, 5000, 262'144, 2},
      {"chrome_recycled_offer", Type::kOffer, 2, "2", sdp::Setup::kActpass, 5000, 262'144, 2},
      {"firefox_data_offer", Type::kOffer, 0, "0", sdp::Setup::kActpass, 5000, 1'073'741'823, 4},
      {"firefox_data_answer", Type::kAnswer, 0, "0", sdp::Setup::kActive, 5000, 1'073'741'823, 4},
      {"firefox_av_data_offer", Type::kOffer, 2, "2", sdp::Setup::kActpass, 5000, 1'073'741'823, 4},
      {"firefox_av_data_answer", Type::kAnswer, 2, "2", sdp::Setup::kActive, 5000, 1'073'741'823,
       4},
      {"safari_av_data_offer", Type::kOffer, 2, "2", sdp::Setup::kActpass, 5000, 262'144, 0},
      {"libwebrtc_data_offer", Type::kOffer, 0, "0", sdp::Setup::kActpass, 5000, 262'144, 8},
      {"libwebrtc_data_answer", Type::kAnswer, 0, "0", sdp::Setup::kActive, 5000, 262'144, 4},
      {"libwebrtc_av_data_offer", Type::kOffer, 2, "2", sdp::Setup::kActpass, 5000, 262'144, 8},
      {"libwebrtc_av_data_answer", Type::kAnswer, 2, "2", sdp::Setup::kActive, 5000, 262'144, 4},
      {"libwebrtc_restart_offer", Type::kOffer, 0, "0", sdp::Setup::kActpass, 5000, 262'144, 0},
      // Its candidates stand in the section that the others are bundled with.
      {"libdatachannel_av_data_offer", Type::kOffer, 2, "0", sdp::Setup::kActpass, 5000, 262'144,
       0},
      {"libdatachannel_av_data_answer", Type::kAnswer, 2, "0", sdp::Setup::kActive, 5000, 262'144,
       2},
      {"werift_data_offer", Type::kOffer, 0, "0", sdp::Setup::kActpass, 5000, 65'536, 2},
      {"werift_data_answer", Type::kAnswer, 0, "0", sdp::Setup::kActive, 5000, 65'536, 2},
      {"werift_av_data_offer", Type::kOffer, 2, "2", sdp::Setup::kActpass, 5000, 65'536, 2},
      {"werift_av_data_answer", Type::kAnswer, 2, "2", sdp::Setup::kActive, 5000, 65'536, 2},
      {"werift_restart_offer", Type::kOffer, 0, "0", sdp::Setup::kPassive, 5000, 65'536, 0},
      {"aiortc_av_data_offer", Type::kOffer, 2, "2", sdp::Setup::kActpass, 5000, 65'536, 2},
      {"aiortc_av_data_answer", Type::kAnswer, 2, "2", sdp::Setup::kActive, 5000, 65'536, 2},
      {"libdatachannel_offer", Type::kOffer, 0, "0", sdp::Setup::kActpass, 5000, 262'144, 2},
      {"libdatachannel_answer", Type::kAnswer, 0, "0", sdp::Setup::kActive, 5000, 262'144, 2},
      {"aiortc_offer", Type::kOffer, 1, "1", sdp::Setup::kActpass, 5000, 65'536, 2},
      {"aiortc_answer", Type::kAnswer, 1, "1", sdp::Setup::kActive, 5000, 65'536, 2},
      {"pion_data_offer", Type::kOffer, 0, "0", sdp::Setup::kActpass, 5000, 1'073'741'823, 4},
      {"pion_data_answer", Type::kAnswer, 0, "0", sdp::Setup::kActive, 5000, 1'073'741'823, 0},
  };
  for (const DataVector& expected : vectors) {
    const auto remote = read_data_section(vector_description(expected.name), expected.type);
    ASSERT_TRUE(remote) << expected.name << ": " << remote.error().message;
    EXPECT_FALSE(remote->rejected) << expected.name;
    EXPECT_EQ(remote->index, expected.index) << expected.name;
    EXPECT_EQ(remote->data.mid, expected.mid) << expected.name;
    EXPECT_EQ(remote->transport.setup, expected.setup) << expected.name;
    EXPECT_EQ(remote->data.sctp_port, expected.sctp_port) << expected.name;
    EXPECT_EQ(remote->data.max_message_size, expected.max_message_size) << expected.name;
    EXPECT_EQ(remote->transport.candidates.size(), expected.candidates) << expected.name;
    EXPECT_THAT(remote->transport.fingerprints, SizeIs(1)) << expected.name;
    EXPECT_FALSE(remote->transport.ufrag.empty()) << expected.name;
  }
}

TEST(SdpRecorded, EveryPeersAnswerFitsItsOffer) {
  for (const char* name :
       {"chrome_data", "chrome_av_data", "chrome_stopped", "chrome_recycled", "chrome_max_bundle",
        "firefox_data", "firefox_av_data", "firefox_stopped", "firefox_recycled",
        "firefox_max_bundle", "libdatachannel", "libdatachannel_av_data", "libwebrtc_data",
        "libwebrtc_av_data", "werift_data", "werift_av_data", "aiortc", "aiortc_av_data"}) {
    const auto fits = check_answer(vector_description(std::string(name) + "_offer"),
                                   vector_description(std::string(name) + "_answer"));
    EXPECT_TRUE(fits) << name << ": " << fits.error().message;
  }
  for (const char* name : {"a1", "b1", "b2", "c1", "c2"}) {
    const auto fits = check_answer(vector_description(std::string("jsep_offer_") + name),
                                   vector_description(std::string("jsep_answer_") + name));
    EXPECT_TRUE(fits) << name << ": " << fits.error().message;
  }
}

TEST(SdpRecorded, EveryPeersNextOfferContinuesItsSession) {
  for (const char* browser : {"chrome", "firefox"}) {
    const std::string name(browser);
    const Description first = vector_description(name + "_av_data_answer");
    const Description second = vector_description(name + "_stopped_offer");
    const Description agreed = vector_description(name + "_stopped_answer");
    const Description third = vector_description(name + "_recycled_offer");
    EXPECT_TRUE(check_subsequent_offer(first, second)) << name;
    EXPECT_TRUE(check_subsequent_offer(agreed, third)) << name;
    EXPECT_FALSE(check_subsequent_offer(third, second)) << name << ": a section went missing";
    EXPECT_EQ(second.origin.session_id, third.origin.session_id);
    EXPECT_GT(third.origin.session_version, second.origin.session_version);
  }
  // Chrome puts the new video into the place of the stopped audio, under a new mid.
  const Description recycled = vector_description("chrome_recycled_offer");
  EXPECT_EQ(vector_description("chrome_stopped_answer").media[0].media, "audio");
  EXPECT_EQ(recycled.media[0].media, "video");
  EXPECT_EQ(recycled.media[0].mid, "3");
}

}  // namespace
}  // namespace floe::sdp
