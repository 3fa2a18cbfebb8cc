// Names in the place of addresses: the peer's are resolved, ours are concealed behind them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "floe/mdns/service.h"
#include "floe/net/sim/nat.h"
#include "tests/ice/duo.h"

namespace floe::ice {
namespace {

using net::sim::NatOptions;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

constexpr char kNobody[] = "1f4712db-ea17-4bcf-a596-105139dfd8bf.local";

Candidate named(const std::string& name, std::uint16_t port = 5000) {
  return *Candidate::parse("1 1 udp 2130706431 " + name + " " + std::to_string(port) + " typ host");
}

class IceNames : public testing::Test {
 protected:
  /// Both at home behind one NAT, where nobody but the two could help.
  void add_neighbours() {
    duo_.alice.host = &duo_.world.add_host("alice", {.behind = &home_});
    duo_.bob.host = &duo_.world.add_host("bob", {.behind = &home_});
    use_names(duo_.alice);
    use_names(duo_.bob);
  }
  static void use_names(Side& side) { side.config.local.mdns = mdns::Service::create(*side.host); }
  /// What was signalled, as text.
  static std::string told(const Side& side) {
    std::string text;
    for (const Candidate& found : side.candidates) text += found.to_string() + "\n";
    return text;
  }
  static const std::vector<RemoteCandidate>& remotes(const Side& side) {
    return side.transport->agent().remote_candidates();
  }

  Duo duo_;
  net::sim::Nat& home_ = duo_.world.add_nat(NatOptions::home_router());
};

TEST_F(IceNames, ConnectNeighboursWhoConcealTheirAddresses) {
  add_neighbours();
  duo_.alice.config.local.hide_addresses = true;
  duo_.bob.config.local.hide_addresses = true;
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.talk());
  const std::string address = duo_.alice.host->address().to_string();
  EXPECT_THAT(told(duo_.alice), Not(HasSubstr(address)));
  EXPECT_THAT(told(duo_.alice), HasSubstr(".local"));
  // Resolved, not just learned from a check; and still called by its name.
  ASSERT_TRUE(duo_.world.run_until([&] { return !remotes(duo_.bob)[0].learned; }, seconds(5)));
  ASSERT_THAT(remotes(duo_.bob), SizeIs(1));
  EXPECT_EQ(remotes(duo_.bob)[0].candidate.endpoint.address, duo_.alice.host->address());
  EXPECT_THAT(remotes(duo_.bob)[0].candidate.to_string(), Not(HasSubstr(address)));
  EXPECT_EQ(duo_.bob.path->local.type, CandidateType::kHost);

