// The W3C's surface of descriptions and transceivers: what each call does to the next description.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "floe/peer/w3c_error.h"
#include "floe/sdp/parser.h"
#include "tests/peer/call.h"

namespace floe {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

class PeerJsep : public testing::Test {
 protected:
  PeerJsep() {
    for (auto* side : {&alice, &bob}) {
      Side& me = *side;
      Side& other = side == &alice ? bob : alice;
      me.pc = PeerConnection::create(world.add_host(side == &alice ? "alice" : "bob")).value();
      me.pc->on_negotiation_needed([&me] { ++me.needed; });
      me.pc->on_track([&me](const TrackEvent& event) { me.tracks.push_back(event); });
      me.pc->on_ice_candidate([&me, &other](const IceCandidate& candidate) {
        me.candidates.push_back(candidate);
        if (other.pc && other.pc->remote_description()) {
          static_cast<void>(other.pc->add_ice_candidate(candidate));
        }
      });
      me.pc->on_signaling_state_change(
          [&me](SignalingState state) { me.states.emplace_back(to_string(state)); });
    }
  }

  struct Side {
    std::unique_ptr<PeerConnection> pc;
    int needed = 0;
    std::vector<TrackEvent> tracks;
    std::vector<IceCandidate> candidates;
    std::vector<std::string> states;
    PeerConnection* operator->() { return pc.get(); }
  };

  void settle() { world.run_for(milliseconds(500)); }

  void negotiate(Side& from, Side& to) {
    ok(from->set_local_description());
    ok(to->set_remote_description(*from->local_description()));
    ok(to->set_local_description());
    ok(from->set_remote_description(*to->local_description()));
    settle();
    EXPECT_EQ(from->signaling_state(), SignalingState::kStable);
    EXPECT_EQ(to->signaling_state(), SignalingState::kStable);
  }

  static void ok(const Result<>& result) {
    EXPECT_TRUE(result) << (result ? std::string() : result.error().message);
  }
  static sdp::Description parsed(const std::optional<SessionDescription>& description) {
    return sdp::parse(description.value().sdp).value();
  }

  net::sim::World world{7};
  Side alice;
  Side bob;
};

// ------------------------------------------------------------------------------ transceivers

TEST_F(PeerJsep, NegotiatesAudioVideoAndDataOverOneTransport) {
  const auto audio = alice->add_transceiver(MediaKind::kAudio).value();
  const auto video =
      alice->add_transceiver(MediaKind::kVideo, {.direction = RtpTransceiverDirection::kRecvonly})
          .value();
  auto channel = alice->create_data_channel("chat").value();
  EXPECT_FALSE(audio->mid());
  EXPECT_FALSE(audio->current_direction());
  settle();
  negotiate(alice, bob);
  EXPECT_EQ(alice.needed, 1);
  EXPECT_EQ(bob.needed, 0);
  EXPECT_EQ(audio->mid(), "0");
  EXPECT_EQ(video->mid(), "1");
  EXPECT_EQ(audio->current_direction(), RtpTransceiverDirection::kSendonly);
  EXPECT_EQ(video->current_direction(), RtpTransceiverDirection::kInactive);
  ASSERT_EQ(bob.tracks.size(), 1u) << "only the audio is sent";
  EXPECT_EQ(bob.tracks[0].track->kind(), MediaKind::kAudio);
  EXPECT_EQ(bob.tracks[0].transceiver->mid(), "0");
  EXPECT_EQ(bob.tracks[0].transceiver->direction(), RtpTransceiverDirection::kRecvonly);
  EXPECT_THAT(audio->sender()->parameters().codecs, Not(IsEmpty()));
  EXPECT_EQ(audio->sender()->parameters().codecs[0].mime_type, "audio/opus");
  world.run_for(seconds(2));
  EXPECT_EQ(channel->ready_state(), DataChannelState::kOpen);
  EXPECT_EQ(alice->connection_state(), PeerConnectionState::kConnected);
  EXPECT_EQ(alice.needed, 1);
}

TEST_F(PeerJsep, NamesTheTrackThatIsNotThere) {
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kAudio));
  const std::string sdp = alice->create_offer().value().sdp;
  const std::size_t name = sdp.find("a=msid:- ");
  ASSERT_NE(name, std::string::npos) << sdp;
  EXPECT_NE(sdp[name + 9], '\r') << sdp;
}

