#include <gmock/gmock.h>

#include <array>

#include "tests/turn_client/scripted_server.h"

namespace floe::turn {
namespace {

using namespace std::chrono_literals;
using stun::AttributeType;
using stun::Method;
using ::testing::ElementsAre;

using TurnAllocation = TurnCall;

TEST_F(TurnAllocation, AnswersA401WithRealmAndNonceAndAllocates) {
  client->start(now);
  exchange();
  const auto allocated = take<Client::Allocated>();
  ASSERT_TRUE(allocated);
  EXPECT_THAT(allocated->relayed, ElementsAre(endpoint("198.51.100.7:50000")));
  EXPECT_EQ(allocated->mapped, endpoint("203.0.113.9:4000"));
  EXPECT_EQ(allocated->lifetime, 600s);
  EXPECT_FALSE(allocated->again);
  EXPECT_TRUE(client->allocated());

  const auto& requests = server.requests(Method::kAllocate);
  ASSERT_EQ(requests.size(), 2u);
  // RFC 8489 section 9.2.3.1: the first request carries no credentials.
  EXPECT_FALSE(requests[0].message().has(AttributeType::kMessageIntegrity));
  EXPECT_FALSE(requests[0].message().username());
  EXPECT_EQ(requests[1].message().requested_transport(), 17);
  EXPECT_EQ(requests[1].message().username(), "user");
  EXPECT_NE(requests[0].message().transaction_id(), requests[1].message().transaction_id());
  EXPECT_EQ(routes[0], (net::Route{kSocket, kServer, {}}));
  EXPECT_TRUE(events.empty());
}

TEST_F(TurnAllocation, StopsAfterOneRetryWithAWrongPassword) {
  configure({.credential = credential("user", "wrong")});
  client->start(now);
  run_for(1h);
  EXPECT_EQ(server.requests(Method::kAllocate).size(), 2u);
  const auto failed = take<Client::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->failure.code, 401);
  EXPECT_EQ(failed->failure.error.code, Errc::kPermissionDenied);
  EXPECT_EQ(failed->failure.error.message,
            "the server refuses the username or password for realm \"example.org\"");
  EXPECT_EQ(client->next_timeout(), kNever);
}

TEST_F(TurnAllocation, UsesSha256WhereTheServerOffersIt) {
  server.offers_sha256 = true;
  allocate();
  const stun::Message request = server.requests(Method::kAllocate).back().message();
  EXPECT_EQ(request.password_algorithm(), stun::PasswordAlgorithm::kSha256);
  EXPECT_TRUE(request.has(AttributeType::kMessageIntegritySha256));
  EXPECT_FALSE(request.has(AttributeType::kMessageIntegrity));
}

TEST_F(TurnAllocation, NeedsNoCredentialsWhereTheServerAsksForNone) {
  server.asks_for_credentials = false;
  allocate();
  EXPECT_EQ(server.requests(Method::kAllocate).size(), 1u);
}

TEST_F(TurnAllocation, SaysThatCredentialsAreMissing) {
  client.emplace(Client::create({.socket = kSocket, .server = kServer}, random).value());
  client->start(now);
  exchange();
  const auto failed = take<Client::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->failure.code, 401);
  EXPECT_EQ(failed->failure.error.message,
            "the TURN server asks for a username and password, and none were given");
}

TEST_F(TurnAllocation, ShowsAnAccessTokenInAllocateAndRefreshOnly) {
  const Packet key(20, 3);
  const Packet token(100, 9);
  configure({.credential =
                 stun::LongTermCredential::create_with_access_token("kid", key, token).value()});
  server.asks_for_credentials = false;
  const auto ask = [&](stun::MessageBuilder& b) {
    b.add_text(AttributeType::kRealm, "example.org");
    b.add_text(AttributeType::kNonce, "nonce");
    b.add_text(AttributeType::kThirdPartyAuthorization, "turn.example.org");
  };
  server.fail_next(Method::kAllocate, 401, ask);
  server.in_allocated = [&](stun::MessageBuilder& b) { b.add_integrity_sha1(key); };
  allocate();
  const auto& allocates = server.requests(Method::kAllocate);
  EXPECT_FALSE(allocates[0].message().access_token());
  EXPECT_EQ(to_vector(allocates[1].message().access_token().value()), token);
  EXPECT_EQ(allocates[1].message().check_integrity_sha1(key), stun::Message::Integrity::kOk);
  ASSERT_TRUE(client->permit(now, kPeer.address));
  exchange();
  EXPECT_FALSE(server.requests(Method::kCreatePermission)[0].message().access_token());
  client->refresh(now);
  exchange();
  EXPECT_TRUE(server.requests(Method::kRefresh)[0].message().access_token());
}

