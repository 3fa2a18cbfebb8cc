// Descriptions and candidates from outside: what is accepted, what is refused, and that a refusal
// changes nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "tests/peer/call.h"

namespace floe {
namespace {

using testing::HasSubstr;

class PeerNegotiation : public testing::Test {
 protected:
  PeerNegotiation() { call_.create(); }
  PeerConnection& alice() { return *call_.alice.pc; }
  PeerConnection& bob() { return *call_.bob.pc; }
  SessionDescription offer() {
    EXPECT_TRUE(alice().create_data_channel("c").has_value());
    auto offer = alice().create_offer();
    EXPECT_TRUE(offer.has_value());
    return *offer;
  }
  Call call_{{}};
};

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

TEST_F(PeerNegotiation, AsksForNegotiationOnceForAnyNumberOfChannels) {
  int asked = 0;
  alice().on_negotiation_needed([&asked] { ++asked; });
  for (const char* label : {"a", "b", "c"}) {
    ASSERT_TRUE(alice().create_data_channel(label).has_value());
  }
  call_.world.run_for(seconds(1));
  EXPECT_EQ(asked, 1);
}

TEST_F(PeerNegotiation, RefusesCallsThatDoNotFitTheSignalingState) {
  EXPECT_EQ(alice().create_answer().error().code, Errc::kInvalidState);
  const SessionDescription ours = offer();
  EXPECT_EQ(alice().set_remote_description({SdpType::kAnswer, ours.sdp}).error().code,
            Errc::kInvalidState);
  ASSERT_TRUE(alice().set_local_description(ours).has_value());
  EXPECT_EQ(alice().set_local_description({SdpType::kAnswer, ours.sdp}).error().code,
            Errc::kInvalidState);
  EXPECT_EQ(alice().signaling_state(), SignalingState::kHaveLocalOffer);
  EXPECT_EQ(bob().set_remote_description({SdpType::kPranswer, ours.sdp}).error().code,
            Errc::kInvalidState);
}

TEST_F(PeerNegotiation, NamesWhatIsWrongWithARemoteDescriptionAndStaysAsItWas) {
  const SessionDescription ours = offer();
  const struct {
    std::string sdp;
    const char* names;
  } cases[] = {
      {"", ""},
      {"v=1\r\n", "v="},
      {replaced(ours.sdp, "a=ice-ufrag:", "a=x-ufrag:"), "ice-ufrag"},
      {replaced(ours.sdp, "a=ice-pwd:", "a=ice-pwd:short\r\na=x:"), "ice-pwd"},
      {replaced(ours.sdp, "a=fingerprint:", "a=x-fingerprint:"), "fingerprint"},
      {replaced(ours.sdp, "a=setup:actpass", "a=setup:holdconn"), "setup"},
      {replaced(ours.sdp, "a=sctp-port:5000", "a=sctp-port:99999"), "sctp-port"},
      {replaced(ours.sdp, "m=application 9", "m=application x"), "m="},
      {ours.sdp.substr(0, ours.sdp.size() / 2), ""},
  };
  for (const auto& [sdp, names] : cases) {
    const auto set = bob().set_remote_description({SdpType::kOffer, sdp});
    ASSERT_FALSE(set) << sdp;
    EXPECT_THAT(set.error().message, HasSubstr(names)) << sdp;
    EXPECT_EQ(bob().signaling_state(), SignalingState::kStable);
    EXPECT_FALSE(bob().remote_description());
  }
  // And the real one still works.
  EXPECT_TRUE(bob().set_remote_description(ours).has_value());
}

TEST_F(PeerNegotiation, AnswersEverySetupRoleWithItsCounterpart) {
  const struct {
    const char* offered;
    const char* answered;
  } cases[] = {{"actpass", "active"}, {"active", "passive"}, {"passive", "active"}};
  for (const auto& [offered, answered] : cases) {
    Call call({});
    call.on_signaling = [&, offered = offered, answered = answered](SessionDescription& d) {
      if (d.type == SdpType::kOffer) {
        d.sdp = replaced(d.sdp, "a=setup:actpass", std::string("a=setup:") + offered);
      } else {
        EXPECT_THAT(d.sdp, HasSubstr(std::string("a=setup:") + answered));
      }
    };
    call.start();
    ASSERT_TRUE(call.run_until_open()) << offered << call.describe();
  }
}

TEST_F(PeerNegotiation, KeepsItsRolesAndItsChannelsThroughARenegotiation) {
  Call call({});
  call.start();
  ASSERT_TRUE(call.run_until_open());
  for (int i = 0; i < 3; ++i) {
    call.offer();
    call.world.run_for(seconds(1));
    EXPECT_EQ(call.alice.pc->signaling_state(), SignalingState::kStable);
    ASSERT_TRUE(call.alice.channel->send(std::to_string(i)).has_value());
  }
  call.world.run_for(seconds(1));
  EXPECT_THAT(call.bob.received, testing::ElementsAre("0", "1", "2"));
  EXPECT_EQ(call.bob.pc->connection_state(), PeerConnectionState::kConnected);
}

TEST_F(PeerNegotiation, RefusesAnAnswerThatRestartsIceWithoutAnOfferThatDoes) {
  Call call({});
  call.start();
  ASSERT_TRUE(call.run_until_open());
  call.on_signaling = [](SessionDescription& description) {
    if (description.type != SdpType::kAnswer) return;
    const std::size_t at = description.sdp.find("a=ice-ufrag:") + 12;
    description.sdp[at] = description.sdp[at] == 'x' ? 'y' : 'x';
  };
  ASSERT_TRUE(call.alice.pc->set_local_description().has_value());
  ASSERT_TRUE(call.bob.pc->set_remote_description(*call.alice.pc->local_description()).has_value());
  ASSERT_TRUE(call.bob.pc->set_local_description().has_value());
  SessionDescription answer = *call.bob.pc->local_description();
  call.on_signaling(answer);
  const auto set = call.alice.pc->set_remote_description(answer);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, Errc::kInvalidArgument);
  EXPECT_THAT(set.error().message, HasSubstr("restart"));
  EXPECT_EQ(call.alice.pc->signaling_state(), SignalingState::kHaveLocalOffer);
}

TEST_F(PeerNegotiation, AcceptsCandidatesForItsSectionAndIgnoresUselessOnes) {
  IceCandidate candidate{"candidate:1 1 udp 1 192.0.2.1 1 typ host", "0", 0, std::nullopt};
  EXPECT_EQ(bob().add_ice_candidate(candidate).error().code, Errc::kInvalidState);
  const SessionDescription ours = offer();
  ASSERT_TRUE(bob().set_remote_description(ours).has_value());
  EXPECT_TRUE(bob().add_ice_candidate(candidate).has_value());
  candidate.candidate = "candidate:1 2 udp 1 192.0.2.1 9 typ host";
  EXPECT_TRUE(bob().add_ice_candidate(candidate).has_value());
  candidate.candidate = "candidate:1 1 udp 1 b7a1.local 9 typ host";
  EXPECT_TRUE(bob().add_ice_candidate(candidate).has_value());
  EXPECT_THAT(bob().remote_description()->sdp, HasSubstr("b7a1.local"));
  EXPECT_THAT(bob().transport().ice().remote_candidates(), testing::IsEmpty());
  ASSERT_TRUE(bob().set_local_description().has_value());
  EXPECT_EQ(bob().transport().ice().remote_candidates().size(), 1u);

  // A browser's "no more candidates" names no section, a candidate must.
  EXPECT_TRUE(bob().add_ice_candidate({"", std::nullopt, std::nullopt, std::nullopt}));
  EXPECT_THAT(bob().remote_description()->sdp, HasSubstr("a=end-of-candidates"));
  EXPECT_EQ(bob().add_ice_candidate({candidate.candidate, {}, {}, {}}).error().code,
            Errc::kInvalidArgument);

  candidate.candidate = "candidate:1 1 udp 1 192.0.2.1 0 typ host";
  EXPECT_EQ(bob().add_ice_candidate(candidate).error().code, Errc::kInvalidArgument);
  candidate.candidate = "candidate:broken";
  EXPECT_EQ(bob().add_ice_candidate(candidate).error().code, Errc::kMalformed);
  candidate.candidate = "candidate:1 1 udp 1 192.0.2.1 1 typ host";
  candidate.sdp_mid = "nobody";
  EXPECT_EQ(bob().add_ice_candidate(candidate).error().code, Errc::kNotFound);
  candidate.sdp_mid = "0";
  candidate.username_fragment = "stale";
  EXPECT_EQ(bob().add_ice_candidate(candidate).error().code, Errc::kNotFound);
}

TEST_F(PeerNegotiation, AnswersTheAudioAndVideoOfABrowsersOfferBesideItsData) {
  std::ifstream file(FLOE_SOURCE_DIR "/tests/vectors/sdp/chrome_av_data_offer.sdp");
  ASSERT_TRUE(file) << "the recorded offer is missing";
  std::stringstream text;
  text << file.rdbuf();
  const auto set = bob().set_remote_description({SdpType::kOffer, text.str()});
  ASSERT_TRUE(set) << set.error().message;
  const auto answer = bob().create_answer();
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(answer->sdp, HasSubstr("m=audio 9 "));
  EXPECT_THAT(answer->sdp, HasSubstr("m=video 9 "));
  EXPECT_THAT(answer->sdp, HasSubstr("a=recvonly"));
  EXPECT_THAT(answer->sdp, HasSubstr("m=application 9 "));
  EXPECT_THAT(bob().refused_sections(), testing::IsEmpty());
  EXPECT_EQ(bob().transceivers().size(), 2u);
  ASSERT_TRUE(bob().set_local_description(*answer).has_value());
  EXPECT_EQ(bob().signaling_state(), SignalingState::kStable);
}

TEST_F(PeerNegotiation, RefusesABadConfiguration) {
  const auto error = [this](const std::function<void(Configuration&)>& edit) {
    Configuration configuration;
    edit(configuration);
    return PeerConnection::create(*call_.alice_host, configuration).error();
  };
  EXPECT_THAT(error([](auto& c) { c.ice_servers = {{{"turn:relay.example"}}}; }).message,
              HasSubstr("turn"));
  EXPECT_EQ(error([](auto& c) { c.ice_servers = {{{}}}; }).code, Errc::kInvalidArgument);
  EXPECT_THAT(error([](auto& c) { c.max_message_size = 0; }).message,
              HasSubstr("max_message_size"));
  EXPECT_THAT(error([](auto& c) { c.mtu = 100; }).message, HasSubstr("mtu"));
  const auto long_ago = call_.alice_host->wall_clock() - std::chrono::days(40);
  const auto expired = dtls::Identity::generate(long_ago).value();
  EXPECT_THAT(error([&](auto& c) { c.certificate = expired; }).message, HasSubstr("expired"));
}

TEST_F(PeerNegotiation, RefusesEverythingOnceClosed) {
  alice().close();
  alice().close();
  EXPECT_EQ(alice().signaling_state(), SignalingState::kClosed);
  EXPECT_FALSE(alice().create_offer());
  EXPECT_FALSE(alice().create_data_channel("x"));
  EXPECT_FALSE(alice().set_local_description());
  EXPECT_FALSE(alice().set_remote_description({SdpType::kOffer, "v=0\r\n"}));
  EXPECT_FALSE(alice().add_ice_candidate({"", "0", 0, std::nullopt}));
}

}  // namespace
}  // namespace floe
