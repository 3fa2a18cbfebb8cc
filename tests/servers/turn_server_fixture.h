#pragma once

// A TURN server on a simulated internet, and users of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "floe/dtls/identity.h"
#include "floe/net/sim/world.h"
#include "floe/servers/turn/turn_server.h"
#include "floe/stun_client/stream_framer.h"
#include "floe/tls/datagram_client.h"
#include "floe/tls/stream.h"
#include "floe/tls/trust.h"
#include "tests/servers/turn_messages.h"
#include "tests/tls/certificates.h"

namespace floe::server {

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
  void ask(stun::Method method, Add add) {
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
  // RFC 6062:
  std::optional<std::uint32_t> connection;  ///< Of the last answer to Connect.
  std::vector<std::uint32_t> attempts;      ///< Of ConnectionAttempt indications.
  bool is_raw = false;                      ///< Joined to a peer, whose bytes are these:
  std::string raw;
  net::Stream& stream() { return *stream_; }

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
    while (!is_raw) {
      const auto frame = framer_.next(data);
      if (!frame) return;
      hear(*frame);
    }
    raw.append(as_text(data));
  }
  void hear(Bytes frame) {
    if (stun::is_channel_data(frame[0])) {
      received.emplace_back(as_text(frame.subspan(4)));
      return;
    }
    const Result<stun::Message> message = stun::Message::parse(frame);
    ASSERT_TRUE(message);
    if (message->cls() == stun::Class::kIndication && message->connection_id()) {
      attempts.push_back(*message->connection_id());
      return;
    }
    if (message->cls() == stun::Class::kIndication) {
      received.emplace_back(as_text(*message->data()));
      return;
    }
    if (voice.hear(*message) == stun::Verdict::kRetry) return ask(method_, add_);
    code = message->cls() == stun::Class::kSuccess ? 0 : message->error_code()->code;
    if (message->cls() == stun::Class::kSuccess && message->method() == stun::Method::kAllocate) {
      relayed = message->xor_relayed_address();
      mapped = message->xor_mapped_address();
    }
    if (message->connection_id()) connection = message->connection_id();
    if (code == 0 && message->method() == stun::Method::kConnectionBind) is_raw = true;
  }

  net::Network& network_;
  net::Endpoint server_;
  bool is_stream_;
  stun::Method method_{};
  Add add_;
  stun::StreamFramer framer_;
  std::unique_ptr<net::UdpSocket> socket_;
  std::unique_ptr<net::Stream> stream_;
};

inline constexpr std::array kTransports{TurnTransport::kUdp, TurnTransport::kTcp,
                                        TurnTransport::kTls, TurnTransport::kDtls};

inline TurnServer::Configuration configuration(const net::Address& address,
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
    EXPECT_TRUE(world.run_until([&] { return user.code >= 0; }, std::chrono::seconds(10)));
    return user.code;
  }
  void connect(TurnUser& user) {
    ASSERT_TRUE(world.run_until([&] { return user.ready; }, std::chrono::seconds(10))) << user.why;
  }
  int ask(TurnUser& user, stun::Method method, Add add) {
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

}  // namespace floe::server
