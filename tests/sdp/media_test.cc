// Offers and answers of any mix of audio, video and data sections.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "floe/sdp/codec_table.h"
#include "floe/sdp/offer_answer.h"
#include "floe/sdp/parser.h"
#include "floe/sdp/writer.h"
#include "tests/sdp/vectors.h"

namespace floe::sdp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TransportParameters transport(const char* ufrag) {
  TransportParameters local;
  local.ufrag = ufrag;
  local.pwd = "alicealicealicealiceal";
  local.ice_options = {"trickle", "ice2"};
  local.fingerprints = {{"x", "AA"}};
  return local;
}

RtpSection section(MediaType type, const char* mid, Direction direction = Direction::kSendrecv) {
  RtpSection section;
  section.type = type;
  section.mid = mid;
  section.direction = direction;
  section.codecs = default_codecs(type);
  section.extensions = default_extensions(type);
  section.msids = {{"stream", "track"}};
  return section;
}

OfferPlan offer_plan(std::vector<Section> sections) {
  OfferPlan plan;
  plan.session = {42, 1};
  plan.transport = transport("Alic");
  plan.sections = std::move(sections);
  return plan;
}

OfferPlan everything() {
  return offer_plan({section(MediaType::kAudio, "0"), section(MediaType::kVideo, "1"),
                     DataSection{"2", 5000, 1000}});
}

/// An answerer that wants whatever it is offered, in `direction`.
AnswerPlan answer_plan(const Description& offer, Direction direction = Direction::kSendrecv) {
  AnswerPlan plan;
  plan.session = {7, 1};
  plan.transport = transport("Bobb");
  for (const Media& media : offer.media) {
    if (media.is_data()) {
      plan.sections.emplace_back(DataSection{});
    } else {
      plan.sections.emplace_back(section(media.type(), "", direction));
    }
  }
  return plan;
}

Description sent(const Description& description) {
  auto parsed = parse(write(description));
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed.value_or(Description{});
}

Answer answer_to(const Description& offer, const AnswerPlan& plan) {
  auto answer = create_answer(offer, plan);
  EXPECT_TRUE(answer) << (answer ? "" : answer.error().message);
  if (!answer) return {};
  const auto fits = check_answer(offer, sent(answer->description));
  EXPECT_TRUE(fits) << (fits ? "" : fits.error().message) << write(answer->description);
  EXPECT_TRUE(check_one_transport(answer->description));
  return std::move(*answer);
}

Answer answer_to(const Description& offer) {
  return answer_to(offer, answer_plan(offer));
}

TEST(SdpMediaOffer, BundlesAllItsSectionsOverOneTransport) {
  const Description offer = sent(create_offer(everything()).value());
  EXPECT_THAT(offer.groups, ElementsAre(Group{"BUNDLE", {"0", "1", "2"}}));
  EXPECT_TRUE(offer.extmap_allow_mixed);
  ASSERT_EQ(offer.media.size(), 3u);
  for (const Media& media : offer.media) {
    EXPECT_EQ(media.port, 9);
    EXPECT_EQ(media.ice_ufrag, "Alic");
    EXPECT_EQ(media.setup, sdp::Setup::kActpass);
  }
  const Media& video = offer.media[1];
  EXPECT_EQ(video.protocol, "UDP/TLS/RTP/SAVPF");
  EXPECT_TRUE(video.rtcp_mux);
  EXPECT_TRUE(video.rtcp_rsize);
  EXPECT_EQ(video.direction, Direction::kSendrecv);
  EXPECT_THAT(video.msids, ElementsAre(Msid{"stream", "track"}));
  EXPECT_EQ(usable_codecs(video).size(), default_codecs(MediaType::kVideo).size());
}

TEST(SdpMediaOffer, SaysNothingOfItsTracksWhereItDoesNotSend) {
  for (const Direction direction : {Direction::kRecvonly, Direction::kInactive}) {
    auto silent = section(MediaType::kVideo, "0", direction);
    silent.rids = {{"h", Rid::Direction::kSend, ""}};
    const Description offer = create_offer(offer_plan({silent})).value();
    EXPECT_THAT(offer.media[0].msids, IsEmpty());
    EXPECT_THAT(offer.media[0].rids, IsEmpty());
  }
}

