#include "floe/sdp/fragment.h"

#include <gtest/gtest.h>

#include "floe/sdp/parser.h"
#include "floe/sdp/writer.h"

namespace floe::sdp {
namespace {

constexpr std::string_view kTrickled =
    "a=group:BUNDLE 0 1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
    "a=mid:0\r\n"
    "a=ice-ufrag:EsAw\r\n"
    "a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
    "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r\n"
    "a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active\r\n"
    "a=end-of-candidates\r\n";

TEST(SdpFragment, IsWrittenAsItWasRead) {
  const Fragment fragment = Fragment::parse(kTrickled).value();
  EXPECT_EQ(fragment.ice_ufrag, "EsAw");
  EXPECT_EQ(fragment.bundle, (std::vector<std::string>{"0", "1"}));
  ASSERT_EQ(fragment.sections.size(), 1u);
  EXPECT_EQ(fragment.sections[0].mid, "0");
  EXPECT_EQ(fragment.sections[0].candidates.size(), 2u);
  EXPECT_TRUE(fragment.sections[0].end_of_candidates);
  EXPECT_EQ(fragment.to_string(), kTrickled);
  Fragment lite;
  lite.ice_lite = true;
  lite.ice_options = {"ice2", "trickle"};
  lite.ice_ufrag = "a";
  lite.ice_pwd = "b";
  EXPECT_EQ(lite.to_string(),
            "a=ice-lite\r\na=ice-options:ice2 trickle\r\na=ice-ufrag:a\r\na=ice-pwd:b\r\n");
  EXPECT_EQ(Fragment::parse(lite.to_string()).value(), lite);
}

TEST(SdpFragment, TakesCredentialsAtEitherLevelAndCandidatesWithoutASection) {
  const Fragment old = Fragment::parse(
                           "a=ice-ufrag:EsAw\na=ice-pwd:pw\nm=audio 9 RTP/AVP 0\na=mid:x\n"
                           "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\n")
                           .value();
  EXPECT_EQ(old.ice_pwd, "pw");
  EXPECT_EQ(old.sections.at(0).mid, "x");
  const Fragment loose =
      Fragment::parse("a=candidate:1 1 udp 1 192.0.2.1 1 typ host\na=end-of-candidates").value();
  ASSERT_EQ(loose.sections.size(), 1u);
  EXPECT_TRUE(loose.sections[0].mid.empty());
  EXPECT_TRUE(loose.sections[0].end_of_candidates);
  EXPECT_EQ(Fragment::parse("").value(), Fragment());
  EXPECT_TRUE(Fragment::parse("m=audio 9 RTP/AVP 0\r\na=mid:0\r\na=\r\n"));
}

TEST(SdpFragment, RefusesWhatContradictsItselfOrIsNoSdp) {
  EXPECT_EQ(Fragment::parse("hello").error().code, Errc::kMalformed);
  EXPECT_EQ(Fragment::parse("a=ice-ufrag:a\n").error().code, Errc::kMalformed);
  EXPECT_EQ(Fragment::parse("a=ice-ufrag:a\na=ice-pwd:b\nm=audio 9 RTP/AVP 0\na=ice-ufrag:c\n")
                .error()
                .code,
            Errc::kMalformed);
  EXPECT_EQ(Fragment::parse(std::string(kMaxFragmentSize + 1, 'a')).error().code,
            Errc::kLimitExceeded);
  EXPECT_NE(Fragment::parse("a=ice-lite\nm=\n").error().message.find("line 2"), std::string::npos);
}

TEST(SdpFragment, SpeaksForTheTaggedSectionAndReplacesWhatItHad) {
  constexpr std::string_view kOffer =
      "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE b a\r\n"
      "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:r\r\n"
      "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:a\r\na=ice-ufrag:old1\r\na=ice-pwd:old2\r\n"
      "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:b\r\na=ice-ufrag:old1\r\na=ice-pwd:old2\r\n"
      "a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\na=end-of-candidates\r\n";
  Description offer = parse(kOffer).value();
  Fragment fragment = Fragment::of(offer);
  EXPECT_EQ(fragment.ice_ufrag, "old1");
  EXPECT_EQ(fragment.sections.at(0).mid, "b");
  EXPECT_EQ(fragment.sections[0].media, "video 9 UDP/TLS/RTP/SAVPF 96");
  EXPECT_EQ(fragment.sections[0].candidates.size(), 1u);
  EXPECT_TRUE(fragment.sections[0].end_of_candidates);
  fragment.ice_ufrag = "new1";
  fragment.ice_pwd = "new2";
  fragment.sections[0].candidates = {"2 1 udp 1 192.0.2.2 1 typ host"};
  fragment.sections[0].end_of_candidates = false;
  fragment.apply_to(offer);
  EXPECT_EQ(write(offer).find("old"), std::string::npos);
  EXPECT_TRUE(offer.media[0].ice_ufrag.empty());
  EXPECT_EQ(offer.media[1].ice_ufrag, "new1");
  EXPECT_EQ(offer.media[2].candidates, fragment.sections[0].candidates);
  EXPECT_FALSE(offer.media[2].end_of_candidates);
  EXPECT_EQ(Fragment::of(offer), fragment);
  EXPECT_EQ(Fragment::of(Description()), Fragment());
}

}  // namespace
}  // namespace floe::sdp