TEST_F(PeerJsep, ConnectsForMediaAloneAndTakesDataInLater) {
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kAudio));
  negotiate(alice, bob);
  world.run_for(seconds(2));
  EXPECT_EQ(alice->connection_state(), PeerConnectionState::kConnected);
  EXPECT_EQ(bob->dtls_state(), DtlsTransportState::kConnected);
  auto channel = bob->create_data_channel("late").value();
  settle();
  EXPECT_EQ(bob.needed, 1);
  negotiate(bob, alice);
  world.run_for(seconds(2));
  EXPECT_EQ(channel->ready_state(), DataChannelState::kOpen);
}

TEST_F(PeerJsep, ClosesItsChannelsWhenThePeerEndsTheDataSection) {
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kAudio));
  auto channel = alice->create_data_channel("chat").value();
  negotiate(alice, bob);
  world.run_for(seconds(2));
  ASSERT_EQ(channel->ready_state(), DataChannelState::kOpen);
  ok(alice->set_local_description());
  ok(bob->set_remote_description(*alice->local_description()));
  auto answer = bob->create_answer().value();
  answer.sdp = replaced(answer.sdp, "m=application 9", "m=application 0");
  answer.sdp = replaced(answer.sdp, "BUNDLE 0 1", "BUNDLE 0");
  ok(alice->set_remote_description(answer));
  settle();
  EXPECT_EQ(channel->ready_state(), DataChannelState::kClosed);
  EXPECT_EQ(alice->create_data_channel("again").error().code, Errc::kClosed);
  EXPECT_EQ(alice->connection_state(), PeerConnectionState::kConnected) << "audio goes on";
  const sdp::Description offer = parsed(alice->create_offer().value());
  EXPECT_FALSE(offer.media[0].rejected());
  EXPECT_TRUE(offer.media[1].rejected());
}

TEST_F(PeerJsep, SendsATrackOnTheTransceiverThatThePeerMade) {
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kVideo));
  negotiate(alice, bob);
  const auto track = std::make_shared<MediaStreamTrack>(MediaKind::kVideo, "camera");
  const auto sender = bob->add_track(track, {"stream"}).value();
  EXPECT_EQ(bob->transceivers().size(), 1u) << "the transceiver at hand is used";
  EXPECT_EQ(bob->add_track(track).error().code, Errc::kInvalidArgument);
  settle();
  EXPECT_EQ(bob.needed, 1);
  negotiate(bob, alice);
  ASSERT_EQ(alice.tracks.size(), 1u);
  EXPECT_THAT(alice.tracks[0].streams, ElementsAre("stream"));
  EXPECT_EQ(alice->transceivers()[0]->current_direction(), RtpTransceiverDirection::kSendrecv);

  ok(bob->remove_track(sender));
  settle();
  EXPECT_EQ(bob.needed, 2);
  negotiate(bob, alice);
  EXPECT_EQ(alice->transceivers()[0]->current_direction(), RtpTransceiverDirection::kSendonly);
  // A sender that has sent is not used again.
  ASSERT_TRUE(bob->add_track(std::make_shared<MediaStreamTrack>(MediaKind::kVideo, "other")));
  EXPECT_EQ(bob->transceivers().size(), 2u);
}

