// Other servers and another policy while a session runs: they count from the next gathering on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/mdns/service.h"
#include "floe/net/sim/nat.h"
#include "tests/ice/duo.h"

namespace floe::ice {
namespace {

using net::sim::NatOptions;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

class IceReconfiguration : public testing::Test {
 protected:
  ~IceReconfiguration() override {
    duo_.alice.transport.reset();
    duo_.bob.transport.reset();
  }
  /// Alice has nothing but `uri` to go through; her first server is `turn_`, the other one the
  /// duo's.
  void connect_through(const std::string& uri) {
    duo_.add_turn_server();
    turn_ = std::move(duo_.turn);
    duo_.add_turn_server({}, "other");
    duo_.alice.host =
        &duo_.world.add_host("alice", {.behind = &duo_.world.add_nat(NatOptions::symmetric())});
    duo_.bob.host =
        &duo_.world.add_host("bob", {.behind = &duo_.world.add_nat(NatOptions::symmetric())});
    duo_.alice.config.servers = {Duo::server(uri)};
    duo_.bob.config.servers = {{{"stun:other.example"}}};  // so that his NAT may pass her relay
    ASSERT_TRUE(duo_.connect());
    duo_.world.run_for(seconds(1));
  }
  void use(std::vector<ServerConfig> servers) {
    ASSERT_TRUE(duo_.alice.transport->set_servers(servers).has_value());
  }
  /// Each side sends a packet every 10 ms for `duration`; all of them arrive.
  void talk_without_loss(Duration duration) {
    duo_.alice.data.clear();
    duo_.bob.data.clear();
    std::size_t sent = 0;
    for (const Time end = duo_.world.now() + duration; duo_.world.now() < end; ++sent) {
      ASSERT_TRUE(duo_.alice.transport->send(as_bytes("a")).has_value());
      ASSERT_TRUE(duo_.bob.transport->send(as_bytes("b")).has_value());
      duo_.world.run_for(milliseconds(10));
    }
    duo_.world.run_for(seconds(1));
    EXPECT_EQ(duo_.alice.data.size(), sent);
    EXPECT_EQ(duo_.bob.data.size(), sent);
  }
  std::uint64_t allocations() const { return turn_->stats().relay.allocations; }
  std::uint64_t other_allocations() const { return duo_.turn->stats().relay.allocations; }
  net::Address path() const { return duo_.alice.path->local.endpoint.address; }

