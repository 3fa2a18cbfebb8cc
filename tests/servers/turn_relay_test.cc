#include "floe/servers/turn/turn_relay.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>

#include "floe/stun_client/ephemeral_credential.h"
#include "tests/servers/turn_messages.h"

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

constexpr Time kStart{std::chrono::hours(1)};
constexpr net::SocketId kListener{3};
const net::Endpoint kClient = endpoint("203.0.113.5:4000");
const char* const kPeer = "198.51.100.7:5000";

/// Sockets that are only written down.
class Host final : public RelayHost {
 public:
  Result<net::SocketId> open_relay(const net::Endpoint& local, bool dont_fragment) override {
    ++opens;
    if (refused.contains(local.port)) return fail(Errc::kAddressInUse, "taken");
    if (dont_fragment) ++with_dont_fragment;
    const net::SocketId id{++last};
    open[id] = local;
    return id;
  }
  void close_relay(net::SocketId socket) override { EXPECT_EQ(open.erase(socket), 1u); }
  std::chrono::sys_seconds wall_clock() const override {
    return std::chrono::sys_seconds(1'800'000'000s);
  }

  std::map<net::SocketId, net::Endpoint> open;
  std::set<std::uint16_t> refused;
  int opens = 0;
  int with_dont_fragment = 0;
  std::uint32_t last = 100;
};

class TurnRelayTest : public ::testing::Test {
 protected:
  static TurnRelay::Configuration defaults() {
    TurnRelay::Configuration configuration;
    configuration.users = {{"alice", "wonderland"}, {"bob", "builder"}};
    configuration.relay_addresses = {{net::Address::v4(192, 0, 2, 10), std::nullopt},
                                     {*net::Address::parse("2001:db8::10"), std::nullopt}};
    return configuration;
  }
  void start(TurnRelay::Configuration configuration) {
    host = {};
    auto created = TurnRelay::create(std::move(configuration), host, random);
    ASSERT_TRUE(created) << created.error().message;
    relay = std::move(*created);
    relay->add_socket(kListener, TurnTransport::kUdp);
  }
  void SetUp() override { start(defaults()); }

  struct Sent {
    net::Route route;
    Packet bytes;
  };
  /// All that leaves when `packet` arrives.
  std::vector<Sent> receive(Packet packet, const net::Endpoint& from = kClient,
                            net::SocketId on = kListener) {
    net::SendBatch batch;
    relay->handle_packet(now, {packet, from, on}, batch);
    std::vector<Sent> sent;
    for (const auto& run : batch.runs()) {
      for (std::size_t i = 0; i < run.segments; ++i) {
        sent.push_back({run.route, to_vector(batch.packet(run, i))});
      }
    }
    return sent;
  }
  /// The response's bytes; a challenge is answered.
  Packet ask(TurnVoice& voice, Method method, const Add& add, const net::Endpoint& from = kClient) {
    for (int tries = 0; tries < 3; ++tries) {
      const std::vector<Sent> sent = receive(voice.request(method, add), from);
      if (sent.size() != 1) return {};
      EXPECT_EQ(sent[0].route.destination, from);
      const Result<Message> response = Message::parse(sent[0].bytes);
      const stun::Verdict verdict = voice.hear(*response);
      if (verdict == stun::Verdict::kRetry) continue;
      last_verdict = verdict;
      return sent[0].bytes;
    }
    return {};
  }
  /// 0 for success, else the error code.
  int code(TurnVoice& voice, Method method, const Add& add, const net::Endpoint& from = kClient) {
    answer = ask(voice, method, add, from);
    const Result<Message> response = Message::parse(answer);
    if (!response) return -1;
    if (response->cls() == Class::kSuccess) return 0;
    return response->error_code() ? response->error_code()->code : -1;
  }
  Message last() { return Message::parse(answer).value(); }
  int allocate(const net::Endpoint& from = kClient) {
    return code(alice, Method::kAllocate, udp(), from);
  }
  net::SocketId relay_socket() { return host.open.begin()->first; }
  std::vector<Sent> from_peer(std::string_view payload, std::string_view source = kPeer) {
    return receive(to_vector(as_bytes(payload)), endpoint(source), relay_socket());
  }
  void pass(Duration duration) {
    const Time end = now + duration;
    while (relay->next_timeout() <= end) {
      now = std::max(now, relay->next_timeout());
      relay->handle_timeout(now);
      ASSERT_GT(relay->next_timeout(), now);
    }
    now = end;
  }

