#include <gmock/gmock.h>

#include <array>

#include "tests/turn_client/scripted_server.h"

// Servers that lie, and packets that no server sent.
namespace floe::turn {
namespace {

using namespace std::chrono_literals;
using stun::AttributeType;
using stun::Method;

class TurnRefusal : public TurnCall {
 protected:
  /// The client's one packet of this moment.
  Packet transmitted() {
    net::SendBatch batch;
    client->poll_transmit(now, batch);
    EXPECT_EQ(batch.packets(), 1u);
    return batch.empty() ? Packet() : to_vector(batch.packet(batch.runs()[0], 0));
  }
};

TEST_F(TurnRefusal, StopsAtAServerWithANewNonceEachTime) {
  allocate();
  // 438 to whatever is asked, with a nonce that is stale at once.
  int nonces = 0;
  const auto stale = [&](stun::MessageBuilder& b) {
    b.add_text(AttributeType::kRealm, "example.org");
    b.add_text(AttributeType::kNonce, "endless-" + std::to_string(++nonces));
  };
  server.asks_for_credentials = false;
  for (const Method method : {Method::kAllocate, Method::kRefresh, Method::kCreatePermission}) {
    server.fail_next(method, stun::kStaleNonce, stale, 1'000'000);
  }
  ASSERT_TRUE(client->permit(now, kPeer.address));
  run_for(24h);
  EXPECT_TRUE(take<Client::Lost>());
  EXPECT_TRUE(take<Client::Failed>());
  EXPECT_LT(client->stats().requests_sent, 100u);
  EXPECT_EQ(client->next_timeout(), kNever);
}

TEST_F(TurnRefusal, StopsAtAServerWithANewRealmEachTime) {
  server.asks_for_credentials = false;
  int realms = 0;
  server.fail_next(
      Method::kAllocate, stun::kUnauthenticated,
      [&](stun::MessageBuilder& b) {
        b.add_text(AttributeType::kRealm, "realm-" + std::to_string(++realms));
        b.add_text(AttributeType::kNonce, "nonce");
      },
      1'000'000);
  client->start(now);
  run_for(1h);
  EXPECT_EQ(take<Client::Failed>()->failure.error.code, Errc::kLimitExceeded);
  EXPECT_EQ(server.requests(Method::kAllocate).size(), 1u + stun::LongTermCredential::kMaxRetries);
}

TEST_F(TurnRefusal, WaitsForTheRightResponseBehindForgedOnes) {
  allocate();
  ASSERT_TRUE(client->permit(now, kPeer.address));
  const Packet request = transmitted();
  // An error and a success, neither signed, and one signed with another key.
  std::array<std::uint8_t, 512> space;
  for (const bool success : {false, true}) {
    for (const bool has_integrity : {false, true}) {
      stun::MessageBuilder forged(space, success ? stun::Class::kSuccess : stun::Class::kError,
                                  stun::Message::parse(request).value());
      if (!success) forged.add_error(stun::kAllocationMismatch, "forged");
      if (has_integrity) forged.add_integrity_sha1(as_bytes("another key"));
      EXPECT_EQ(receive(to_vector(forged.bytes())).kind, Received::Kind::kConsumed);
    }
  }
  EXPECT_EQ(client->stats().dropped_unauthentic, 4u);
  EXPECT_TRUE(events.empty());
  EXPECT_FALSE(client->route(kPeer));
  receive(server.handle(now, request).value());
  EXPECT_TRUE(take<Client::PermissionGranted>());
}

TEST_F(TurnRefusal, SaysSoWhenAllResponsesAreForged) {
  server.forge_next(Method::kAllocate, 1'000);
  client->start(now);
  run_for(1min);
  EXPECT_EQ(take<Client::Failed>()->failure.error.message,
            "all responses of the TURN server 192.0.2.1:3478 fail their integrity check");
  // Over a stream nobody can have slipped a packet in: it ends at the first (RFC 8489 9.2.5).
  configure({.transport = stun::Transport::kStream});
  server.restart();
  client->start(now);
  exchange();
  EXPECT_EQ(take<Client::Failed>()->failure.error.code, Errc::kVerificationFailed);
}

TEST_F(TurnRefusal, TakesPacketsFromItsServerAndSocketOnly) {
  allocate();
  ASSERT_TRUE(client->permit(now, kPeer.address));
  exchange();
  Packet data = ScriptedServer::data_indication(kPeer, Packet(4, 1));
  EXPECT_EQ(client->handle_packet(now, {data, endpoint("192.0.2.1:3479"), kSocket}).kind,
            Received::Kind::kNotOurs);
  EXPECT_EQ(client->handle_packet(now, {data, kServer, net::SocketId{99}}).kind,
            Received::Kind::kNotOurs);
  EXPECT_EQ(client->handle_packet(now, {data, kServer, kSocket}).kind, Received::Kind::kRelayed);
}

TEST_F(TurnRefusal, LeavesWhatIsNotTurnToOthers) {
  allocate();
  std::array<std::uint8_t, 64> space;
  stun::MessageBuilder binding(space, stun::Class::kSuccess, Method::kBinding, {1});
  EXPECT_EQ(receive(to_vector(binding.bytes())).kind, Received::Kind::kNotOurs);
  stun::MessageBuilder request(space, stun::Class::kRequest, Method::kAllocate, {1});
  EXPECT_EQ(receive(to_vector(request.bytes())).kind, Received::Kind::kNotOurs);
  EXPECT_EQ(receive({22, 254, 253, 0}).kind, Received::Kind::kNotOurs);  // DTLS
  EXPECT_EQ(receive({0x80, 0, 0, 0}).kind, Received::Kind::kNotOurs);    // RTP
  EXPECT_EQ(receive({}).kind, Received::Kind::kNotOurs);
}

TEST_F(TurnRefusal, CountsWhatItDrops) {
  allocate();
  const auto dropped = [&](Packet packet) {
    EXPECT_EQ(receive(std::move(packet)).kind, Received::Kind::kConsumed);
  };
  // A response nobody waits for.
  std::array<std::uint8_t, 128> space;
  stun::MessageBuilder late(space, stun::Class::kSuccess, Method::kRefresh, {1});
  dropped(to_vector(late.bytes()));
  EXPECT_EQ(client->stats().dropped_unknown_transaction, 1u);
  // ChannelData: shorter than its header, longer than the packet, on no channel.
  dropped({0x40, 0, 0});
  dropped({0x40, 0, 0, 5, 1, 2, 3, 4});
  EXPECT_EQ(client->stats().dropped_malformed, 2u);
  dropped({0x40, 0, 0, 1, 1});
  EXPECT_EQ(client->stats().dropped_unknown_channel, 1u);
  // Data from where nothing may come, without an address, without data.
  dropped(ScriptedServer::data_indication(kPeer, Packet(3, 1)));
  EXPECT_EQ(client->stats().dropped_no_permission, 1u);
  dropped(ScriptedServer::indication(
      Method::kData, [](stun::MessageBuilder& b) { b.add(AttributeType::kData, Packet(3, 1)); }));
  dropped(ScriptedServer::indication(Method::kData, [&](stun::MessageBuilder& b) {
    b.add_xor_address(AttributeType::kXorPeerAddress, kPeer);
  }));
  // An attribute that runs past the end, a wrong fingerprint.
  Packet broken = ScriptedServer::data_indication(kPeer, Packet(4, 1));
  broken[35] = 200;
  dropped(broken);
  EXPECT_EQ(client->stats().dropped_malformed, 5u);
  Packet marked = ScriptedServer::indication(Method::kData, [&](stun::MessageBuilder& b) {
    b.add_xor_address(AttributeType::kXorPeerAddress, kPeer);
    b.add(AttributeType::kData, Packet(4, 1));
    b.add_fingerprint();
  });
  marked.back() ^= 1;
  dropped(marked);
  EXPECT_EQ(client->stats().dropped_bad_fingerprint, 1u);
  EXPECT_TRUE(events.empty());
}

TEST_F(TurnRefusal, FailsWhenOversizedRealmAndNonceLeaveNoRoom) {
  // Each is as long as RFC 8489 section 14 lets a receiver take it, with a token on top.
  server.asks_for_credentials = false;
  configure({.credential = stun::LongTermCredential::create_with_access_token(
                               std::string(508, 'k'), Packet(20, 1), Packet(512, 2))
                               .value()});
  server.fail_next(Method::kAllocate, stun::kUnauthenticated, [](stun::MessageBuilder& b) {
    b.add_text(AttributeType::kRealm, std::string(763, 'r'));
    b.add_text(AttributeType::kNonce, std::string(763, 'n'));
    b.add_text(AttributeType::kThirdPartyAuthorization, "turn.example.org");
  });
  client->start(now);
  exchange();
  EXPECT_EQ(take<Client::Failed>()->failure.error.message,
            "Allocate request: username, realm, nonce and token together do not fit in 2560 bytes");
}

TEST_F(TurnRefusal, TakesNoUnusableRelayedAddress) {
  for (const std::string_view relayed : {"0.0.0.0:50000", "198.51.100.7:0", "224.0.0.1:5000"}) {
    configure({});
    server.restart();
    server.relayed = {endpoint(relayed)};
    client->start(now);
    run_for(5s);
    EXPECT_TRUE(take<Client::Failed>()) << relayed;
    EXPECT_FALSE(server.has_allocation(now)) << relayed;
  }
}

TEST_F(TurnRefusal, RefusesAResponseItDoesNotUnderstand) {
  server.in_allocated = [](stun::MessageBuilder& b) {
    b.add_u32(static_cast<AttributeType>(0x7fff), 1);
  };
  client->start(now);
  exchange();
  EXPECT_EQ(take<Client::Failed>()->failure.error.code, Errc::kUnsupported);
}

TEST_F(TurnRefusal, EndsAtEachErrorThatTheStandardSaysNotToRetry) {
  for (const std::uint16_t code :
       {stun::kBadRequest, stun::kForbidden, stun::kUnknownAttribute,
        stun::kAddressFamilyNotSupported, stun::kWrongCredentials, stun::kUnsupportedTransport,
        stun::kAllocationQuotaReached, stun::kInsufficientCapacity}) {
    configure({});
    server.restart();
    server.fail_next(Method::kAllocate, code);
    const std::size_t before = server.requests(Method::kAllocate).size();
    client->start(now);
    run_for(10min);
    const auto failed = take<Client::Failed>();
    ASSERT_TRUE(failed) << code;
    EXPECT_EQ(failed->failure.code, code);
    EXPECT_EQ(server.requests(Method::kAllocate).size(), before + 2) << code;
  }
}

TEST_F(TurnRefusal, TellsAnExpiredPasswordFromAServerThatForgot) {
  allocate();
  server.password = "changed meanwhile";
  client->refresh(now);
  run_for(1min);
  EXPECT_TRUE(take<Client::Lost>());
  EXPECT_EQ(take<Client::Failed>()->failure.code, 401);
}

TEST_F(TurnRefusal, KeepsAFewEventsOfAFloodAndCountsTheRest) {
  allocate();
  ASSERT_TRUE(client->permit(now, kPeer.address));
  exchange();
  events.clear();
  Packet icmp = ScriptedServer::indication(Method::kData, [&](stun::MessageBuilder& b) {
    b.add_xor_address(AttributeType::kXorPeerAddress, kPeer);
    b.add_icmp({.type = 3, .code = 3});
  });
  for (int i = 0; i < 10'000; ++i) client->handle_packet(now, {icmp, kServer, kSocket});
  std::size_t kept = 0;
  while (client->poll_event()) ++kept;
  EXPECT_EQ(kept, Client::kMaxEvents);
  EXPECT_EQ(client->stats().dropped_events, 10'000 - Client::kMaxEvents);
}

}  // namespace
}  // namespace floe::turn
