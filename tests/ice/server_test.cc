#include "floe/ice/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace floe::ice {
namespace {

using Kind = Server::Kind;
using Transport = ServerTransport;

TEST(IceServer, ReadsStunAndTurnUris) {
  const std::pair<const char*, Server> cases[] = {
      {"stun:stun.example.org", {"stun.example.org", 3478}},
      {"STUN:192.0.2.1:19302", {"192.0.2.1", 19302}},
      {"stun:[2001:db8::1]:5", {"2001:db8::1", 5}},
      {"stuns:h", {"h", 5349, Kind::kStun, Transport::kTls}},
      {"turn:h", {"h", 3478, Kind::kTurn, Transport::kUdp}},
      {"turn:h?transport=udp", {"h", 3478, Kind::kTurn, Transport::kUdp}},
      {"turn:h:80?transport=tcp", {"h", 80, Kind::kTurn, Transport::kTcp}},
      {"turns:h", {"h", 5349, Kind::kTurn, Transport::kTls}},
      {"TURNS:h:443?transport=TCP", {"h", 443, Kind::kTurn, Transport::kTls}},
      {"turns:[::1]:443?transport=udp", {"::1", 443, Kind::kTurn, Transport::kDtls}},
  };
  for (const auto& [uri, expected] : cases) {
    const auto server = Server::parse(uri);
    ASSERT_TRUE(server) << uri << ": " << server.error().message;
    EXPECT_EQ(*server, expected) << uri;
    EXPECT_EQ(*Server::parse(server->to_string()), expected) << server->to_string();
  }
  EXPECT_EQ(Server::parse("stun:[2001:db8::1]")->to_string(), "stun:[2001:db8::1]:3478");
  EXPECT_EQ(Server::parse("turns:h?transport=udp")->to_string(), "turns:h:5349?transport=udp");
}

TEST(IceServer, SaysWhatIsWrongWithAUri) {
  const std::pair<const char*, const char*> cases[] = {
      {"stun.example.org", "scheme"},
      {"http://x", "unknown scheme"},
      {"stun://h", "slashes"},
      {"stun:", "host"},
      {"stun:h:0", "port"},
      {"stun:h:65536", "port"},
      {"turn:h:?transport=udp", "port"},
      {"stun:[::1", "IPv6"},
      {"stun:[1.2.3.4]", "IPv6"},
      {"stun:[::1]x", "host"},
      {"stun:a b", "host"},
      {"turn:user:pass@h", "host"},
      {"stun:h?transport=udp", "STUN URI ends"},
      {"turn:h?x=1", "?transport="},
      {"turn:h?transport=sctp", "sctp"},
      {"turn:h?transport=", "udp and tcp"},
  };
  for (const auto& [uri, word] : cases) {
    const auto server = Server::parse(uri);
    ASSERT_FALSE(server) << uri;
    EXPECT_THAT(server.error().message, testing::HasSubstr(word)) << uri;
  }
}

TEST(IceServer, WantsCredentialsForTurnOnly) {
  const std::vector<ServerConfig> good = {{{"stun:a", "turn:b", "turns:b"}, "user", "secret"},
                                          {{"stuns:c"}}};
  const auto servers = parse_servers(good);
  ASSERT_TRUE(servers) << servers.error().message;
  ASSERT_EQ(servers->size(), 4u);
  EXPECT_EQ((*servers)[0].username, "");
  EXPECT_EQ((*servers)[1].username, "user");
  EXPECT_EQ((*servers)[2].credential, "secret");

  const std::pair<ServerConfig, const char*> cases[] = {
      {{}, "no URL"},
      {{{"turn:b"}}, "username"},
      {{{"turns:b"}, "user"}, "credential"},
      {{{"turn:b"}, std::string(509, 'x'), "secret"}, "username"},
      {{{"stun:a", "nonsense"}}, "scheme"},
  };
  for (const auto& [entry, word] : cases) {
    const auto refused = parse_servers(std::span(&entry, 1));
    ASSERT_FALSE(refused) << word;
    EXPECT_THAT(refused.error().message, testing::HasSubstr(word));
    EXPECT_THAT(refused.error().message, testing::Not(testing::HasSubstr("secret")));
  }
}

}  // namespace
}  // namespace floe::ice
