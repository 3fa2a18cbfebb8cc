// From offer to open channel and back to closed: order of states, bad networks, bad peers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/peer/call.h"

namespace floe {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

TEST(PeerConnection, GoesThroughTheStatesOfTheSpecification) {
  Call call({});
  call.start();
  ASSERT_TRUE(call.run_until_open()) << call.describe();
  call.world.run_for(seconds(10));
  EXPECT_THAT(call.alice.log, ElementsAre("have-local-offer", "stable", "ice:checking",
                                          "pc:connecting", "ice:connected", "dtls:connecting",
                                          "dtls:connected", "pc:connected", "ice:completed"))
      << call.describe();
  EXPECT_EQ(call.alice.pc->signaling_state(), SignalingState::kStable);
  EXPECT_EQ(call.bob.pc->connection_state(), PeerConnectionState::kConnected);
}

TEST(PeerConnection, FindsHostAndReflexiveCandidatesAndSaysWhenThereAreNoMore) {
  Call::Options options;
  options.alice_nat = net::sim::NatOptions();
  Call call(options);
  call.start();
  ASSERT_TRUE(call.run_until_open());
  call.world.run_for(seconds(10));
  ASSERT_EQ(call.alice.candidates.size(), 3u);
  EXPECT_THAT(call.alice.candidates[0].candidate, HasSubstr("typ host"));
  EXPECT_THAT(call.alice.candidates[1].candidate, HasSubstr("typ srflx"));
  EXPECT_EQ(call.alice.candidates[2].candidate, "");
  EXPECT_EQ(call.alice.candidates[0].sdp_mid, "0");
  EXPECT_THAT(call.alice.pc->local_description()->sdp, HasSubstr("a=end-of-candidates"));
}

TEST(PeerConnection, ConnectsAtThirtyPercentLossWithReorderingAndDuplication) {
  for (std::size_t i = 0; i < test_seeds(100); ++i) {
    Call::Options options;
    options.seed = test_seed(i);
    options.link.loss = 0.3;
    options.link.duplicate = 0.1;
    options.link.reorder = 0.2;
    Call call(options);
    call.start();
    ASSERT_TRUE(call.run_until_open(minutes(2))) << replay(options.seed) << call.describe();
  }
}

TEST(PeerConnection, HoldsHandshakeDataThatComesBeforeTheAnswer) {
  // Bob is the DTLS client: his ClientHello is long there when his answer arrives.
  Call::Options options;
  options.signaling_delay = seconds(2);
  options.alice_nat = net::sim::NatOptions::full_cone();
  options.trickle = false;
  Call call(options);
  int descriptions = 0;
  call.on_signaling = [&](SessionDescription& description) {
    ++descriptions;
    // Alice has had time to be asked by Bob before she knows his answer.
    if (description.type == SdpType::kAnswer) {
      EXPECT_GT(call.alice.pc->transport().stats().packets_early, 0u);
    }
  };
  call.start();
  ASSERT_TRUE(call.run_until_open()) << call.describe();
  EXPECT_EQ(descriptions, 2);
}

TEST(PeerConnection, FailsWhenTheFingerprintIsNotTheOneInTheDescription) {
  for (const SdpType forged : {SdpType::kOffer, SdpType::kAnswer}) {
    Call call({});
    call.on_signaling = [forged](SessionDescription& description) {
      if (description.type != forged) return;
      const std::size_t at = description.sdp.find("a=fingerprint:sha-256 ");
      ASSERT_NE(at, std::string::npos);
      char& digit = description.sdp[at + 22];
      digit = digit == 'A' ? 'B' : 'A';
    };
    call.start();
    Caller& deceived = forged == SdpType::kOffer ? call.bob : call.alice;
    ASSERT_TRUE(call.run_until(
        [&] { return deceived.pc->connection_state() == PeerConnectionState::kFailed; },
        seconds(30)));
    ASSERT_TRUE(deceived.dtls_error);
    EXPECT_EQ(deceived.dtls_error->code, Errc::kVerificationFailed);
    call.world.run_for(seconds(10));
    EXPECT_FALSE(call.alice.open);
    EXPECT_FALSE(call.bob.open);
    EXPECT_THAT(deceived.log, Not(Contains("dtls:connected")));
  }
}

TEST(PeerConnection, AgreesOnKeysForMediaInEveryHandshake) {
  Call call({});
  call.start();
  ASSERT_TRUE(call.run_until_open());
  EXPECT_EQ(call.alice.pc->transport().srtp_profile(), dtls::SrtpProfile::kAeadAes128Gcm);
  EXPECT_EQ(call.bob.pc->transport().srtp_profile(), dtls::SrtpProfile::kAeadAes128Gcm);
}

TEST(PeerConnection, TellsThePeerWhenItCloses) {
  Call call({});
  call.start();
  ASSERT_TRUE(call.run_until_open());
  call.alice.pc->close();
  EXPECT_EQ(call.alice.pc->connection_state(), PeerConnectionState::kClosed);
  EXPECT_EQ(call.alice.channel->ready_state(), DataChannelState::kClosed);
  // One trip later Bob's channel is closed; nobody has to wait for a timeout.
  EXPECT_TRUE(call.run_until([&] { return call.bob.closed; }, milliseconds(100)));
  EXPECT_EQ(call.bob.pc->dtls_state(), DtlsTransportState::kClosed);
}

TEST(PeerConnection, ClosesItsChannelsWithTheReasonWhenDtlsFails) {
  Call call({});
  call.on_signaling = [](SessionDescription& description) {
    if (description.type != SdpType::kAnswer) return;
    char& digit = description.sdp[description.sdp.find("a=fingerprint:sha-256 ") + 22];
    digit = digit == 'A' ? 'B' : 'A';
  };
  call.create();
  auto channel = call.alice.pc->create_data_channel("chat");
  ASSERT_TRUE(channel.has_value());
  std::optional<Error> error;
  (*channel)->on_error([&error](const Error& why) { error = why; });
  call.offer();
  ASSERT_TRUE(call.run_until([&] { return error.has_value(); }, seconds(30)));
  EXPECT_EQ(error->code, Errc::kVerificationFailed);
  EXPECT_EQ((*channel)->ready_state(), DataChannelState::kClosed);
}

TEST(PeerConnection, NoticesAPeerThatVanished) {
  Call call({});
  call.start();
  ASSERT_TRUE(call.run_until_open());
  call.bob_host->set_up(false);
  ASSERT_TRUE(call.run_until(
      [&] { return call.alice.pc->connection_state() == PeerConnectionState::kFailed; },
      seconds(40)));
  EXPECT_THAT(call.alice.log, Contains("pc:disconnected"));
}

TEST(PeerConnection, SurvivesASleepOfTenMinutesWithoutHarm) {
  Call call({});
  call.start();
  ASSERT_TRUE(call.run_until_open());
  call.alice_host->sleep_for(minutes(10));
  call.world.run_for(minutes(11));
  // Consent ran out meanwhile on both sides: RFC 7675 leaves no other end.
  EXPECT_EQ(call.alice.pc->connection_state(), PeerConnectionState::kFailed);
  EXPECT_EQ(call.bob.pc->connection_state(), PeerConnectionState::kFailed);
}

TEST(PeerConnection, WantsNoTimerButConsentWhenIdle) {
  Call call({});
  call.start();
  ASSERT_TRUE(call.run_until_open());
  call.world.run_for(seconds(30));
  const std::uint64_t before = call.world.events_run();
  call.world.run_for(minutes(10));
  // Two sides, a consent check every five seconds each way: some 250 checks, each of them a timer,
  // a request, a response and what the links make of them.
  EXPECT_LT(call.world.events_run() - before, 250u * 16u);
}

TEST(PeerConnection, WorksOverIpv6Alone) {
  Call::Options options;
  Call call(options);
  net::sim::InterfaceOptions v6;
  v6.stack = net::sim::Stack::kIpv6;
  call.alice_host = &call.world.add_host("alice6", v6);
  call.bob_host = &call.world.add_host("bob6", v6);
  call.start();
  ASSERT_TRUE(call.run_until_open()) << call.describe();
}

TEST(PeerConnection, ConnectsTwoHostsBehindOneNat) {
  for (const bool hairpin : {true, false}) {
    net::sim::NatOptions nat;
    nat.hairpin = hairpin;
    Call call({});
    net::sim::Nat& home = call.world.add_nat(nat);
    net::sim::InterfaceOptions inside;
    inside.behind = &home;
    call.alice_host = &call.world.add_host("alice-at-home", inside);
    call.bob_host = &call.world.add_host("bob-at-home", inside);
    call.start();
    ASSERT_TRUE(call.run_until_open()) << call.describe();
  }
}

}  // namespace
}  // namespace floe