  // The names are taken back with the sockets.
  duo_.alice.transport->close();
  duo_.world.run_for(seconds(3));
  EXPECT_GT(duo_.alice.config.local.mdns->stats().responder.goodbyes, 0u);
}

TEST_F(IceNames, AreNoHindranceForAPublicHostWhoseNameNobodyElsewhereCanResolve) {
  duo_.add_turn_server();
  duo_.alice.host = &duo_.world.add_host("alice");
  duo_.bob.host = &duo_.world.add_host("bob", {.behind = &home_});
  use_names(duo_.alice);
  duo_.alice.config.local.hide_addresses = true;
  duo_.alice.config.servers = {{{"stun:turn.example"}}};
  ASSERT_TRUE(duo_.connect());
  EXPECT_TRUE(duo_.talk());
  // The server saw the host's own address, and to the peer that is news.
  ASSERT_EQ(duo_.alice.candidates.size(), 2u);
  EXPECT_EQ(duo_.alice.candidates[1].type, CandidateType::kServerReflexive);
  EXPECT_EQ(duo_.alice.candidates[1].endpoint.address, duo_.alice.host->address());
  EXPECT_EQ(duo_.alice.candidates[1].related->to_string(), "0.0.0.0:9");
  // Bob has no multicast DNS.
  ASSERT_THAT(duo_.bob.transport->agent().unused_remote_candidates(), SizeIs(1));
}

TEST_F(IceNames, ConcealTheAddressAlsoWhenThereIsNoneToTell) {
  add_neighbours();
  duo_.alice.config.local.hide_addresses = true;
  duo_.alice.config.local.mdns.reset();
  ASSERT_TRUE(duo_.connect());  // Bob learns of her by her checks.
  EXPECT_THAT(duo_.alice.candidates, IsEmpty());
}

TEST_F(IceNames, TurnACandidateLearnedFromACheckIntoTheSignalledOne) {
  add_neighbours();
  duo_.alice.config.local.hide_addresses = true;
  std::string late;
  duo_.signals = [&](const Candidate& found) {
    if (found.hostname.empty()) return true;
    late = found.to_string();
    return false;
  };
  ASSERT_TRUE(duo_.connect());
  ASSERT_THAT(remotes(duo_.bob), SizeIs(1));
  ASSERT_TRUE(remotes(duo_.bob)[0].learned);
  const PairId path = duo_.bob.transport->agent().selected_pair()->id;
  ASSERT_TRUE(duo_.bob.transport->add_remote_candidate(late).has_value());
  duo_.world.run_for(seconds(3));
  ASSERT_THAT(remotes(duo_.bob), SizeIs(1));
  EXPECT_FALSE(remotes(duo_.bob)[0].learned);
  EXPECT_EQ(remotes(duo_.bob)[0].candidate.type, CandidateType::kHost);
  EXPECT_EQ(remotes(duo_.bob)[0].candidate.to_string(), late);
  EXPECT_EQ(duo_.bob.transport->agent().selected_pair()->id, path);
  EXPECT_THAT(duo_.bob.transport->agent().pairs(), SizeIs(1));
}

TEST_F(IceNames, ThatNobodyHasAreGivenUpAndDoNotEndTheSessionBefore) {
  add_neighbours();
  duo_.signals = [](const Candidate&) { return false; };
  duo_.bob.config.agent.patience = seconds(2);
  duo_.start();
  ASSERT_TRUE(duo_.bob.transport->add_remote_candidate(named(kNobody)).has_value());
  duo_.bob.transport->set_remote_end_of_candidates();
  duo_.world.run_for(seconds(9));
  EXPECT_EQ(duo_.bob.transport->state(), State::kChecking);
  duo_.world.run_for(seconds(2));
  EXPECT_EQ(duo_.bob.transport->state(), State::kFailed);
  const auto& unused = duo_.bob.transport->agent().unused_remote_candidates();
  ASSERT_THAT(unused, SizeIs(1));
  EXPECT_THAT(unused[0].why, HasSubstr("could not be resolved"));
}

TEST_F(IceNames, AreResolvedLateForTwoAtOnceAndNotForOneThatHasClosed) {
  add_neighbours();
  const auto registration = *duo_.alice.config.local.mdns->register_name(duo_.alice.host->address(),
                                                                         [](const std::string&) {});
  duo_.alice.host->set_up(false);  // Nobody answers yet.
  std::vector<std::unique_ptr<Transport>> bobs;
  for (int i = 0; i < 3; ++i) {
    bobs.push_back(*Transport::create(*duo_.bob.host, duo_.bob.config, {}));
    bobs.back()->gather();
    ASSERT_TRUE(bobs.back()->add_remote_candidate(named(registration->name())).has_value());
  }
  duo_.world.run_for(seconds(2));
  bobs[2]->close();
  duo_.alice.host->set_up(true);
  duo_.world.run_for(seconds(6));
  for (int i = 0; i < 2; ++i) {
    ASSERT_THAT(bobs[i]->agent().remote_candidates(), SizeIs(1));
    EXPECT_EQ(bobs[i]->agent().remote_candidates()[0].candidate.endpoint.address,
              duo_.alice.host->address());
  }
  EXPECT_THAT(bobs[2]->agent().remote_candidates(), IsEmpty());
  EXPECT_LE(duo_.bob.config.local.mdns->stats().querier.questions, 4u);  // Shared by all three.
  // A lookup under way goes with its transport.
  ASSERT_TRUE(bobs[0]->add_remote_candidate(named(kNobody)).has_value());
  duo_.world.run_for(milliseconds(100));
  bobs.clear();
  duo_.world.run_for(seconds(15));
}

// ------------------------------------------------------------------------ the agent as an engine

class IceNamesOfAgent : public testing::Test {
 protected:
  static Agent::Config config(Policy policy = Policy::kAll) {
    Agent::Config config;
    config.resolve_names = true;
    config.policy = policy;
    return config;
  }
  void gather(Agent& agent) {
    LocalSocket socket{net::SocketId{1}, *net::Endpoint::parse("192.0.2.1:1000")};
    socket.hidden = true;
    socket.name = "first.local";
    agent.gather(now_, std::span(&socket, 1));
  }
  static std::vector<Resolve> asked(Agent& agent) {
    std::vector<Resolve> all;
    while (auto request = agent.poll_network_request()) all.push_back(std::get<Resolve>(*request));
    return all;
  }
  static std::vector<std::string> events(Agent& agent) {
    std::vector<std::string> all;
    while (auto event = agent.poll_event()) {
      if (const auto* found = std::get_if<Agent::CandidateGathered>(&*event)) {
        all.push_back("+" + found->candidate.hostname);
      } else if (const auto* gone = std::get_if<Agent::CandidateRemoved>(&*event)) {
        all.push_back("-" + gone->candidate.hostname);
      }
    }
    return all;
  }
  Time now_{seconds(1000)};
  SeededRandom random_{1};
  net::Pacer pacer_;
};

TEST_F(IceNamesOfAgent, AreLookedForInBoundedNumberAndTime) {
  Agent agent(config(), random_, pacer_);
  gather(agent);
  std::size_t refused = 0;
  for (int i = 0; i < 100; ++i) {
    const auto added =
        agent.add_remote_candidate(now_, named("name" + std::to_string(i) + ".local"));
    if (!added) refused += added.error().code == Errc::kLimitExceeded;
  }
  EXPECT_EQ(refused, 100 - Agent::kMaxNamedCandidates);
  const auto resolves = asked(agent);
  ASSERT_THAT(resolves, SizeIs(Agent::kMaxNamedCandidates));
  EXPECT_EQ(resolves[0].name, "name0.local");

  agent.set_resolved(now_, resolves[0].id, std::vector{*net::Address::parse("192.0.2.7")});
  EXPECT_THAT(agent.remote_candidates(), SizeIs(1));
  EXPECT_EQ(agent.next_timeout(), now_ + seconds(10));
  now_ += minutes(10);
  agent.handle_timeout(now_);
  EXPECT_GT(agent.next_timeout(), now_);
  // Nobody waits for these answers any more.
  agent.set_resolved(now_, resolves[1].id, std::vector{*net::Address::parse("192.0.2.8")});
  agent.set_resolved(now_, resolves[0].id, std::vector{*net::Address::parse("192.0.2.9")});
  EXPECT_THAT(agent.remote_candidates(), SizeIs(1));
  // There is room again; a restart ends the wait too.
  ASSERT_TRUE(agent.add_remote_candidate(now_, named("again.local")).has_value());
  const auto again = asked(agent);
  ASSERT_THAT(again, SizeIs(1));
  ASSERT_TRUE(agent.restart(now_).has_value());
  agent.set_resolved(now_, again[0].id, std::vector{*net::Address::parse("192.0.2.8")});
  EXPECT_THAT(agent.remote_candidates(), IsEmpty());
}

TEST_F(IceNamesOfAgent, TakesTheAddressThatItCanReachAndNoneThatNobodyHas) {
  Agent agent(config(), random_, pacer_);
  gather(agent);
  ASSERT_TRUE(agent.add_remote_candidate(now_, named("two.local")).has_value());
  ASSERT_TRUE(agent.add_remote_candidate(now_, named("lies.LOCAL")).has_value());
  const auto resolves = asked(agent);
  ASSERT_THAT(resolves, SizeIs(2));
  agent.set_resolved(
      now_, resolves[0].id,
      std::vector{*net::Address::parse("2001:db8::7"), *net::Address::parse("192.0.2.7")});
  agent.set_resolved(now_, resolves[1].id, std::vector{*net::Address::parse("224.0.0.1")});
  ASSERT_THAT(agent.remote_candidates(), SizeIs(1));
  EXPECT_EQ(agent.remote_candidates()[0].candidate.endpoint.to_string(), "192.0.2.7:5000");
  EXPECT_THAT(agent.unused_remote_candidates(), SizeIs(1));
}

TEST_F(IceNamesOfAgent, AsksForNoNameThatAStrangersServerWouldHear) {
  Agent agent(config(), random_, pacer_);
  for (const char* name : {"example.org", "a.b.local", "track-me.example.local"}) {
    EXPECT_EQ(agent.add_remote_candidate(now_, named(name)).error().code, Errc::kUnsupported);
  }
  Agent relayed(config(Policy::kRelay), random_, pacer_);
  EXPECT_EQ(relayed.add_remote_candidate(now_, named(kNobody)).error().code, Errc::kUnsupported);
  EXPECT_THAT(asked(agent), IsEmpty());
  EXPECT_THAT(asked(relayed), IsEmpty());
}

TEST_F(IceNamesOfAgent, TellsAnotherNameWhenSomebodyElseHasTheFirst) {
  Agent agent(config(), random_, pacer_);
  gather(agent);
  EXPECT_THAT(events(agent), testing::ElementsAre("+first.local"));
  agent.set_name(now_, net::SocketId{1}, "second.local");
  EXPECT_THAT(events(agent), testing::ElementsAre("-first.local", "+second.local"));
  ASSERT_TRUE(agent.restart(now_).has_value());
  EXPECT_THAT(events(agent), testing::ElementsAre("+second.local"));
  agent.set_name(now_, net::SocketId{1}, "");
  EXPECT_THAT(events(agent), testing::ElementsAre("-second.local"));
  ASSERT_TRUE(agent.restart(now_).has_value());
  EXPECT_THAT(events(agent), IsEmpty());
}

}  // namespace
}  // namespace floe::ice
