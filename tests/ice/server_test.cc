#include "floe/ice/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace floe::ice {
namespace {

TEST(IceServer, ReadsStunUris) {
  EXPECT_EQ(*Server::parse("stun:stun.example.org"), (Server{"stun.example.org", 3478}));
  EXPECT_EQ(*Server::parse("STUN:192.0.2.1:19302"), (Server{"192.0.2.1", 19302}));
  EXPECT_EQ(*Server::parse("stun:[2001:db8::1]:5"), (Server{"2001:db8::1", 5}));
  EXPECT_EQ(Server::parse("stun:[2001:db8::1]")->to_string(), "stun:[2001:db8::1]:3478");
}

TEST(IceServer, SaysWhatIsWrongWithAUri) {
  const std::pair<const char*, const char*> cases[] = {
      {"stun.example.org", "scheme"}, {"http://x", "unknown scheme"},
      {"turn:h", "stun: only"},       {"stun:", "host"},
      {"stun:h:0", "port"},           {"stun:h:65536", "port"},
      {"stun:[::1", "IPv6"},          {"stun:a b", "host"},
      {"stun:h?x=1", "host"},
  };
  for (const auto& [url, word] : cases) {
    const auto server = Server::parse(url);
    ASSERT_FALSE(server) << url;
    EXPECT_THAT(server.error().message, testing::HasSubstr(word)) << url;
  }
}

}  // namespace
}  // namespace floe::ice