TEST_F(PeerJsep, AddTrackMeetsTheSectionThatThePeerOffers) {
  ASSERT_TRUE(bob->add_track(std::make_shared<MediaStreamTrack>(MediaKind::kAudio, "microphone")));
  ASSERT_TRUE(bob->add_transceiver(MediaKind::kVideo));
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kAudio));
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kVideo));
  negotiate(alice, bob);
  const auto all = bob->transceivers();
  ASSERT_EQ(all.size(), 3u) << "audio met, video of add_transceiver did not";
  EXPECT_EQ(all[0]->mid(), "0");
  EXPECT_EQ(all[0]->current_direction(), RtpTransceiverDirection::kSendrecv);
  EXPECT_FALSE(all[1]->mid());
  EXPECT_EQ(all[2]->mid(), "1");
  EXPECT_EQ(bob.needed, 1) << "for the transceiver that met nothing";
}

// Scenario 110: sections are added, end, and their places are used again.
TEST_F(PeerJsep, AddsRemovesAndRecyclesSections) {
  const auto audio = alice->add_transceiver(MediaKind::kAudio).value();
  ASSERT_TRUE(alice->create_data_channel("chat"));
  negotiate(alice, bob);
  const auto theirs = bob->transceivers().at(0);
  ok(audio->stop());
  EXPECT_EQ(audio->direction(), RtpTransceiverDirection::kStopped);
  EXPECT_FALSE(audio->stopped());
  negotiate(alice, bob);
  EXPECT_TRUE(audio->stopped());
  EXPECT_TRUE(theirs->stopped());
  EXPECT_TRUE(theirs->receiver()->track()->ended());
  EXPECT_THAT(alice->transceivers(), IsEmpty());
  EXPECT_THAT(bob->transceivers(), IsEmpty());
  EXPECT_TRUE(parsed(alice->current_local_description()).media[0].rejected());

  ASSERT_TRUE(bob->add_transceiver(MediaKind::kVideo));
  negotiate(bob, alice);
  const sdp::Description offer = parsed(bob->current_local_description());
  ASSERT_EQ(offer.media.size(), 2u) << "the place is used again";
  EXPECT_EQ(offer.media[0].media, "video");
  EXPECT_NE(offer.media[0].mid, "0") << "a mid never comes back for something else";
  EXPECT_EQ(offer.groups[0].mids.front(), offer.media[1].mid) << "the tag stays where it was";
  world.run_for(seconds(2));
  EXPECT_EQ(alice->connection_state(), PeerConnectionState::kConnected);
}

// Scenario 110: the answerer refuses the section whose transport was offered.
TEST_F(PeerJsep, GoesOnWithAnotherTagWhenThePeerRefusesTheFirst) {
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kAudio));
  auto channel = alice->create_data_channel("chat").value();
  ok(alice->set_local_description());
  settle();  // all candidates are told for the audio section
  ASSERT_FALSE(alice.candidates.empty());
  EXPECT_EQ(alice.candidates[0].sdp_mid, "0");
  alice.candidates.clear();
  ok(bob->set_remote_description(*alice->local_description()));
  ok(bob->transceivers().at(0)->stop());
  ok(bob->set_local_description());
  const sdp::Description answer = parsed(bob->local_description());
  EXPECT_TRUE(answer.media[0].rejected());
  EXPECT_THAT(answer.groups, ElementsAre(sdp::Group{"BUNDLE", {"1"}}));
  ok(alice->set_remote_description(*bob->local_description()));
  EXPECT_THAT(alice->transceivers(), IsEmpty());
  ASSERT_TRUE(world.run_until([&] { return channel->ready_state() == DataChannelState::kOpen; },
                              seconds(5)));
  ASSERT_FALSE(alice.candidates.empty());
  EXPECT_EQ(alice.candidates[0].sdp_mid, "1") << "told again for the section that is left";
}