TEST_F(TurnAllocation, RetransmitsOverDatagramsAndTimesOut) {
  server.silent = true;
  client->start(now);
  run_for(1h);
  // RFC 8489 section 6.2.1: at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s; over at 39.5 s.
  const auto& requests = server.requests(Method::kAllocate);
  ASSERT_EQ(requests.size(), 7u);
  EXPECT_EQ(requests[6].at - kStart, 31'500ms);
  const auto failed = take<Client::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->failure.error.code, Errc::kTimedOut);
  EXPECT_EQ(failed->failure.error.message,
            "the TURN server 192.0.2.1:3478 does not answer Allocate requests");
  EXPECT_EQ(client->stats().timeouts, 1u);
}

TEST_F(TurnAllocation, LetsTheStreamRetransmit) {
  configure({.transport = stun::Transport::kStream});
  server.silent = true;
  client->start(now);
  run_for(1h);
  EXPECT_EQ(server.requests(Method::kAllocate).size(), 1u);
  EXPECT_TRUE(take<Client::Failed>());
}

TEST_F(TurnAllocation, EndsAtAnIcmpErrorForTheServer) {
  client->start(now);
  client->handle_unreachable(now, {Errc::kUnreachable, "connection refused"});
  exchange();
  EXPECT_EQ(take<Client::Failed>()->failure.error.message,
            "the TURN server cannot be reached: connection refused");
}

TEST_F(TurnAllocation, AsksForAnIpv6RelayOverIpv4) {
  configure({.family = net::Family::kIpv6});
  server.relayed = {endpoint("[2001:db8::7]:50000")};
  allocate();
  EXPECT_EQ(server.requests(Method::kAllocate)[1].message().requested_address_family(),
            net::Family::kIpv6);
  EXPECT_THAT(client->relayed(), ElementsAre(endpoint("[2001:db8::7]:50000")));
  const Result<> mismatch = client->permit(now, kPeer.address);
  ASSERT_FALSE(mismatch);
  EXPECT_EQ(mismatch.error().message,
            "the TURN allocation has no address of the family of 198.51.100.20");
}

TEST_F(TurnAllocation, GetsBothFamiliesInOneAllocation) {
  configure({.both_families = true});
  server.relayed = {endpoint("198.51.100.7:50000"), endpoint("[2001:db8::7]:50000")};
  allocate();
  const stun::Message request = server.requests(Method::kAllocate)[1].message();
  EXPECT_EQ(request.additional_address_family(), net::Family::kIpv6);
  EXPECT_FALSE(request.requested_address_family());
  EXPECT_EQ(client->relayed().size(), 2u);
  EXPECT_TRUE(client->permit(now, address("2001:db8::20")));
  EXPECT_TRUE(client->permit(now, kPeer.address));
}

TEST_F(TurnAllocation, MakesDoWithOneFamilyWhenTheOtherIsRefused) {
  configure({.both_families = true});
  server.in_allocated = [](stun::MessageBuilder& b) {
    b.add_address_error(net::Family::kIpv6, 440, "no");
  };
  ASSERT_TRUE(client->permit(now, address("2001:db8::20")));
  client->start(now);
  exchange();
  EXPECT_EQ(take<Client::Allocated>()->refused_family_code, 440);
  // Noted before the answer was known: refused as the server would.
  EXPECT_EQ(take<Client::PermissionFailed>()->failure.code, stun::kPeerAddressFamilyMismatch);
  // RFC 8656 section 7.3: MUST NOT retry its request for the rejected address type.
  server.restart();
  client->refresh(now);
  exchange();
  ASSERT_TRUE(client->allocated());
  EXPECT_FALSE(server.requests(Method::kAllocate).back().message().additional_address_family());
}

