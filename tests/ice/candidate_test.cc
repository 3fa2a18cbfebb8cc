#include "floe/ice/candidate.h"

#include <gtest/gtest.h>

namespace floe::ice {
namespace {

TEST(IceCandidate, WritesWhatItReads) {
  for (const char* text : {
           "candidate:1 1 udp 2130706431 192.0.2.1 8998 typ host",
           "candidate:2 1 udp 1694498815 192.0.2.3 45664 typ srflx raddr 203.0.113.141 rport 8998",
           "candidate:a+/9 1 udp 1 2001:db8::1 1 typ relay raddr :: rport 9",
           "candidate:3 1 udp 1862270975 192.0.2.9 5 typ prflx raddr 10.0.0.1 rport 6",
           "candidate:4 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active",
           "candidate:1 1 udp 2113937151 b7a1-0f.local 54321 typ host ufrag AbCd generation 0 "
           "network-cost 999",
       }) {
    const auto candidate = Candidate::parse(text);
    ASSERT_TRUE(candidate) << text << ": " << candidate.error().message;
    const auto again = Candidate::parse(candidate->to_string());
    ASSERT_TRUE(again) << candidate->to_string();
    EXPECT_EQ(*again, *candidate);
  }
}

TEST(IceCandidate, ReadsEveryField) {
  const auto candidate = Candidate::parse(
      "a=candidate:842163049 1 UDP 1677729535 198.51.100.7 35232 typ srflx raddr 10.0.0.5 rport "
      "46154 generation 0 ufrag Ux3y network-id 3 network-cost 10\r\n");
  ASSERT_TRUE(candidate) << candidate.error().message;
  EXPECT_EQ(candidate->foundation, "842163049");
  EXPECT_EQ(candidate->component, 1);
  EXPECT_EQ(candidate->priority, 1677729535u);
  EXPECT_EQ(candidate->endpoint.to_string(), "198.51.100.7:35232");
  EXPECT_EQ(candidate->type, CandidateType::kServerReflexive);
  EXPECT_EQ(candidate->related->to_string(), "10.0.0.5:46154");
  EXPECT_EQ(candidate->ufrag, "Ux3y");
  EXPECT_EQ(candidate->extensions.size(), 3u);
}

TEST(IceCandidate, NamesTheFieldThatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "foundation"},
      {"candidate:", "foundation"},
      {"candidate:a-b 1 udp 1 192.0.2.1 1 typ host", "foundation"},
      {"candidate:123456789012345678901234567890123 1 udp 1 192.0.2.1 1 typ host", "foundation"},
      {"candidate:1 0 udp 1 192.0.2.1 1 typ host", "component"},
      {"candidate:1 257 udp 1 192.0.2.1 1 typ host", "component"},
      {"candidate:1 1 sctp 1 192.0.2.1 1 typ host", "transport"},
      {"candidate:1 1 udp 0 192.0.2.1 1 typ host", "priority"},
      {"candidate:1 1 udp 2147483648 192.0.2.1 1 typ host", "priority"},
      {"candidate:1 1 udp 1 a:b:c 1 typ host", "address"},
      {"candidate:1 1 udp 1 192.0.2.1 65536 typ host", "port"},
      {"candidate:1 1 udp 1 192.0.2.1 1 host", "type"},
      {"candidate:1 1 udp 1 192.0.2.1 1 typ home", "type"},
      {"candidate:1 1 udp 1 192.0.2.1 1 typ srflx raddr x!", "raddr"},
      {"candidate:1 1 udp 1 192.0.2.1 1 typ srflx raddr 1.2.3.4 rport 99999", "rport"},
      {"candidate:1 1 tcp 1 192.0.2.1 1 typ host", "tcptype"},
      {"candidate:1 1 udp 1 192.0.2.1 1 typ host\x01", "control"},
  };
  for (const auto& [text, field] : cases) {
    const auto candidate = Candidate::parse(text);
    ASSERT_FALSE(candidate) << text;
    EXPECT_EQ(candidate.error().code, Errc::kMalformed);
    EXPECT_NE(candidate.error().message.find(field), std::string::npos)
        << text << " -> " << candidate.error().message;
  }
  EXPECT_FALSE(Candidate::parse(std::string(5000, '1')));
}

TEST(IceCandidate, PrioritiesFollowTheFormulas) {
  EXPECT_EQ(candidate_priority(CandidateType::kHost, 65535, 1), 2130706431u);
  EXPECT_EQ(candidate_priority(CandidateType::kRelayed, 65535, 1), 16777215u);
  // 2^32*MIN(G,D) + 2*MAX(G,D) + (G>D?1:0)
  EXPECT_EQ(pair_priority(3, 2), (2ull << 32) + 6 + 1);
  EXPECT_EQ(pair_priority(2, 3), (2ull << 32) + 6);
}

}  // namespace
}  // namespace floe::ice