  Duo duo_;
  std::unique_ptr<server::TurnServer> turn_;
};

class IceReconfigurationOver : public IceReconfiguration,
                               public testing::WithParamInterface<const char*> {};

INSTANTIATE_TEST_SUITE_P(UdpAndTcp, IceReconfigurationOver, testing::Values("", "?transport=tcp"));

TEST_P(IceReconfigurationOver, MovesToAnotherTurnServerWithARestartAndLosesNothing) {
  const std::string transport = GetParam();
  connect_through("turn:turn.example" + transport);
  use({Duo::server("turn:other.example" + transport)});
  talk_without_loss(seconds(1));
  EXPECT_EQ(allocations(), 1u);
  EXPECT_EQ(other_allocations(), 0u);
  EXPECT_NE(path(), duo_.turn_host->address());
  duo_.restart();
  talk_without_loss(seconds(5));
  EXPECT_EQ(path(), duo_.turn_host->address());
  EXPECT_TRUE(duo_.alice.gathered);
  // The old allocation went with the old generation, and with it the connection to its server.
  EXPECT_EQ(allocations(), 0u);
  EXPECT_EQ(turn_->stats().relay.expired, 0u);
  EXPECT_EQ(turn_->stats().streams, 0u);
  EXPECT_EQ(other_allocations(), 1u);
  EXPECT_TRUE(duo_.alice.failures.empty());
  const Report report = duo_.alice.transport->report();
  ASSERT_EQ(report.servers.size(), 1u);
  EXPECT_THAT(report.servers[0].uri, HasSubstr("other.example"));
}

TEST_F(IceReconfiguration, TakesFreshCredentialsForTheServerItIsOn) {
  duo_.edit_turn = [](auto& turn) { turn.relay.users = {{"u", "p"}, {"fresh", "word"}}; };
  connect_through("turn:turn.example");
  const std::size_t reflexive = duo_.alice.count(CandidateType::kServerReflexive);
  EXPECT_EQ(reflexive, 1u);
  use({{{"turn:turn.example"}, "fresh", "word"}});
  duo_.restart();
  talk_without_loss(seconds(5));
  EXPECT_EQ(duo_.alice.count(CandidateType::kRelayed), 1u);
  EXPECT_EQ(duo_.alice.count(CandidateType::kServerReflexive), reflexive);
  const auto stats = turn_->stats().relay;
  EXPECT_EQ(stats.allocated, 2u);
  EXPECT_EQ(stats.allocations, 1u);
  EXPECT_EQ(stats.mismatch + stats.wrong_credentials, 0u);
  EXPECT_TRUE(duo_.alice.failures.empty());
}

TEST_F(IceReconfiguration, KeepsTheAllocationOnAServerThatStays) {
  connect_through("turn:turn.example");
  const net::Endpoint relayed = duo_.alice.path->local.endpoint;
  use({Duo::server("turn:other.example"), Duo::server("turn:turn.example")});
  duo_.restart();
  talk_without_loss(seconds(5));
  EXPECT_EQ(turn_->stats().relay.allocated, 1u);
  EXPECT_EQ(duo_.turn->stats().relay.allocated, 1u);
  EXPECT_THAT(duo_.alice.candidates, testing::Contains(Field(&Candidate::endpoint, relayed)));
  use({});
  duo_.restart();
  duo_.world.run_for(seconds(40));
  EXPECT_EQ(duo_.alice.count(CandidateType::kRelayed), 0u);
  // No new path joins the two, so the old one goes on, with what it needs, and ends with the call.
  EXPECT_TRUE(duo_.talk());
  EXPECT_EQ(allocations() + other_allocations(), 2u);
  duo_.alice.transport->close();
  duo_.world.run_for(seconds(1));
  EXPECT_EQ(allocations() + other_allocations(), 0u);
}

TEST_F(IceReconfiguration, ForgetsServersThatNoGenerationEverUsed) {
  connect_through("turn:turn.example");
  for (int i = 0; i < 3; ++i) {
    use({Duo::server("turn:other.example")});
    ASSERT_TRUE(duo_.alice.transport->restart().has_value());
    duo_.world.run_for(seconds(1));
    EXPECT_EQ(other_allocations(), 1u);
    use({Duo::server("turn:turn.example?transport=tcp")});
    ASSERT_TRUE(duo_.alice.transport->restart().has_value());
    duo_.world.run_for(seconds(1));
    EXPECT_EQ(other_allocations(), 0u);
    // One carries the call, the other is that of the latest generation.
    EXPECT_EQ(allocations(), 2u);
  }
  EXPECT_TRUE(duo_.talk());
}

TEST_F(IceReconfiguration, AsksTheServersItIsGivenBeforeItGathers) {
  duo_.add_turn_server();
  turn_ = std::move(duo_.turn);
  duo_.add_turn_server({}, "other");
  duo_.alice.host = &duo_.world.add_host("alice");
  duo_.alice.config.servers = {Duo::server("turn:turn.example")};
  duo_.create(duo_.alice, duo_.bob, Role::kControlling);
  const std::vector<ServerConfig> wrong = {{{"turn:other.example"}}};
  EXPECT_EQ(duo_.alice.transport->set_servers(wrong).error().code, Errc::kInvalidArgument);
  use({Duo::server("turn:other.example")});
  duo_.alice.transport->set_policy(Policy::kRelay);
  duo_.alice.transport->gather();
  ASSERT_TRUE(duo_.world.run_until([this] { return duo_.alice.gathered; }, seconds(5)));
  EXPECT_EQ(turn_->stats().received, 0u);
  EXPECT_EQ(other_allocations(), 1u);
  ASSERT_EQ(duo_.alice.candidates.size(), 1u);
  EXPECT_EQ(duo_.alice.candidates[0].type, CandidateType::kRelayed);
}

TEST_F(IceReconfiguration, ChangesItsPolicyWithARestartAndLosesNothing) {
  duo_.add_turn_server();
  duo_.alice.host = &duo_.world.add_host("alice");
  duo_.bob.host = &duo_.world.add_host("bob");
  duo_.alice.config.servers = {Duo::server("turn:turn.example")};
  ASSERT_TRUE(duo_.connect());
  for (const Policy policy : {Policy::kRelay, Policy::kAll}) {
    duo_.alice.transport->set_policy(policy);
    talk_without_loss(seconds(1));
    EXPECT_NE(duo_.alice.transport->report().policy, policy);
    duo_.restart();
    talk_without_loss(seconds(5));
    EXPECT_EQ(duo_.alice.transport->report().policy, policy);
    const bool relayed = policy == Policy::kRelay;
    EXPECT_EQ(duo_.alice.path->local.type,
              relayed ? CandidateType::kRelayed : CandidateType::kHost);
    EXPECT_EQ(duo_.alice.count(CandidateType::kHost), relayed ? 0u : 1u);
  }
}

TEST_F(IceReconfiguration, HidesTheAddressesThatAnotherPolicyLetsItSignal) {
  duo_.add_turn_server();
  duo_.alice.host = &duo_.world.add_host("alice");
  duo_.bob.host = &duo_.world.add_host("bob");
  duo_.alice.config.servers = {Duo::server("turn:turn.example")};
  duo_.alice.config.agent.policy = Policy::kRelay;
  duo_.alice.config.local.mdns = mdns::Service::create(*duo_.alice.host);
  duo_.alice.config.local.hide_addresses = true;
  ASSERT_TRUE(duo_.connect());
  duo_.alice.transport->set_policy(Policy::kAll);
  duo_.world.run_for(seconds(2));
  duo_.restart();
  ASSERT_TRUE(duo_.world.run_until([this] { return duo_.alice.gathered; }, seconds(5)));
  std::vector<std::string> told;
  for (const Candidate& candidate : duo_.alice.candidates) told.push_back(candidate.to_string());
  EXPECT_EQ(duo_.alice.count(CandidateType::kHost), 1u);
  EXPECT_THAT(told, testing::Contains(HasSubstr(".local")));
  // A reflexive candidate has it, without a NAT: that is what the outside sees anyway.
  for (const Candidate& candidate : duo_.alice.candidates) {
    if (candidate.type != CandidateType::kHost) continue;
    EXPECT_THAT(candidate.to_string(), Not(HasSubstr(duo_.alice.host->address().to_string())));
  }
}

}  // namespace
}  // namespace floe::ice