TEST_F(TurnAllocation, DeletesAnAllocationOfAFamilyItDidNotAskFor) {
  configure({.family = net::Family::kIpv6});
  client->start(now);
  run_for(10s);
  EXPECT_EQ(server.requests(Method::kRefresh).back().message().lifetime(), 0u);
  EXPECT_FALSE(server.has_allocation(now));
  EXPECT_EQ(take<Client::Failed>()->failure.error.code, Errc::kMalformed);
  EXPECT_FALSE(take<Client::Allocated>());
}

TEST_F(TurnAllocation, ReservesAPortAndTakesItLater) {
  const ReservationToken token{1, 2, 3, 4, 5, 6, 7, 8};
  configure({.even_port = stun::EvenPort{.reserve_next = true}});
  server.in_allocated = [&](stun::MessageBuilder& b) {
    b.add(AttributeType::kReservationToken, token);
  };
  client->start(now);
  exchange();
  EXPECT_TRUE(server.requests(Method::kAllocate)[1].message().even_port()->reserve_next);
  EXPECT_EQ(take<Client::Allocated>()->reservation_token, token);

  server.restart();
  configure({.reservation_token = token});
  allocate();
  const stun::Message second = server.requests(Method::kAllocate).back().message();
  EXPECT_EQ(to_vector(second.reservation_token().value()), to_vector(token));
  EXPECT_FALSE(second.even_port());
}

TEST_F(TurnAllocation, TriesWithoutEvenPortWhenTheServerHasNone) {
  configure({.even_port = stun::EvenPort{}});
  server.fail_next(Method::kAllocate, stun::kInsufficientCapacity);
  allocate();
  EXPECT_FALSE(server.requests(Method::kAllocate).back().message().even_port());
}

TEST_F(TurnAllocation, TriesWithoutDontFragmentWhereItIsUnknown) {
  configure({.dont_fragment = true});
  server.fail_next(Method::kAllocate, stun::kUnknownAttribute, [](stun::MessageBuilder& b) {
    b.add_unknown_attributes(std::array{AttributeType::kDontFragment});
  });
  client->start(now);
  exchange();
  EXPECT_FALSE(take<Client::Allocated>()->dont_fragment);
  EXPECT_FALSE(server.requests(Method::kAllocate).back().message().dont_fragment());
}

