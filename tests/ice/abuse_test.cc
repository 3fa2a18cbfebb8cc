// Policies, and what a peer or a stranger cannot make an agent do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ice/wire.h"

namespace floe::ice {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kAlice = "192.0.2.1:1000";
constexpr const char* kBob = "192.0.2.2:2000";

std::size_t sent_by(const Wire& wire, const char* address) {
  return wire.count([address](const Packet& p) { return p.source == endpoint(address); });
}

// --------------------------------------------------------------------------------------- policies

TEST(IcePolicy, RelayOnlySendsNotOnePacketFromAnotherBaseNotEvenAnAnswer) {
  Wire wire;
  Agent::Config relay_only = config(Role::kControlled);
  relay_only.policy = Policy::kRelay;
  Peer& alice = wire.add(relay_only, {kAlice});
  Peer& bob = wire.add(config(Role::kControlling), {kBob});
  wire.signal(bob, alice);
  EXPECT_THAT(alice.candidates, IsEmpty());
  ASSERT_TRUE(
      bob.agent.set_remote_credentials(wire.now, alice.agent.local_credentials()).has_value());
  // Bob has guessed her address.
  ASSERT_TRUE(bob.agent.add_remote_candidate(wire.now, host_candidate(kAlice)).has_value());
  wire.run_for(seconds(10));
  EXPECT_GT(sent_by(wire, kBob), 5u);
  EXPECT_EQ(sent_by(wire, kAlice), 0u);
  EXPECT_THAT(alice.agent.pairs(), IsEmpty());
  EXPECT_GT(alice.agent.stats().dropped_by_policy, 5u);
}

TEST(IcePolicy, NoHostKeepsTheHostAddressToItselfAndUsesItAsABase) {
  Wire wire;
  Agent::Config no_host = config(Role::kControlling);
  no_host.policy = Policy::kNoHost;
  Peer& alice = wire.add(no_host, {kAlice});
  Peer& bob = wire.add(config(Role::kControlled), {kBob});
  wire.signal_both(alice, bob);
  EXPECT_THAT(alice.candidates, IsEmpty());
  EXPECT_TRUE(wire.run_until([&] { return agree(alice, bob); }, seconds(5)));
  EXPECT_EQ(bob.paths.back().remote.type, CandidateType::kPeerReflexive);
}

// --------------------------------------------------------------------------------------- ourselves

TEST(IceToOurselves, FormsNoPairWithAnAddressOfItsOwn) {
  Wire wire;
  Peer& alice = wire.add({}, {kAlice, "192.0.2.1:1001"});
  const Credentials bob{"bobsufrag", "bobspasswordbobspassword"};
  ASSERT_TRUE(alice.agent.set_remote_credentials(wire.now, bob).has_value());
  ASSERT_TRUE(alice.agent.add_remote_candidate(wire.now, host_candidate(kAlice)).has_value());
  ASSERT_TRUE(
      alice.agent.add_remote_candidate(wire.now, host_candidate("192.0.2.1:1001")).has_value());
  wire.run_for(seconds(5));
  EXPECT_THAT(alice.agent.pairs(), IsEmpty());
  EXPECT_TRUE(wire.log.empty());
  EXPECT_EQ(alice.agent.stats().own_addresses, 4u);
}

TEST(IceToOurselves, NeverConnectsThroughAReflectorOrByItsOwnDescription) {
  Wire wire;
  Peer& alice = wire.add({}, {kAlice});
  EXPECT_EQ(
      alice.agent.set_remote_credentials(wire.now, alice.agent.local_credentials()).error().code,
      Errc::kInvalidArgument);
  const Credentials bob{"bobsufrag", "bobspasswordbobspassword"};
  ASSERT_TRUE(alice.agent.set_remote_credentials(wire.now, bob).has_value());
  ASSERT_TRUE(alice.agent.add_remote_candidate(wire.now, host_candidate(kBob)).has_value());
  // Whatever goes to "Bob" comes back as if from him, as hairpinning to one's own address does.
  wire.elsewhere = [&wire](const Packet& packet) {
    wire.inject(packet.destination.to_string(), packet.source.to_string(), packet.bytes);
  };
  wire.run_for(seconds(30));
  EXPECT_GT(alice.agent.stats().own_checks, 3u);
  EXPECT_THAT(alice.states, Not(Contains(State::kConnected)));
  EXPECT_EQ(alice.agent.state(), State::kFailed);
}

// ------------------------------------------------------------------------------------------ floods

TEST(IceFlood, OfStrangersChecksIsAnsweredWithNotOneByte) {
  Wire wire;
  Peer& alice = wire.add({}, {kAlice});
  const Credentials bob{"bobsufrag", "bobspasswordbobspassword"};
  ASSERT_TRUE(alice.agent.set_remote_credentials(wire.now, bob).has_value());
  const Credentials guess{alice.agent.local_credentials().ufrag, "guessedguessedguessedguessed"};
  const auto forged = binding_request(bob, guess, Role::kControlled, 1);
  for (int i = 0; i < 10'000; ++i) {
    wire.inject("203.0.113." + std::to_string(i % 250) + ":" + std::to_string(1024 + i / 250),
                kAlice, forged);
  }
  wire.run_for(seconds(2));
  const Agent::Stats stats = alice.agent.stats();
  EXPECT_EQ(stats.dropped_bad_integrity, 10'000u);
  EXPECT_EQ(stats.stun_bytes_sent, 0u);
  EXPECT_THAT(alice.agent.remote_candidates(), IsEmpty());
}

TEST(IceFlood, OfChecksBeforeThePeerIsKnownMakesNoMoreBytesThanItTakes) {
  // Somebody has read our credentials and sends checks with victims' addresses.
  Wire wire;
  Peer& alice = wire.add({}, {kAlice});
  const Credentials bob{"bobsufrag", "bobspasswordbobspassword"};
  const auto unknown = [](stun::MessageBuilder& b) {
    for (std::uint16_t type = 0x7a00; type < 0x7a10; ++type) {
      b.add_flag(static_cast<stun::AttributeType>(type));
    }
  };
  for (int i = 0; i < 5'000; ++i) {
    const std::string victim =
        "[2001:db8::" + std::to_string(i % 250) + "]:" + std::to_string(1024 + i / 250);
    wire.inject(
        victim, kAlice,
        binding_request(bob, alice.agent.local_credentials(), Role::kControlled, 1,
                        i % 2 == 0 ? unknown : std::function<void(stun::MessageBuilder&)>()));
  }
  wire.run_for(seconds(2));
  const Agent::Stats stats = alice.agent.stats();
  EXPECT_EQ(stats.requests_received, 5'000u);
  EXPECT_GT(stats.stun_bytes_sent, 0u);
  EXPECT_LE(stats.stun_bytes_sent, stats.stun_bytes_received);
}

TEST(IceFlood, OfCandidatesCostsABoundedNumberOfChecks) {
  Wire wire;
  Peer& alice = wire.add({}, {kAlice});
  const Credentials bob{"bobsufrag", "bobspasswordbobspassword"};
  ASSERT_TRUE(alice.agent.set_remote_credentials(wire.now, bob).has_value());
  std::size_t refused = 0;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    const Candidate candidate = host_candidate("203.0.113.1:" + std::to_string(1024 + i), 1 + i);
    refused += !alice.agent.add_remote_candidate(wire.now, candidate).has_value();
  }
  wire.run_for(minutes(30));  // of one foundation: one after the other
  const Agent::Stats stats = alice.agent.stats();
  EXPECT_EQ(stats.remote_candidates_refused, refused);
  EXPECT_EQ(alice.agent.remote_candidates().size(), 128u);
  EXPECT_LE(alice.agent.pairs().size(), 100u);
  EXPECT_GT(stats.pairs_pruned, 0u);
  // A hundred pairs, ten transmissions each.
  EXPECT_LE(sent_by(wire, kAlice), 100u * Agent::Config().checks.transmissions);
  EXPECT_EQ(alice.agent.state(), State::kFailed);
}

TEST(IceFlood, OfAuthenticatedChecksFromNewAddressesIsBoundedToo) {
  Wire wire;
  Peer& alice = wire.add({}, {kAlice});
  const Credentials bob{"bobsufrag", "bobspasswordbobspassword"};
  ASSERT_TRUE(alice.agent.set_remote_credentials(wire.now, bob).has_value());
  const auto check = binding_request(bob, alice.agent.local_credentials(), Role::kControlled, 1);
  for (int i = 0; i < 10'000; ++i) {
    wire.inject("203.0.113." + std::to_string(i % 250) + ":" + std::to_string(1024 + i / 250),
                kAlice, check);
  }
  wire.run_for(seconds(1));
  EXPECT_LE(alice.agent.remote_candidates().size(), 128u);
  EXPECT_LE(alice.agent.pairs().size(), 200u);
  EXPECT_GT(alice.agent.stats().pairs_dropped, 9'000u);
}

TEST(IceFlood, OfEventsThatNobodyPollsKeepsTheLatest) {
  SeededRandom random(1);
  net::Pacer pacer;
  Agent agent({}, random, pacer);
  const Time now{seconds(1)};
  agent.gather(now, {});
  // An interface that comes and goes, and nobody listens.
  for (std::uint32_t i = 1; i <= 5'000; ++i) {
    const LocalSocket socket{net::SocketId{i}, endpoint(kAlice), 65535};
    agent.add_sockets(now, std::span(&socket, 1));
    agent.remove_socket(now, socket.id);
  }
  std::size_t events = 0;
  bool candidate = false;
  while (const auto event = agent.poll_event()) {
    ++events;
    candidate = std::holds_alternative<Agent::CandidateGathered>(*event) || candidate;
  }
  EXPECT_LE(events, 1024u);
  EXPECT_TRUE(candidate);
  EXPECT_GT(agent.stats().events_dropped, 3'000u);
  EXPECT_LE(agent.local_candidates().size(), 512u);
  EXPECT_LE(agent.timeline().entries().size(), Timeline::kFirst + Timeline::kLast);
  EXPECT_GT(agent.timeline().forgotten(), 0u);
}

// ----------------------------------------------------------------------------------------- consent

TEST(IceConsent, RevokedByUsIsAnswered403AndEndsBothSidesUntilARestart) {
  Wire wire;
  Peer& alice = wire.add(config(Role::kControlling), {kAlice});
  Peer& bob = wire.add(config(Role::kControlled), {kBob});
  wire.signal_both(alice, bob);
  ASSERT_TRUE(wire.run_until([&] { return agree(alice, bob); }, seconds(5)));
  bob.agent.revoke_consent(wire.now);
  EXPECT_EQ(bob.agent.state(), State::kFailed);
  EXPECT_FALSE(bob.agent.route());
  ASSERT_TRUE(wire.run_until([&] { return alice.agent.state() == State::kFailed; }, seconds(7)));
  EXPECT_FALSE(alice.agent.route());
  EXPECT_EQ(alice.agent.stats().consent_revoked, 1u);
  EXPECT_GE(bob.agent.stats().consent_refused, 1u);
  EXPECT_EQ(alice.pair_to(kBob)->last_error, 403);
  wire.run_for(seconds(1));
  const std::size_t packets = wire.log.size();
  wire.run_for(minutes(5));
  EXPECT_EQ(wire.log.size(), packets);
  wire.restart_both(alice, bob);
  EXPECT_TRUE(wire.run_until([&] { return agree(alice, bob); }, seconds(5)));
}

// ---------------------------------------------------------------------------------------- records

TEST(IceRecord, TellsOfEachPairWhatWasSentWhatCameBackAndWhyItFailed) {
  Wire wire;
  Peer& alice = wire.add(config(Role::kControlling), {kAlice});
  const Credentials bob{"bobsufrag", "bobspasswordbobspassword"};
  const Time start = wire.now;
  ASSERT_TRUE(alice.agent.set_remote_credentials(wire.now, bob).has_value());
  ASSERT_TRUE(alice.agent.add_remote_candidate(wire.now, host_candidate(kBob)).has_value());
  Candidate second = host_candidate("203.0.113.4:4", 1000);
  second.foundation = "2";
  ASSERT_TRUE(alice.agent.add_remote_candidate(wire.now, second).has_value());
  wire.elsewhere = [&](const Packet& packet) {
    if (packet.destination != endpoint("203.0.113.4:4")) return;
    std::vector<std::uint8_t> space(300);
    stun::MessageBuilder answer(space, stun::Class::kError, *packet.stun());
    answer.add_error(500, "Server Error");
    answer.add_integrity_sha1(as_bytes(bob.pwd));
    wire.inject(packet.destination.to_string(), kAlice, answer.bytes());
  };
  wire.run_for(minutes(1));
  const CandidatePair& silent = *alice.pair_to(kBob);
  EXPECT_EQ(silent.requests_sent, Agent::Config().checks.transmissions);
  EXPECT_EQ(silent.first_sent, start);
  EXPECT_EQ(silent.responses_received, 0u);
  EXPECT_EQ(silent.failed_at, start + Agent::Config().checks.timeout());
  EXPECT_THAT(silent.failure, HasSubstr("no response to 10 requests"));
  const CandidatePair& refused = *alice.pair_to("203.0.113.4:4");
  EXPECT_EQ(refused.errors_received, 1u);
  EXPECT_EQ(refused.last_error, 500);
  EXPECT_EQ(refused.last_error_reason, "Server Error");
  EXPECT_THAT(refused.failure, HasSubstr("500 Server Error"));

  std::vector<std::string> states;
  Time last = start;
  for (const Timeline::Entry& entry : alice.agent.timeline().entries()) {
    EXPECT_GE(entry.at, last);
    last = entry.at;
    if (entry.topic == Timeline::Topic::kState) states.push_back(entry.text);
  }
  EXPECT_THAT(states, testing::ElementsAre("checking", "failed"));
}

}  // namespace
}  // namespace floe::ice