TEST_F(PeerJsep, RefusesAnAnswerThatDoesNotBundle) {
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kAudio));
  ASSERT_TRUE(alice->create_data_channel("chat"));
  ok(alice->set_local_description());
  ok(bob->set_remote_description(*alice->local_description()));
  auto answer = bob->create_answer().value();
  answer.sdp = replaced(answer.sdp, "a=group:BUNDLE 0 1\r\n", "");
  const auto set = alice->set_remote_description(answer);
  ASSERT_FALSE(set);
  EXPECT_EQ(set.error().code, Errc::kUnsupported);
  EXPECT_THAT(set.error().message, HasSubstr("section 2 (m=application"));
  EXPECT_EQ(alice->signaling_state(), SignalingState::kHaveLocalOffer);
}

TEST_F(PeerJsep, OffersTheCodecsOfTheApplicationInItsOrder) {
  const auto video = alice->add_transceiver(MediaKind::kVideo).value();
  auto codecs = RtpSender::capabilities(MediaKind::kVideo).codecs;
  std::vector<RtpCodec> wanted;
  for (const char* name : {"video/AV1", "video/VP8", "video/rtx"}) {
    for (const RtpCodec& codec : codecs) {
      if (codec.mime_type == name) wanted.push_back(codec);
    }
  }
  ok(video->set_codec_preferences(wanted));
  negotiate(alice, bob);
  EXPECT_THAT(parsed(alice->local_description()).media[0].formats,
              ElementsAre("45", "96", "97", "46"));
  EXPECT_EQ(bob->transceivers()[0]->receiver()->parameters().codecs[0].mime_type, "video/AV1");
  EXPECT_EQ(video->set_codec_preferences({{"video/none", 90'000, {}, ""}}).error().code,
            Errc::kInvalidModification);
  EXPECT_EQ(video->set_codec_preferences({wanted.back()}).error().code, Errc::kInvalidModification);
  ok(video->set_codec_preferences({}));
}

TEST_F(PeerJsep, OffersSimulcastLayersAndKeepsThoseThatAreTaken) {
  RtpTransceiverInit init;
  init.send_encodings = {{.rid = "h"}, {.rid = "l"}};
  const auto video = alice->add_transceiver(MediaKind::kVideo, init).value();
  negotiate(alice, bob);
  EXPECT_THAT(alice->local_description()->sdp, HasSubstr("a=simulcast:send h;l"));
  EXPECT_THAT(bob->local_description()->sdp, HasSubstr("a=simulcast:recv h;l"));
  EXPECT_EQ(video->sender()->parameters().encodings.size(), 2u);
  init.send_encodings[1].rid = "h";
  EXPECT_EQ(alice->add_transceiver(MediaKind::kVideo, init).error().code, Errc::kInvalidArgument);
}

// --------------------------------------------------------------------- rollback and pranswer

TEST_F(PeerJsep, TakesItsOfferBack) {
  const auto audio = alice->add_transceiver(MediaKind::kAudio).value();
  ok(alice->set_local_description());
  EXPECT_EQ(audio->mid(), "0");
  ok(alice->set_local_description({SdpType::kRollback, ""}));
  EXPECT_EQ(alice->signaling_state(), SignalingState::kStable);
  EXPECT_FALSE(audio->mid());
  EXPECT_FALSE(alice->local_description());
  EXPECT_EQ(alice->transceivers().size(), 1u) << "what the application made stays";
  settle();
  EXPECT_EQ(alice.needed, 1) << "it still wants to be negotiated";
  EXPECT_EQ(alice->set_local_description({SdpType::kRollback, ""}).error().code,
            Errc::kInvalidState);
  negotiate(alice, bob);
}

TEST_F(PeerJsep, TakesThePeersOfferBackAndWhatItMade) {
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kAudio));
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kVideo));
  ok(alice->set_local_description());
  ok(bob->set_remote_description(*alice->local_description()));
  const auto made = bob->transceivers();
  ASSERT_EQ(made.size(), 2u);
  ASSERT_TRUE(bob->add_track(std::make_shared<MediaStreamTrack>(MediaKind::kVideo, "camera")));
  ok(bob->set_remote_description({SdpType::kRollback, ""}));
  EXPECT_EQ(bob->signaling_state(), SignalingState::kStable);
  EXPECT_TRUE(made[0]->stopped());
  ASSERT_EQ(bob->transceivers().size(), 1u) << "the one with a track of its own stays";
  EXPECT_FALSE(made[1]->mid());
  // And the same offer works once more.
  ok(bob->set_remote_description(*alice->local_description()));
  ok(bob->set_local_description());
  ok(alice->set_remote_description(*bob->local_description()));
  world.run_for(seconds(2));
  EXPECT_EQ(alice->connection_state(), PeerConnectionState::kConnected);
}