TEST_F(TurnAllocation, SaysWhoItIsAndHowLongItWantsToStay) {
  configure({.lifetime = 1'200s, .software = "floe test", .fingerprint = true});
  allocate();
  const stun::Message request = server.requests(Method::kAllocate).back().message();
  EXPECT_EQ(request.software(), "floe test");
  EXPECT_EQ(request.lifetime(), 1'200u);
  EXPECT_EQ(request.check_fingerprint(), stun::Message::Fingerprint::kOk);
}

TEST_F(TurnAllocation, RefusesCombinationsThatTheStandardsForbid) {
  const auto refused = [&](Client::Configuration configuration) {
    configuration.server = kServer;
    const Result<Client> client = Client::create(std::move(configuration), random);
    return client ? std::string() : client.error().message;
  };
  EXPECT_EQ(refused({.relay = RelayTransport::kTcp}),
            "a TCP relay needs a TCP or TLS connection to the TURN server");
  EXPECT_EQ(refused({.transport = stun::Transport::kStream,
                     .relay = RelayTransport::kTcp,
                     .dont_fragment = true}),
            "a TCP relay has no even_port, reservation_token or dont_fragment");
  EXPECT_EQ(refused({.family = net::Family::kIpv6, .both_families = true}),
            "family and both_families exclude each other");
  EXPECT_EQ(refused({.both_families = true, .even_port = stun::EvenPort{.reserve_next = true}}),
            "both_families and a reserved next port exclude each other");
  EXPECT_EQ(refused({.family = net::Family::kIpv4, .reservation_token = ReservationToken{}}),
            "reservation_token excludes family, both_families and even_port");
  EXPECT_EQ(refused({.lifetime = 0s}), "the lifetime is not between 1 and 2147483647 seconds");
}

TEST_F(TurnAllocation, GoesToTheAlternateServerWithTheSamePassword) {
  ScriptedServer alternate;
  alternate.realm = "other.example.org";
  const net::Endpoint there = endpoint("192.0.2.2:3478");
  others[there] = &alternate;
  server.fail_next(Method::kAllocate, stun::kTryAlternate, [&](stun::MessageBuilder& b) {
    b.add_address(AttributeType::kAlternateServer, there);
    b.add_text(AttributeType::kAlternateDomain, "turn2.example.org");
  });
  EXPECT_FALSE(client->follow_redirect(now, kSocket));
  client->start(now);
  exchange();
  const auto redirected = take<Client::Redirected>();
  ASSERT_TRUE(redirected);
  EXPECT_EQ(redirected->server, there);
  EXPECT_EQ(redirected->domain, "turn2.example.org");
  EXPECT_TRUE(redirected->authenticated);
  EXPECT_EQ(client->next_timeout(), kNever);  // The driver decides.

  ASSERT_TRUE(client->follow_redirect(now, kSocket));
  exchange();
  EXPECT_TRUE(client->allocated());
  EXPECT_EQ(client->server(), there);
  // Realm and nonce are each server's own.
  EXPECT_FALSE(alternate.requests(Method::kAllocate)[0].message().realm());
  EXPECT_EQ(alternate.requests(Method::kAllocate)[1].message().realm(), "other.example.org");
}

TEST_F(TurnAllocation, StopsAtARedirectionLoop) {
  ScriptedServer alternate;
  const net::Endpoint there = endpoint("192.0.2.2:3478");
  others[there] = &alternate;
  const auto point_to = [](const net::Endpoint& to) {
    return [=](stun::MessageBuilder& b) { b.add_address(AttributeType::kAlternateServer, to); };
  };
  server.fail_next(Method::kAllocate, stun::kTryAlternate, point_to(there), 1'000);
  alternate.fail_next(Method::kAllocate, stun::kTryAlternate, point_to(kServer), 1'000);
  client->start(now);
  exchange();
  ASSERT_TRUE(client->follow_redirect(now, kSocket));
  exchange();
  EXPECT_EQ(take<Client::Failed>()->failure.error.message,
            "the TURN servers redirect in a loop, back to 192.0.2.1:3478");
  EXPECT_EQ(server.requests(Method::kAllocate).size(), 2u);
}

TEST_F(TurnAllocation, FollowsOnlySoManyRedirections) {
  // Each server knows yet another one.
  std::uint16_t port = 4'000;
  for (int i = 0; i < 20; ++i) {
    server.fail_next(Method::kAllocate, stun::kTryAlternate, [&](stun::MessageBuilder& b) {
      b.add_address(AttributeType::kAlternateServer, {kServer.address, ++port});
    });
    if (i == 0) client->start(now);
    exchange();
    if (take<Client::Failed>()) break;
    ASSERT_TRUE(client->follow_redirect(now, kSocket));
  }
  EXPECT_EQ(client->stats().redirects, Client::kMaxRedirects);
}

TEST_F(TurnAllocation, DoesNotGoToAnAlternateServerOfNoUse) {
  for (const std::string_view there : {"192.0.2.2:0", "0.0.0.0:3478", "[2001:db8::1]:3478"}) {
    configure({});
    server.fail_next(Method::kAllocate, stun::kTryAlternate, [&](stun::MessageBuilder& b) {
      b.add_address(AttributeType::kAlternateServer, endpoint(there));
    });
    client->start(now);
    exchange();
    const auto failed = take<Client::Failed>();
    ASSERT_TRUE(failed) << there;
    EXPECT_EQ(failed->failure.error.message, "the TURN server redirects without a usable address");
  }
}

}  // namespace
}  // namespace floe::turn