  SeededRandom random{1};
  Host host;
  std::unique_ptr<TurnRelay> relay;
  TurnVoice alice;
  Time now = kStart;
  Packet answer;
  stun::Verdict last_verdict{};
};

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
  relay->handle_timeout(now);
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

TEST_F(TurnRelayTest, RefusesPeersThatOnlyANeighbourCouldReach) {
  ASSERT_EQ(code(alice, Method::kAllocate,
                 [](stun::MessageBuilder& b) {
                   udp()(b);
                   b.add_address_family(AttributeType::kAdditionalAddressFamily,
                                        net::Family::kIpv6);
                 }),
            0);
  for (const char* refused : {"127.0.0.1:1",     "10.1.2.3:1",         "192.168.0.1:1",
                              "172.16.0.1:1",    "100.64.0.1:1",       "169.254.1.1:1",
                              "224.0.0.1:1",     "255.255.255.255:1",  "0.0.0.0:1",
                              "0.1.2.3:1",       "240.0.0.1:1",        "[::1]:1",
                              "[::]:1",          "[fe80::1]:1",        "[fd00::1]:1",
                              "[ff02::1]:1",     "[::ffff:8.8.8.8]:1", "[2002:808:808::1]:1",
                              "[2001:0:1::1]:1", "[64:ff9b::7f00:1]:1"}) {
    EXPECT_EQ(code(alice, Method::kCreatePermission, peer(refused)), 403) << refused;
    EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4000, refused)), 403) << refused;
  }
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("[64:ff9b::808:808]:1")), 0);
  EXPECT_EQ(code(alice, Method::kCreatePermission,
                 [](stun::MessageBuilder& b) {
                   peer(kPeer)(b);
                   peer("10.0.0.1:1")(b);
                 }),
            403);
  EXPECT_TRUE(receive(TurnVoice::send_indication(kPeer, "x", nothing())).empty())
      << "all of a request's permissions or none";
}

TEST_F(TurnRelayTest, LetsItsOwnRelaysMeetButNothingElseOnTheMachineBeReached) {
  auto configuration = defaults();
  configuration.own_addresses = {net::Address::v4(192, 0, 2, 20)};
  start(configuration);
  ASSERT_EQ(allocate(endpoint("203.0.113.6:1")), 0);
  const std::string other = last().xor_relayed_address()->to_string();
  ASSERT_EQ(allocate(), 0);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("192.0.2.20:3478")), 403);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer(other)), 0);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4000, other)), 0);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4001, "192.0.2.10:22")), 403);
  EXPECT_THAT(receive(TurnVoice::send_indication(other, "x", nothing())), SizeIs(1));
  EXPECT_THAT(receive(TurnVoice::send_indication("192.0.2.10:22", "x", nothing())), IsEmpty());
}

TEST_F(TurnRelayTest, ObeysTheOperatorsRangesBeforeItsOwn) {
  auto configuration = defaults();
  configuration.peers.allow = {*AddressRange::parse("10.0.0.0/8")};
  configuration.peers.deny = {*AddressRange::parse("10.1.0.0/16"),
                              *AddressRange::parse("198.51.100.0/25")};
  start(configuration);
  ASSERT_EQ(allocate(), 0);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("10.2.0.1:1")), 0);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("10.1.0.1:1")), 403);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("198.51.100.127:1")), 403);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("198.51.100.128:1")), 0);
}

TEST_F(TurnRelayTest, RelaysSendIndicationsToPermittedPeersAndTheirAnswersBack) {
  ASSERT_EQ(allocate(), 0);
  EXPECT_THAT(receive(TurnVoice::send_indication(kPeer, "hi", nothing())), IsEmpty());
  EXPECT_THAT(from_peer("unasked"), IsEmpty());
  EXPECT_EQ(relay->stats().dropped_no_permission, 2u);
  ASSERT_EQ(code(alice, Method::kCreatePermission, peer(kPeer)), 0);

  const auto out = receive(TurnVoice::send_indication(kPeer, "hi", nothing()));
  ASSERT_THAT(out, SizeIs(1));
  EXPECT_EQ(out[0].route, (net::Route{relay_socket(), endpoint(kPeer), {}}));
  EXPECT_EQ(as_text(out[0].bytes), "hi");

  const auto back = from_peer("hello", "198.51.100.7:6000");
  ASSERT_THAT(back, SizeIs(1)) << "the port does not matter";
  EXPECT_EQ(back[0].route, (net::Route{kListener, kClient, {}}));
  const Message indication = Message::parse(back[0].bytes).value();
  EXPECT_EQ(indication.cls(), Class::kIndication);
  EXPECT_EQ(indication.method(), Method::kData);
  EXPECT_EQ(indication.xor_peer_address(), endpoint("198.51.100.7:6000"));
  EXPECT_EQ(as_text(*indication.data()), "hello");

  pass(299s);
  EXPECT_THAT(from_peer("still"), SizeIs(1));
  pass(1s);
  EXPECT_THAT(from_peer("late"), IsEmpty());
  EXPECT_THAT(receive(TurnVoice::send_indication(kPeer, "late", nothing())), IsEmpty());
}

