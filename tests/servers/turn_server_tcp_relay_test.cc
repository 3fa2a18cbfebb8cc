// TCP connections with peers through the TURN server (RFC 6062), on a simulated internet.
#include <string>

#include "tests/servers/turn_server_fixture.h"

namespace floe::server {
namespace {

using namespace std::chrono_literals;
using stun::AttributeType;
using stun::Method;

/// A peer with one TCP connection, made or accepted.
class TcpPeer final : public net::ListenerHandler, public net::StreamHandler {
 public:
  void listen(net::sim::Host& host, std::uint16_t port) {
    listener_ = host.listen({host.address(), port}, *this).value();
  }
  void connect(net::sim::Host& host, const net::Endpoint& to) {
    stream = host.connect(to, net::Endpoint{host.address(), 0}, *this).value();
  }
  net::Endpoint listening() const { return listener_->local(); }

  void on_accept(std::unique_ptr<net::Stream> accepted) override {
    stream = std::move(accepted);
    stream->set_handler(*this);
  }
  void on_connected() override { connected = true; }
  void on_data(MutableBytes data) override { received.append(as_text(data)); }
  void on_closed(const Error&) override { closed = true; }

  std::unique_ptr<net::Stream> stream;
  bool connected = false;
  bool closed = false;
  std::string received;

 private:
  std::unique_ptr<net::Listener> listener_;
};

class TurnTcpRelayTest : public TurnServerSimTest {
 protected:
  void SetUp() override { start(configuration(machine.address(), identity)); }

