// Two agents on a wire: they connect, nominate, keep and lose consent.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ice/wire.h"

namespace floe::ice {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kAlice = "192.0.2.1:1000";
constexpr const char* kBob = "192.0.2.2:2000";

Agent::Config controlling() {
  return {};
}
Agent::Config controlled() {
  Agent::Config config;
  config.role = Role::kControlled;
  return config;
}

class IceAgent : public testing::Test {
 protected:
  Wire wire_;
  Peer& alice_ = wire_.add(controlling(), {kAlice});
  Peer& bob_ = wire_.add(controlled(), {kBob});

  bool run_until_both_completed(Duration bound = seconds(5)) {
    return wire_.run_until(
        [this] {
          return alice_.agent.state() == State::kCompleted &&
                 bob_.agent.state() == State::kCompleted;
        },
        bound);
  }
};

TEST_F(IceAgent, ConnectsTwoHostsAndCompletesAfterNomination) {
  wire_.signal_both(alice_, bob_);
  ASSERT_TRUE(run_until_both_completed());
  EXPECT_THAT(alice_.states, ElementsAre(State::kChecking, State::kConnected, State::kCompleted));
  EXPECT_THAT(bob_.states, ElementsAre(State::kChecking, State::kConnected, State::kCompleted));
  EXPECT_EQ(alice_.paths.back().remote.endpoint, endpoint(kBob));
  EXPECT_TRUE(alice_.paths.back().nominated);
  EXPECT_TRUE(bob_.paths.back().nominated);
}

TEST_F(IceAgent, IsConnectedOneRoundTripAfterTheFirstCheck) {
  wire_.signal_both(alice_, bob_);
  const Time start = wire_.now;
  ASSERT_TRUE(wire_.run_until([this] { return connected(alice_); }, seconds(5)));
  EXPECT_EQ(wire_.now - start, 2 * wire_.latency);
  EXPECT_EQ(*alice_.agent.round_trip(), 2 * wire_.latency);
}

TEST_F(IceAgent, SendsDataOnTheValidPairBeforeItIsNominated) {
  // A better pair that never answers keeps the nomination waiting.
  wire_.signal_both(alice_, bob_);
  ASSERT_TRUE(
      alice_.agent.add_remote_candidate(wire_.now, host_candidate("192.0.2.9:9", 0x7fffffff))
          .has_value());
  ASSERT_TRUE(wire_.run_until([this] { return alice_.agent.route().has_value(); }, seconds(1)));
  EXPECT_FALSE(alice_.paths.back().nominated);
  EXPECT_TRUE(wire_.send_data(alice_, "early"));
  wire_.run_for(seconds(5));
  EXPECT_THAT(bob_.data, ElementsAre("early"));
  EXPECT_TRUE(alice_.paths.back().nominated);
}

// ------------------------------------------------------------------------------- credentials

TEST_F(IceAgent, FormsPairsButSendsNoCheckUntilRemoteCredentialsArrive) {
  ASSERT_TRUE(alice_.agent.add_remote_candidate(wire_.now, host_candidate(kBob)).has_value());
  wire_.run_for(seconds(30));
  EXPECT_EQ(alice_.agent.pairs().size(), 1u);
  EXPECT_TRUE(wire_.log.empty());
  wire_.signal_both(alice_, bob_);
  EXPECT_TRUE(run_until_both_completed());
}

TEST_F(IceAgent, AnswersAnEarlyCheckAtOnceAndLearnsFromItWhenCredentialsArrive) {
  // Bob knows Alice; she knows nothing of him yet.
  wire_.signal(alice_, bob_);
  wire_.run_for(milliseconds(500));
  EXPECT_TRUE(connected(bob_));
  EXPECT_THAT(alice_.agent.pairs(), IsEmpty());
  EXPECT_GE(alice_.agent.stats().early_checks, 1u);

  ASSERT_TRUE(
      alice_.agent.set_remote_credentials(wire_.now, bob_.agent.local_credentials()).has_value());
  wire_.run_for(milliseconds(500));
  EXPECT_TRUE(connected(alice_));
  ASSERT_EQ(alice_.agent.remote_candidates().size(), 1u);
  EXPECT_EQ(alice_.agent.remote_candidates()[0].candidate.type, CandidateType::kPeerReflexive);
}

TEST_F(IceAgent, NeverAnswersAnEarlyCheckWithoutAuthentication) {
  wire_.signal(alice_, bob_);
  wire_.run_for(seconds(2));
  std::size_t answers = 0;
  for (const Packet& packet : wire_.log) {
    if (packet.source != endpoint(kAlice)) continue;
    ++answers;
    ASSERT_TRUE(packet.is_success());
    EXPECT_EQ(packet.stun()->check_integrity_sha1(as_bytes(alice_.agent.local_credentials().pwd)),
              stun::Message::Integrity::kOk);
  }
  EXPECT_GE(answers, 1u);
}

TEST_F(IceAgent, KeepsABoundedNumberOfEarlyChecksInAFlood) {
  const Credentials bob = bob_.agent.local_credentials();
  const Credentials alice = alice_.agent.local_credentials();
  for (int i = 0; i < 10'000; ++i) {
    const std::string source =
        "198.51.100." + std::to_string(i % 250) + ":" + std::to_string(1024 + i / 250);
    wire_.inject(source, kAlice, binding_request(bob, alice, Role::kControlled, 1));
  }
  wire_.run_for(seconds(1));
  EXPECT_EQ(alice_.agent.stats().early_checks, 10'000u);
  EXPECT_EQ(alice_.agent.stats().early_checks_dropped, 10'000u - 32u);
  wire_.signal_both(alice_, bob_);
  EXPECT_TRUE(
      wire_.run_until([this] { return connected(alice_) && connected(bob_); }, seconds(20)));
}

TEST_F(IceAgent, FailsAndNeverConnectsWhenAPasswordIsWrong) {
  Credentials wrong = bob_.agent.local_credentials();
  wrong.pwd = "wrongwrongwrongwrongwrong";
  wire_.signal(alice_, bob_);
  ASSERT_TRUE(alice_.agent.set_remote_credentials(wire_.now, wrong).has_value());
  ASSERT_TRUE(alice_.agent.add_remote_candidate(wire_.now, host_candidate(kBob)).has_value());
  alice_.agent.set_remote_end_of_candidates(wire_.now);
  wire_.run_for(minutes(1));
  EXPECT_EQ(alice_.agent.state(), State::kFailed);
  EXPECT_THAT(alice_.states, Not(Contains(State::kConnected)));
  EXPECT_GT(bob_.agent.stats().dropped_bad_integrity, 0u);
}

TEST_F(IceAgent, FailsWhenBothPasswordsAreWrong) {
  for (auto [from, to] : {std::pair(&alice_, &bob_), std::pair(&bob_, &alice_)}) {
    Credentials wrong = from->agent.local_credentials();
    wrong.pwd = "wrongwrongwrongwrongwrong";
    ASSERT_TRUE(to->agent.set_remote_credentials(wire_.now, wrong).has_value());
    ASSERT_TRUE(to->agent.add_remote_candidate(wire_.now, from->candidates[0]).has_value());
  }
  wire_.run_for(minutes(1));
  EXPECT_THAT(alice_.states, ElementsAre(State::kChecking, State::kFailed));
  EXPECT_THAT(bob_.states, ElementsAre(State::kChecking, State::kFailed));
}

TEST_F(IceAgent, DropsACheckForAnotherGenerationSilently) {
  Credentials stale = alice_.agent.local_credentials();
  stale.ufrag = "OLDufrag";
  wire_.inject(kBob, kAlice,
               binding_request(bob_.agent.local_credentials(), stale, Role::kControlled, 1));
  wire_.run_for(seconds(1));
  EXPECT_TRUE(wire_.log.empty());
  EXPECT_EQ(alice_.agent.stats().dropped_wrong_username, 1u);
}

TEST_F(IceAgent, RefusesCredentialsOfIllegalLength) {
  const std::string pwd(22, 'p');
  const auto set = [this](std::string ufrag, std::string password) {
    return alice_.agent.set_remote_credentials(wire_.now, {std::move(ufrag), std::move(password)});
  };
  EXPECT_EQ(set("abc", pwd).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(set(std::string(257, 'u'), pwd).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(set("abcd", std::string(21, 'p')).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(set("abcd", std::string(257, 'p')).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(set("ab:d", pwd).error().code, Errc::kInvalidArgument);
  EXPECT_TRUE(set(std::string(256, 'u'), std::string(256, 'p')).has_value());
}

// ----------------------------------------------------------------------------- consent, states

TEST_F(IceAgent, AsksForConsentEveryFourToSixSecondsAndNotMore) {
  wire_.signal_both(alice_, bob_);
  ASSERT_TRUE(run_until_both_completed());
  const std::size_t before = wire_.log.size();
  wire_.run_for(minutes(10));
  std::optional<Time> last;
  std::size_t requests = 0;
  for (std::size_t i = before; i < wire_.log.size(); ++i) {
    const Packet& packet = wire_.log[i];
    if (packet.source != endpoint(kAlice) || !packet.is_request()) continue;
    ++requests;
    if (last) {
      EXPECT_GE(packet.sent - *last, seconds(4));
      EXPECT_LE(packet.sent - *last, seconds(6));
    }
    last = packet.sent;
  }
  EXPECT_GE(requests, 100u);
  EXPECT_EQ(alice_.agent.state(), State::kCompleted);
}

TEST_F(IceAgent, StaysConnectedOnConsentResponsesAloneWhileMediaIsOneWay) {
  wire_.signal_both(alice_, bob_);
  ASSERT_TRUE(run_until_both_completed());
  for (int i = 0; i < 120; ++i) {
    wire_.send_data(alice_, "frame");
    wire_.run_for(seconds(1));
  }
  EXPECT_EQ(bob_.data.size(), 120u);
  EXPECT_THAT(alice_.states, Not(Contains(State::kDisconnected)));
  EXPECT_THAT(bob_.states, Not(Contains(State::kDisconnected)));
}

TEST_F(IceAgent, LosesConsentAfterThirtySecondsEvenWhileDataStillArrives) {
  wire_.signal_both(alice_, bob_);
  ASSERT_TRUE(run_until_both_completed());
  // Responses to Alice are lost from here on; everything else arrives.
  wire_.filter = [](Packet& packet) {
    return !(packet.is_success() && packet.destination == endpoint(kAlice));
  };
  const Time cut = wire_.now;
  while (alice_.agent.state() != State::kFailed && wire_.now < cut + minutes(2)) {
    wire_.send_data(bob_, "still here");
    wire_.run_for(milliseconds(500));
  }
  EXPECT_EQ(alice_.agent.state(), State::kFailed);
  EXPECT_GE(wire_.now - cut, seconds(24));
  EXPECT_LE(wire_.now - cut, seconds(31));
  EXPECT_FALSE(alice_.agent.route());
  EXPECT_THAT(alice_.states, Contains(State::kDisconnected));
}

TEST_F(IceAgent, AsksForConsentAlthoughMediaFlows) {
  wire_.signal_both(alice_, bob_);
  ASSERT_TRUE(run_until_both_completed());
  const std::size_t before = wire_.log.size();
  for (int i = 0; i < 600; ++i) {
    wire_.send_data(alice_, "a");
    wire_.send_data(bob_, "b");
    wire_.run_for(milliseconds(100));
  }
  std::size_t requests = 0;
  for (std::size_t i = before; i < wire_.log.size(); ++i) requests += wire_.log[i].is_request();
  EXPECT_GE(requests, 20u);  // 60 s, two sides, at most 6 s apart
}

TEST_F(IceAgent, StopsSendingAtOnceWhenThePeerRevokesItsConsent) {
  wire_.signal_both(alice_, bob_);
  ASSERT_TRUE(run_until_both_completed());
  // Bob turns into somebody who answers 403.
  const Credentials bob = bob_.agent.local_credentials();
  wire_.filter = [this, &bob](Packet& packet) {
    if (packet.destination != endpoint(kBob) || !packet.is_request()) return true;
    std::vector<std::uint8_t> space(300);
    stun::MessageBuilder answer(space, stun::Class::kError, *packet.stun());
    answer.add_error(403, "Forbidden");
    answer.add_integrity_sha1(as_bytes(bob.pwd));
    answer.add_fingerprint();
    wire_.inject(kBob, kAlice, answer.bytes());
    return false;
  };
  ASSERT_TRUE(
      wire_.run_until([this] { return alice_.agent.state() == State::kFailed; }, seconds(7)));
  EXPECT_FALSE(alice_.agent.route());
  EXPECT_FALSE(wire_.send_data(alice_, "no more"));
}

TEST_F(IceAgent, GoesToDisconnectedAndThenToFailedWhenEverythingIsDropped) {
  wire_.signal_both(alice_, bob_);
  ASSERT_TRUE(run_until_both_completed());
  wire_.filter = [](Packet&) { return false; };
  const Time cut = wire_.now;
  ASSERT_TRUE(wire_.run_until([this] { return alice_.agent.state() == State::kDisconnected; },
                              seconds(12)));
  EXPECT_GE(wire_.now - cut, seconds(4));
  ASSERT_TRUE(
      wire_.run_until([this] { return alice_.agent.state() == State::kFailed; }, seconds(30)));
  EXPECT_LE(wire_.now - cut, seconds(31));
}

TEST_F(IceAgent, ReportsDisconnectedBeforeFailedAlthoughTheTimerRanTenMinutesLate) {
  wire_.signal_both(alice_, bob_);
  ASSERT_TRUE(run_until_both_completed());
  const Time late = wire_.now + minutes(10);
  alice_.agent.handle_timeout(late);
  EXPECT_GT(alice_.agent.next_timeout(), late);
  std::vector<State> states;
  while (auto event = alice_.agent.poll_event()) {
    if (const auto* state = std::get_if<Agent::StateChanged>(&*event))
      states.push_back(state->state);
  }
  EXPECT_THAT(states, ElementsAre(State::kDisconnected, State::kFailed));
}

TEST_F(IceAgent, ComesBackByItselfFromAnOutageShorterThanTheConsentTimeout) {
  wire_.signal_both(alice_, bob_);
  ASSERT_TRUE(run_until_both_completed());
  wire_.filter = [](Packet&) { return false; };
  wire_.run_for(seconds(15));
  EXPECT_EQ(alice_.agent.state(), State::kDisconnected);
  wire_.filter = {};
  wire_.run_for(seconds(10));
  EXPECT_TRUE(connected(alice_));
  EXPECT_TRUE(connected(bob_));
  EXPECT_THAT(alice_.states, Not(Contains(State::kFailed)));
}

TEST_F(IceAgent, KeepsCheckingUntilItsPatienceEndsAlthoughAllChecksFailed) {
  wire_.signal_both(alice_, bob_);
  net::Route route{alice_.sockets[0].id, endpoint(kBob), {}};
  alice_.agent.handle_send_failure(wire_.now, route, {Errc::kUnreachable, "no route"});
  ASSERT_EQ(alice_.pair_to(kBob)->state, PairState::kFailed);
  wire_.filter = [](Packet&) { return false; };
  wire_.run_for(Agent::Config().patience - seconds(1));
  EXPECT_EQ(alice_.agent.state(), State::kChecking);
  wire_.run_for(seconds(2));
  EXPECT_EQ(alice_.agent.state(), State::kFailed);
}

TEST_F(IceAgent, APeersCheckRevivesAFailedPairWithinThePatience) {
  wire_.signal_both(alice_, bob_);
  net::Route route{alice_.sockets[0].id, endpoint(kBob), {}};
  alice_.agent.handle_send_failure(wire_.now, route, {Errc::kUnreachable, "no route"});
  EXPECT_TRUE(run_until_both_completed());
}

TEST_F(IceAgent, ChecksANewCandidateWhileDisconnectedWithoutFlapping) {
  wire_.signal_both(alice_, bob_);
  ASSERT_TRUE(run_until_both_completed());
  wire_.filter = [](Packet&) { return false; };
  ASSERT_TRUE(wire_.run_until([this] { return alice_.agent.state() == State::kDisconnected; },
                              seconds(12)));
  alice_.states.clear();
  ASSERT_TRUE(
      alice_.agent.add_remote_candidate(wire_.now, host_candidate("192.0.2.7:7")).has_value());
  wire_.run_for(seconds(5));
  EXPECT_THAT(alice_.states, ElementsAre(State::kChecking));
}

TEST_F(IceAgent, FailsOnlyThePairThatTheSystemRefusesToSendOn) {
  wire_.signal_both(alice_, bob_);
  ASSERT_TRUE(
      alice_.agent.add_remote_candidate(wire_.now, host_candidate("203.0.113.5:5")).has_value());
  for (const Errc code : {Errc::kPermissionDenied, Errc::kUnreachable}) {
    net::Route route{alice_.sockets[0].id, endpoint("203.0.113.5:5"), {}};
    alice_.agent.handle_send_failure(wire_.now, route, {code, "operation not permitted"});
  }
  EXPECT_EQ(alice_.pair_to("203.0.113.5:5")->state, PairState::kFailed);
  EXPECT_THAT(alice_.pair_to("203.0.113.5:5")->failure, testing::HasSubstr("not permitted"));
  EXPECT_TRUE(run_until_both_completed());
}

TEST_F(IceAgent, ClosesAtOnceAndSendsNothingAfterwards) {
  wire_.signal_both(alice_, bob_);
  alice_.agent.close();
  alice_.agent.close();
  const std::size_t before = wire_.log.size();
  wire_.run_for(minutes(1));
  EXPECT_EQ(wire_.count([](const Packet& p) { return p.source == endpoint(kAlice); }), 0u);
  EXPECT_GE(wire_.log.size(), before);
  EXPECT_EQ(alice_.agent.next_timeout(), kNever);
  EXPECT_EQ(alice_.agent.add_remote_candidate(wire_.now, host_candidate(kBob)).error().code,
            Errc::kClosed);
}

// ------------------------------------------------------------------------------ round trips, pace

TEST_F(IceAgent, ConnectsOverRoundTripsOf600MillisecondsAnd3Seconds) {
  for (const milliseconds latency : {milliseconds(300), milliseconds(1500)}) {
    Wire wire;
    wire.latency = latency;
    Peer& alice = wire.add(controlling(), {kAlice});
    Peer& bob = wire.add(controlled(), {kBob});
    wire.signal_both(alice, bob);
    EXPECT_TRUE(wire.run_until([&] { return connected(alice) && connected(bob); }, seconds(10)))
        << latency.count();
    EXPECT_GE(*alice.agent.round_trip(), 2 * latency);
  }
}

TEST(IceAgents, SameSeedGivesTheSamePacketsAndEvents) {
  const auto run = [] {
    Wire wire;
    Peer& alice = wire.add(controlling(), {kAlice, "198.51.100.1:1"});
    Peer& bob = wire.add(controlled(), {kBob, "198.51.100.2:2"});
    std::uint64_t n = 0;
    wire.filter = [&n](Packet&) { return ++n % 3 != 0; };
    wire.signal_both(alice, bob);
    wire.run_for(minutes(1));
    std::vector<std::uint8_t> trace;
    for (const Packet& packet : wire.log) {
      const auto stamp = packet.sent.time_since_epoch().count();
      for (int i = 0; i < 8; ++i) trace.push_back(static_cast<std::uint8_t>(stamp >> (8 * i)));
      trace.insert(trace.end(), packet.bytes.begin(), packet.bytes.end());
    }
    return std::pair(trace, alice.states);
  };
  const auto first = run();
  EXPECT_GT(first.first.size(), 1000u);
  EXPECT_EQ(first, run());
}

TEST(IceAgents, TwoHundredAgentsStartAtMostOneTransactionEveryTa) {
  net::Pacer pacer;
  SeededRandom random(5);
  std::vector<std::unique_ptr<Agent>> agents;
  const Time start{seconds(1)};
  const Credentials remote = Credentials::generate(random);
  for (std::uint32_t i = 1; i <= 200; ++i) {
    agents.push_back(std::make_unique<Agent>(Agent::Config{}, random, pacer));
    const LocalSocket socket{net::SocketId{i}, endpoint("192.0.2.1:" + std::to_string(i)), 65535};
    agents.back()->gather(start, std::span(&socket, 1));
    ASSERT_TRUE(agents.back()->set_remote_credentials(start, remote).has_value());
    ASSERT_TRUE(agents.back()->add_remote_candidate(start, host_candidate(kBob)).has_value());
  }
  std::vector<Time> first_sent;
  std::vector<stun::TransactionId> seen;
  for (Time now = start; now < start + seconds(12);) {
    Time next = kNever;
    for (const auto& agent : agents) {
      if (agent->next_timeout() <= now) agent->handle_timeout(now);
      net::SendBatch batch;
      agent->poll_transmit(now, batch);
      for (const auto& run : batch.runs()) {
        for (std::size_t i = 0; i < run.segments; ++i) {
          const auto id = stun::Message::parse(batch.packet(run, i))->transaction_id();
          if (std::find(seen.begin(), seen.end(), id) != seen.end()) continue;
          seen.push_back(id);
          first_sent.push_back(now);
        }
      }
      next = std::min(next, agent->next_timeout());
    }
    now = next;
  }
  ASSERT_EQ(first_sent.size(), 200u);
  for (std::size_t i = 1; i < first_sent.size(); ++i) {
    EXPECT_GE(first_sent[i] - first_sent[i - 1], pacer.ta());
  }
}

}  // namespace
}  // namespace floe::ice
