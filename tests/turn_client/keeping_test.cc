#include <gmock/gmock.h>

#include "tests/turn_client/scripted_server.h"

// What a client keeps alive: the allocation, permissions, channels.
namespace floe::turn {
namespace {

using namespace std::chrono_literals;
using net::Prefix;
using stun::AttributeType;
using stun::Method;

class TurnKeeping : public TurnCall {
 protected:
  /// Allocated, with a channel bound to kPeer.
  void bind() {
    allocate();
    ASSERT_TRUE(client->bind(now, kPeer));
    exchange();
    ASSERT_TRUE(take<Client::PermissionGranted>());
    ASSERT_TRUE(take<Client::ChannelBound>());
  }
  std::uint16_t bound_number() { return client->route(kPeer)->prefix.channel; }
  Prefix::Form form() { return client->route(kPeer)->prefix.form; }
};

TEST_F(TurnKeeping, RefreshesAllocationPermissionAndChannelOverTwoHours) {
  bind();
  const net::Address second = address("198.51.100.99");
  ASSERT_TRUE(client->permit(now, second));
  exchange();
  ASSERT_TRUE(take<Client::PermissionGranted>());
  // The server rotates its nonce and forgets what is not refreshed in time.
  for (Time until = kStart + 1s; until < kStart + 2h; until += 1s) {
    if ((until - kStart) % 10min == 0s) server.rotate_nonce();
    run_until(until);
    ASSERT_TRUE(server.has_allocation(now)) << to_ms(now - kStart);
    ASSERT_TRUE(server.has_permission(now, kPeer.address)) << to_ms(now - kStart);
    ASSERT_TRUE(server.has_permission(now, second)) << to_ms(now - kStart);
    ASSERT_EQ(server.channel(now, bound_number()), kPeer) << to_ms(now - kStart);
    ASSERT_EQ(form(), Prefix::Form::kChannelData);
  }
  EXPECT_TRUE(events.empty());
  // Every 9 minutes, every 4 twice, every 9, and one more of each for the nonces that were stale.
  EXPECT_EQ(client->stats().losses, 0u);
  EXPECT_LT(client->stats().requests_sent, 2u * (14 + 30 + 30 + 14));
  EXPECT_GE(client->stats().challenges, 12u);
}

TEST_F(TurnKeeping, AnswersAStaleNonceOnEachKindOfRequestAtTenMinutes) {
  bind();
  // No nonce is good for a second request.
  for (int second = 1; second <= 600; ++second) {
    server.rotate_nonce();
    run_until(kStart + std::chrono::seconds(second));
  }
  // Each was told the new nonce and came again with it: the Refresh and the ChannelBind of minute
  // 9, the CreatePermissions of minutes 4 and 8. The first permission and channel met a good nonce.
  EXPECT_EQ(server.requests(Method::kRefresh).size(), 2u);
  EXPECT_EQ(server.requests(Method::kChannelBind).size(), 1u + 2);
  EXPECT_EQ(server.requests(Method::kCreatePermission).size(), 1u + 2 * 2);
  EXPECT_EQ(client->stats().challenges, 1u + 4);
  EXPECT_TRUE(server.has_allocation(now));
  EXPECT_TRUE(server.has_permission(now, kPeer.address));
  EXPECT_EQ(server.channel(now, bound_number()), kPeer);
  EXPECT_EQ(form(), Prefix::Form::kChannelData);
  EXPECT_TRUE(events.empty());
}

TEST_F(TurnKeeping, SendsIndicationsUntilTheChannelIsBound) {
  allocate();
  EXPECT_FALSE(client->route(kPeer));  // RFC 8656 section 11.1: not without a permission.
  ASSERT_TRUE(client->permit(now, kPeer.address));
  EXPECT_FALSE(client->route(kPeer));
  exchange();
  ASSERT_TRUE(send(kPeer, 100));
  EXPECT_FALSE(server.sent().back().over_channel);
  EXPECT_EQ(server.sent().back().peer, kPeer);
  EXPECT_EQ(server.sent().back().payload, Packet(100, 0x55));

  ASSERT_TRUE(client->bind(now, kPeer));
  ASSERT_TRUE(send(kPeer, 101));  // The request is on its way.
  EXPECT_FALSE(server.sent().back().over_channel);
  exchange();
  ASSERT_TRUE(send(kPeer, 102));
  EXPECT_TRUE(server.sent().back().over_channel);
  EXPECT_EQ(server.sent().back().payload, Packet(102, 0x55));
  // A channel is for one port, a permission for all.
  ASSERT_TRUE(send({kPeer.address, 1}, 103));
  EXPECT_FALSE(server.sent().back().over_channel);
}

TEST_F(TurnKeeping, TriesAgainOnTheSameNumberWhenABindResponseIsLost) {
  allocate();
  server.lose_next(Method::kChannelBind, 7);  // All of the first transaction.
  ASSERT_TRUE(client->bind(now, kPeer));
  run_for(30s);
  ASSERT_TRUE(send(kPeer, 10));
  EXPECT_FALSE(server.sent().back().over_channel);
  EXPECT_FALSE(take<Client::ChannelBound>());
  run_for(30s);
  ASSERT_TRUE(take<Client::ChannelBound>());
  const auto& requests = server.requests(Method::kChannelBind);
  ASSERT_EQ(requests.size(), 8u);
  EXPECT_NE(requests[0].message().transaction_id(), requests[7].message().transaction_id());
  for (const ScriptedServer::Request& request : requests) {
    EXPECT_EQ(request.message().channel_number(), 0x4000);
  }
  EXPECT_FALSE(take<Client::Lost>());
}

TEST_F(TurnKeeping, KeepsDataFlowingWhenARebindIsRefused) {
  bind();
  server.fail_next(Method::kChannelBind, stun::kBadRequest);
  run_for(9min + 1s);
  EXPECT_EQ(take<Client::ChannelFailed>()->failure.code, 400);
  EXPECT_EQ(form(), Prefix::Form::kSendIndication);
  ASSERT_TRUE(send(kPeer, 10));
  EXPECT_EQ(server.sent().back().payload, Packet(10, 0x55));
  // The server may still use the channel.
  EXPECT_EQ(receive(ScriptedServer::channel_data(0x4000, Packet(5, 1))).kind,
            Received::Kind::kRelayed);
  // When all that it can know has expired, another number is tried.
  run_for(15min);
  EXPECT_TRUE(take<Client::ChannelBound>());
  EXPECT_EQ(bound_number(), 0x4001);
  EXPECT_TRUE(server.has_permission(now, kPeer.address));
}

TEST_F(TurnKeeping, FallsBackToIndicationsWhenAChannelIsForbidden) {
  allocate();
  server.fail_next(Method::kChannelBind, stun::kForbidden);
  ASSERT_TRUE(client->bind(now, kPeer));
  run_for(1h);
  EXPECT_EQ(take<Client::ChannelFailed>()->failure.error.message,
            "the TURN server answered 403 \"as scripted\" to ChannelBind request");
  EXPECT_EQ(server.requests(Method::kChannelBind).size(), 1u);
  EXPECT_EQ(form(), Prefix::Form::kSendIndication);
}

TEST_F(TurnKeeping, GivesUpAPermissionThatIsForbidden) {
  allocate();
  server.fail_next(Method::kCreatePermission, stun::kForbidden);
  ASSERT_TRUE(client->permit(now, kPeer.address));
  run_for(1h);
  const auto failed = take<Client::PermissionFailed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->peer, kPeer.address);
  EXPECT_EQ(failed->failure.code, 403);
  EXPECT_EQ(server.requests(Method::kCreatePermission).size(), 1u);
  EXPECT_FALSE(client->route(kPeer));
  // Asked for once more, it is asked for once more.
  ASSERT_TRUE(client->permit(now, kPeer.address));
  exchange();
  EXPECT_TRUE(take<Client::PermissionGranted>());
}

TEST_F(TurnKeeping, HearsOfAFamilyMismatch) {
  allocate();
  server.fail_next(Method::kCreatePermission, stun::kPeerAddressFamilyMismatch);
  ASSERT_TRUE(client->permit(now, kPeer.address));
  exchange();
  EXPECT_EQ(take<Client::PermissionFailed>()->failure.error.code, Errc::kUnsupported);
}

TEST_F(TurnKeeping, WaitsAMinuteWhenTheServerIsShortOfRoom) {
  allocate();
  server.fail_next(Method::kCreatePermission, stun::kInsufficientCapacity);
  server.fail_next(Method::kChannelBind, stun::kInsufficientCapacity);
  ASSERT_TRUE(client->bind(now, kPeer));
  run_for(59s);
  EXPECT_EQ(server.requests(Method::kCreatePermission).size(), 1u);
  EXPECT_TRUE(events.empty());
  run_for(2s);
  EXPECT_TRUE(take<Client::PermissionGranted>());
  EXPECT_TRUE(take<Client::ChannelBound>());
}

TEST_F(TurnKeeping, TakesABoundChannelForAPermissionToo) {
  allocate();
  server.fail_next(Method::kCreatePermission, stun::kInsufficientCapacity);
  ASSERT_TRUE(client->bind(now, kPeer));
  exchange();
  EXPECT_TRUE(take<Client::ChannelBound>());
  EXPECT_TRUE(take<Client::PermissionGranted>());  // RFC 8656 section 12.3
  EXPECT_EQ(form(), Prefix::Form::kChannelData);
  run_for(239s);
  EXPECT_EQ(server.requests(Method::kCreatePermission).size(), 1u);
}

TEST_F(TurnKeeping, AsksAgainAfterAServerError) {
  allocate();
  server.fail_next(Method::kCreatePermission, stun::kServerError, {}, 2);
  ASSERT_TRUE(client->permit(now, kPeer.address));
  run_for(2s);
  EXPECT_TRUE(take<Client::PermissionGranted>());
  EXPECT_EQ(server.requests(Method::kCreatePermission).size(), 3u);
  // Not for ever.
  server.fail_next(Method::kCreatePermission, stun::kServerError, {}, 1'000);
  ASSERT_TRUE(client->permit(now, address("198.51.100.98")));
  run_for(1min);
  EXPECT_EQ(take<Client::PermissionFailed>()->failure.code, 500);
  EXPECT_EQ(server.requests(Method::kCreatePermission).size(), 3u + 1 + Session::kMaxServerErrors);
}

TEST_F(TurnKeeping, NotesWishesBeforeTheAllocationIsThere) {
  ASSERT_TRUE(client->bind(now, kPeer));
  ASSERT_TRUE(client->bind(now, kPeer));
  EXPECT_EQ(client->next_timeout(), kNever);
  allocate();
  EXPECT_TRUE(take<Client::PermissionGranted>());
  EXPECT_TRUE(take<Client::ChannelBound>());
  EXPECT_EQ(server.requests(Method::kChannelBind).size(), 1u);
}

TEST_F(TurnKeeping, RefreshesNoLongerWhatIsReleased) {
  bind();
  client->release(kPeer.address);
  EXPECT_FALSE(client->route(kPeer));
  EXPECT_EQ(receive(ScriptedServer::channel_data(0x4000, Packet(5, 1))).kind,
            Received::Kind::kConsumed);
  EXPECT_EQ(client->stats().dropped_no_permission, 1u);
  run_for(20min);
  EXPECT_EQ(server.requests(Method::kChannelBind).size(), 1u);
  EXPECT_EQ(server.requests(Method::kCreatePermission).size(), 1u);
  EXPECT_FALSE(server.has_permission(now, kPeer.address));
}

TEST_F(TurnKeeping, LetsAChannelNumberRestBeforeAnotherPeerGetsIt) {
  bind();
  client->release(kPeer.address);
  const net::Endpoint other = endpoint("198.51.100.21:6000");
  ASSERT_TRUE(client->bind(now, other));
  exchange();
  EXPECT_EQ(client->route(other)->prefix.channel, 0x4001);
  // The same peer has its number back at any time.
  ASSERT_TRUE(client->bind(now, kPeer));
  exchange();
  EXPECT_EQ(bound_number(), 0x4000);
  // All numbers in turn, none twice within 15 minutes of its last use (RFC 8656 section 12).
  std::map<std::uint16_t, Time> released;
  for (int i = 0; i < 500; ++i) {
    const net::Endpoint peer{net::Address::v4(198, 51, 100, 30), static_cast<std::uint16_t>(1 + i)};
    ASSERT_TRUE(client->bind(now, peer));
    exchange();
    const std::uint16_t number = client->route(peer)->prefix.channel;
    if (const auto before = released.find(number); before != released.end()) {
      EXPECT_GE(now - before->second, 15min);
    }
    client->release(peer.address);
    released[number] = now;
    run_for(10s);
  }
}

TEST_F(TurnKeeping, HasRoomForSoManyPeersAndSaysSo) {
  allocate();
  for (std::size_t i = 0; i < Client::kMaxPermissions; ++i) {
    ASSERT_TRUE(client->permit(now, net::Address::v4(198, 51, 100, static_cast<std::uint8_t>(i))));
  }
  EXPECT_EQ(client->permit(now, address("203.0.113.1")).error().message,
            "one TURN allocation has at most 128 permissions");
  exchange();
  for (std::size_t i = 0; i < Client::kMaxChannels; ++i) {
    ASSERT_TRUE(
        client->bind(now, {net::Address::v4(198, 51, 100, 1), static_cast<std::uint16_t>(i + 1)}));
  }
  EXPECT_EQ(client->bind(now, endpoint("198.51.100.1:9999")).error().message,
            "one TURN allocation has at most 128 channels");
  EXPECT_FALSE(client->bind(now, endpoint("198.51.100.1:0")));
  EXPECT_FALSE(client->permit(now, address("0.0.0.0")));
  EXPECT_FALSE(client->permit(now, address("224.0.0.1")));
}

TEST_F(TurnKeeping, ComesBackFromATenMinuteSleep) {
  bind();
  // Asleep for half of the permission's life: all is still there and is refreshed.
  jump(4min + 30s);
  EXPECT_TRUE(server.has_permission(now, kPeer.address));
  EXPECT_EQ(form(), Prefix::Form::kChannelData);
  EXPECT_TRUE(events.empty());
  // Asleep for longer than anything lives: another allocation, with all that was wanted.
  jump(10min + 1s);
  EXPECT_TRUE(take<Client::Lost>());
  EXPECT_TRUE(take<Client::Allocated>()->again);
  EXPECT_TRUE(take<Client::PermissionGranted>());
  EXPECT_TRUE(take<Client::ChannelBound>());
  EXPECT_TRUE(server.has_allocation(now));
  EXPECT_EQ(server.channel(now, bound_number()), kPeer);
}

TEST_F(TurnKeeping, OutlivesASleepWithALongLifetime) {
  server.lifetime = 3'600;
  bind();
  jump(10min + 1s);
  // Permission and channel are gone on the server: no data until they are back.
  EXPECT_FALSE(take<Client::Lost>());
  EXPECT_TRUE(take<Client::PermissionGranted>());
  EXPECT_TRUE(take<Client::ChannelBound>());
  EXPECT_EQ(bound_number(), 0x4000);
  EXPECT_EQ(server.requests(Method::kAllocate).size(), 2u);
}

TEST_F(TurnKeeping, BoundsTheWorkOfAbsurdLifetimes) {
  server.lifetime = 1;  // Would be refreshed for ever.
  allocate();
  server.lifetime = 0xffff'ffff;
  run_for(6s);
  EXPECT_EQ(server.requests(Method::kRefresh).size(), 1u);
  run_for(24h);
  EXPECT_EQ(server.requests(Method::kRefresh).size(), 2u);
}

}  // namespace
}  // namespace floe::turn
