// The TURN server on a simulated internet.
#include "floe/servers/turn/turn_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <string>

#include "floe/dtls/identity.h"
#include "floe/net/sim/world.h"
#include "floe/stun_client/stream_framer.h"
#include "floe/tls/datagram_client.h"
#include "floe/tls/stream.h"
#include "floe/tls/trust.h"
#include "tests/servers/turn_messages.h"
#include "tests/tls/certificates.h"

namespace floe::server {
namespace {

using namespace std::chrono_literals;
using stun::AttributeType;
using stun::Class;
using stun::Message;
using stun::Method;

/// A TURN client, as far as a test needs one, over any transport.
class TurnUser final : private tls::DatagramClientHandler, private net::StreamHandler {
 public:
  TurnUser(net::Network& network, const TurnServer::Listener& server, const net::Address& local,
           std::shared_ptr<const tls::Trust> trust = {})
      : network_(network), server_(server.bind), is_stream_(is_stream(server.transport)) {
    const tls::ClientOptions options{"turn.test", std::move(trust), {tls::kAlpnTurn}};
    const net::Endpoint from{local, 0};
    switch (server.transport) {
      case TurnTransport::kUdp: {
        net::UdpOptions udp;
        udp.bind = from;
        socket_ = network.open_udp(udp, *this).value();
        ready = true;
        break;
      }
      case TurnTransport::kDtls:
        socket_ = tls::DatagramClient::connect(network, server_, from, options, *this).value();
        break;
      case TurnTransport::kTcp:
        stream_ = network.connect(server_, from, *this).value();
        break;
      case TurnTransport::kTls:
        stream_ = tls::connect(network, server_, from, options, *this).value();
        break;
    }
  }

  void say(const Packet& packet) {
    net::SendBatch batch;
    Packet padded = packet;
    if (is_stream_) padded.resize((padded.size() + 3) / 4 * 4);
    batch.add({stream_ ? stream_->id() : socket_->id(), server_, {}}, padded);
    network_.send(batch);
  }
  /// Sends a request; `code` tells how it ended.
  void ask(Method method, Add add) {
    method_ = method;
    add_ = std::move(add);
    code = -1;
    say(voice.request(method_, add_));
  }

  TurnVoice voice;
  bool ready = false;
  bool closed = false;
  std::string why;  ///< It was closed.
  int code = -1;    ///< Of the last request: 0 for success, -1 while there is no answer.
  std::optional<net::Endpoint> relayed;
  std::optional<net::Endpoint> mapped;
  std::deque<std::string> received;  ///< Payloads, from channels and indications.

 private:
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    for (const net::Datagram& datagram : datagrams) hear(datagram.payload);
  }
  void on_connected() override { ready = true; }
  void on_closed(const Error& error) override {
    closed = true;
    why = error.message;
  }
  void on_data(MutableBytes data) override {
    while (const auto frame = framer_.next(data)) hear(*frame);
  }
  void hear(Bytes frame) {
    if (stun::is_channel_data(frame[0])) {
      received.emplace_back(as_text(frame.subspan(4)));
      return;
    }
    const Result<Message> message = Message::parse(frame);
    ASSERT_TRUE(message);
    if (message->cls() == Class::kIndication) {
      received.emplace_back(as_text(*message->data()));
      return;
    }
    if (voice.hear(*message) == stun::Verdict::kRetry) return ask(method_, add_);
    code = message->cls() == Class::kSuccess ? 0 : message->error_code()->code;
    if (message->cls() == Class::kSuccess && message->method() == Method::kAllocate) {
      relayed = message->xor_relayed_address();
      mapped = message->xor_mapped_address();
    }
  }

  net::Network& network_;
  net::Endpoint server_;
  bool is_stream_;
  Method method_{};
  Add add_;
  stun::StreamFramer framer_;
  std::unique_ptr<net::UdpSocket> socket_;
  std::unique_ptr<net::Stream> stream_;
};

constexpr std::array kTransports{TurnTransport::kUdp, TurnTransport::kTcp, TurnTransport::kTls,
                                 TurnTransport::kDtls};

TurnServer::Configuration configuration(const net::Address& address,
                                        std::shared_ptr<const dtls::Identity> identity) {
  TurnServer::Configuration configuration;
  configuration.relay.users = {{"alice", "wonderland"}};
  configuration.relay.relay_addresses = {{address, std::nullopt}};
  configuration.identity = std::move(identity);
  for (const TurnTransport transport : kTransports) {
    configuration.listeners.push_back({transport, {address, 0}});
  }
  return configuration;
}

class TurnServerSimTest : public ::testing::Test {
 protected:
  void start(TurnServer::Configuration chosen) {
    server = TurnServer::create(machine, std::move(chosen)).value();
  }
  TurnUser user(net::sim::Host& host, std::size_t listener) {
    return TurnUser(host, server->listeners()[listener], host.address(), authority.trust());
  }
  /// Runs until the user's request is answered; its code.
  int finish(const TurnUser& user) {
    EXPECT_TRUE(world.run_until([&] { return user.code >= 0; }, 10s));
    return user.code;
  }
  void connect(TurnUser& user) {
    ASSERT_TRUE(world.run_until([&] { return user.ready; }, 10s)) << user.why;
  }
  int ask(TurnUser& user, Method method, Add add) {
    user.ask(method, std::move(add));
    return finish(user);
  }