TEST(SdpMediaOffer, MarksWhatMakesNoSenseWithoutBundleByItsPolicy) {
  OfferPlan plan = everything();
  plan.sections.insert(plan.sections.begin() + 1, section(MediaType::kAudio, "3"));
  const auto bundle_only = [&](BundlePolicy policy) {
    plan.bundle_policy = policy;
    const Description offer = sent(create_offer(plan).value());
    std::string marks;
    for (const Media& media : offer.media) {
      EXPECT_EQ(media.port == 0, media.bundle_only);
      marks += media.bundle_only ? 'b' : '-';
    }
    return marks;
  };
  EXPECT_EQ(bundle_only(BundlePolicy::kBalanced), "-b--");
  EXPECT_EQ(bundle_only(BundlePolicy::kMaxCompat), "----");
  EXPECT_EQ(bundle_only(BundlePolicy::kMaxBundle), "-bbb");
}

TEST(SdpMediaOffer, KeepsEstablishedSectionsOutOfBundleOnlyAndTheTagWhereItIs) {
  OfferPlan plan = everything();
  plan.bundle_policy = BundlePolicy::kMaxBundle;
  const Description offer = create_offer(plan).value();
  const Description answer = answer_to(offer).description;
  plan.local = &offer;
  plan.remote = &answer;
  const Description again = create_offer(plan).value();
  for (const Media& media : again.media) EXPECT_EQ(media.port, 9);
  EXPECT_TRUE(check_subsequent_offer(offer, again));
}

// Scenario: a section ends, its place is used again, and the newcomer does not become the tag.
TEST(SdpMediaOffer, RecyclesASectionThatBothSidesSawRefused) {
  OfferPlan plan = everything();
  const Description first = create_offer(plan).value();
  const Description answer = answer_to(first).description;

  plan.local = &first;
  plan.remote = &answer;
  plan.sections.erase(plan.sections.begin());                // audio stops
  plan.sections.push_back(section(MediaType::kAudio, "3"));  // and other audio starts
  const Description second = create_offer(plan).value();
  ASSERT_EQ(second.media.size(), 4u) << "not while the place was alive a moment ago";
  EXPECT_TRUE(second.media[0].rejected());
  EXPECT_EQ(second.media[0].mid, "0");
  EXPECT_EQ(second.media[3].mid, "3");
  EXPECT_THAT(second.groups, ElementsAre(Group{"BUNDLE", {"1", "2", "3"}}));
  EXPECT_TRUE(check_subsequent_offer(first, sent(second)));

  const Description second_answer = answer_to(second).description;
  plan.local = &second;
  plan.remote = &second_answer;
  plan.sections.push_back(section(MediaType::kVideo, "4"));
  const Description third = create_offer(plan).value();
  ASSERT_EQ(third.media.size(), 4u);
  EXPECT_EQ(third.media[0].mid, "4");
  EXPECT_EQ(third.media[0].media, "video");
  EXPECT_THAT(third.groups, ElementsAre(Group{"BUNDLE", {"1", "2", "3", "4"}}));
  EXPECT_TRUE(check_subsequent_offer(second, sent(third)));
  EXPECT_TRUE(check_answer(third, answer_to(third).description));
}

TEST(SdpMediaOffer, RecyclesASectionThatTheAnswerRefused) {
  OfferPlan plan = everything();
  const Description offer = create_offer(plan).value();
  AnswerPlan picky = answer_plan(offer);
  picky.sections[0].reset();
  const Description answer = answer_to(offer, picky).description;
  EXPECT_TRUE(answer.media[0].rejected());
  plan.local = &offer;
  plan.remote = &answer;
  plan.sections[0] = section(MediaType::kAudio, "9");
  const Description again = create_offer(plan).value();
  ASSERT_EQ(again.media.size(), 3u);
  EXPECT_EQ(again.media[0].mid, "9");
}

TEST(SdpMediaAnswer, AcceptsWhatEveryBrowserOffers) {
  for (const char* name : {"chrome_av_data_offer", "firefox_av_data_offer", "safari_av_data_offer",
                           "chrome_max_bundle_offer", "firefox_max_bundle_offer", "jsep_offer_b1",
                           "chrome_recycled_offer", "firefox_recycled_offer", "aiortc_offer",
                           "chrome_stopped_offer", "firefox_stopped_offer", "jsep_offer_c1"}) {
    const Description offer = vector_description(name);
    const Answer answer = answer_to(offer);
    EXPECT_THAT(answer.refusals, IsEmpty()) << name;
    for (std::size_t i = 0; i < offer.media.size(); ++i) {
      EXPECT_EQ(answer.description.media[i].rejected(), offer.media[i].rejected()) << name << i;
    }
    const auto tag = transport_index(answer.description);
    ASSERT_TRUE(tag);
    EXPECT_TRUE(read_transport(sent(answer.description), *tag, Type::kAnswer));
  }
}

