#include <gtest/gtest.h>

#include "floe/core/text.h"
#include "floe/port_mapping/epoch.h"
#include "floe/port_mapping/nat_pmp_message.h"
#include "floe/port_mapping/pcp_message.h"

namespace floe::port_mapping {
namespace {

using namespace std::chrono_literals;

const Request kRequest{{net::Address::v4(10, 0, 0, 2), 5000}, Protocol::kUdp};

std::vector<std::uint8_t> bytes(std::string_view hex) {
  return from_hex(hex).value();
}

TEST(PcpMessage, AsksForAMappingAsTheStandardShows) {
  const pcp::MapRequest request{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12},
                                kRequest,
                                7200,
                                {net::Address::v4(0, 0, 0, 0), 6000}};
  EXPECT_EQ(to_hex(request.write()),
            "0201000000001c20"
            "00000000000000000000ffff0a000002"
            "0102030405060708090a0b0c"
            "1100000013881770"
            "00000000000000000000ffff00000000");
}

TEST(PcpMessage, ReadsTheAnswerAndRefusesWhatIsNone) {
  std::vector<std::uint8_t> answer = bytes(
      "0281000000000e10"
      "0000002a000000000000000000000000"
      "0102030405060708090a0b0c"
      "1100000013881770"
      "00000000000000000000ffffcb007105");
  const auto response = pcp::Response::parse(answer);
  ASSERT_TRUE(response && response->map);
  EXPECT_EQ(response->opcode, pcp::kMap);
  EXPECT_EQ(response->lifetime, 3600u);
  EXPECT_EQ(response->epoch, 42u);
  EXPECT_EQ(response->map->internal_port, 5000);
  EXPECT_EQ(response->map->external, (net::Endpoint{net::Address::v4(203, 0, 113, 5), 6000}));
  for (std::size_t size = 0; size < 24; ++size) {
    EXPECT_FALSE(pcp::Response::parse(Bytes(answer).first(size)));
  }
  EXPECT_FALSE(pcp::Response::parse(Bytes(answer).first(56))->map);
  EXPECT_FALSE(pcp::Response::parse(std::vector<std::uint8_t>(1104, 2)));
  answer[1] = 1;
  EXPECT_FALSE(pcp::Response::parse(answer)) << "a request";
  answer[0] = 0;
  EXPECT_FALSE(pcp::Response::parse(answer)) << "NAT-PMP";
}

TEST(NatPmpMessage, IsAsTheStandardShows) {
  EXPECT_EQ(to_hex(nat_pmp::address_request()), "0000");
  EXPECT_EQ(to_hex(nat_pmp::map_request(kRequest, 6000, 7200)), "000100001388177000001c20");
  EXPECT_EQ(to_hex(nat_pmp::map_request({kRequest.internal, Protocol::kTcp}, 0, 0)),
            "000200001388000000000000");
  const auto address = nat_pmp::Response::parse(bytes("008000000000002acb007105"));
  ASSERT_TRUE(address && address->address);
  EXPECT_EQ(*address->address, net::Address::v4(203, 0, 113, 5));
  EXPECT_EQ(address->epoch, 42u);
  const auto map = nat_pmp::Response::parse(bytes("008100000000002a1388177000000e10"));
  ASSERT_TRUE(map && map->map);
  EXPECT_EQ(map->map->external_port, 6000);
  EXPECT_EQ(map->map->lifetime, 3600u);
  const auto refused = nat_pmp::Response::parse(bytes("008100020000002a"));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->result, 2);
  EXPECT_FALSE(refused->map);
  for (const char* bad : {"", "00", "0080", "008000000000002acb0071", "008100000000002a1388",
                          "000000000000002acb007105", "028000000000002acb007105"}) {
    EXPECT_FALSE(nat_pmp::Response::parse(bytes(bad))) << bad;
  }
}

TEST(Epoch, NoticesThatTheRouterHasRestarted) {
  const Time start{1h};
  Epoch epoch;
  EXPECT_FALSE(epoch.has_restarted(start, 1000));
  EXPECT_FALSE(epoch.has_restarted(start + 10min, 1600));
  EXPECT_FALSE(epoch.has_restarted(start + 10min, 1599)) << "packets overtake each other";
  EXPECT_FALSE(epoch.has_restarted(start + 20min, 2230)) << "clocks differ";
  EXPECT_TRUE(epoch.has_restarted(start + 30min, 3));
  EXPECT_FALSE(epoch.has_restarted(start + 31min, 63));
  // It restarted long ago, and its clock is ahead of what it was by now.
  EXPECT_TRUE(epoch.has_restarted(start + 2h, 100));
}

}  // namespace
}  // namespace floe::port_mapping
