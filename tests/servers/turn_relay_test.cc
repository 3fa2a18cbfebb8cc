// Requests to the TURN relay: who may have an allocation, and what of.
#include "floe/servers/turn/turn_relay.h"

#include <functional>

#include "floe/stun_client/ephemeral_credential.h"
#include "tests/servers/turn_relay_fixture.h"

namespace floe::server {
namespace {

using namespace std::chrono_literals;
using stun::AttributeType;
using stun::Class;
using stun::Message;
using stun::Method;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST_F(TurnRelayTest, AllocatesForAClientThatAnswersTheChallengeAndSignsWhatItSays) {
  ASSERT_EQ(allocate(), 0);
  EXPECT_EQ(last_verdict, stun::Verdict::kAuthentic);
  const auto relayed = last().xor_relayed_address();
  ASSERT_TRUE(relayed);
  EXPECT_EQ(relayed->address, net::Address::v4(192, 0, 2, 10));
  EXPECT_GE(relayed->port, 49'152);
  EXPECT_EQ(last().xor_mapped_address(), kClient);
  EXPECT_EQ(last().lifetime(), 600u);
  EXPECT_EQ(last().software(), "floe");
  EXPECT_EQ(host.open.begin()->second, *relayed);
  EXPECT_EQ(relay->stats().unauthenticated, 1u);
}

TEST_F(TurnRelayTest, ChallengesStrangersWithNoMoreThanTheyNeed) {
  const auto sent = receive(alice.request(Method::kAllocate, udp()));
  ASSERT_THAT(sent, SizeIs(1));
  const Message response = Message::parse(sent[0].bytes).value();
  EXPECT_THAT(response.attribute_types(),
              ElementsAre(AttributeType::kErrorCode, AttributeType::kRealm, AttributeType::kNonce,
                          AttributeType::kPasswordAlgorithms));
  EXPECT_LE(sent[0].bytes.size(), 84u);
  EXPECT_TRUE(stun::security_features(*response.nonce()).password_algorithms);
}

TEST_F(TurnRelayTest, AnswersOnlySoManyStrangersOfOneAddress) {
  auto configuration = defaults();
  configuration.unauthenticated = {.per_second = 1, .burst = 3};
  start(configuration);
  int answered = 0;
  for (int i = 0; i < 10; ++i) {
    TurnVoice stranger;
    answered += static_cast<int>(receive(stranger.request(Method::kAllocate, udp())).size());
  }
  EXPECT_EQ(answered, 3);
  EXPECT_EQ(relay->stats().dropped_rate_limited, 7u);
}

TEST_F(TurnRelayTest, TakesAPasswordThatIsRightAndNoOther) {
  TurnVoice wrong("alice", "looking-glass");
  EXPECT_EQ(code(wrong, Method::kAllocate, udp()), 401);
  TurnVoice nobody("queen", "of hearts");
  EXPECT_EQ(code(nobody, Method::kAllocate, udp()), 401);
  EXPECT_THAT(host.open, IsEmpty());
}

TEST_F(TurnRelayTest, TakesTimeLimitedNamesUntilTheyEnd) {
  auto configuration = defaults();
  configuration.users.clear();
  configuration.secret = "north";
  start(configuration);
  const auto good = stun::ephemeral_credential("north", "carol", 1'800'000'060);
  TurnVoice carol(good.username, good.password);
  EXPECT_EQ(code(carol, Method::kAllocate, udp()), 0);
  const auto old = stun::ephemeral_credential("north", "carol", 1'800'000'000);
  TurnVoice late(old.username, old.password);
  EXPECT_EQ(code(late, Method::kAllocate, udp(), endpoint("203.0.113.5:4001")), 401);
  const auto forged = stun::ephemeral_credential("south", "carol", 1'800'000'060);
  TurnVoice forger(forged.username, forged.password);
  EXPECT_EQ(code(forger, Method::kAllocate, udp(), endpoint("203.0.113.5:4002")), 401);
}

TEST_F(TurnRelayTest, TakesClientsThatOnlyKnowSha1AndMd5) {
  const auto challenge = receive(alice.request(Method::kAllocate, udp()));
  const Message asked = Message::parse(challenge.at(0).bytes).value();
  const stun::Key key = stun::long_term_key("alice", "floe", "wonderland").value();
  Packet space(512);
  stun::MessageBuilder request(space, Class::kRequest, Method::kAllocate, {9});
  request.add_requested_transport(17);
  request.add_text(AttributeType::kUsername, "alice");
  request.add_text(AttributeType::kRealm, "floe");
  request.add_text(AttributeType::kNonce, *asked.nonce());
  request.add_integrity_sha1(key);
  const auto sent = receive(to_vector(request.bytes()));
  const Message response = Message::parse(sent.at(0).bytes).value();
  EXPECT_EQ(response.cls(), Class::kSuccess);
  EXPECT_EQ(response.check_integrity_sha1(key), Message::Integrity::kOk);
  EXPECT_FALSE(response.has(AttributeType::kMessageIntegritySha256));
}

TEST_F(TurnRelayTest, CallsANonceStaleAfterItsTimeOrForAnotherClient) {
  ASSERT_EQ(allocate(), 0);
  now += 599s;
  EXPECT_EQ(code(alice, Method::kRefresh, nothing()), 0);
  EXPECT_EQ(relay->stats().stale_nonce, 0u);
  now += 2s;
  EXPECT_EQ(code(alice, Method::kRefresh, nothing()), 0) << "with the new nonce";
  EXPECT_EQ(relay->stats().stale_nonce, 1u);
  EXPECT_EQ(allocate(endpoint("203.0.113.5:4001")), 0);
  EXPECT_EQ(relay->stats().stale_nonce, 2u);
}

TEST_F(TurnRelayTest, AnswersARetransmittedAllocateAlikeAndASecondOneWith437) {
  ASSERT_EQ(allocate(), 0);
  const net::Endpoint first = *last().xor_relayed_address();
  const auto again = receive(alice.same_request(Method::kAllocate, udp()));
  EXPECT_EQ(Message::parse(again.at(0).bytes)->xor_relayed_address(), first);
  EXPECT_THAT(host.open, SizeIs(1));
  EXPECT_EQ(allocate(), 437);
}

TEST_F(TurnRelayTest, RefusesAnotherUserOnTheSameFiveTupleAndRequestsWithoutAllocation) {
  TurnVoice bob("bob", "builder");
  EXPECT_EQ(code(bob, Method::kRefresh, nothing()), 437);
  ASSERT_EQ(allocate(), 0);
  EXPECT_EQ(code(bob, Method::kRefresh, nothing()), 441);
  EXPECT_EQ(code(bob, Method::kCreatePermission, peer(kPeer)), 441);
}

TEST_F(TurnRelayTest, KeepsLifetimesBetweenTheDefaultAndTheMaximumAndEndsWhatIsNotRefreshed) {
  EXPECT_EQ(code(alice, Method::kAllocate,
                 [](stun::MessageBuilder& b) {
                   udp()(b);
                   lifetime(100'000)(b);
                 }),
            0);
  EXPECT_EQ(last().lifetime(), 3'600u);
  EXPECT_EQ(code(alice, Method::kRefresh, lifetime(1)), 0);
  EXPECT_EQ(last().lifetime(), 600u);
  EXPECT_EQ(relay->next_timeout(), now + 600s);
  pass(599s);
  EXPECT_THAT(host.open, SizeIs(1));
  pass(1s);
  EXPECT_THAT(host.open, IsEmpty());
  EXPECT_EQ(relay->stats().expired, 1u);
  EXPECT_EQ(relay->next_timeout(), kNever);
  ASSERT_EQ(allocate(), 0);
  EXPECT_EQ(code(alice, Method::kRefresh, lifetime(0)), 0);
  EXPECT_EQ(last().lifetime(), 0u);
  EXPECT_THAT(host.open, IsEmpty());
}

TEST_F(TurnRelayTest, SurvivesAJumpOfTenMinutes) {
  for (int i = 0; i < 20; ++i) {
    ASSERT_EQ(allocate({kClient.address, static_cast<std::uint16_t>(5000 + i)}), 0);
    now += 7s;
  }
  now += 10min;
  relay->handle_timeout(now, timed);
  EXPECT_GT(relay->next_timeout(), now);
  EXPECT_THAT(host.open, IsEmpty());
  EXPECT_EQ(relay->stats().allocations, 0u);
}

TEST_F(TurnRelayTest, RefusesWhatAnAllocateMayNotAskFor) {
  const auto with = [](const Add& more) {
    return [more](stun::MessageBuilder& b) {
      udp()(b);
      more(b);
    };
  };
  const auto family = [](AttributeType type, net::Family value) {
    return [=](stun::MessageBuilder& b) { b.add_address_family(type, value); };
  };
  constexpr auto kRequested = AttributeType::kRequestedAddressFamily;
  constexpr auto kAdditional = AttributeType::kAdditionalAddressFamily;
  EXPECT_EQ(code(alice, Method::kAllocate, nothing()), 400);
  EXPECT_EQ(code(alice, Method::kAllocate,
                 [](stun::MessageBuilder& b) { b.add_requested_transport(132); }),
            442);
  EXPECT_EQ(code(alice, Method::kAllocate,
                 with([](stun::MessageBuilder& b) { b.add_flag(AttributeType{0x7ffe}); })),
            420);
  EXPECT_THAT(last().unknown_attributes(), ElementsAre(AttributeType{0x7ffe}));
  EXPECT_EQ(code(alice, Method::kAllocate, with(family(kAdditional, net::Family::kIpv4))), 400);
  EXPECT_EQ(code(alice, Method::kAllocate, with([&](stun::MessageBuilder& b) {
                   family(kRequested, net::Family::kIpv6)(b);
                   family(kAdditional, net::Family::kIpv6)(b);
                 })),
            400);
  EXPECT_EQ(code(alice, Method::kAllocate, with([](stun::MessageBuilder& b) {
                   b.add_u64(AttributeType::kReservationToken, 1);
                   b.add_even_port({.reserve_next = false});
                 })),
            400);
  EXPECT_EQ(code(alice, Method::kAllocate, with([](stun::MessageBuilder& b) {
                   b.add_u64(AttributeType::kReservationToken, 1);
                 })),
            508);
  auto configuration = defaults();
  configuration.relay_addresses.pop_back();
  start(configuration);
  TurnVoice voice;
  EXPECT_EQ(code(voice, Method::kAllocate, with(family(kRequested, net::Family::kIpv6))), 440);
  EXPECT_EQ(code(voice, Method::kAllocate, with(family(kAdditional, net::Family::kIpv6))), 0);
  ASSERT_TRUE(last().address_error_code()) << "IPv4 alone, with the reason for it";
  EXPECT_EQ(last().address_error_code()->error.code, 440);
  EXPECT_EQ(last().address_error_code()->family, net::Family::kIpv6);
}

TEST_F(TurnRelayTest, GivesADualAllocationBothFamiliesThatEndOnTheirOwn) {
  ASSERT_EQ(code(alice, Method::kAllocate,
                 [](stun::MessageBuilder& b) {
                   udp()(b);
                   b.add_address_family(AttributeType::kAdditionalAddressFamily,
                                        net::Family::kIpv6);
                 }),
            0);
  EXPECT_TRUE(last().xor_relayed_address(0)->address.is_v4());
  EXPECT_TRUE(last().xor_relayed_address(1)->address.is_v6());
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("[2001:db8:7::1]:9")), 0);
  ASSERT_EQ(code(alice, Method::kRefresh,
                 [](stun::MessageBuilder& b) {
                   lifetime(0)(b);
                   b.add_address_family(AttributeType::kRequestedAddressFamily, net::Family::kIpv6);
                 }),
            0);
  EXPECT_THAT(host.open, SizeIs(1));
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("[2001:db8:7::1]:9")), 443);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer(kPeer)), 0);
}

TEST_F(TurnRelayTest, ReservesTheNextPortForWhoHasTheToken) {
  ASSERT_EQ(code(alice, Method::kAllocate,
                 [](stun::MessageBuilder& b) {
                   udp()(b);
                   b.add_even_port({.reserve_next = true});
                 }),
            0);
  const net::Endpoint even = *last().xor_relayed_address();
  EXPECT_EQ(even.port % 2, 0);
  const Packet token = to_vector(*last().reservation_token());
  const Add with_token = [&](stun::MessageBuilder& b) {
    udp()(b);
    b.add(AttributeType::kReservationToken, token);
  };
  TurnVoice bob("bob", "builder");
  EXPECT_EQ(code(bob, Method::kAllocate, with_token, endpoint("203.0.113.9:1")), 508);
  pass(29s);
  ASSERT_EQ(code(alice, Method::kAllocate, with_token, endpoint("203.0.113.5:4001")), 0);
  EXPECT_EQ(last().xor_relayed_address()->port, even.port + 1);
  EXPECT_EQ(code(alice, Method::kAllocate, with_token, endpoint("203.0.113.5:4002")), 508);
  pass(2s);
  EXPECT_THAT(host.open, SizeIs(2)) << "the reservation's end does not end who took it";
}

TEST_F(TurnRelayTest, LetsAReservationGoThatNobodyTakes) {
  ASSERT_EQ(code(alice, Method::kAllocate,
                 [](stun::MessageBuilder& b) {
                   udp()(b);
                   b.add_even_port({.reserve_next = true});
                 }),
            0);
  EXPECT_THAT(host.open, SizeIs(2));
  pass(30s);
  EXPECT_THAT(host.open, SizeIs(1));
}

TEST_F(TurnRelayTest, TriesOtherPortsWhenOneIsSomebodyElsesAndSaysWhenAllAre) {
  auto configuration = defaults();
  configuration.min_port = 50'000;
  configuration.max_port = 50'003;
  start(configuration);
  host.refused = {50'000, 50'001, 50'003};
  EXPECT_EQ(allocate(), 0);
  EXPECT_EQ(last().xor_relayed_address()->port, 50'002);
  EXPECT_EQ(allocate(endpoint("203.0.113.5:4001")), 508);
  host.refused.clear();
  for (std::uint16_t port = 1; port <= 3; ++port) {
    EXPECT_EQ(allocate({kClient.address, port}), 0) << "none was lost by the refusals";
  }
  EXPECT_EQ(allocate({kClient.address, 4}), 508);
}

TEST_F(TurnRelayTest, KeepsQuotasOfUsersAndOfAll) {
  auto configuration = defaults();
  configuration.max_allocations = 3;
  configuration.max_allocations_per_user = 2;
  start(configuration);
  EXPECT_EQ(allocate({kClient.address, 1}), 0);
  EXPECT_EQ(allocate({kClient.address, 2}), 0);
  EXPECT_EQ(allocate({kClient.address, 3}), 486);
  TurnVoice bob("bob", "builder");
  EXPECT_EQ(code(bob, Method::kAllocate, udp(), endpoint("203.0.113.9:1")), 0);
  EXPECT_EQ(code(bob, Method::kAllocate, udp(), endpoint("203.0.113.9:2")), 508);
  EXPECT_EQ(code(alice, Method::kRefresh, lifetime(0), {kClient.address, 1}), 0);
  EXPECT_EQ(allocate({kClient.address, 3}), 0);
}

TEST_F(TurnRelayTest, SendsNewClientsElsewhereWhenItIsFullOrToldTo) {
  auto configuration = defaults();
  configuration.max_allocations = 1;
  configuration.alternate_servers = {endpoint("[2001:db8::99]:3478"), endpoint("192.0.2.99:3478")};
  start(configuration);
  EXPECT_EQ(allocate({kClient.address, 1}), 0);
  EXPECT_EQ(allocate({kClient.address, 2}), 300);
  EXPECT_EQ(last().alternate_server(), endpoint("192.0.2.99:3478"));
  EXPECT_TRUE(last().has(AttributeType::kMessageIntegritySha256)) << "RFC 8489 section 14.8";
  configuration.always_redirect = true;
  start(configuration);
  TurnVoice voice;
  EXPECT_EQ(code(voice, Method::kAllocate, udp()), 300);
}

TEST(TurnRelayConfiguration, IsRefusedWithWhatIsWrongWithIt) {
  Host host;
  SeededRandom random(1);
  const auto error = [&](const std::function<void(TurnRelay::Configuration&)>& change) {
    TurnRelay::Configuration configuration;
    configuration.users = {{"a", "b"}};
    configuration.relay_addresses = {{net::Address::v4(192, 0, 2, 10), std::nullopt}};
    change(configuration);
    const auto created = TurnRelay::create(configuration, host, random);
    return created ? "" : created.error().message;
  };
  EXPECT_EQ(error([](auto&) {}), "");
  using ::testing::HasSubstr;
  EXPECT_THAT(error([](auto& c) { c.users.clear(); }), HasSubstr("serve nobody"));
  EXPECT_THAT(error([](auto& c) { c.users.push_back({"a", "c"}); }), HasSubstr("twice"));
  EXPECT_THAT(error([](auto& c) { c.relay_addresses.clear(); }), HasSubstr("relay from"));
  EXPECT_THAT(error([](auto& c) { c.relay_addresses[0].local = {}; }), HasSubstr("0.0.0.0"));
  EXPECT_THAT(error([](auto& c) { c.relay_addresses.push_back(c.relay_addresses[0]); }),
              HasSubstr("two relay addresses"));
  EXPECT_THAT(error([](auto& c) { c.min_port = 0; }), HasSubstr("not a range"));
  EXPECT_THAT(error([](auto& c) { c.realm.clear(); }), HasSubstr("realm"));
  EXPECT_THAT(error([](auto& c) { c.always_redirect = true; }), HasSubstr("alternate"));
}

}  // namespace
}  // namespace floe::server
