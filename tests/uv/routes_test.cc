#include "floe/net/uv/internal/routes.h"

#include <gtest/gtest.h>

#include <sstream>

namespace floe::net::uv {
namespace {

std::uint32_t index_of(const std::string& name) {
  return name == "wlan0" ? 7 : 0;
}

TEST(Routes, ReadsTheDefaultRoutesOfIpv4ByMetric) {
  std::istringstream table(
      "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
      "wlan0\t00000000\t0101A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
      "eth0\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
      "eth0\t0000000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n"
      "tun0\t00000000\t0100000B\t0003\t0\t0\t50\t00000080\t0\t0\t0\n"
      "ppp0\t00000000\t00000000\t0001\t0\t0\t700\t00000000\t0\t0\t0\n"
      "down0\t00000000\t0100000C\t0002\t0\t0\t1\t00000000\t0\t0\t0\n");
  const auto routes = parse_ipv4_routes(table);
  ASSERT_EQ(routes.size(), 2u);
  EXPECT_EQ(routes[0].gateway, Address::v4(10, 0, 0, 1));
  EXPECT_EQ(routes[0].interface, "eth0");
  EXPECT_EQ(routes[1].gateway, Address::v4(192, 168, 1, 1));
}

TEST(Routes, ReadsTheDefaultRoutesOfIpv6WithTheirScope) {
  const std::string none(32, '0');
  std::istringstream table(none + " 00 " + none +
                           " 00 fe800000000000000000000000000001 00000258 00000001 00000000 "
                           "00000003    wlan0\n" +
                           none + " 00 " + none +
                           " 00 20010db8000000000000000000000001 00000064 00000001 00000000 "
                           "00000003     eth0\n" +
                           none + " 00 " + none + " 00 " + none +
                           " ffffffff 00000001 00000000 00200200       lo\n" +
                           "fe800000000000000000000000000000 40 " + none + " 00 " + none +
                           " 00000100 00000001 00000000 00000001     eth0\n");
  const auto routes = parse_ipv6_routes(table, index_of);
  ASSERT_EQ(routes.size(), 2u);
  EXPECT_EQ(routes[0].gateway, *Address::parse("2001:db8::1"));
  EXPECT_EQ(routes[1].gateway.to_string(), "fe80::1");
  EXPECT_EQ(routes[1].gateway.scope_id(), 7u);
  EXPECT_EQ(routes[1].interface, "wlan0");
}

TEST(Routes, LeavesOutLinesThatSaySomethingElse) {
  std::istringstream table(
      "\nnonsense\neth0\tzz\t0100000A\t0003\t0\t0\t1\t00000000\n"
      "eth0\t00000000\t0100000A0\t0003\t0\t0\t1\t00000000\n"
      "eth0\t00000000\t0100000A\t0003\n");
  EXPECT_TRUE(parse_ipv4_routes(table).empty());
  std::istringstream again("nonsense\n0 00 0 00 1 2 3 4 5 eth0\n");
  EXPECT_TRUE(parse_ipv6_routes(again, index_of).empty());
}

}  // namespace
}  // namespace floe::net::uv