  static Add tcp() {
    return [](stun::MessageBuilder& b) { b.add_requested_transport(6); };
  }
  static Add connection(std::uint32_t id) {
    return [=](stun::MessageBuilder& b) { b.add_u32(AttributeType::kConnectionId, id); };
  }
  /// Over `listener` of the server: 1 is TCP, 2 is TLS.
  void allocate(TurnUser& control) {
    connect(control);
    ASSERT_EQ(ask(control, Method::kAllocate, tcp()), 0);
  }
  void bind(TurnUser& data, std::uint32_t id) {
    connect(data);
    ASSERT_EQ(ask(data, Method::kConnectionBind, connection(id)), 0);
    ASSERT_TRUE(data.is_raw);
  }
};

TEST_F(TurnTcpRelayTest, ConnectsToAPeerAndPassesEverythingInOrder) {
  for (const std::size_t listener : {1u, 2u}) {
    TcpPeer far;
    far.listen(bob, static_cast<std::uint16_t>(7000 + listener));
    TurnUser control = user(alice, listener);
    ASSERT_NO_FATAL_FAILURE(allocate(control));
    ASSERT_EQ(ask(control, Method::kConnect, peer(far.listening().to_string())), 0);
    EXPECT_EQ(far.stream->remote(), control.relayed) << "from the relayed address";
    ASSERT_TRUE(far.stream->write(as_bytes("early, ")));
    world.run_for(1s);

    TurnUser data = user(alice, listener);
    ASSERT_NO_FATAL_FAILURE(bind(data, *control.connection));
    ASSERT_TRUE(far.stream->write(as_bytes("late")));
    ASSERT_TRUE(data.stream().write(as_bytes("no frames from here on")));
    EXPECT_TRUE(world.run_until([&] { return data.raw.size() >= 11; }, 5s));
    EXPECT_EQ(data.raw, "early, late");
    EXPECT_TRUE(world.run_until([&] { return far.received.size() >= 22; }, 5s));
    EXPECT_EQ(far.received, "no frames from here on");
  }
}

TEST_F(TurnTcpRelayTest, LetsAPermittedPeerConnectAndClosesOthersAtOnce) {
  TurnUser control = user(alice, 1);
  ASSERT_NO_FATAL_FAILURE(allocate(control));
  TcpPeer stranger;
  stranger.connect(bob, *control.relayed);
  EXPECT_TRUE(world.run_until([&] { return stranger.closed; }, 5s));
  ASSERT_EQ(ask(control, Method::kCreatePermission, peer(bob.address().to_string() + ":1")), 0);
  TcpPeer friendly;
  friendly.connect(bob, *control.relayed);
  ASSERT_TRUE(world.run_until([&] { return !control.attempts.empty(); }, 5s));
  TurnUser data = user(alice, 1);
  ASSERT_NO_FATAL_FAILURE(bind(data, control.attempts[0]));
  ASSERT_TRUE(friendly.stream->write(as_bytes("hello")));
  EXPECT_TRUE(world.run_until([&] { return data.raw == "hello"; }, 5s));
}

TEST_F(TurnTcpRelayTest, MakesOneConnectionOfTwoRelaysThatConnectAtOnce) {
  TurnUser one = user(alice, 1);
  TurnUser two = user(bob, 1);
  ASSERT_NO_FATAL_FAILURE(allocate(one));
  ASSERT_NO_FATAL_FAILURE(allocate(two));
  const std::string to_one = one.relayed->to_string();
  const std::string to_two = two.relayed->to_string();
  ASSERT_EQ(ask(one, Method::kCreatePermission, peer(to_two)), 0);
  ASSERT_EQ(ask(two, Method::kCreatePermission, peer(to_one)), 0);
  one.ask(Method::kConnect, peer(to_two));
  two.ask(Method::kConnect, peer(to_one));
  // RFC 6062 section 5.2: who is too late is told 446, and has heard of the connection before.
  const auto connection_of = [&](TurnUser& user) {
    const int code = finish(user);
    EXPECT_TRUE(code == 0 || code == 446) << code;
    EXPECT_EQ(user.attempts.size(), code == 0 ? 0u : 1u);
    return code == 0 ? *user.connection : user.attempts.at(0);
  };
  const std::uint32_t of_one = connection_of(one);
  const std::uint32_t of_two = connection_of(two);
  TurnUser data_of_one = user(alice, 1);
  TurnUser data_of_two = user(bob, 1);
  ASSERT_NO_FATAL_FAILURE(bind(data_of_one, of_one));
  ASSERT_NO_FATAL_FAILURE(bind(data_of_two, of_two));
  ASSERT_TRUE(data_of_one.stream().write(as_bytes("there")));
  ASSERT_TRUE(data_of_two.stream().write(as_bytes("back")));
  EXPECT_TRUE(world.run_until([&] { return !data_of_one.raw.empty(); }, 5s));
  EXPECT_TRUE(world.run_until([&] { return !data_of_two.raw.empty(); }, 5s));
  EXPECT_EQ(data_of_one.raw, "back");
  EXPECT_EQ(data_of_two.raw, "there");
}

TEST_F(TurnTcpRelayTest, LosesNothingWhenOneEndIsSlowAndTheOtherHasGone) {
  TcpPeer far;
  far.listen(bob, 7000);
  TurnUser control = user(alice, 1);
  ASSERT_NO_FATAL_FAILURE(allocate(control));
  ASSERT_EQ(ask(control, Method::kConnect, peer(far.listening().to_string())), 0);
  TurnUser data = user(alice, 1);
  ASSERT_NO_FATAL_FAILURE(bind(data, *control.connection));
  data.stream().pause_reading();
  std::string sent;
  const std::string piece(64 * 1024, 'x');
  for (int i = 0; i < 200; ++i) {
    const bool taken = far.stream->write(as_bytes(piece)).has_value();
    if (taken) sent += piece;
    world.run_for(20ms);
  }
  EXPECT_LT(sent.size(), 8u << 20) << "the peer is held back";
  EXPECT_GT(sent.size(), 1u << 20);
  data.stream().resume_reading();
  EXPECT_TRUE(world.run_until([&] { return data.raw.size() == sent.size(); }, 60s));

  ASSERT_TRUE(far.stream->write(as_bytes("the end")));
  far.stream->shutdown();
  EXPECT_TRUE(world.run_until([&] { return data.closed; }, 30s));
  EXPECT_EQ(data.raw, sent + "the end");
  EXPECT_EQ(server->stats().relay.peer_connections, 0u);
}

TEST_F(TurnTcpRelayTest, EndsDataConnectionsWithWhatTheyBelongTo) {
  TcpPeer far;
  far.listen(bob, 7000);
  TurnUser control = user(alice, 1);
  ASSERT_NO_FATAL_FAILURE(allocate(control));
  ASSERT_EQ(ask(control, Method::kConnect, peer(far.listening().to_string())), 0);
  {
    TurnUser data = user(alice, 1);
    ASSERT_NO_FATAL_FAILURE(bind(data, *control.connection));
    world.run_for(100s);
    EXPECT_FALSE(data.closed) << "it is not idle, though it has no allocation of its own";
  }
  EXPECT_TRUE(world.run_until([&] { return far.closed; }, 5s)) << "with the client's stream";

  far.closed = false;
  ASSERT_EQ(ask(control, Method::kConnect, peer(far.listening().to_string())), 0);
  TurnUser again = user(alice, 1);
  ASSERT_NO_FATAL_FAILURE(bind(again, *control.connection));
  ASSERT_EQ(ask(control, Method::kRefresh, lifetime(0)), 0);
  EXPECT_TRUE(world.run_until([&] { return far.closed && again.closed; }, 5s));
}

TEST_F(TurnTcpRelayTest, SaysWhenNobodyListens) {
  TurnUser control = user(alice, 1);
  ASSERT_NO_FATAL_FAILURE(allocate(control));
  EXPECT_EQ(ask(control, Method::kConnect, peer(bob.address().to_string() + ":9")), 447);
}

}  // namespace
}  // namespace floe::server
