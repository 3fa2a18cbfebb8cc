#include "floe/sdp/offer_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "floe/sdp/parser.h"
#include "floe/sdp/writer.h"
#include "tests/sdp/vectors.h"

namespace floe::sdp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TransportParameters alice() {
  TransportParameters local;
  local.ufrag = "Alic";
  local.pwd = "alicealicealicealiceal";
  local.ice_options = {"trickle", "ice2", "renomination"};
  local.fingerprints = {{"x", "AA"}};
  local.tls_id = "alicealicealicealice";
  local.candidates = {"1 1 udp 2113929471 192.0.2.1 10100 typ host"};
  return local;
}

TransportParameters bob() {
  TransportParameters local;
  local.ufrag = "Bobb";
  local.pwd = "bobbobbobbobbobbobbobb";
  local.ice_options = {"ice2", "trickle", "other"};
  local.fingerprints = {{"x", "BB"}};
  local.tls_id = "bobbobbobbobbobbobbo";
  local.end_of_candidates = true;
  return local;
}

const DataSection kData{"0", 5000, 262'144};

/// An offer of data alone.
Result<Description> create_data_offer(const Session& session, const TransportParameters& transport,
                                      const DataSection& data,
                                      const Description* previous = nullptr) {
  OfferPlan plan;
  plan.session = session;
  plan.transport = transport;
  plan.sections = {data};
  plan.local = previous;
  return create_offer(plan);
}

/// An answer that wants data alone.
Result<Description> create_answer(const Description& offer, const Session& session,
                                  const TransportParameters& local, const DataSection& data) {
  AnswerPlan plan;
  plan.session = session;
  plan.transport = local;
  bool taken = false;
  for (const Media& media : offer.media) {
    const bool take = media.is_data() && !media.rejected() && !taken;
    taken = taken || take;
    plan.sections.push_back(take ? std::optional<Section>(data) : std::nullopt);
  }
  auto answer = sdp::create_answer(offer, plan);
  if (!answer) return forward(answer);
  return std::move(answer->description);
}

Description offer_of_alice() {
  return create_data_offer({42, 1}, alice(), kData).value();
}

/// What a peer sees of a description: its text, parsed.
Description sent(const Description& description) {
  auto parsed = parse(write(description));
  EXPECT_TRUE(parsed) << (parsed ? "" : parsed.error().message);
  return parsed.value_or(Description{});
}

std::string error_of(const Result<Description>& result) {
  EXPECT_FALSE(result);
  return result ? std::string() : result.error().message;
}

TEST(SdpOffer, LooksAsJsepWantsIt) {
  const auto offer = create_data_offer({4962303333179871723, 1}, alice(), {"d1", 5000, 65536});
  ASSERT_TRUE(offer) << offer.error().message;
  EXPECT_EQ(write(*offer),
            "v=0\r\n"
            "o=- 4962303333179871723 1 IN IP4 0.0.0.0\r\n"
            "s=-\r\n"
            "t=0 0\r\n"
            "a=group:BUNDLE d1\r\n"
            "a=ice-options:trickle ice2 renomination\r\n"
            "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
            "c=IN IP4 0.0.0.0\r\n"
            "a=mid:d1\r\n"
            "a=ice-ufrag:Alic\r\n"
            "a=ice-pwd:alicealicealicealiceal\r\n"
            "a=fingerprint:x AA\r\n"
            "a=setup:actpass\r\n"
            "a=tls-id:alicealicealicealice\r\n"
            "a=candidate:1 1 udp 2113929471 192.0.2.1 10100 typ host\r\n"
            "a=sctp-port:5000\r\n"
            "a=max-message-size:65536\r\n");
}

TEST(SdpOffer, IsReadAsItWasMeant) {
  const auto remote = read_data_section(sent(offer_of_alice()), Type::kOffer);
  ASSERT_TRUE(remote) << remote.error().message;
  EXPECT_EQ(remote->transport, alice());
  EXPECT_EQ(remote->data, kData);
}

TEST(SdpOffer, SaysThatItsAgentIsLite) {
  TransportParameters lite = alice();
  lite.ice_lite = true;
  EXPECT_TRUE(sent(create_data_offer({}, lite, kData).value()).ice_lite);
}

TEST(SdpOffer, RefusesParametersNoPeerCouldUse) {
  TransportParameters local = alice();
  local.ufrag = "abc";
  EXPECT_THAT(error_of(create_data_offer({}, local, kData)), HasSubstr("a=ice-ufrag"));
  local = alice();
  local.pwd.clear();
  EXPECT_THAT(error_of(create_data_offer({}, local, kData)), HasSubstr("a=ice-pwd"));
  local = alice();
  local.fingerprints.clear();
  EXPECT_THAT(error_of(create_data_offer({}, local, kData)), HasSubstr("a=fingerprint"));
  local = alice();
  local.setup = sdp::Setup::kHoldconn;
  EXPECT_THAT(error_of(create_data_offer({}, local, kData)), HasSubstr("holdconn"));
  EXPECT_THAT(error_of(create_data_offer({}, alice(), {"a b", 5000, 0})), HasSubstr("\"a b\""));
}

TEST(SdpOffer, MadeAgainKeepsEverySectionInItsPlace) {
  const Description previous = vector_description("chrome_stopped_answer");
  const auto offer = create_data_offer({42, 7}, alice(), {"2", 5000, 0}, &previous);
  ASSERT_TRUE(offer) << offer.error().message;
  EXPECT_EQ(offer->origin.session_version, 7u);
  ASSERT_EQ(offer->media.size(), previous.media.size());
  for (std::size_t i = 0; i < previous.media.size(); ++i) {
    EXPECT_EQ(offer->media[i].mid, previous.media[i].mid);
    EXPECT_EQ(offer->media[i].media, previous.media[i].media);
    EXPECT_EQ(offer->media[i].rejected(), i != 2) << i;
  }
  EXPECT_THAT(offer->groups, ElementsAre(Group{"BUNDLE", {"2"}}));
  EXPECT_TRUE(check_subsequent_offer(previous, sent(*offer)));
}

TEST(SdpOffer, RecyclesARefusedSectionForANewMid) {
  const Description previous = vector_description("chrome_stopped_answer");
  ASSERT_TRUE(previous.media[0].rejected());
  Description without_data = previous;
  without_data.media.pop_back();
  const auto offer = create_data_offer({}, alice(), {"new", 5000, 0}, &without_data);
  ASSERT_TRUE(offer) << offer.error().message;
  EXPECT_EQ(offer->media.size(), 2u);
  EXPECT_EQ(offer->media[0].mid, "new");
  EXPECT_TRUE(offer->media[0].is_data());
  EXPECT_TRUE(offer->media[1].rejected());
  EXPECT_TRUE(check_subsequent_offer(without_data, *offer));
}

TEST(SdpOffer, RevivesItsOwnRefusedSection) {
  Description previous = offer_of_alice();
  previous.media[0].port = 0;
  const auto offer = create_data_offer({}, alice(), kData, &previous);
  ASSERT_TRUE(offer) << offer.error().message;
  ASSERT_EQ(offer->media.size(), 1u);
  EXPECT_FALSE(offer->media[0].rejected());
}

TEST(SdpOffer, DoesNotTakeTheMidOfALivingMediaSection) {
  const Description previous = vector_description("chrome_av_data_answer");
  EXPECT_THAT(error_of(create_data_offer({}, alice(), {"0", 5000, 0}, &previous)),
              HasSubstr("section 1 (m=audio, mid \"0\")"));
}

TEST(SdpAnswer, AcceptsADataOffer) {
  const Description offer = sent(offer_of_alice());
  const auto answer = create_answer(offer, {7, 1}, bob(), {"unused", 6000, 100'000});
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(check_answer(offer, sent(*answer)));
  EXPECT_EQ(answer->origin.session_id, 7u);
  EXPECT_THAT(answer->groups, ElementsAre(Group{"BUNDLE", {"0"}}));
  EXPECT_THAT(answer->ice_options, ElementsAre("ice2", "trickle"));
  const auto remote = read_data_section(sent(*answer), Type::kAnswer);
  ASSERT_TRUE(remote) << remote.error().message;
  EXPECT_EQ(remote->transport.ufrag, "Bobb");
  EXPECT_EQ(remote->transport.setup, sdp::Setup::kActive);
  EXPECT_EQ(remote->transport.tls_id, bob().tls_id);
  EXPECT_TRUE(remote->transport.end_of_candidates);
  EXPECT_EQ(remote->data, (DataSection{"0", 6000, 100'000}));
}

TEST(SdpAnswer, AcceptsTheDataOfEveryPeerAndRefusesTheRest) {
  for (const char* name :
       {"chrome_data_offer", "chrome_av_data_offer", "chrome_stopped_offer",
        "chrome_recycled_offer", "chrome_max_bundle_offer", "chrome_restart_offer",
        "firefox_data_offer", "firefox_av_data_offer", "firefox_stopped_offer",
        "firefox_restart_offer", "safari_av_data_offer", "libwebrtc_data_offer",
        "libdatachannel_offer", "aiortc_offer", "pion_data_offer"}) {
    const Description offer = vector_description(name);
    const auto remote = read_data_section(offer, Type::kOffer);
    ASSERT_TRUE(remote) << name << ": " << remote.error().message;
    const auto answer = create_answer(offer, {}, bob(), kData);
    ASSERT_TRUE(answer) << name << ": " << answer.error().message;
    const auto fits = check_answer(offer, sent(*answer));
    EXPECT_TRUE(fits) << name << ": " << fits.error().message;
    for (std::size_t i = 0; i < offer.media.size(); ++i) {
      EXPECT_EQ(answer->media[i].rejected(), i != remote->index) << name << " section " << i;
      EXPECT_EQ(answer->media[i].mid, offer.media[i].mid) << name;
      EXPECT_FALSE(answer->media[i].bundle_only) << name;
    }
    EXPECT_EQ(answer->media[remote->index].formats, offer.media[remote->index].formats) << name;
    EXPECT_THAT(answer->groups, ElementsAre(Group{"BUNDLE", {remote->data.mid}})) << name;
    EXPECT_EQ(answer->media[remote->index].tls_id, "") << name << " has no tls-id";
    const auto back = read_data_section(sent(*answer), Type::kAnswer);
    ASSERT_TRUE(back) << name << ": " << back.error().message;
    EXPECT_EQ(back->data.sctp_port, 5000) << name;
  }
}

TEST(SdpAnswer, RefusesEverySectionWhenThereIsNoData) {
  for (const char* name : {"jsep_offer_a1", "jsep_offer_c1"}) {
    const Description offer = vector_description(name);
    const auto answer = create_answer(offer, {}, bob(), kData);
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_TRUE(check_answer(offer, sent(*answer)));
    EXPECT_THAT(answer->groups, IsEmpty());
    ASSERT_EQ(answer->media.size(), 2u);
    for (const Media& media : answer->media) {
      EXPECT_TRUE(media.rejected());
      EXPECT_EQ(media.direction, Direction::kInactive);
      EXPECT_EQ(media.ice_ufrag, "");
    }
  }
}

TEST(SdpAnswer, KeepsADataSectionRefusedThatTheOfferRefused) {
  Description offer = offer_of_alice();
  offer.media[0].port = 0;
  offer.groups.clear();
  const auto answer = create_answer(offer, {}, bob(), kData);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_TRUE(answer->media[0].rejected());
  EXPECT_TRUE(read_data_section(*answer, Type::kAnswer)->rejected);
}

TEST(SdpAnswer, MakesTheDataSectionTheTagWhenTheOfferedTagIsRefused) {
  const Description offer = vector_description("chrome_av_data_offer");
  ASSERT_EQ(offer.groups[0].mids.front(), "0");
  const auto answer = create_answer(offer, {}, bob(), kData);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(answer->groups, ElementsAre(Group{"BUNDLE", {"2"}}));
  EXPECT_EQ(answer->media[2].ice_ufrag, "Bobb");
}

// RFC 9143 section 7.3.1: a section at port 0 cannot become the tag, so refusing the tag refuses
// it.
TEST(SdpAnswer, RefusesDataThatIsBundledIntoARefusedSection) {
  for (const char* name : {"jsep_offer_b1", "firefox_max_bundle_offer"}) {
    const Description offer = vector_description(name);
    AnswerPlan plan;
    plan.transport = bob();
    for (const Media& media : offer.media) {
      plan.sections.push_back(media.is_data() ? std::optional<Section>(kData) : std::nullopt);
    }
    const auto answer = sdp::create_answer(offer, plan);
    ASSERT_TRUE(answer) << name;
    ASSERT_EQ(answer->refusals.size(), 1u) << name;
    EXPECT_THAT(answer->refusals[0].reason, HasSubstr("m=application"));
    EXPECT_THAT(answer->refusals[0].reason, HasSubstr("bundled into a section that is refused"));
    for (const Media& media : answer->description.media) EXPECT_TRUE(media.rejected());
    EXPECT_TRUE(check_answer(offer, sent(answer->description)));
  }
}

TEST(SdpAnswer, HasNoBundleGroupWhenTheOfferHasNone) {
  Description offer = offer_of_alice();
  offer.groups.clear();
  EXPECT_THAT(create_answer(offer, {}, bob(), kData)->groups, IsEmpty());
}

TEST(SdpAnswer, HasNoMidWhenTheOfferHasNone) {
  Description offer = offer_of_alice();
  offer.groups.clear();
  offer.media[0].mid.clear();
  const auto answer = create_answer(offer, {}, bob(), kData);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->media[0].mid, "");
  EXPECT_TRUE(check_answer(offer, sent(*answer)));
}

TEST(SdpAnswer, ClosesTheAssociationWhenTheOfferDoes) {
  Description offer = offer_of_alice();
  offer.media[0].sctp_port = 0;
  const auto answer = create_answer(offer, {}, bob(), kData);
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_EQ(answer->media[0].sctp_port, 0);
  EXPECT_FALSE(answer->media[0].rejected());
}

TEST(SdpAnswer, RepeatsTheOffersProtocol) {
  for (const char* protocol : {"UDP/DTLS/SCTP", "TCP/DTLS/SCTP", "DTLS/SCTP"}) {
    Description offer = offer_of_alice();
    offer.media[0].protocol = protocol;
    EXPECT_EQ(create_answer(offer, {}, bob(), kData)->media[0].protocol, protocol);
  }
}

TEST(SdpAnswer, SpeaksTheOlderFormToWhoeverSpeaksIt) {
  const Description offer = vector_description("aiortc_offer");
  const auto answer = create_answer(offer, {}, bob(), kData);
  ASSERT_TRUE(answer) << answer.error().message;
  const Media& media = answer->media[1];
  EXPECT_EQ(media.protocol, "DTLS/SCTP");
  EXPECT_THAT(media.formats, ElementsAre("5000"));
  EXPECT_EQ(media.sctpmap, (Sctpmap{5000, "webrtc-datachannel", 65535}));
  EXPECT_EQ(media.sctp_port, std::nullopt);
  EXPECT_EQ(media.max_message_size, 262'144u);
}

TEST(SdpAnswer, TakesTheRoleThatTheOfferLeaves) {
  const std::pair<sdp::Setup, sdp::Setup> roles[] = {{sdp::Setup::kActpass, sdp::Setup::kActive},
                                                     {sdp::Setup::kActive, sdp::Setup::kPassive},
                                                     {sdp::Setup::kPassive, sdp::Setup::kActive}};
  for (const auto& [offered, answered] : roles) {
    Description offer = offer_of_alice();
    offer.media[0].setup = offered;
    EXPECT_EQ(create_answer(offer, {}, bob(), kData)->media[0].setup, answered);
  }
}

TEST(SdpAnswer, KeepsItsSettledRoleInALaterAnswer) {
  TransportParameters local = bob();
  local.setup = sdp::Setup::kPassive;
  EXPECT_EQ(create_answer(offer_of_alice(), {}, local, kData)->media[0].setup,
            sdp::Setup::kPassive);
  Description offer = offer_of_alice();
  offer.media[0].setup = sdp::Setup::kPassive;
  const auto answer = create_answer(offer, {}, local, kData);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Errc::kInvalidState);
}

TEST(SdpAnswer, IsNotMadeForAnOfferThatIsNotComplete) {
  Description offer = offer_of_alice();
  offer.media[0].setup = sdp::Setup::kHoldconn;
  EXPECT_THAT(error_of(create_answer(offer, {}, bob(), kData)), HasSubstr("holdconn"));
  offer = offer_of_alice();
  offer.media[0].fingerprints.clear();
  EXPECT_THAT(error_of(create_answer(offer, {}, bob(), kData)), HasSubstr("a=fingerprint"));
  EXPECT_THAT(error_of(create_answer(offer_of_alice(), {}, {}, kData)),
              HasSubstr("local transport parameters"));
}

TEST(SdpAnswer, TellsWhereItDoesNotFitItsOffer) {
  const Description offer = vector_description("chrome_stopped_offer");
  const Description good = create_answer(offer, {}, bob(), kData).value();
  ASSERT_TRUE(check_answer(offer, good));
  const auto error = [&](auto change) {
    Description answer = good;
    change(answer);
    const auto fits = check_answer(offer, answer);
    EXPECT_FALSE(fits);
    return fits ? std::string() : fits.error().message;
  };
  EXPECT_THAT(error([](Description& d) {
                d.media.pop_back();
                d.groups.clear();
              }),
              HasSubstr("has 2 sections, the offer 3"));
  EXPECT_THAT(error([](Description& d) { d.media[1].media = "audio"; }),
              HasSubstr("section 2 (m=audio, mid \"1\") was offered as section 2 (m=video"));
  EXPECT_THAT(error([](Description& d) { d.media[2].protocol = "DTLS/SCTP"; }),
              HasSubstr("has the protocol \"DTLS/SCTP\""));
  EXPECT_THAT(error([](Description& d) { d.media[1].mid = "other"; }), HasSubstr("mid \"other\""));
  EXPECT_THAT(error([](Description& d) { d.media[0].port = 9; }),
              HasSubstr("section 1 (m=audio, mid \"0\") is accepted"));
  EXPECT_THAT(error([](Description& d) {
                d.groups = {{"BUNDLE", {"2", "0"}}};
              }),
              HasSubstr("bundles mid \"0\""));
  EXPECT_THAT(error([](Description& d) {
                d.groups = {{"BUNDLE", {"nobody"}}};
              }),
              HasSubstr("no section has"));
  Description without_mids = good;
  without_mids.groups.clear();
  for (Media& media : without_mids.media) media.mid.clear();
  EXPECT_TRUE(check_answer(offer, without_mids));
}

TEST(SdpSubsequentOffer, KeepsEverySectionOrIsRefusedByName) {
  const Description previous = vector_description("chrome_stopped_answer");
  const auto error = [&](auto change) {
    Description offer = previous;
    change(offer);
    const auto fits = check_subsequent_offer(previous, offer);
    EXPECT_FALSE(fits);
    return fits ? std::string() : fits.error().message;
  };
  EXPECT_TRUE(check_subsequent_offer(previous, previous));
  EXPECT_THAT(error([](Description& d) {
                d.media.pop_back();
                d.groups.clear();
              }),
              HasSubstr("section 3 (m=application, mid \"2\") is missing"));
  EXPECT_THAT(
      error([](Description& d) {
        d.media[1].mid = "x";
        d.groups.clear();
      }),
      HasSubstr("section 2 (m=video, mid \"1\") has become section 2 (m=video, mid \"x\")"));
  EXPECT_THAT(error([](Description& d) { std::swap(d.media[1], d.media[2]); }),
              HasSubstr("has become"));
  Description grown = previous;
  grown.media.push_back(grown.media[1]);
  grown.media.back().mid = "9";
  EXPECT_TRUE(check_subsequent_offer(previous, grown));
  Description recycled = previous;
  recycled.media[0] = previous.media[1];
  recycled.media[0].mid = "7";
  EXPECT_TRUE(check_subsequent_offer(previous, recycled));
  // Even the old mid may come back in a recycled section, as long as nobody else has it.
  recycled.media[0].mid = previous.media[0].mid;
  EXPECT_TRUE(check_subsequent_offer(previous, recycled));
  recycled.media[0].mid = previous.media[1].mid;
  EXPECT_THAT(check_subsequent_offer(previous, recycled).error().message,
              HasSubstr("have the same mid"));
}

TEST(SdpOfferAnswer, GoesThroughTwoRoundsInBothDirections) {
  const Description offer = sent(offer_of_alice());
  const Description answer = sent(create_answer(offer, {7, 1}, bob(), kData).value());
  ASSERT_TRUE(check_answer(offer, answer));
  const auto role = dtls_role(offer.media[0].setup.value(), answer.media[0].setup.value());
  EXPECT_EQ(role.value(), DtlsRole::kServer);
  // Bob offers again with his settled role's counterpart left open; Alice keeps hers.
  const Description again = sent(create_data_offer({7, 2}, bob(), {"0", 5000, 0}, &answer).value());
  EXPECT_TRUE(check_subsequent_offer(offer, again));
  TransportParameters settled = alice();
  settled.setup = sdp::Setup::kPassive;
  const Description last = sent(create_answer(again, {42, 2}, settled, kData).value());
  EXPECT_TRUE(check_answer(again, last));
  EXPECT_EQ(last.media[0].setup, sdp::Setup::kPassive);
  EXPECT_GT(last.origin.session_version, offer.origin.session_version);
}

}  // namespace
}  // namespace floe::sdp