TEST_F(TurnRelayTest, SetsTheDontFragmentBitForAllocationsThatAskAndDropsPacketsOfOthersThatDo) {
  const Add dont_fragment = [](stun::MessageBuilder& b) {
    b.add_flag(AttributeType::kDontFragment);
  };
  ASSERT_EQ(allocate(), 0);
  ASSERT_EQ(code(alice, Method::kCreatePermission, peer(kPeer)), 0);
  EXPECT_THAT(receive(TurnVoice::send_indication(kPeer, "x", dont_fragment)), IsEmpty());
  EXPECT_EQ(relay->stats().dropped_dont_fragment, 1u);
  EXPECT_EQ(host.with_dont_fragment, 0);
  const net::Endpoint other = endpoint("203.0.113.5:4001");
  ASSERT_EQ(code(
                alice, Method::kAllocate,
                [&](stun::MessageBuilder& b) {
                  udp()(b);
                  dont_fragment(b);
                },
                other),
            0);
  EXPECT_EQ(host.with_dont_fragment, 1);
  ASSERT_EQ(code(alice, Method::kCreatePermission, peer(kPeer), other), 0);
  EXPECT_THAT(receive(TurnVoice::send_indication(kPeer, "x", dont_fragment), other), SizeIs(1));
}

TEST_F(TurnRelayTest, RelaysATrainOnAChannelAsOneRunInEachDirection) {
  ASSERT_EQ(allocate(), 0);
  ASSERT_EQ(code(alice, Method::kChannelBind, channel(0x4001, kPeer)), 0);
  const std::string payload(1'000, 'x');
  net::SendBatch batch;
  for (int i = 0; i < 30; ++i) {
    Packet packet = TurnVoice::channel_data(0x4001, payload);
    relay->handle_packet(now, {packet, kClient, kListener}, batch);
  }
  ASSERT_THAT(batch.runs(), SizeIs(1));
  EXPECT_EQ(batch.runs()[0].segments, 30u);
  EXPECT_EQ(batch.runs()[0].route, (net::Route{relay_socket(), endpoint(kPeer), {}}));
  EXPECT_EQ(as_text(batch.packet(batch.runs()[0], 29)), payload);

  net::SendBatch back;
  for (int i = 0; i < 30; ++i) {
    Packet packet = to_vector(as_bytes(payload));
    relay->handle_packet(now, {packet, endpoint(kPeer), relay_socket()}, back);
  }
  ASSERT_THAT(back.runs(), SizeIs(1));
  EXPECT_EQ(to_vector(back.packet(back.runs()[0], 7)), TurnVoice::channel_data(0x4001, payload));
  EXPECT_EQ(relay->stats().bytes_to_peers, 30'000u);
  EXPECT_EQ(relay->stats().bytes_to_clients, 30'000u);
}

TEST_F(TurnRelayTest, StopsRelayingOnAChannelTheMomentWhatItStandsOnEnds) {
  ASSERT_EQ(allocate(), 0);
  ASSERT_EQ(code(alice, Method::kChannelBind, channel(0x4001, kPeer)), 0);
  EXPECT_THAT(from_peer("in time"), SizeIs(1));
  pass(300s);
  EXPECT_THAT(from_peer("the permission is gone"), IsEmpty());
  EXPECT_THAT(receive(TurnVoice::channel_data(0x4001, "the channel is not")), SizeIs(1));
  ASSERT_EQ(code(alice, Method::kRefresh, nothing()), 0);
  pass(300s);
  EXPECT_THAT(receive(TurnVoice::channel_data(0x4001, "now it is")), IsEmpty());
  ASSERT_EQ(code(alice, Method::kChannelBind, channel(0x4001, "198.51.100.8:1")), 0);
  EXPECT_THAT(receive(TurnVoice::channel_data(0x4001, "another")), SizeIs(1));
  ASSERT_EQ(code(alice, Method::kRefresh, lifetime(0)), 0);
  EXPECT_THAT(receive(TurnVoice::channel_data(0x4001, "nobody's")), IsEmpty());
  EXPECT_EQ(relay->stats().dropped_no_allocation, 1u);
}

TEST_F(TurnRelayTest, BindsOneChannelToOnePeer) {
  ASSERT_EQ(allocate(), 0);
  ASSERT_EQ(code(alice, Method::kChannelBind, channel(0x4001, kPeer)), 0);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4001, kPeer)), 0);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4001, "198.51.100.8:1")), 400);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4002, kPeer)), 400);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x3fff, "198.51.100.8:1")), 400);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x8000, "198.51.100.8:1")), 400);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x7fff, "198.51.100.8:1")), 0);
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4003, "[2001:db8::1]:1")), 443);
  EXPECT_EQ(code(alice, Method::kChannelBind, peer(kPeer)), 400);
  EXPECT_EQ(code(alice, Method::kCreatePermission, nothing()), 400);
}