  net::sim::World world{7};
  net::sim::Host& machine = world.add_host("turn server");
  net::sim::Host& alice = world.add_host("alice");
  net::sim::Host& bob = world.add_host("bob");
  tls::testing::Authority authority{"an authority", machine.wall_clock()};
  std::shared_ptr<const dtls::Identity> identity = authority.issue({.names = {"DNS:turn.test"}});
  std::unique_ptr<TurnServer> server;
};

TEST_F(TurnServerSimTest, LetsTwoClientsMeetWhateverTransportEachUses) {
  start(configuration(machine.address(), identity));
  for (std::size_t a = 0; a < kTransports.size(); ++a) {
    for (std::size_t b = 0; b < kTransports.size(); ++b) {
      SCOPED_TRACE(std::to_string(a) + " meets " + std::to_string(b));
      TurnUser one = user(alice, a);
      TurnUser two = user(bob, b);
      for (TurnUser* each : {&one, &two}) {
        connect(*each);
        ASSERT_EQ(ask(*each, Method::kAllocate, udp()), 0);
        EXPECT_EQ(each->relayed->address, machine.address());
      }
      EXPECT_EQ(one.mapped->address, alice.address());
      const std::string to_two = two.relayed->to_string();
      const std::string to_one = one.relayed->to_string();
      ASSERT_EQ(ask(one, Method::kChannelBind, channel(0x4001, to_two)), 0);
      ASSERT_EQ(ask(two, Method::kCreatePermission, peer(to_one)), 0);
      one.say(TurnVoice::channel_data(0x4001, "on a channel"));
      two.say(TurnVoice::send_indication(to_one, "in an indication", nothing()));
      EXPECT_TRUE(
          world.run_until([&] { return !one.received.empty() && !two.received.empty(); }, 5s));
      EXPECT_THAT(two.received, ::testing::ElementsAre("on a channel"));
      EXPECT_THAT(one.received, ::testing::ElementsAre("in an indication"));
    }
  }
}

TEST_F(TurnServerSimTest, EndsAnAllocationWithItsConnection) {
  start(configuration(machine.address(), identity));
  for (const std::size_t listener : {1u, 2u, 3u}) {
    {
      TurnUser one = user(alice, listener);
      connect(one);
      ASSERT_EQ(ask(one, Method::kAllocate, udp()), 0);
      EXPECT_EQ(server->stats().relay.allocations, 1u);
    }
    EXPECT_TRUE(world.run_until([&] { return server->stats().relay.allocations == 0; }, 5s))
        << listener;
  }
}

TEST_F(TurnServerSimTest, EndsAllocationsOnTimeThoughNobodySpeaks) {
  start(configuration(machine.address(), identity));
  TurnUser one = user(alice, 0);
  ASSERT_EQ(ask(one, Method::kAllocate, udp()), 0);
  world.run_for(599s);
  EXPECT_EQ(server->stats().relay.allocations, 1u);
  world.run_for(2s);
  EXPECT_EQ(server->stats().relay.allocations, 0u);
}

TEST_F(TurnServerSimTest, ClosesConnectionsThatSpeakGarbageOrNothing) {
  start(configuration(machine.address(), identity));
  TurnUser garbage = user(alice, 1);
  TurnUser silent = user(alice, 1);
  TurnUser busy = user(bob, 1);
  connect(garbage);
  connect(silent);
  connect(busy);
  ASSERT_EQ(ask(busy, Method::kAllocate, udp()), 0);
  garbage.say({'G', 'E', 'T', ' '});
  garbage.say({0xff, 0xff, 0xff, 0xff});
  garbage.say(Packet(66'000 % 0xffff, 0xff));
  world.run_for(30s);
  EXPECT_FALSE(silent.closed);
  world.run_for(40s);
  EXPECT_TRUE(silent.closed);
  EXPECT_FALSE(busy.closed);
  EXPECT_EQ(server->stats().streams_broken + server->stats().streams_idle, 2u);
}

TEST_F(TurnServerSimTest, KeepsConnectionsBelowTheirLimit) {
  auto chosen = configuration(machine.address(), identity);
  chosen.max_streams = 1;
  start(std::move(chosen));
  TurnUser first = user(alice, 1);
  connect(first);
  TurnUser second = user(bob, 1);
  EXPECT_TRUE(world.run_until([&] { return second.closed; }, 5s));
  EXPECT_EQ(server->stats().streams_refused, 1u);
}

TEST_F(TurnServerSimTest, LosesEverythingWhenItIsStartedAnewAndSaysSo) {
  auto chosen = configuration(machine.address(), identity);
  for (auto& listener : chosen.listeners) listener.bind.port = 3478;
  chosen.listeners.resize(1);
  start(chosen);
  TurnUser one = user(alice, 0);
  ASSERT_EQ(ask(one, Method::kAllocate, udp()), 0);
  server.reset();
  start(chosen);
  EXPECT_EQ(ask(one, Method::kRefresh, nothing()), 437) << "after a stale nonce";
  EXPECT_EQ(server->stats().relay.stale_nonce, 1u);
  EXPECT_EQ(ask(one, Method::kAllocate, udp()), 0);
}

TEST_F(TurnServerSimTest, SaysWhatIsMissing) {
  auto chosen = configuration(machine.address(), identity);
  chosen.identity = nullptr;
  const auto without = TurnServer::create(machine, chosen);
  ASSERT_FALSE(without);
  EXPECT_THAT(without.error().message, ::testing::HasSubstr("certificate"));
  chosen.listeners.clear();
  EXPECT_THAT(TurnServer::create(machine, chosen).error().message,
              ::testing::HasSubstr("listen on"));
}

}  // namespace
}  // namespace floe::server
