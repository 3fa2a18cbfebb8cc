#include <gmock/gmock.h>

#include "tests/turn_client/scripted_server.h"

// Servers, streams and sockets that go away; and the client that does.
namespace floe::turn {
namespace {

using namespace std::chrono_literals;
using net::Prefix;
using stun::AttributeType;
using stun::Method;
using ::testing::ElementsAre;

constexpr net::SocketId kOtherSocket{8};

class TurnRecovery : public TurnCall {
 protected:
  void bind() {
    allocate();
    ASSERT_TRUE(client->bind(now, kPeer));
    exchange();
    events.clear();
  }
  std::size_t allocates() { return server.requests(Method::kAllocate).size(); }
};

TEST_F(TurnRecovery, AsksForANewLocalPortOn437ThreeTimesAtMost) {
  server.fail_next(Method::kAllocate, stun::kAllocationMismatch, {}, 2);
  client->start(now);
  exchange();
  EXPECT_EQ(take<Client::SocketNeeded>()->failure.code, 437);
  EXPECT_EQ(client->next_timeout(), kNever);
  client->use_socket(now, kOtherSocket);
  exchange();
  EXPECT_EQ(routes.back().socket, kOtherSocket);
  EXPECT_TRUE(take<Client::SocketNeeded>());
  client->use_socket(now, net::SocketId{9});
  exchange();
  EXPECT_TRUE(take<Client::Allocated>());
}

TEST_F(TurnRecovery, GivesUpAfterThreeLocalPorts) {
  server.fail_next(Method::kAllocate, stun::kAllocationMismatch, {}, 1'000);
  client->start(now);
  exchange();
  client->use_socket(now, kOtherSocket);
  exchange();
  client->use_socket(now, net::SocketId{9});
  exchange();
  EXPECT_TRUE(take<Client::SocketNeeded>());
  EXPECT_TRUE(take<Client::SocketNeeded>());
  EXPECT_FALSE(take<Client::SocketNeeded>());
  const auto failed = take<Client::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->failure.code, 437);
  EXPECT_EQ(failed->retry_after, 2min);  // RFC 8656 section 7.4
}

TEST_F(TurnRecovery, AllocatesAndBindsAgainWhenTheServerHasRestarted) {
  bind();
  server.restart();
  server.relayed = {endpoint("198.51.100.7:50999")};
  EXPECT_TRUE(client->route(kPeer));  // Nobody has told us yet.
  run_for(4min + 1s);                 // The permission's refresh is the first to hear of it.
  EXPECT_EQ(take<Client::Lost>()->error.message,
            "the TURN server answered 437 \"as scripted\" to CreatePermission request");
  const auto allocated = take<Client::Allocated>();
  ASSERT_TRUE(allocated);
  EXPECT_TRUE(allocated->again);
  EXPECT_THAT(allocated->relayed, ElementsAre(endpoint("198.51.100.7:50999")));
  EXPECT_TRUE(take<Client::PermissionGranted>());
  EXPECT_TRUE(take<Client::ChannelBound>());
  EXPECT_EQ(server.channel(now, client->route(kPeer)->prefix.channel), kPeer);
  EXPECT_TRUE(events.empty());
}

TEST_F(TurnRecovery, FindsOutAtOnceWhenAsked) {
  bind();
  server.restart();
  client->refresh(now);
  client->refresh(now);
  exchange();
  EXPECT_TRUE(take<Client::Lost>());
  EXPECT_TRUE(take<Client::ChannelBound>());
  EXPECT_EQ(server.requests(Method::kRefresh).size(), 2u);  // One, and one for the new nonce.
}

TEST_F(TurnRecovery, TakesA401FromARestartedServerForALostAllocationNotForAWrongPassword) {
  bind();
  server.restart();
  server.stale_nonce_code = stun::kUnauthenticated;
  client->refresh(now);
  exchange();
  EXPECT_TRUE(take<Client::Lost>());
  EXPECT_TRUE(take<Client::Allocated>());
  EXPECT_TRUE(take<Client::ChannelBound>());
}

TEST_F(TurnRecovery, SurvivesAServerThatIsAwayForMinutes) {
  bind();
  server.restart();
  server.silent = true;
  client->refresh(now);
  run_for(40s);
  EXPECT_TRUE(take<Client::Lost>());
  EXPECT_FALSE(client->route(kPeer));
  run_for(1min);
  EXPECT_TRUE(events.empty());
  server.silent = false;
  run_for(20s);
  EXPECT_TRUE(take<Client::Allocated>());
  EXPECT_TRUE(take<Client::ChannelBound>());
}

TEST_F(TurnRecovery, GivesUpOnAServerThatStaysAway) {
  bind();
  server.silent = true;
  run_for(1h);
  EXPECT_TRUE(take<Client::Lost>());
  EXPECT_EQ(take<Client::Failed>()->failure.error.code, Errc::kTimedOut);
  EXPECT_EQ(client->next_timeout(), kNever);
  // A first request and Client::kMaxRecoveries new ones, seven packets each.
  EXPECT_LE(allocates(), 2u + 7 * Client::kMaxRecoveries);
  // What was wanted is still wanted.
  server.silent = false;
  client->start(now);
  exchange();
  EXPECT_TRUE(take<Client::ChannelBound>());
}

TEST_F(TurnRecovery, IsNotKeptBusyByAServerThatForgetsAllTheTime) {
  bind();
  // It grants each allocation and knows nothing of it a moment later.
  server.fail_next(Method::kCreatePermission, stun::kAllocationMismatch, {}, 1'000'000);
  client->refresh(now);
  for (int second = 0; second < 600 && !take<Client::Failed>(); ++second) {
    server.restart();
    if (take<Client::SocketNeeded>()) client->use_socket(now, kOtherSocket);
    client->refresh(now);
    run_for(1s);
  }
  EXPECT_EQ(client->next_timeout(), kNever);
  EXPECT_EQ(client->stats().losses, Client::kMaxRecoveries + 1);
  EXPECT_LT(client->stats().requests_sent, 60u);
}

TEST_F(TurnRecovery, TakesADeletedAllocationForLost) {
  bind();
  server.lifetime = 0;
  client->refresh(now);
  exchange();
  EXPECT_EQ(take<Client::Lost>()->error.message, "the TURN server has deleted the allocation");
}

TEST_F(TurnRecovery, WaitsForTheQuotaWhenTheOldAllocationStillCounts) {
  bind();
  server.restart();
  server.fail_next(Method::kAllocate, stun::kAllocationQuotaReached);
  client->refresh(now);
  run_for(59s);
  EXPECT_TRUE(take<Client::Lost>());
  EXPECT_TRUE(events.empty());
  run_for(2s);
  EXPECT_TRUE(take<Client::Allocated>());
  // Whoever has had nothing yet is told at once.
  server.restart();
  configure({});
  server.fail_next(Method::kAllocate, stun::kAllocationQuotaReached);
  client->start(now);
  exchange();
  const auto failed = take<Client::Failed>();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->failure.code, 486);
  EXPECT_EQ(failed->retry_after, 1min);
}

TEST_F(TurnRecovery, NeedsAnotherStreamWhenTheServerClosesTcpMidCall) {
  configure({.transport = stun::Transport::kStream});
  bind();
  server.restart();  // The server's end of the stream is the allocation's.
  client->handle_closed(now, {Errc::kClosed, "the TURN server closed the connection"});
  exchange();
  EXPECT_EQ(take<Client::Lost>()->error.message, "the TURN server closed the connection");
  // The event that was queued by `handle_closed` itself.
  EXPECT_EQ(take<Client::SocketNeeded>()->failure.error.code, Errc::kClosed);
  EXPECT_FALSE(client->route(kPeer));
  EXPECT_EQ(client->next_timeout(), kNever);
  client->use_socket(now, kOtherSocket);
  exchange();
  EXPECT_TRUE(take<Client::Allocated>()->again);
  EXPECT_TRUE(take<Client::ChannelBound>());
  EXPECT_EQ(client->route(kPeer)->socket, kOtherSocket);
}

TEST_F(TurnRecovery, FailsWhenTheStreamClosesBeforeThereIsAnAllocation) {
  configure({.transport = stun::Transport::kStream});
  client->start(now);
  client->handle_closed(now, {Errc::kRefused, "connection refused"});
  exchange();
  EXPECT_EQ(take<Client::Failed>()->failure.error.message, "connection refused");
}

TEST_F(TurnRecovery, DoesNotReconnectForEverToAServerThatClosesEachStream) {
  configure({.transport = stun::Transport::kStream});
  bind();
  unsigned streams = 0;
  for (; streams < 100; ++streams) {
    client->handle_closed(now, {Errc::kClosed, "closed"});
    exchange();
    if (take<Client::Failed>()) break;
    client->use_socket(now, net::SocketId{100 + streams});
  }
  EXPECT_EQ(streams, Client::kMaxRecoveries);
}

TEST_F(TurnRecovery, AllocatesAnewOnAnotherSocket) {
  bind();
  server.restart();  // Another 5-tuple is another client to it.
  client->use_socket(now, kOtherSocket);
  exchange();
  EXPECT_TRUE(take<Client::Lost>());
  EXPECT_TRUE(take<Client::Allocated>()->again);
  EXPECT_EQ(client->route(kPeer)->socket, kOtherSocket);
}

TEST_F(TurnRecovery, MovesTheAllocationWithItsTicket) {
  const Packet first{1, 2, 3, 4, 5};
  const Packet second{6, 7, 8};
  server.in_allocated = [&](stun::MessageBuilder& b) {
    b.add(AttributeType::kMobilityTicket, first);
  };
  configure({.mobility = true});
  client->start(now);
  exchange();
  EXPECT_EQ(
      server.requests(Method::kAllocate)[1].message().find(AttributeType::kMobilityTicket)->size(),
      0u);
  EXPECT_TRUE(take<Client::Allocated>()->can_move);
  ASSERT_TRUE(client->bind(now, kPeer));
  exchange();
  events.clear();

  server.in_allocated = [&](stun::MessageBuilder& b) {
    b.add(AttributeType::kMobilityTicket, second);
  };
  client->use_socket(now, kOtherSocket);
  EXPECT_FALSE(client->route(kPeer));  // The server does not know this address yet.
  exchange();
  const stun::Message refresh = server.requests(Method::kRefresh).back().message();
  EXPECT_EQ(to_vector(refresh.find(AttributeType::kMobilityTicket).value()), first);
  EXPECT_EQ(client->route(kPeer)->socket, kOtherSocket);
  EXPECT_EQ(client->route(kPeer)->prefix.form, Prefix::Form::kChannelData);
  EXPECT_TRUE(events.empty());
  // A refresh in place shows no ticket; the next move shows the newer one.
  client->refresh(now);
  exchange();
  EXPECT_FALSE(
      server.requests(Method::kRefresh).back().message().has(AttributeType::kMobilityTicket));
  client->use_socket(now, kSocket);
  exchange();
  EXPECT_EQ(to_vector(server.requests(Method::kRefresh)
                          .back()
                          .message()
                          .find(AttributeType::kMobilityTicket)
                          .value()),
            second);
}

TEST_F(TurnRecovery, DoesWithoutATicketWhereMobilityIsForbidden) {
  configure({.mobility = true});
  server.fail_next(Method::kAllocate, stun::kMobilityForbidden);
  client->start(now);
  exchange();
  EXPECT_FALSE(take<Client::Allocated>()->can_move);
  EXPECT_FALSE(
      server.requests(Method::kAllocate).back().message().has(AttributeType::kMobilityTicket));
}

TEST_F(TurnRecovery, DeletesTheAllocationOnClose) {
  bind();
  client->close(now);
  EXPECT_FALSE(client->route(kPeer));
  exchange();
  EXPECT_FALSE(server.has_allocation(now));
  EXPECT_EQ(server.requests(Method::kRefresh).back().message().lifetime(), 0u);
  EXPECT_TRUE(take<Client::Deallocated>());
  EXPECT_EQ(client->next_timeout(), kNever);
  // It can begin again.
  allocate();
}

TEST_F(TurnRecovery, AnswersAStaleNonceEvenInItsGoodbye) {
  bind();
  server.rotate_nonce();
  client->close(now);
  exchange();
  EXPECT_FALSE(server.has_allocation(now));
  EXPECT_TRUE(take<Client::Deallocated>());
}

TEST_F(TurnRecovery, DoesNotWaitForEverForTheServerToSayGoodbye) {
  bind();
  server.silent = true;
  const Time closed = now;
  client->close(now);
  client->close(now);
  run_for(1h);
  EXPECT_TRUE(take<Client::Deallocated>());
  EXPECT_FALSE(take<Client::Deallocated>());
  const auto& goodbyes = server.requests(Method::kRefresh);
  ASSERT_EQ(goodbyes.size(), 3u);  // At 0, 0.5 and 1.5 s.
  EXPECT_LE(goodbyes.back().at - closed, Client::kGoodbye);
}

TEST_F(TurnRecovery, DeletesAnAllocationThatComesAfterClose) {
  client->start(now);
  net::SendBatch batch;
  client->poll_transmit(now, batch);
  Packet challenge = server.handle(now, batch.packet(batch.runs()[0], 0)).value();
  receive(challenge);
  batch.clear();
  client->poll_transmit(now, batch);
  Packet success = server.handle(now, batch.packet(batch.runs()[0], 0)).value();
  client->close(now);
  EXPECT_FALSE(take<Client::Deallocated>());
  receive(success);
  exchange();
  EXPECT_FALSE(server.has_allocation(now));
  EXPECT_TRUE(take<Client::Deallocated>());
  EXPECT_FALSE(take<Client::Allocated>());
}

TEST_F(TurnRecovery, ClosesAtOnceWhenThereIsNothingToDelete) {
  client->close(now);
  exchange();
  EXPECT_TRUE(take<Client::Deallocated>());
  client->start(now);
  exchange();
  events.clear();
  client->handle_closed(now, {Errc::kClosed, "gone"});
  client->close(now);
  exchange();
  EXPECT_TRUE(take<Client::Deallocated>());
}

}  // namespace
}  // namespace floe::turn