// Scenario 109: the polite side's offer gives way, with all it said.
TEST_F(PeerJsep, GivesWayToAnOfferThatMeetsItsOwn) {
  auto ours = alice->create_data_channel("alice").value();
  auto theirs = bob->create_data_channel("bob").value();
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kVideo));
  ok(alice->set_local_description());
  ok(bob->set_local_description());
  settle();  // Alice's candidates are for an offer that Bob never sets
  alice.candidates.clear();
  ok(alice->set_remote_description(*bob->local_description()));
  EXPECT_EQ(alice->signaling_state(), SignalingState::kHaveRemoteOffer);
  EXPECT_FALSE(alice->pending_local_description());
  const auto answer = alice->create_answer().value();
  ok(alice->set_local_description(answer));
  ok(bob->set_remote_description(answer));
  settle();
  ASSERT_FALSE(alice.candidates.empty()) << "they are told again, for the answer";
  EXPECT_NE(alice.candidates[0].candidate, "");
  EXPECT_EQ(bob->connection_state(), PeerConnectionState::kConnected);
  EXPECT_THAT(alice.states, ElementsAre("have-local-offer", "have-remote-offer", "stable"));
  EXPECT_EQ(alice.needed, 1) << "the video is still to be negotiated";
  negotiate(alice, bob);
  world.run_for(seconds(2));
  EXPECT_EQ(ours->ready_state(), DataChannelState::kOpen);
  EXPECT_EQ(theirs->ready_state(), DataChannelState::kOpen);
  EXPECT_EQ(bob->transceivers().size(), 1u);
}

TEST_F(PeerJsep, AnswersAnOrdinaryOfferWhileItsOwnRestartWasTakenBack) {
  auto channel = alice->create_data_channel("chat").value();
  negotiate(alice, bob);
  world.run_for(seconds(2));
  const std::string before = parsed(alice->local_description()).media[0].ice_ufrag;
  alice->restart_ice();
  ok(alice->set_local_description());
  const std::string next = parsed(alice->local_description()).media[0].ice_ufrag;
  EXPECT_NE(next, before);
  ok(bob->set_local_description());  // an offer that restarts nothing
  ok(alice->set_remote_description(*bob->local_description()));
  ok(alice->set_local_description());
  EXPECT_EQ(parsed(alice->local_description()).media[0].ice_ufrag, before);
  ok(bob->set_remote_description(*alice->local_description()));
  settle();
  EXPECT_EQ(alice->connection_state(), PeerConnectionState::kConnected);
  EXPECT_EQ(alice.needed, 1) << "the restart is still wanted";
  negotiate(alice, bob);
  EXPECT_EQ(parsed(alice->local_description()).media[0].ice_ufrag, next);
  world.run_for(seconds(5));
  EXPECT_EQ(alice->connection_state(), PeerConnectionState::kConnected);
  EXPECT_FALSE(alice->transport().ice().keeps_previous_generation());
  ok(channel->send("still here"));
}

