#include "floe/net/nat64_prefix.h"

#include <gtest/gtest.h>

namespace floe::net {
namespace {

struct Row {
  const char* prefix;
  const char* address;
};
class Nat64PrefixVectors : public testing::TestWithParam<Row> {};

// RFC 6052 section 2.4, for 192.0.2.33.
INSTANTIATE_TEST_SUITE_P(
    Rfc6052, Nat64PrefixVectors,
    testing::Values(Row{"2001:db8::/32", "2001:db8:c000:221::"},
                    Row{"2001:db8:100::/40", "2001:db8:1c0:2:21::"},
                    Row{"2001:db8:122::/48", "2001:db8:122:c000:2:2100::"},
                    Row{"2001:db8:122:300::/56", "2001:db8:122:3c0:0:221::"},
                    Row{"2001:db8:122:344::/64", "2001:db8:122:344:c0:2:2100::"},
                    Row{"2001:db8:122:344::/96", "2001:db8:122:344::192.0.2.33"}));

TEST_P(Nat64PrefixVectors, EmbedAndExtract) {
  const auto prefix = Nat64Prefix::parse(GetParam().prefix);
  ASSERT_TRUE(prefix);
  const Address v4 = Address::v4(192, 0, 2, 33);
  const Address v6 = *Address::parse(GetParam().address);
  EXPECT_EQ(prefix->embed(v4), v6);
  EXPECT_EQ(prefix->extract(v6), v4);
  EXPECT_EQ(prefix->to_string(), GetParam().prefix);
}

TEST_P(Nat64PrefixVectors, AreDiscoveredThroughIpv4onlyArpa) {
  const auto prefix = Nat64Prefix::parse(GetParam().prefix);
  for (const Address& address : Nat64Prefix::kDiscoveryAddresses) {
    EXPECT_EQ(Nat64Prefix::discover(prefix->embed(address)), prefix);
  }
}

TEST(Nat64Prefix, RefusesLengthsAndBitsTheStandardDoesNotHave) {
  EXPECT_FALSE(Nat64Prefix::parse("2001:db8::/33"));
  EXPECT_FALSE(Nat64Prefix::parse("2001:db8::/128"));
  EXPECT_FALSE(Nat64Prefix::parse("192.0.2.0/32"));
  EXPECT_FALSE(Nat64Prefix::parse("2001:db8::"));
  EXPECT_FALSE(Nat64Prefix::make(*Address::parse("2001:db8:0:0:100::"), 96));
  EXPECT_EQ(Nat64Prefix::well_known().to_string(), "64:ff9b::/96");
}

TEST(Nat64Prefix, ExtractsNothingFromAddressesOfOthers) {
  const Nat64Prefix prefix = *Nat64Prefix::parse("2001:db8:122::/48");
  EXPECT_FALSE(prefix.extract(*Address::parse("2001:db8:123:c000:2:2100::")));
  EXPECT_FALSE(prefix.extract(*Address::parse("2001:db8:122:c000:ff02:2100::")));
  EXPECT_FALSE(prefix.extract(Address::v4(192, 0, 2, 33)));
}

TEST(Nat64Prefix, DiscoversNothingInOtherAddresses) {
  EXPECT_FALSE(Nat64Prefix::discover(*Address::parse("2001:db8::1")));
  EXPECT_FALSE(Nat64Prefix::discover(*Address::parse("64:ff9b::192.0.2.33")));
  EXPECT_FALSE(Nat64Prefix::discover(Address::v4(192, 0, 0, 170)));
  // Both as a /32 and as a /96: it is not clear which.
  EXPECT_FALSE(Nat64Prefix::discover(*Address::parse("2001:db8:c000:aa::192.0.0.170")));
}

}  // namespace
}  // namespace floe::net
