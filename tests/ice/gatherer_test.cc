// Server-reflexive candidates, from answers, silence and refusals of STUN servers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ice/wire.h"

namespace floe::ice {
namespace {

using testing::ElementsAre;

constexpr const char* kBase = "10.0.0.5:1000";
constexpr const char* kServer2 = "203.0.113.2:3478";

Agent::Config with_servers(std::initializer_list<const char*> hosts) {
  Agent::Config config;
  for (const char* host : hosts) config.gathering.servers.push_back({host, 3478});
  return config;
}

class IceGatherer : public testing::Test {
 protected:
  /// Answers every binding request with the address `mapped` gives for its server.
  void answer_with(std::function<std::string(const Packet&)> mapped) {
    wire_.elsewhere = [this, mapped](const Packet& packet) {
      std::vector<std::uint8_t> space(200);
      stun::MessageBuilder answer(space, stun::Class::kSuccess, *packet.stun());
      answer.add_xor_address(stun::AttributeType::kXorMappedAddress, endpoint(mapped(packet)));
      wire_.inject(packet.destination.to_string(), packet.source.to_string(), answer.bytes());
    };
  }
  void resolve(Peer& peer, std::uint32_t server, const char* address) {
    const net::Address parsed = *net::Address::parse(address);
    peer.agent.set_server_addresses(wire_.now, ServerId{server}, std::span(&parsed, 1));
  }
  Wire wire_;
};

TEST_F(IceGatherer, FindsTheReflexiveCandidateWithItsBase) {
  answer_with([](const Packet&) { return "198.51.100.9:40000"; });
  Peer& peer = wire_.add(with_servers({"203.0.113.1"}), {kBase});
  resolve(peer, 0, "203.0.113.1");
  EXPECT_FALSE(peer.gathered);
  wire_.run_for(seconds(1));
  ASSERT_EQ(peer.candidates.size(), 2u);
  EXPECT_EQ(peer.candidates[0].type, CandidateType::kHost);
  EXPECT_EQ(peer.candidates[1].type, CandidateType::kServerReflexive);
  EXPECT_EQ(peer.candidates[1].endpoint, endpoint("198.51.100.9:40000"));
  EXPECT_EQ(peer.candidates[1].related, endpoint(kBase));
  EXPECT_EQ(peer.candidates[1].priority >> 24, 100u);
  EXPECT_NE(peer.candidates[0].foundation, peer.candidates[1].foundation);
  EXPECT_TRUE(peer.gathered);
}

TEST_F(IceGatherer, GivesOneCandidateBehindAConeNatAndTwoBehindASymmetricOne) {
  for (const bool symmetric : {false, true}) {
    answer_with([symmetric](const Packet& packet) {
      const bool second = symmetric && packet.destination == endpoint(kServer2);
      return second ? "198.51.100.9:40001" : "198.51.100.9:40000";
    });
    Peer& peer = wire_.add(with_servers({"203.0.113.1", "203.0.113.2"}),
                           {symmetric ? "10.0.0.6:1000" : kBase});
    resolve(peer, 0, "203.0.113.1");
    resolve(peer, 1, "203.0.113.2");
    wire_.run_for(seconds(1));
    EXPECT_EQ(peer.candidates.size(), symmetric ? 3u : 2u);
    EXPECT_TRUE(peer.gathered);
  }
}

TEST_F(IceGatherer, GivesNoReflexiveCandidateWithoutANat) {
  answer_with([](const Packet& packet) { return packet.source.to_string(); });
  Peer& peer = wire_.add(with_servers({"203.0.113.1"}), {kBase});
  resolve(peer, 0, "203.0.113.1");
  wire_.run_for(seconds(1));
  EXPECT_EQ(peer.candidates.size(), 1u);
  EXPECT_TRUE(peer.gathered);
}

TEST_F(IceGatherer, CompletesWithoutCandidatesWhenThereIsNoAddress) {
  Peer& peer = wire_.add(with_servers({"203.0.113.1"}), {});
  resolve(peer, 0, "203.0.113.1");
  wire_.run_for(milliseconds(1));
  EXPECT_TRUE(peer.candidates.empty());
  EXPECT_TRUE(peer.gathered);
}

TEST_F(IceGatherer, EmitsHostsAtOnceAndEndsAfterOneBoundedWaitForDeadServers) {
  Peer& peer = wire_.add(with_servers({"203.0.113.1", "203.0.113.2", "203.0.113.3"}),
                         {kBase, "10.1.0.5:1", "10.2.0.5:1", "10.3.0.5:1"});
  EXPECT_EQ(peer.candidates.size(), 4u);
  const Time start = wire_.now;
  for (std::uint32_t i = 0; i < 3; ++i) {
    resolve(peer, i, ("203.0.113." + std::to_string(i + 1)).c_str());
  }
  ASSERT_TRUE(wire_.run_until([&] { return peer.gathered; }, minutes(1)));
  // Twelve queries run side by side, Ta apart, each for some seven seconds.
  EXPECT_LE(wire_.now - start, milliseconds(7200) + 12 * net::Pacer::kDefaultTa);
  EXPECT_EQ(peer.server_failures.size(), 12u);
  EXPECT_EQ(peer.server_failures[0].code, Gatherer::kUnreachable);
  EXPECT_EQ(peer.server_failures[0].url, "stun:203.0.113.1:3478");
}

TEST_F(IceGatherer, ReportsTheServersErrorAndANameThatDoesNotResolve) {
  wire_.elsewhere = [this](const Packet& packet) {
    std::vector<std::uint8_t> space(200);
    stun::MessageBuilder answer(space, stun::Class::kError, *packet.stun());
    answer.add_error(403, "Go away");
    wire_.inject(packet.destination.to_string(), packet.source.to_string(), answer.bytes());
  };
  Peer& peer = wire_.add(with_servers({"203.0.113.1", "nowhere.example"}), {kBase});
  resolve(peer, 0, "203.0.113.1");
  peer.agent.set_server_failed(wire_.now, ServerId{1}, {Errc::kNotFound, "no such name"});
  wire_.run_for(seconds(1));
  EXPECT_TRUE(peer.gathered);
  ASSERT_EQ(peer.server_failures.size(), 2u);
  EXPECT_THAT(peer.server_failures[0].text, testing::HasSubstr("no such name"));
  EXPECT_EQ(peer.server_failures[1].code, 403);
}

TEST_F(IceGatherer, GivesUpAResolverThatNeverAnswers) {
  Peer& peer = wire_.add(with_servers({"slow.example"}), {kBase});
  ASSERT_TRUE(wire_.run_until([&] { return peer.gathered; }, seconds(6)));
  ASSERT_EQ(peer.server_failures.size(), 1u);
  // An answer after that comes too late to change anything.
  resolve(peer, 0, "203.0.113.1");
  wire_.run_for(seconds(5));
  EXPECT_EQ(peer.candidates.size(), 1u);
  EXPECT_TRUE(wire_.log.empty());
}

TEST_F(IceGatherer, KeepsItsBindingAliveWhileIceHasNotConcluded) {
  std::string mapped = "198.51.100.9:40000";
  answer_with([&mapped](const Packet&) { return mapped; });
  Peer& peer = wire_.add(with_servers({"203.0.113.1"}), {kBase});
  resolve(peer, 0, "203.0.113.1");
  wire_.run_for(minutes(2));
  EXPECT_GE(wire_.log.size(), 8u);
  EXPECT_EQ(peer.candidates.size(), 2u);
  mapped = "198.51.100.9:41111";  // the NAT has forgotten and maps anew
  wire_.run_for(seconds(20));
  ASSERT_EQ(peer.candidates.size(), 3u);
  EXPECT_EQ(peer.candidates[2].endpoint, endpoint(mapped));
}

TEST_F(IceGatherer, StopsAskingWhenTheAgentCloses) {
  Peer& peer = wire_.add(with_servers({"203.0.113.1"}), {kBase});
  resolve(peer, 0, "203.0.113.1");
  wire_.run_for(milliseconds(300));
  peer.agent.close();
  const std::size_t sent = wire_.log.size();
  wire_.run_for(minutes(1));
  EXPECT_EQ(wire_.log.size(), sent);
  EXPECT_TRUE(peer.server_failures.empty());
}

}  // namespace
}  // namespace floe::ice
