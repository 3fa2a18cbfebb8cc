#include "floe/sdp/data_section.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "tests/sdp/vectors.h"

namespace floe::sdp {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::vector<std::string> kDataLines = {
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "a=mid:d",
    "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuv",
    "a=fingerprint:x AB:CD",
    "a=setup:actpass",
    "a=sctp-port:5000",
};

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\r\n";
  return text;
}

/// A data section whose line that starts like `line` up to the colon is replaced by it; `line`
/// ending in ':' leaves the attribute out.
Description data_with(const std::string& line) {
  std::vector<std::string> lines = kDataLines;
  const std::string start = line.substr(0, line.find_first_of(":9") + 1);
  for (std::string& known : lines) {
    if (known.starts_with(start)) known = line;
  }
  std::erase_if(lines, [](const std::string& known) { return known.ends_with(':'); });
  return parse_session(joined(lines));
}

std::string error_of(const Description& description, Type type) {
  const auto remote = read_data_section(description, type);
  EXPECT_FALSE(remote);
  return remote ? std::string() : remote.error().message;
}

TEST(SdpDataSection, IsReadWithItsTransport) {
  const auto remote = read_data_section(
      parse_session("a=ice-lite\r\na=ice-options:trickle\r\n" + joined(kDataLines) +
                    "a=max-message-size:100000\r\na=sctp-init:AQ==\r\n"
                    "a=tls-id:abc3de65cddef001be82\r\na=candidate:one\r\na=candidate:two\r\n"
                    "a=end-of-candidates\r\n"),
      Type::kOffer);
  ASSERT_TRUE(remote) << remote.error().message;
  EXPECT_EQ(remote->index, 0u);
  EXPECT_FALSE(remote->rejected);
  EXPECT_EQ(remote->transport.ufrag, "abcd");
  EXPECT_EQ(remote->transport.pwd, "abcdefghijklmnopqrstuv");
  EXPECT_THAT(remote->transport.ice_options, ElementsAre("trickle"));
  EXPECT_TRUE(remote->transport.ice_lite);
  EXPECT_THAT(remote->transport.fingerprints, ElementsAre(Fingerprint{"x", "AB:CD"}));
  EXPECT_EQ(remote->transport.setup, sdp::Setup::kActpass);
  EXPECT_THAT(remote->transport.candidates, ElementsAre("one", "two"));
  EXPECT_TRUE(remote->transport.end_of_candidates);
  EXPECT_EQ(remote->transport.tls_id, "abc3de65cddef001be82");
  EXPECT_EQ(remote->data, (DataSection{"d", 5000, 100'000}));
  EXPECT_EQ(remote->sctp_init, "AQ==");
}

TEST(SdpDataSection, InheritsItsTransportFromTheSession) {
  const auto remote = read_data_section(
      parse_session("a=ice-ufrag:sess\r\na=ice-pwd:sessionsessionsession0\r\n"
                    "a=fingerprint:x AB\r\na=setup:passive\r\na=end-of-candidates\r\n"
                    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n"),
      Type::kAnswer);
  ASSERT_TRUE(remote) << remote.error().message;
  EXPECT_EQ(remote->transport.ufrag, "sess");
  EXPECT_EQ(remote->transport.pwd, "sessionsessionsession0");
  EXPECT_EQ(remote->transport.setup, sdp::Setup::kPassive);
  EXPECT_TRUE(remote->transport.end_of_candidates);
  EXPECT_EQ(remote->data.mid, "");
}

TEST(SdpDataSection, TakesAnAbsentMessageSizeFor64KiBAndZeroForAnySize) {
  EXPECT_EQ(
      read_data_section(parse_session(joined(kDataLines)), Type::kOffer)->data.max_message_size,
      65'536u);
  EXPECT_EQ(read_data_section(parse_session(joined(kDataLines) + "a=max-message-size:0\r\n"),
                              Type::kOffer)
                ->data.max_message_size,
            0u);
}

TEST(SdpDataSection, PassesOnAnSctpPortOfZeroAsNoAssociation) {
  const auto remote = read_data_section(data_with("a=sctp-port:0"), Type::kOffer);
  ASSERT_TRUE(remote) << remote.error().message;
  EXPECT_FALSE(remote->rejected);
  EXPECT_EQ(remote->data.sctp_port, 0);
}

TEST(SdpDataSection, NamesTheLineThatIsMissingAndItsSection) {
  const std::string where = "section 1 (m=application, mid \"d\"): missing ";
  for (const char* line : {"a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=setup", "a=sctp-port"}) {
    EXPECT_EQ(error_of(data_with(std::string(line) + ":"), Type::kOffer), where + line);
  }
}

TEST(SdpDataSection, HoldsCredentialsToTheLengthsOfRfc8839) {
  const auto ufrag = [](std::size_t size) { return "a=ice-ufrag:" + std::string(size, 'u'); };
  const auto pwd = [](std::size_t size) { return "a=ice-pwd:" + std::string(size, 'p'); };
  for (const std::string& line : {ufrag(4), ufrag(256), pwd(22), pwd(256)}) {
    EXPECT_TRUE(read_data_section(data_with(line), Type::kOffer)) << line;
  }
  for (const std::string& line : {ufrag(3), ufrag(257), pwd(21), pwd(257)}) {
    EXPECT_THAT(error_of(data_with(line), Type::kOffer), HasSubstr("characters, not")) << line;
  }
  EXPECT_THAT(error_of(data_with("a=ice-ufrag:ab:cd"), Type::kOffer), HasSubstr("\"ab:cd\""));
}

TEST(SdpDataSection, WantsASetupThatIsLegalForItsType) {
  for (const char* setup : {"actpass", "active", "passive"}) {
    EXPECT_TRUE(read_data_section(data_with("a=setup:" + std::string(setup)), Type::kOffer));
  }
  for (const char* setup : {"active", "passive"}) {
    EXPECT_TRUE(read_data_section(data_with("a=setup:" + std::string(setup)), Type::kAnswer));
  }
  EXPECT_THAT(error_of(data_with("a=setup:actpass"), Type::kAnswer), HasSubstr("not actpass"));
  for (const Type type : {Type::kOffer, Type::kAnswer}) {
    EXPECT_THAT(error_of(data_with("a=setup:holdconn"), type), HasSubstr("holdconn"));
  }
}

TEST(SdpDataSection, IsReadInEveryForm) {
  for (const char* form :
       {"m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "m=application 9 TCP/DTLS/SCTP webrtc-datachannel",
        "m=application 9 DTLS/SCTP webrtc-datachannel", "m=application 9 DTLS/SCTP 5000",
        "m=application 54111 udp/dtls/sctp webrtc-datachannel"}) {
    std::vector<std::string> lines = kDataLines;
    lines[0] = form;
    const auto remote = read_data_section(parse_session(joined(lines)), Type::kOffer);
    ASSERT_TRUE(remote) << form << ": " << remote.error().message;
    EXPECT_EQ(remote->data.sctp_port, 5000) << form;
  }
}

TEST(SdpDataSection, HasItsSctpPortAsAFormatInTheOlderForm) {
  std::vector<std::string> lines = kDataLines;
  lines[0] = "m=application 9 DTLS/SCTP 5003";
  lines.back() = "a=sctpmap:5003 webrtc-datachannel 256";
  const auto remote = read_data_section(parse_session(joined(lines)), Type::kOffer);
  ASSERT_TRUE(remote) << remote.error().message;
  EXPECT_EQ(remote->data.sctp_port, 5003);
}

TEST(SdpDataSection, IsNotFoundInOtherSections) {
  for (const char* other :
       {"m=application 9 UDP/DTLS/SCTP other-usage", "m=application 9 UDP/BFCP *",
        "m=audio 9 UDP/DTLS/SCTP webrtc-datachannel", "m=application 9 RTP/AVP 96",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel x"}) {
    std::vector<std::string> lines = kDataLines;
    lines[0] = other;
    const auto remote = read_data_section(parse_session(joined(lines)), Type::kOffer);
    ASSERT_FALSE(remote) << other;
    EXPECT_EQ(remote.error().code, Errc::kNotFound) << other;
  }
  const auto remote = read_data_section(
      parse_session("m=application 9 DTLS/SCTP 5000\r\na=sctpmap:5000 bfcp 1\r\n"), Type::kOffer);
  ASSERT_FALSE(remote);
  EXPECT_EQ(remote.error().code, Errc::kNotFound);
}

TEST(SdpDataSection, IsReportedRejectedAtPortZero) {
  const auto remote =
      read_data_section(parse_session("m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:a\r\n"
                                      "m=application 0 UDP/DTLS/SCTP 0\r\na=mid:d\r\n"),
                        Type::kAnswer);
  ASSERT_TRUE(remote) << remote.error().message;
  EXPECT_TRUE(remote->rejected);
  EXPECT_EQ(remote->index, 1u);
  EXPECT_EQ(remote->data.mid, "d");
}

TEST(SdpDataSection, IsTheFirstThatIsNotRejected) {
  const auto remote =
      read_data_section(parse_session("m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                                      "a=mid:old\r\n" +
                                      joined(kDataLines)),
                        Type::kOffer);
  ASSERT_TRUE(remote) << remote.error().message;
  EXPECT_FALSE(remote->rejected);
  EXPECT_EQ(remote->index, 1u);
}

constexpr std::string_view kTagged =
    "a=group:BUNDLE a d\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n"
    "a=mid:a\r\n"
    "a=ice-ufrag:tagg\r\n"
    "a=ice-pwd:taggedtaggedtaggedtagg\r\n"
    "a=fingerprint:x 11\r\n"
    "a=setup:passive\r\n"
    "a=candidate:tagged\r\n";

TEST(SdpDataSection, TakesTheTransportOfTheBundleTagInAnAnswer) {
  const Description own = parse_session(std::string(kTagged) + joined(kDataLines));
  EXPECT_EQ(read_data_section(own, Type::kAnswer)->transport.ufrag, "tagg");
  EXPECT_THAT(read_data_section(own, Type::kAnswer)->transport.candidates, ElementsAre("tagged"));
  // In a first offer each section has its own, because the answerer may not bundle.
  EXPECT_EQ(read_data_section(own, Type::kOffer)->transport.ufrag, "abcd");
}

TEST(SdpDataSection, TakesTheTransportOfTheBundleTagWhenItHasNone) {
  const Description bare = parse_session(std::string(kTagged) +
                                         "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
                                         "a=mid:d\r\na=sctp-port:5000\r\n");
  for (const Type type : {Type::kOffer, Type::kAnswer}) {
    const auto remote = read_data_section(bare, type);
    ASSERT_TRUE(remote) << remote.error().message;
    EXPECT_EQ(remote->transport.ufrag, "tagg");
    EXPECT_EQ(remote->transport.setup, sdp::Setup::kPassive);
  }
}

TEST(SdpDataSection, SkipsARejectedBundleTag) {
  std::string text(kTagged);
  text.replace(text.find("audio 9"), 7, "audio 0");
  std::vector<std::string> lines = kDataLines;
  lines[5] = "a=setup:active";
  const auto remote = read_data_section(parse_session(text + joined(lines)), Type::kAnswer);
  ASSERT_TRUE(remote) << remote.error().message;
  EXPECT_EQ(remote->transport.ufrag, "abcd");
}

TEST(SdpCheck, RefusesTwoSectionsOfOneMid) {
  const auto checked =
      check(parse_session("m=audio 9 RTP/AVP 0\r\na=mid:x\r\nm=video 9 RTP/AVP 0\r\na=mid:x\r\n"));
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message,
            "section 1 (m=audio, mid \"x\") and section 2 (m=video, mid \"x\") have the same mid");
  EXPECT_TRUE(check(parse_session("m=audio 9 RTP/AVP 0\r\nm=video 9 RTP/AVP 0\r\n")));
}

TEST(SdpCheck, RefusesABundleOfWhatIsNotThere) {
  const std::string section = "m=audio 9 RTP/AVP 0\r\na=mid:x\r\n";
  EXPECT_TRUE(check(parse_session("a=group:BUNDLE x\r\na=group:LS y\r\n" + section)));
  EXPECT_THAT(check(parse_session("a=group:BUNDLE x y\r\n" + section)).error().message,
              HasSubstr("\"y\", which no section has"));
  for (const char* groups :
       {"a=group:BUNDLE x x\r\n", "a=group:BUNDLE x\r\na=group:BUNDLE x\r\n"}) {
    EXPECT_THAT(check(parse_session(groups + section)).error().message,
                HasSubstr("\"x\" is bundled twice"));
  }
}

TEST(SdpCheck, ComesBeforeReadingTheDataSection) {
  EXPECT_THAT(error_of(parse_session("a=group:BUNDLE d e\r\n" + joined(kDataLines)), Type::kOffer),
              HasSubstr("no section has"));
}

TEST(SdpDtlsRole, FollowsFromBothSetups) {
  using enum sdp::Setup;
  struct Row {
    sdp::Setup local, remote;
    std::optional<DtlsRole> role;
  };
  const Row rows[] = {
      {kActive, kPassive, DtlsRole::kClient},
      {kActive, kActpass, DtlsRole::kClient},
      {kActive, kActive, {}},
      {kActive, kHoldconn, {}},
      {kPassive, kActive, DtlsRole::kServer},
      {kPassive, kActpass, DtlsRole::kServer},
      {kPassive, kPassive, {}},
      {kPassive, kHoldconn, {}},
      {kActpass, kActive, DtlsRole::kServer},
      {kActpass, kPassive, DtlsRole::kClient},
      {kActpass, kActpass, {}},
      {kActpass, kHoldconn, {}},
      {kHoldconn, kActive, {}},
      {kHoldconn, kPassive, {}},
      {kHoldconn, kActpass, {}},
      {kHoldconn, kHoldconn, {}},
  };
  for (const auto& [local, remote, expected] : rows) {
    const auto role = dtls_role(local, remote);
    EXPECT_EQ(role ? std::optional(*role) : std::nullopt, expected)
        << to_string(local) << " " << to_string(remote);
  }
}

TEST(SdpAnswerSetup, CoversEveryOfferAndWish) {
  using enum sdp::Setup;
  struct Row {
    sdp::Setup offered, wanted;
    std::optional<sdp::Setup> answer;
  };
  const Row rows[] = {
      {kActpass, kActpass, kActive}, {kActpass, kActive, kActive},  {kActpass, kPassive, kPassive},
      {kActpass, kHoldconn, {}},     {kActive, kActpass, kPassive}, {kActive, kPassive, kPassive},
      {kActive, kActive, {}},        {kActive, kHoldconn, {}},      {kPassive, kActpass, kActive},
      {kPassive, kActive, kActive},  {kPassive, kPassive, {}},      {kPassive, kHoldconn, {}},
      {kHoldconn, kActpass, {}},     {kHoldconn, kActive, {}},      {kHoldconn, kPassive, {}},
      {kHoldconn, kHoldconn, {}},
  };
  for (const auto& [offered, wanted, expected] : rows) {
    const auto answer = answer_setup(offered, wanted);
    EXPECT_EQ(answer ? std::optional(*answer) : std::nullopt, expected)
        << to_string(offered) << " " << to_string(wanted);
    if (!answer) continue;
    // Whatever the answer, one becomes the client and the other the server.
    ASSERT_TRUE(dtls_role(*answer, offered));
    ASSERT_TRUE(dtls_role(offered, *answer));
    EXPECT_NE(*dtls_role(*answer, offered), *dtls_role(offered, *answer));
  }
}

}  // namespace
}  // namespace floe::sdp
