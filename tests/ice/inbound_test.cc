// What comes in and must not do harm: forged, broken and unexpected messages.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ice/wire.h"

namespace floe::ice {
namespace {

constexpr const char* kAlice = "192.0.2.1:1000";
constexpr const char* kBob = "192.0.2.2:2000";
constexpr const char* kMallory = "198.51.100.66:6666";

/// Bob is the test itself: he knows the credentials and writes his messages by hand.
class IceInbound : public testing::Test {
 protected:
  IceInbound() {
    bob_ = {"bobsufrag", "bobspasswordbobspassword"};
    EXPECT_TRUE(alice_.agent.set_remote_credentials(wire_.now, bob_).has_value());
    EXPECT_TRUE(alice_.agent.add_remote_candidate(wire_.now, host_candidate(kBob)).has_value());
  }

  std::vector<std::uint8_t> check(const std::function<void(stun::MessageBuilder&)>& edit = {}) {
    return binding_request(bob_, alice_.agent.local_credentials(), Role::kControlled, 1, edit);
  }
  /// Answers Alice's latest check to Bob; `edit` may add to it before it is signed with `pwd`.
  std::vector<std::uint8_t> answer(stun::Class cls, std::string_view pwd,
                                   const std::function<void(stun::MessageBuilder&)>& edit) {
    const auto request = std::find_if(wire_.log.rbegin(), wire_.log.rend(), [](const Packet& p) {
      return p.is_request() && p.destination == endpoint(kBob);
    });
    EXPECT_NE(request, wire_.log.rend());
    std::vector<std::uint8_t> space(400);
    stun::MessageBuilder builder(space, cls, *request->stun());
    edit(builder);
    builder.add_integrity_sha1(as_bytes(pwd));
    builder.add_fingerprint();
    return to_vector(builder.bytes());
  }
  std::vector<std::uint8_t> success(std::string_view pwd) {
    return answer(stun::Class::kSuccess, pwd, [](stun::MessageBuilder& b) {
      b.add_xor_address(stun::AttributeType::kXorMappedAddress, endpoint(kAlice));
    });
  }
  /// Alice's answers to checks.
  std::vector<Packet> answers() const {
    std::vector<Packet> found;
    for (const Packet& packet : wire_.log) {
      if (packet.source == endpoint(kAlice) && packet.stun() && packet.stun()->is_response()) {
        found.push_back(packet);
      }
    }
    return found;
  }