TEST_F(PeerJsep, ConnectsOnAProvisionalAnswer) {
  auto channel = alice->create_data_channel("chat").value();
  ok(alice->set_local_description());
  ok(bob->set_remote_description(*alice->local_description()));
  auto answer = bob->create_answer().value();
  answer.type = SdpType::kPranswer;
  ok(bob->set_local_description(answer));
  EXPECT_EQ(bob->signaling_state(), SignalingState::kHaveLocalPranswer);
  ok(alice->set_remote_description(*bob->local_description()));
  EXPECT_EQ(alice->signaling_state(), SignalingState::kHaveRemotePranswer);
  EXPECT_EQ(alice->local_description()->type, SdpType::kOffer);
  EXPECT_EQ(bob->local_description()->type, SdpType::kPranswer);
  EXPECT_EQ(alice->set_local_description({SdpType::kRollback, ""}).error().code,
            Errc::kInvalidState);
  world.run_for(seconds(2));
  EXPECT_EQ(channel->ready_state(), DataChannelState::kOpen);
  ok(bob->set_local_description());
  ok(alice->set_remote_description(*bob->local_description()));
  EXPECT_EQ(alice->signaling_state(), SignalingState::kStable);
  EXPECT_EQ(alice->current_remote_description()->type, SdpType::kAnswer);
  world.run_for(seconds(2));
  EXPECT_EQ(alice->connection_state(), PeerConnectionState::kConnected);
}

// ------------------------------------------------------------------------ edits and errors

TEST_F(PeerJsep, TakesTheEditsThatApplicationsMake) {
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kVideo));
  ASSERT_TRUE(alice->create_data_channel("chat"));
  auto offer = alice->create_offer().value();
  sdp::Description edited = sdp::parse(offer.sdp).value();
  edited.media[0].formats = {"45", "96", "97"};  // reordered, the others removed
  edited.media[0].bandwidths = {{"AS", 500}};
  edited.media[0].extmaps.pop_back();
  edited.media[0].ssrcs.clear();
  edited.media[0].ssrc_groups.clear();
  std::string text = replaced(offer.sdp, "a=rtpmap:96 VP8/90000\r\n",
                              "a=rtpmap:96 VP8/90000\r\na=fmtp:96 x-start-bitrate=1000\r\n");
  text = replaced(text, "m=video 9 UDP/TLS/RTP/SAVPF ", "m=video 9 UDP/TLS/RTP/SAVPF 45 ");
  text = replaced(text, " 45 46\r\n", " 46\r\n");
  text = replaced(text, "a=mid:0", "b=AS:500\r\na=x-mine\r\na=mid:0");
  ok(alice->set_local_description({SdpType::kOffer, text}));
  EXPECT_THAT(alice->local_description()->sdp, HasSubstr("b=AS:500"));
  EXPECT_THAT(alice->local_description()->sdp, HasSubstr("a=x-mine"));
  ok(bob->set_remote_description(*alice->local_description()));
  ok(bob->set_local_description());
  EXPECT_EQ(parsed(bob->local_description()).media[0].formats.front(), "45");
  ok(alice->set_remote_description(*bob->local_description()));
}