TEST_F(TurnRelayTest, CarriesDatagramsWithoutPayload) {
  ASSERT_EQ(allocate(), 0);
  ASSERT_EQ(code(alice, Method::kChannelBind, channel(0x4001, kPeer)), 0);
  const auto out = receive(TurnVoice::channel_data(0x4001, ""));
  ASSERT_THAT(out, SizeIs(1));
  EXPECT_THAT(out[0].bytes, IsEmpty());
  EXPECT_EQ(from_peer("").at(0).bytes, TurnVoice::channel_data(0x4001, ""));
}

TEST_F(TurnRelayTest, BoundsThePermissionsAndChannelsOfOneAllocation) {
  ASSERT_EQ(allocate(), 0);
  const auto nth = [](std::size_t i) {
    return "198.51." + std::to_string(i / 200) + "." + std::to_string(i % 200 + 1) + ":9";
  };
  for (std::size_t i = 0; i < Allocation::kMaxChannels; ++i) {
    const auto number = static_cast<std::uint16_t>(0x4000 + i);
    ASSERT_EQ(code(alice, Method::kChannelBind, channel(number, nth(i))), 0);
  }
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4abc, "203.0.113.77:1")), 508);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("203.0.113.77:1")), 508);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer(nth(3))), 0) << "one that is there";
  pass(301s);
  EXPECT_EQ(code(alice, Method::kCreatePermission, peer("203.0.113.77:1")), 0);
}

TEST_F(TurnRelayTest, TellsTheExternalAddressBehindAOneToOneNatAndRecognizesItInPeers) {
  auto configuration = defaults();
  configuration.relay_addresses = {
      {net::Address::v4(10, 0, 0, 5), net::Address::v4(192, 0, 2, 10)}};
  start(configuration);
  ASSERT_EQ(allocate(endpoint("203.0.113.6:1")), 0);
  const net::Endpoint other = *last().xor_relayed_address();
  EXPECT_EQ(other.address, net::Address::v4(192, 0, 2, 10));
  EXPECT_EQ(host.open.begin()->second, (net::Endpoint{net::Address::v4(10, 0, 0, 5), other.port}));
  ASSERT_EQ(allocate(), 0);
  ASSERT_EQ(code(alice, Method::kCreatePermission, peer(other.to_string())), 0);
  const auto out = receive(TurnVoice::send_indication(other.to_string(), "x", nothing()));
  ASSERT_THAT(out, SizeIs(1));
  EXPECT_EQ(out[0].route.destination, host.open.begin()->second);
  const auto back = receive({1, 2}, host.open.begin()->second, host.open.rbegin()->first);
  ASSERT_THAT(back, SizeIs(1));
  EXPECT_EQ(Message::parse(back[0].bytes)->xor_peer_address(), other);
}

TEST_F(TurnRelayTest, AnswersBindingRequestsAndDropsWhatItCannotRead) {
  Packet space(64);
  stun::MessageBuilder binding(space, Class::kRequest, Method::kBinding, {1});
  const auto sent = receive(to_vector(binding.bytes()));
  EXPECT_EQ(Message::parse(sent.at(0).bytes)->xor_mapped_address(), kClient);
  for (const Packet& junk :
       std::vector<Packet>{{}, {0}, {0x40}, {0x40, 0, 0, 9, 1}, {0x80, 1}, {0, 3, 0, 0}}) {
    EXPECT_THAT(receive(junk), IsEmpty());
  }
  EXPECT_EQ(relay->stats().dropped_malformed, 6u);
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