  Wire wire_;
  Peer& alice_ = wire_.add({}, {kAlice});
  Credentials bob_;
};

TEST_F(IceInbound, DropsACheckWithoutIntegrityAndOneWithABadOne) {
  const Credentials alice = alice_.agent.local_credentials();
  std::vector<std::uint8_t> space(200);
  SeededRandom random(1);
  stun::MessageBuilder bare(space, stun::Class::kRequest, stun::Method::kBinding,
                            stun::random_transaction_id(random));
  bare.add_text(stun::AttributeType::kUsername, alice.ufrag + ":bobsufrag");
  bare.add_fingerprint();
  wire_.inject(kMallory, kAlice, bare.bytes());
  const Credentials guessed{alice.ufrag, "guessedguessedguessedguessed"};
  wire_.inject(kMallory, kAlice, binding_request(bob_, guessed, Role::kControlled, 1));
  wire_.run_for(milliseconds(200));
  EXPECT_TRUE(answers().empty());
  EXPECT_EQ(alice_.agent.stats().dropped_bad_integrity, 2u);
  EXPECT_EQ(alice_.agent.remote_candidates().size(), 1u);
  EXPECT_EQ(alice_.pair_to(kMallory), nullptr);
}

TEST_F(IceInbound, AcceptsACheckWithoutFingerprintAndRefusesABadOne) {
  const Credentials alice = alice_.agent.local_credentials();
  std::vector<std::uint8_t> space(300);
  SeededRandom random(1);
  stun::MessageBuilder bare(space, stun::Class::kRequest, stun::Method::kBinding,
                            stun::random_transaction_id(random));
  bare.add_text(stun::AttributeType::kUsername, alice.ufrag + ":bobsufrag");
  bare.add_u32(stun::AttributeType::kPriority, 5);
  bare.add_integrity_sha1(as_bytes(alice.pwd));
  wire_.inject(kBob, kAlice, bare.bytes());
  wire_.run_for(milliseconds(50));
  EXPECT_EQ(answers().size(), 1u);

  auto broken = check();
  broken.back() ^= 1;
  wire_.inject(kBob, kAlice, broken);
  wire_.run_for(milliseconds(50));
  EXPECT_EQ(answers().size(), 1u);
  EXPECT_EQ(alice_.agent.stats().dropped_bad_fingerprint, 1u);
}

TEST_F(IceInbound, Answers420WithTheListForAnUnknownRequiredAttribute) {
  wire_.inject(kBob, kAlice, check([](stun::MessageBuilder& b) {
                 b.add_u32(static_cast<stun::AttributeType>(0x7abc), 1);
               }));
  wire_.run_for(milliseconds(50));
  const auto sent = answers();
  ASSERT_EQ(sent.size(), 1u);
  const auto message = sent[0].stun();
  EXPECT_EQ(message->error_code()->code, 420);
  ASSERT_EQ(message->unknown_attributes().size(), 1u);
  EXPECT_EQ(static_cast<int>(message->unknown_attributes()[0]), 0x7abc);
  EXPECT_EQ(alice_.agent.stats().unknown_attributes, 1u);
}

TEST_F(IceInbound, IgnoresAResponseWithAnUnknownTransactionId) {
  wire_.run_for(milliseconds(60));
  // Right in every other way: from Bob, signed with his password.
  SeededRandom random(9);
  std::vector<std::uint8_t> space(200);
  stun::MessageBuilder answer(space, stun::Class::kSuccess, stun::Method::kBinding,
                              stun::random_transaction_id(random));
  answer.add_xor_address(stun::AttributeType::kXorMappedAddress, endpoint(kAlice));
  answer.add_integrity_sha1(as_bytes(bob_.pwd));
  answer.add_fingerprint();
  wire_.inject(kBob, kAlice, answer.bytes());
  wire_.run_for(milliseconds(15));
  EXPECT_FALSE(alice_.pair_to(kBob)->valid);
  EXPECT_EQ(alice_.pair_to(kBob)->state, PairState::kInProgress);
  EXPECT_EQ(alice_.agent.stats().dropped_unknown_transaction, 1u);
}

TEST_F(IceInbound, FailsThePairWhenTheResponseComesFromAnotherAddress) {
  wire_.run_for(milliseconds(60));
  wire_.inject(kMallory, kAlice, success(bob_.pwd));
  wire_.run_for(milliseconds(15));
  EXPECT_EQ(alice_.pair_to(kBob)->state, PairState::kFailed);
  EXPECT_EQ(alice_.agent.stats().asymmetric_responses, 1u);
}

TEST_F(IceInbound, AnUnauthenticatedResponseDoesNotRetireTheTransaction) {
  wire_.run_for(milliseconds(60));
  wire_.inject(kBob, kAlice, success("notthepasswordnotthepassword"));
  wire_.run_for(milliseconds(15));
  EXPECT_EQ(alice_.agent.stats().dropped_unauthenticated_response, 1u);
  EXPECT_EQ(alice_.pair_to(kBob)->state, PairState::kInProgress);
  wire_.inject(kBob, kAlice, success(bob_.pwd));
  wire_.run_for(milliseconds(15));
  EXPECT_TRUE(alice_.pair_to(kBob)->valid);
}

TEST_F(IceInbound, TakesABindingIndicationAsAKeepaliveThatChangesNothing) {
  std::vector<std::uint8_t> space(100);
  SeededRandom random(1);
  stun::MessageBuilder indication(space, stun::Class::kIndication, stun::Method::kBinding,
                                  stun::random_transaction_id(random));
  indication.add_fingerprint();
  wire_.run_for(milliseconds(1));
  const auto states = alice_.states;
  wire_.inject(kBob, kAlice, indication.bytes());
  wire_.run_for(milliseconds(15));
  EXPECT_EQ(alice_.agent.stats().indications_received, 1u);
  EXPECT_TRUE(answers().empty());
  EXPECT_EQ(alice_.states, states);
  EXPECT_FALSE(alice_.pair_to(kBob)->heard);
}

TEST_F(IceInbound, SurvivesEveryTruncationOfACheckAndGarbageOfEverySize) {
  const auto whole = check();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    wire_.inject(kBob, kAlice, Bytes(whole).first(size));
  }
  SeededRandom random(3);
  for (const std::size_t size : {0, 1, 19, 20, 21, 100, 1500, 65'507}) {
    std::vector<std::uint8_t> garbage(size);
    random.fill(garbage);
    wire_.inject(kBob, kAlice, garbage);
  }
  wire_.run_for(seconds(1));
  EXPECT_TRUE(alice_.data.empty());
  EXPECT_TRUE(answers().empty());
}

TEST_F(IceInbound, DropsDataFromUnvalidatedAddressesBeforeAndAfterNomination) {
  wire_.inject(kBob, kAlice, as_bytes("too early"));
  wire_.inject(kMallory, kAlice, as_bytes("stranger"));
  wire_.run_for(milliseconds(60));
  EXPECT_TRUE(alice_.data.empty());

  wire_.inject(kBob, kAlice, success(bob_.pwd));
  wire_.run_for(milliseconds(200));
  wire_.inject(kBob, kAlice, success(bob_.pwd));  // answers the nominating check
  wire_.run_for(milliseconds(15));
  ASSERT_TRUE(alice_.pair_to(kBob)->nominated);
  wire_.inject(kMallory, kAlice, as_bytes("stranger"));
  wire_.inject(kBob, kAlice, as_bytes("hello"));
  wire_.run_for(milliseconds(15));
  EXPECT_THAT(alice_.data, testing::ElementsAre("hello"));
  EXPECT_EQ(alice_.agent.stats().dropped_unvalidated_data, 3u);
}

TEST_F(IceInbound, RefusesCandidatesNobodyCanBeReachedAt) {
  const auto add = [this](std::string_view address, std::uint32_t priority = 1) {
    return alice_.agent.add_remote_candidate(wire_.now, host_candidate(address, priority));
  };
  EXPECT_EQ(add("192.0.2.3:0").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(add("0.0.0.0:5").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(add("[::]:5").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(add("255.255.255.255:5").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(add("224.0.0.1:5").error().code, Errc::kInvalidArgument);
  EXPECT_EQ(add("192.0.2.3:5", 0).error().code, Errc::kInvalidArgument);
  Candidate tcp = host_candidate("192.0.2.3:5");
  tcp.protocol = Protocol::kTcp;
  EXPECT_EQ(alice_.agent.add_remote_candidate(wire_.now, tcp).error().code, Errc::kInvalidArgument);
  Candidate name;
  name.hostname = "b7a1.local";
  EXPECT_EQ(alice_.agent.add_remote_candidate(wire_.now, name).error().code, Errc::kUnsupported);
  EXPECT_EQ(alice_.agent.remote_candidates().size(), 1u);
}

TEST_F(IceInbound, RefusesRemoteCandidatesBeyondItsLimit) {
  std::size_t refused = 0;
  for (int i = 0; i < 200; ++i) {
    const auto added = alice_.agent.add_remote_candidate(
        wire_.now, host_candidate("203.0.113.1:" + std::to_string(1000 + i)));
    refused += !added && added.error().code == Errc::kLimitExceeded;
  }
  EXPECT_EQ(alice_.agent.remote_candidates().size(), 128u);
  EXPECT_EQ(refused, 200u - 127u);
}

TEST(IceAgents, GiveUpWhenEveryPacketOfThePeerComesFromANewPort) {
  // Two NATs that map anew for each remote port and let everybody in: each answer to a new port
  // comes from a new port itself.
  Wire wire;
  Peer& alice = wire.add({}, {kAlice});
  Peer& bob = wire.add(config(Role::kControlled), {kBob});
  std::uint16_t port = 10'000;
  wire.filter = [&port](Packet& packet) {
    packet.source.port = port++;
    const net::Endpoint to = endpoint(kAlice);
    packet.destination = packet.destination.address == to.address ? to : endpoint(kBob);
    return true;
  };
  wire.signal_both(alice, bob);
  EXPECT_TRUE(wire.run_until(
      [&] { return alice.agent.state() == State::kFailed && bob.agent.state() == State::kFailed; },
      minutes(1)));
  EXPECT_LE(alice.agent.remote_candidates().size(), 128u);
}

}  // namespace
}  // namespace floe::ice