TEST_F(PeerJsep, NamesWhatCannotBeEditedAndStaysAsItWas) {
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kAudio));
  ASSERT_TRUE(alice->create_data_channel("chat"));
  const std::string sdp = alice->create_offer().value().sdp;
  const struct {
    std::string sdp;
    const char* names;
  } cases[] = {
      {replaced(sdp, "a=ice-ufrag:", "a=ice-ufrag:x"), "a=ice-ufrag"},
      {replaced(sdp, "a=ice-pwd:", "a=ice-pwd:x"), "a=ice-pwd"},
      {replaced(sdp, "a=setup:actpass", "a=setup:active"), "a=setup"},
      {replaced(replaced(sdp, "a=mid:0", "a=mid:z"), "BUNDLE 0", "BUNDLE z"), "a=group"},
      {replaced(sdp, "a=group:BUNDLE 0 1\r\n", ""), "a=group"},
      {replaced(sdp, "a=sendrecv", "a=recvonly"), "set_direction"},
      {replaced(sdp, "m=audio 9", "m=audio 0"), "stop"},
      {replaced(sdp, "a=rtpmap:111 opus/48000/2", "a=rtpmap:111 opus/16000/2"), "a=rtpmap:111"},
      {replaced(sdp, "a=extmap:1 ", "a=extmap:7 "), "a=extmap:7"},
      {replaced(sdp, "SAVPF 111", "SAVPF 55 111"), "\"55\""},
      {replaced(sdp, "a=sctp-port:5000", "a=sctp-port:5001"), "a=sctp-port"},
      {replaced(sdp, "a=rtcp-mux\r\n", ""), "a=rtcp-mux"},
  };
  for (const auto& [edited, names] : cases) {
    const auto set = alice->set_local_description({SdpType::kOffer, edited});
    ASSERT_FALSE(set) << names;
    EXPECT_EQ(w3c_name(set.error().code), "InvalidModificationError") << set.error().message;
    EXPECT_THAT(set.error().message, HasSubstr(names));
    EXPECT_EQ(alice->signaling_state(), SignalingState::kStable);
  }
  const auto broken = alice->set_local_description({SdpType::kOffer, sdp + "x"});
  EXPECT_EQ(w3c_error_detail(broken.error().code), "sdp-syntax-error");
  ok(alice->set_local_description({SdpType::kOffer, ""}));
}

TEST_F(PeerJsep, RefusesDescriptionsThatChangeWhatMayNotChange) {
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kAudio));
  ASSERT_TRUE(alice->create_data_channel("chat"));
  negotiate(alice, bob);
  const std::string offer = alice->create_offer().value().sdp;
  EXPECT_THAT(offer, HasSubstr("a=mid:0"));
  const auto refused = [&](std::string sdp, SdpType type = SdpType::kOffer) {
    const auto set = bob->set_remote_description({type, std::move(sdp)});
    EXPECT_FALSE(set);
    EXPECT_EQ(bob->signaling_state(), SignalingState::kStable);
    EXPECT_EQ(bob->transceivers().size(), 1u);
    return set ? std::string()
               : std::string(w3c_name(set.error().code)) + ": " + set.error().message;
  };
  EXPECT_THAT(refused(replaced(replaced(offer, "a=mid:0", "a=mid:z"), "BUNDLE 0", "BUNDLE z")),
              HasSubstr("section 1 (m=audio, mid \"0\") has become"));
  EXPECT_THAT(refused(replaced(offer, "BUNDLE 0 1", "BUNDLE 0 1 x")), HasSubstr("no section has"));
  EXPECT_THAT(refused(offer, SdpType::kAnswer), HasSubstr("InvalidStateError"));
  EXPECT_THAT(
      refused(replaced(offer.substr(0, offer.find("m=application")), "BUNDLE 0 1", "BUNDLE 0")),
      HasSubstr("section 2 (m=application"));
  EXPECT_THAT(refused(replaced(offer, "a=ice-pwd:", "a=x:")), HasSubstr("OperationError"));
}

// Scenario 100: the roles stay, whoever offers and whoever restarts.
TEST_F(PeerJsep, KeepsTheDtlsRolesThroughOffersOfBothSidesAndRestarts) {
  auto channel = alice->create_data_channel("chat").value();
  negotiate(alice, bob);
  world.run_for(seconds(2));
  EXPECT_THAT(bob->local_description()->sdp, HasSubstr("a=setup:active"));
  bob->restart_ice();
  negotiate(bob, alice);
  EXPECT_THAT(bob->local_description()->sdp, HasSubstr("a=setup:actpass"));
  EXPECT_THAT(alice->local_description()->sdp, HasSubstr("a=setup:passive"));
  negotiate(alice, bob);
  EXPECT_THAT(bob->local_description()->sdp, HasSubstr("a=setup:active"));
  // Firefox says "active" in every answer; with the same certificate the association stays.
  ok(alice->set_local_description());
  ok(bob->set_remote_description(*alice->local_description()));
  auto answer = bob->create_answer().value();
  answer.sdp = replaced(answer.sdp, "a=setup:active", "a=setup:passive");
  ok(alice->set_remote_description(answer));
  ok(bob->set_local_description());
  world.run_for(seconds(2));
  EXPECT_EQ(alice->dtls_state(), DtlsTransportState::kConnected);
  ok(channel->send("still there"));
  EXPECT_EQ(channel->ready_state(), DataChannelState::kOpen);
}

