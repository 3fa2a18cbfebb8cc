#include "floe/net/endpoint.h"

#include <gtest/gtest.h>

namespace floe::net {
namespace {

TEST(Address, RoundTripsCanonicalText) {
  for (const char* text :
       {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1",
        "2001:db8:0:1:1:1:1:1", "fe80::1:2", "::ffff:192.0.2.1", "1::", "2001:0:0:1::1"}) {
    const auto address = Address::parse(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_string(), text);
  }
}

TEST(Address, WritesRfc5952ForWhatIsNotCanonical) {
  EXPECT_EQ(Address::parse("2001:DB8:0:0:0:0:0:1")->to_string(), "2001:db8::1");
  EXPECT_EQ(Address::parse("1:0:0:2:0:0:0:3")->to_string(), "1:0:0:2::3");
  EXPECT_EQ(Address::parse("1:0:2:3:4:5:6:7")->to_string(), "1:0:2:3:4:5:6:7");
}

TEST(Address, RefusesWhatIsNoAddress) {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ",
                           ":::", "1::2::3", "12345::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "::g",
                           "1:2:3:4:5:6:7:8::", "host.example", "::1.2.3.256", ":1::"}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
}

TEST(Address, KnowsItsKind) {
  EXPECT_TRUE(Address::parse("127.3.2.1")->is_loopback());
  EXPECT_TRUE(Address::parse("::1")->is_loopback());
  EXPECT_TRUE(Address::parse("169.254.1.1")->is_link_local());
  EXPECT_TRUE(Address::parse("fe80::1")->is_link_local());
  EXPECT_TRUE(Address::parse("100.64.0.1")->is_private());
  EXPECT_FALSE(Address::parse("172.32.0.1")->is_private());
  EXPECT_TRUE(Address::parse("fd00::1")->is_private());
  EXPECT_TRUE(Address::parse("224.0.0.251")->is_multicast());
  EXPECT_TRUE(Address::parse("255.255.255.255")->is_broadcast());
  EXPECT_TRUE(Address::parse("::")->is_unspecified());
}

TEST(Endpoint, ParsesWhatItWrites) {
  for (const char* text : {"192.0.2.1:80", "[2001:db8::1]:65535", "[::]:0"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->to_string(), text);
  }
  for (const char* text : {"192.0.2.1", "::1:80", "[192.0.2.1]:80", "[::1]", "192.0.2.1:65536"}) {
    EXPECT_FALSE(Endpoint::parse(text)) << text;
  }
}

}  // namespace
}  // namespace floe::net
