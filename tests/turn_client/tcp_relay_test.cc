#include <gmock/gmock.h>

#include "floe/turn_client/data_connection.h"
#include "tests/turn_client/scripted_server.h"

// RFC 6062.
namespace floe::turn {
namespace {

using namespace std::chrono_literals;
using stun::AttributeType;
using stun::Method;

constexpr net::SocketId kDataSocket{11};

class TurnTcpRelay : public TurnCall {
 protected:
  TurnTcpRelay() {
    configure({.transport = stun::Transport::kStream, .relay = RelayTransport::kTcp});
  }
  DataConnection data_connection(std::uint32_t id) {
    return DataConnection({.socket = kDataSocket,
                           .server = kServer,
                           .connection_id = id,
                           .credential = client->credential()},
                          random);
  }
  /// What the server answers to the connection's request.
  Packet bind_response(DataConnection& connection) {
    net::SendBatch batch;
    connection.poll_transmit(now, batch);
    EXPECT_EQ(batch.packets(), 1u);
    EXPECT_EQ(batch.runs()[0].route, (net::Route{kDataSocket, kServer, {}}));
    return server.handle(now, batch.packet(batch.runs()[0], 0)).value();
  }
};

TEST_F(TurnTcpRelay, ConnectsToAPeer) {
  EXPECT_FALSE(client->connect(now, kPeer));  // Not yet allocated.
  allocate();
  EXPECT_EQ(server.requests(Method::kAllocate)[1].message().requested_transport(), 6);
  ASSERT_TRUE(client->connect(now, kPeer));
  // RFC 6062 section 4.3: not the same one twice at a time.
  EXPECT_FALSE(client->connect(now, kPeer));
  exchange();
  EXPECT_EQ(server.requests(Method::kConnect).back().message().xor_peer_address(), kPeer);
  const auto ready = take<Client::ConnectionReady>();
  ASSERT_TRUE(ready);
  EXPECT_EQ(ready->peer, kPeer);

  DataConnection connection = data_connection(ready->connection_id);
  connection.start(now);
  Packet response = bind_response(connection);
  const stun::Message request = server.requests(Method::kConnectionBind).back().message();
  EXPECT_EQ(request.connection_id(), ready->connection_id);
  EXPECT_EQ(request.realm(), "example.org");  // Known from the control connection.
  EXPECT_FALSE(connection.bound());
  // The peer's first bytes come in the same segment.
  response.insert(response.end(), {'h', 'i'});
  EXPECT_EQ(as_text(connection.handle_data(now, response)), "hi");
  EXPECT_TRUE(connection.bound());
  EXPECT_TRUE(std::holds_alternative<DataConnection::Bound>(connection.poll_event().value()));
  Packet more{0x80, 0x00, 0xff};
  EXPECT_EQ(to_vector(connection.handle_data(now, more)), more);
  EXPECT_EQ(connection.next_timeout(), kNever);
}

TEST_F(TurnTcpRelay, BindsADataConnectionByteByByteAndWithAStaleNonce) {
  allocate();
  server.rotate_nonce();
  DataConnection connection = data_connection(5);
  connection.start(now);
  for (int round = 0; round < 2; ++round) {
    Packet response = bind_response(connection);
    for (std::uint8_t& byte : response) {
      EXPECT_FALSE(connection.bound());
      EXPECT_TRUE(connection.handle_data(now, {&byte, 1}).empty());
    }
  }
  EXPECT_TRUE(connection.bound());
}

TEST_F(TurnTcpRelay, EndsADataConnectionThatIsRefusedOrSilentOrNonsense) {
  allocate();
  server.fail_next(Method::kConnectionBind, stun::kBadRequest);
  DataConnection refused = data_connection(5);
  refused.start(now);
  Packet response = bind_response(refused);
  EXPECT_TRUE(refused.handle_data(now, response).empty());
  EXPECT_EQ(std::get<DataConnection::Failed>(refused.poll_event().value()).failure.code, 400);
  EXPECT_TRUE(refused.handle_data(now, response).empty());

  DataConnection silent = data_connection(5);
  silent.start(now);
  silent.handle_timeout(now + 10min);
  EXPECT_GT(silent.next_timeout(), now + 10min);
  EXPECT_EQ(std::get<DataConnection::Failed>(silent.poll_event().value()).failure.error.code,
            Errc::kTimedOut);

  DataConnection nonsense = data_connection(5);
  nonsense.start(now);
  Packet http{'H', 'T', 'T', 'P', '/', '1', '.', '1'};
  http[0] = 0xff;
  nonsense.handle_data(now, http);
  EXPECT_EQ(std::get<DataConnection::Failed>(nonsense.poll_event().value()).failure.error.code,
            Errc::kMalformed);
}

TEST_F(TurnTcpRelay, LetsAPeerRestForTenSecondsAfterA447) {
  allocate();
  server.fail_next(Method::kConnect, stun::kConnectionTimeoutOrFailure);
  ASSERT_TRUE(client->connect(now, kPeer));
  exchange();
  EXPECT_EQ(take<Client::ConnectionFailed>()->failure.error.code, Errc::kUnreachable);
  run_for(9s);
  EXPECT_EQ(client->connect(now, kPeer).error().message,
            "a connection to 198.51.100.20:6000 is under way, or failed less than 10 s ago");
  run_for(1s);
  server.fail_next(Method::kConnect, stun::kConnectionAlreadyExists);
  ASSERT_TRUE(client->connect(now, kPeer));
  exchange();
  EXPECT_EQ(take<Client::ConnectionFailed>()->failure.code, 446);
  ASSERT_TRUE(client->connect(now, kPeer));
  exchange();
  EXPECT_TRUE(take<Client::ConnectionReady>());
}

TEST_F(TurnTcpRelay, TellsOfPeersThatConnect) {
  allocate();
  const auto attempt = [&](const net::Endpoint& peer) {
    return ScriptedServer::indication(Method::kConnectionAttempt, [&](stun::MessageBuilder& b) {
      b.add_xor_address(AttributeType::kXorPeerAddress, peer);
      b.add_u32(AttributeType::kConnectionId, 77);
    });
  };
  receive(attempt(kPeer));
  EXPECT_FALSE(take<Client::ConnectionAttempt>());
  EXPECT_EQ(client->stats().dropped_no_permission, 1u);
  ASSERT_TRUE(client->permit(now, kPeer.address));
  exchange();
  receive(attempt(kPeer));
  const auto attempted = take<Client::ConnectionAttempt>();
  ASSERT_TRUE(attempted);
  EXPECT_EQ(attempted->connection_id, 77u);
  EXPECT_EQ(attempted->peer, kPeer);
}

TEST_F(TurnTcpRelay, HasNoChannelsAndNoRoutes) {
  allocate();
  ASSERT_TRUE(client->permit(now, kPeer.address));
  exchange();
  EXPECT_FALSE(client->route(kPeer));
  EXPECT_EQ(client->bind(now, kPeer).error().code, Errc::kUnsupported);
}

TEST_F(TurnTcpRelay, FailsConnectionsWithTheAllocation) {
  allocate();
  server.restart();
  ASSERT_TRUE(client->connect(now, kPeer));
  exchange();
  EXPECT_TRUE(take<Client::Lost>());
  EXPECT_TRUE(take<Client::ConnectionFailed>());
  EXPECT_TRUE(take<Client::Allocated>());
  for (std::size_t i = 0; i < Client::kMaxConnects; ++i) {
    ASSERT_TRUE(client->connect(now, {kPeer.address, static_cast<std::uint16_t>(i + 1)}));
  }
  EXPECT_EQ(client->connect(now, {kPeer.address, 999}).error().code, Errc::kLimitExceeded);
}

}  // namespace
}  // namespace floe::turn
