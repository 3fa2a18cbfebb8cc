// TCP between the TURN relay and its clients' peers (RFC 6062).
#include <string>
#include <vector>

#include "tests/servers/turn_relay_fixture.h"

namespace floe::server {
namespace {

using namespace std::chrono_literals;
using stun::AttributeType;
using stun::Message;
using stun::Method;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const net::Endpoint kData = endpoint("203.0.113.5:4100");

Add tcp() {
  return [](stun::MessageBuilder& b) { b.add_requested_transport(6); };
}
Add connection(ConnectionId id) {
  return [=](stun::MessageBuilder& b) {
    b.add_u32(AttributeType::kConnectionId, static_cast<std::uint32_t>(id));
  };
}

/// The listener's id stands for streams here: what matters is its transport.
class TurnRelayTcpTest : public TurnRelayTest {
 protected:
  void SetUp() override {
    TurnRelayTest::SetUp();
    relay->add_socket(kListener, TurnTransport::kTcp);
    ASSERT_EQ(code(alice, Method::kAllocate, tcp()), 0);
  }
  /// Asks for a connection with kPeer. Its answer comes later.
  ConnectionId connect() {
    const auto sent = receive(alice.request(Method::kConnect, peer(kPeer)));
    EXPECT_THAT(sent, IsEmpty());
    return host.connections.begin()->first;
  }
  /// What leaves when `event` happens.
  Message after(const std::function<void(net::SendBatch&)>& event) {
    net::SendBatch batch;
    event(batch);
    answer = batch.empty() ? Packet{} : to_vector(batch.packet(batch.runs()[0], 0));
    return last();
  }
};

TEST_F(TurnRelayTcpTest, ListensInsteadOfOpeningADatagramSocket) {
  EXPECT_EQ(host.listens, 1);
  EXPECT_TRUE(last().xor_relayed_address());
  EXPECT_EQ(code(alice, Method::kChannelBind, channel(0x4001, kPeer)), 400);
}

TEST_F(TurnRelayTcpTest, TakesOnlyClientsOnStreamsAndNothingThatIsMeantForUdp) {
  relay->add_socket(kListener, TurnTransport::kUdp);
  EXPECT_EQ(code(alice, Method::kAllocate, tcp(), kData), 400);
  relay->add_socket(kListener, TurnTransport::kTls);
  EXPECT_EQ(code(
                alice, Method::kAllocate,
                [](stun::MessageBuilder& b) {
                  tcp()(b);
                  b.add_even_port({.reserve_next = false});
                },
                kData),
            400);
  EXPECT_EQ(code(alice, Method::kAllocate, tcp(), kData), 0);
}

TEST_F(TurnRelayTcpTest, AnswersAConnectWhenThePeerHasAndJoinsTheStreamThatAsksForIt) {
  const ConnectionId id = connect();
  EXPECT_EQ(host.connections[id].second, endpoint(kPeer));
  EXPECT_EQ(host.connections[id].first, host.open.begin()->second) << "from the relayed address";
  const Message connected = after([&](auto& b) { relay->handle_connected(now, id, b); });
  EXPECT_EQ(connected.cls(), stun::Class::kSuccess);
  EXPECT_EQ(connected.connection_id(), static_cast<std::uint32_t>(id));
  EXPECT_EQ(alice.hear(connected), stun::Verdict::kAuthentic);

  TurnVoice bob("bob", "builder");
  EXPECT_EQ(code(bob, Method::kConnectionBind, connection(id), kData), 441);
  EXPECT_EQ(code(alice, Method::kConnectionBind, connection(ConnectionId{1}), kData), 400);
  EXPECT_EQ(code(alice, Method::kConnectionBind, connection(id), kData), 0);
  EXPECT_THAT(host.joined, ElementsAre(std::pair(id, kListener)));
  EXPECT_EQ(code(alice, Method::kConnectionBind, connection(id), kData), 400) << "taken";
  EXPECT_EQ(code(alice, Method::kConnect, peer(kPeer)), 446);
  pass(300s);
  EXPECT_EQ(relay->stats().peer_connections, 1u) << "a joined one has no time limit";
  EXPECT_EQ(code(alice, Method::kRefresh, lifetime(0)), 0);
  EXPECT_THAT(host.closed, ElementsAre(id)) << "RFC 6062 section 5.5";
}

TEST_F(TurnRelayTcpTest, TakesTheControlConnectionsNonceForItsOwnConnectionsOnly) {
  const ConnectionId id = connect();
  after([&](auto& b) { relay->handle_connected(now, id, b); });
  const auto code_of = [&](ConnectionId number) {
    const auto sent = receive(alice.request(Method::kConnectionBind, connection(number)), kData);
    return Message::parse(sent.at(0).bytes).value().error_code().value_or(stun::ErrorCode{}).code;
  };
  EXPECT_EQ(code_of(ConnectionId{static_cast<std::uint32_t>(id) + 1}), 438);
  EXPECT_EQ(code_of(id), 0);
}

TEST_F(TurnRelayTcpTest, SaysWhenThePeerCannotBeReached) {
  const ConnectionId id = connect();
  EXPECT_EQ(code(alice, Method::kConnect, peer(kPeer)), 446) << "one is under way";
  const Message failed = after([&](auto& b) { relay->handle_disconnected(now, id, b); });
  EXPECT_EQ(failed.error_code()->code, 447);
  host.refuse_connections = true;
  EXPECT_EQ(code(alice, Method::kConnect, peer(kPeer)), 447);
  EXPECT_EQ(code(alice, Method::kConnect, peer("10.0.0.1:80")), 403);
  EXPECT_EQ(code(alice, Method::kConnect, peer("[2001:db8::7]:80")), 443);
  EXPECT_EQ(code(alice, Method::kConnect, nothing()), 400);
  EXPECT_EQ(relay->stats().peer_connections, 0u);
}

TEST_F(TurnRelayTcpTest, GivesUpAPeerAndAClientThatDoNotComeWithinThirtySeconds) {
  const ConnectionId silent = connect();
  pass(30s);
  EXPECT_THAT(host.closed, ElementsAre(silent));
  ASSERT_EQ(timed.packets(), 1u);
  answer = to_vector(timed.packet(timed.runs()[0], 0));
  EXPECT_EQ(last().error_code()->code, 447);

  host.connections.clear();
  const ConnectionId forgotten = connect();
  after([&](auto& b) { relay->handle_connected(now, forgotten, b); });
  pass(29s);
  EXPECT_THAT(host.closed, SizeIs(1));
  pass(1s);
  EXPECT_THAT(host.closed, ElementsAre(silent, forgotten));
}

TEST_F(TurnRelayTcpTest, TellsOfPeersThatConnectIfTheyMay) {
  const net::SocketId port = relay_socket();
  net::SendBatch none;
  EXPECT_FALSE(relay->handle_peer_connection(now, port, endpoint(kPeer), none));
  EXPECT_TRUE(none.empty());
  ASSERT_EQ(code(alice, Method::kCreatePermission, peer(kPeer)), 0);
  std::optional<ConnectionId> id;
  const Message attempt =
      after([&](auto& b) { id = relay->handle_peer_connection(now, port, endpoint(kPeer), b); });
  ASSERT_TRUE(id);
  EXPECT_EQ(attempt.method(), Method::kConnectionAttempt);
  EXPECT_EQ(attempt.cls(), stun::Class::kIndication);
  EXPECT_EQ(attempt.xor_peer_address(), endpoint(kPeer));
  EXPECT_EQ(attempt.connection_id(), static_cast<std::uint32_t>(*id));
  EXPECT_EQ(code(alice, Method::kConnectionBind, connection(*id), kData), 0);
}

TEST_F(TurnRelayTcpTest, BoundsTheConnectionsOfOneAllocation) {
  for (std::size_t i = 0; i < Allocation::kMaxConnections; ++i) {
    receive(alice.request(Method::kConnect, peer("198.51.100.7:" + std::to_string(1000 + i))));
  }
  EXPECT_THAT(host.connections, SizeIs(Allocation::kMaxConnections));
  EXPECT_EQ(code(alice, Method::kConnect, peer(kPeer)), 508);
}

}  // namespace
}  // namespace floe::server