TEST(SdpMediaAnswer, HasTheOffersNumbersAndOrder) {
  const Description offer = vector_description("chrome_av_data_offer");
  const Description answer = answer_to(offer).description;
  EXPECT_THAT(answer.media[0].formats, ElementsAre("111", "9", "0", "8", "110", "126"));
  const auto codecs = usable_codecs(answer.media[1]);
  ASSERT_GE(codecs.size(), 4u);
  EXPECT_EQ(codecs[0].rtpmap->name, "VP8");
  EXPECT_EQ(codecs[1].fmtp, "apt=96");
  for (const Codec& codec : codecs) {
    EXPECT_NE(codec.rtpmap->name, "red");
    const auto offered = usable_codecs(offer.media[1]);
    EXPECT_TRUE(std::any_of(offered.begin(), offered.end(), [&](const Codec& their) {
      return their.payload_type == codec.payload_type && same_format(their, codec);
    }));
  }
  EXPECT_EQ(answer.media[1].extmaps.size(), 12u);
  EXPECT_EQ(answer.media[1].extmaps[0].id, 14);
}

TEST(SdpMediaAnswer, ListsItsOwnOrderWhenTheApplicationHasOne) {
  const Description offer = vector_description("chrome_av_data_offer");
  AnswerPlan plan = answer_plan(offer);
  auto& video = std::get<RtpSection>(*plan.sections[1]);
  video.order = CodecOrder::kOurs;
  video.codecs = {{50, Rtpmap{"AV1", 90'000, {}}, "profile=0", {}},
                  {51, Rtpmap{"VP8", 90'000, {}}, {}, {}}};
  EXPECT_THAT(answer_to(offer, plan).description.media[1].formats, ElementsAre("45", "96"));
}

TEST(SdpMediaAnswer, TurnsEveryDirectionAround) {
  using enum Direction;
  const struct {
    Direction offered, wanted, answered;
  } cases[] = {
      {kSendrecv, kSendrecv, kSendrecv}, {kSendrecv, kSendonly, kSendonly},
      {kSendrecv, kRecvonly, kRecvonly}, {kSendrecv, kInactive, kInactive},
      {kSendonly, kSendrecv, kRecvonly}, {kSendonly, kSendonly, kInactive},
      {kRecvonly, kSendrecv, kSendonly}, {kRecvonly, kRecvonly, kInactive},
      {kInactive, kSendrecv, kInactive},
  };
  for (const auto& [offered, wanted, answered] : cases) {
    const Description offer =
        create_offer(offer_plan({section(MediaType::kAudio, "0", offered)})).value();
    const Description answer = answer_to(offer, answer_plan(offer, wanted)).description;
    EXPECT_EQ(answer.media[0].direction, answered);
    EXPECT_EQ(answer.media[0].msids.empty(), !sends(answered));
  }
}

TEST(SdpMediaAnswer, TellsWhyItRefusesASection) {
  const auto reason = [](auto change) {
    Description offer = create_offer(everything()).value();
    change(offer.media[1]);
    const Answer answer = answer_to(offer);
    EXPECT_TRUE(answer.description.media[1].rejected());
    EXPECT_FALSE(answer.description.media[0].rejected());
    return answer.refusals.empty() ? std::string() : answer.refusals[0].reason;
  };
  EXPECT_THAT(reason([](Media& m) { m.formats = {"31"}; }), HasSubstr("no codec"));
  EXPECT_THAT(reason([](Media& m) { m.protocol = "udp"; }), HasSubstr("section 2 (m=video"));
  EXPECT_THAT(reason([](Media& m) { m.protocol = "udp"; }), HasSubstr("\"udp\""));
  Description alone = create_offer(offer_plan({section(MediaType::kAudio, "0")})).value();
  alone.media[0].rtcp_mux = false;
  EXPECT_THAT(answer_to(alone).refusals.at(0).reason, HasSubstr("a=rtcp-mux"));
}

TEST(SdpMediaAnswer, RefusesWhatIsNotBundledAndTakesTheDataFirst) {
  Description offer = create_offer(everything()).value();
  offer.groups.clear();
  Answer answer = answer_to(offer);
  EXPECT_EQ(answer.refusals.size(), 2u);
  EXPECT_THAT(answer.refusals[0].reason, HasSubstr("not bundled with section 3"));
  EXPECT_FALSE(answer.description.media[2].rejected());
  EXPECT_THAT(answer.description.groups, IsEmpty());

  offer.groups = {{"BUNDLE", {"0", "1"}}};
  answer = answer_to(offer);
  EXPECT_EQ(answer.refusals.size(), 2u);
  EXPECT_THAT(answer.description.groups, IsEmpty());
}

TEST(SdpMediaAnswer, ChoosesAnotherTagWhenTheOffersIsRefused) {
  const Description offer = create_offer(everything()).value();
  AnswerPlan plan = answer_plan(offer);
  plan.sections[0].reset();
  const Description answer = answer_to(offer, plan).description;
  EXPECT_THAT(answer.groups, ElementsAre(Group{"BUNDLE", {"1", "2"}}));
  EXPECT_EQ(transport_index(answer), 1u);
}

TEST(SdpMediaAnswer, IgnoresUnknownAndImpossibleExtensions) {
  Description offer = create_offer(everything()).value();
  const std::string mid = "urn:ietf:params:rtp-hdrext:sdes:mid";
  offer.media[0].extmaps = {{1, {}, "urn:unknown", {}},
                            {0, {}, "urn:ietf:params:rtp-hdrext:ssrc-audio-level", {}},
                            {5, Direction::kSendonly, mid, {}},
                            {5, {}, "urn:again", {}},
                            {6, {}, mid, {}}};
  EXPECT_THAT(answer_to(offer).description.media[0].extmaps,
              ElementsAre(Extmap{5, Direction::kRecvonly, mid, {}}));
  offer.media[0].extmaps = {{15, {}, mid, {}}};
  EXPECT_EQ(answer_to(offer).description.media[0].extmaps.size(), 1u);
  offer.extmap_allow_mixed = false;
  EXPECT_THAT(answer_to(offer).description.media[0].extmaps, IsEmpty());
  offer.media[0].extmaps = {{4096, {}, mid, {}}};
  EXPECT_THAT(answer_to(offer).description.media[0].extmaps, IsEmpty());
}

TEST(SdpMediaAnswer, ReceivesSimulcastAsOffered) {
  const Description offer = vector_description("chrome_av_data_offer");
  const Description answer = sent(answer_to(offer).description);
  ASSERT_TRUE(answer.media[1].simulcast);
  EXPECT_EQ(answer.media[1].simulcast->recv, offer.media[1].simulcast->send);
  EXPECT_THAT(answer.media[1].simulcast->send, IsEmpty());
  EXPECT_THAT(answer.media[1].rids,
              ElementsAre(Rid{"h", Rid::Direction::kRecv, ""}, Rid{"m", Rid::Direction::kRecv, ""},
                          Rid{"l", Rid::Direction::kRecv, ""}));
}

TEST(SdpMediaAnswer, LeavesOutLayersWhoseFormatsItRefuses) {
  auto video = section(MediaType::kVideo, "0");
  video.rids = {{"a", Rid::Direction::kSend, "pt=96"}, {"b", Rid::Direction::kSend, "pt=98,45"}};
  Description offer = create_offer(offer_plan({video})).value();
  AnswerPlan plan = answer_plan(offer);
  std::get<RtpSection>(*plan.sections[0]).codecs = {{1, Rtpmap{"VP8", 90'000, {}}, {}, {}}};
  const Description answer = answer_to(offer, plan).description;
  ASSERT_TRUE(answer.media[0].simulcast);
  EXPECT_THAT(answer.media[0].simulcast->recv,
              ElementsAre(Simulcast::Stream{Simulcast::Format{"a", false}}));
  // Asked to send layers, it sends those that it has.
  offer.media[0].rids = {{"a", Rid::Direction::kRecv, ""}, {"z", Rid::Direction::kRecv, ""}};
  offer.media[0].simulcast = Simulcast{{}, {{{"a", false}}, {{"z", true}}}};
  std::get<RtpSection>(*plan.sections[0]).rids = video.rids;
  const Description sender = answer_to(offer, plan).description;
  ASSERT_TRUE(sender.media[0].simulcast);
  EXPECT_THAT(sender.media[0].simulcast->send,
              ElementsAre(Simulcast::Stream{Simulcast::Format{"a", false}}));
}

TEST(SdpMediaCheck, RefusesAnAnswerWithoutCommonCodecOrRtcpMuxOrBundle) {
  const Description offer = create_offer(everything()).value();
  const Description good = answer_to(offer).description;
  Description answer = good;
  answer.media[0].rtcp_mux = false;
  EXPECT_THAT(check_answer(offer, answer).error().message, HasSubstr("a=rtcp-mux"));
  answer = good;
  answer.media[1].formats = {"31"};
  EXPECT_THAT(check_answer(offer, answer).error().message, HasSubstr("section 2 (m=video"));
  answer = good;
  answer.groups = {{"BUNDLE", {"0", "2"}}};
  const auto alone = check_one_transport(answer);
  ASSERT_FALSE(alone);
  EXPECT_EQ(alone.error().code, Errc::kUnsupported);
  EXPECT_THAT(alone.error().message, HasSubstr("section 2 (m=video"));
}

}  // namespace
}  // namespace floe::sdp