TEST_F(PeerJsep, CountsVersionsOnlyWhenADescriptionChanges) {
  ASSERT_TRUE(alice->create_data_channel("chat"));
  const auto version = [&] { return parsed(alice->create_offer().value()).origin.session_version; };
  const auto first = version();
  EXPECT_EQ(version(), first);
  ASSERT_TRUE(alice->add_transceiver(MediaKind::kAudio));
  EXPECT_EQ(version(), first + 1);
  EXPECT_EQ(version(), first + 1);
}

TEST_F(PeerJsep, RestartsIceForOneOfferAlone) {
  ASSERT_TRUE(alice->create_data_channel("chat"));
  negotiate(alice, bob);
  const std::string before = parsed(alice->local_description()).media[0].ice_ufrag;
  const std::string ufrag =
      parsed(alice->create_offer({.ice_restart = true}).value()).media[0].ice_ufrag;
  EXPECT_NE(ufrag, before);
  EXPECT_EQ(parsed(alice->create_offer().value()).media[0].ice_ufrag, before);
  ok(alice->set_local_description(alice->create_offer({.ice_restart = true}).value()));
  ok(bob->set_remote_description(*alice->local_description()));
  // A candidate of the generation that was is for the description in force, one of no generation
  // is for nobody.
  const std::string candidate = "candidate:1 1 udp 1 192.0.2.1 9 typ host";
  ok(bob->add_ice_candidate({candidate, "0", 0, before}));
  ok(bob->add_ice_candidate({candidate, "0", 0, ufrag}));
  EXPECT_EQ(bob->add_ice_candidate({candidate, "0", 0, "gone"}).error().code, Errc::kNotFound);
  ok(bob->set_local_description());
  ok(alice->set_remote_description(*bob->local_description()));
  world.run_for(seconds(5));
  EXPECT_EQ(alice->connection_state(), PeerConnectionState::kConnected);
  EXPECT_EQ(bob->add_ice_candidate({candidate, "0", 0, before}).error().code, Errc::kNotFound);
}

TEST_F(PeerJsep, KnowsWhetherThePeerTrickles) {
  EXPECT_FALSE(bob->can_trickle_ice_candidates());
  ASSERT_TRUE(alice->create_data_channel("chat"));
  const auto offer = alice->create_offer().value();
  ok(bob->set_remote_description(offer));
  EXPECT_EQ(bob->can_trickle_ice_candidates(), true);
  ok(bob->set_remote_description(
      {SdpType::kOffer, replaced(offer.sdp, "a=ice-options:trickle ice2\r\n", "")}));
  EXPECT_EQ(bob->can_trickle_ice_candidates(), false);
}

TEST_F(PeerJsep, NamesTheErrorsOfTheSpecification) {
  EXPECT_EQ(w3c_name(Errc::kInvalidState), "InvalidStateError");
  EXPECT_EQ(w3c_name(Errc::kInvalidArgument), "InvalidAccessError");
  EXPECT_EQ(w3c_name(Errc::kNotFound), "OperationError");
  alice->close();
  EXPECT_EQ(alice->add_transceiver(MediaKind::kAudio).error().code, Errc::kInvalidState);
  EXPECT_EQ(alice->set_local_description({SdpType::kRollback, ""}).error().code,
            Errc::kInvalidState);
}

}  // namespace
}  // namespace floe
