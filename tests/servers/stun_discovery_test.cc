// The STUN server's side of NAT behaviour discovery (RFC 5780).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "floe/net/sim/world.h"
#include "floe/servers/stun/stun_server.h"
#include "tests/servers/turn_messages.h"

namespace floe::server {
namespace {

using namespace std::chrono_literals;
using stun::AttributeType;
using stun::Message;
using stun::MessageBuilder;

Packet request(const Add& add = nothing()) {
  Packet space(4096);
  MessageBuilder builder(space, stun::Class::kRequest, stun::Method::kBinding, {1, 2, 3});
  add(builder);
  EXPECT_TRUE(builder.ok());
  return to_vector(builder.bytes());
}

/// A server with two addresses and two ports, and a client that looks where answers come from.
class NatDiscoveryTest : public ::testing::Test, private net::UdpHandler {
 protected:
  NatDiscoveryTest() {
    for (const net::Address& address : {kFirst, kSecond}) addresses.push_back(address);
    auto& host = world.add_host("server", {.addresses = addresses});
    server = StunServer::create(host, {.bind = {kFirst, 3478},
                                       .reuse_port = false,
                                       .alternate = net::Endpoint{kSecond, 3479},
                                       .responder = {}})
                 .value();
    net::UdpOptions options;
    options.bind = {client.address(), 4000};
    options.dont_fragment = false;
    socket = client.open_udp(options, *this).value();
    options.bind.port = 4001;
    other_socket = client.open_udp(options, *this).value();
  }
  /// The answer to `packet`, which goes to `to`.
  Message ask(const Packet& packet, const net::Endpoint& to) {
    answer.clear();
    net::SendBatch batch;
    batch.add({socket->id(), to, {}}, packet);
    client.send(batch);
    world.run_for(1s);
    return Message::parse(answer).value();
  }
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    for (const net::Datagram& datagram : datagrams) {
      answer = to_vector(datagram.payload);
      from = datagram.source;
      at = datagram.socket;
    }
  }

  const net::Address kFirst = net::Address::v4(192, 0, 2, 1);
  const net::Address kSecond = net::Address::v4(192, 0, 2, 2);
  std::vector<net::Address> addresses;
  net::sim::World world{3};
  net::sim::Host& client = world.add_host("client");
  std::unique_ptr<StunServer> server;
  std::unique_ptr<net::UdpSocket> socket;
  std::unique_ptr<net::UdpSocket> other_socket;
  Packet answer;
  net::Endpoint from;
  net::SocketId at = net::kNoSocket;
};

TEST_F(NatDiscoveryTest, AnswersFromTheAddressAndPortThatTheClientAsksFor) {
  const std::array addresses{kFirst, kSecond};
  const std::array<std::uint16_t, 2> ports{3478, 3479};
  for (std::size_t a : {0u, 1u}) {
    for (std::size_t p : {0u, 1u}) {
      for (const bool change_address : {false, true}) {
        for (const bool change_port : {false, true}) {
          const Message response = ask(request([&](MessageBuilder& b) {
                                         b.add_change_request({change_address, change_port});
                                       }),
                                       {addresses[a], ports[p]});
          const net::Endpoint expected{addresses[a ^ std::size_t{change_address}],
                                       ports[p ^ std::size_t{change_port}]};
          EXPECT_EQ(from, expected);
          EXPECT_EQ(response.response_origin(), expected);
          EXPECT_EQ(response.other_address(), (net::Endpoint{addresses[1 - a], ports[1 - p]}));
          EXPECT_EQ(response.mapped_address(), socket->local());
          EXPECT_EQ(response.xor_mapped_address(), socket->local());
        }
      }
    }
  }
  EXPECT_EQ(server->stats().responder.answered_elsewhere, 12u);
}

TEST_F(NatDiscoveryTest, TellsOfItsOtherAddressWithoutBeingAsked) {
  const Message response = ask(request(), server->local());
  EXPECT_EQ(response.other_address(), server->alternate());
  EXPECT_LE(answer.size() - request().size(), StunResponder::kMaxDiscoveryGrowth);
}

TEST_F(NatDiscoveryTest, AnswersToAnotherPortOfTheSameAddress) {
  const Message response =
      ask(request([](MessageBuilder& b) { b.add_u32(AttributeType::kResponsePort, 4001u << 16); }),
          server->local());
  EXPECT_EQ(at, other_socket->id());
  EXPECT_EQ(response.xor_mapped_address(), socket->local());
}

TEST_F(NatDiscoveryTest, PadsNoFurtherThanTheRequestAndNotToAnotherPort) {
  const Add padding = [](MessageBuilder& b) {
    b.add(AttributeType::kPadding, std::vector<std::uint8_t>(2'000));
  };
  EXPECT_TRUE(ask(request(padding), server->local()).has(AttributeType::kPadding));
  EXPECT_EQ(answer.size(), request(padding).size());
  const Message refused = ask(request([&](MessageBuilder& b) {
                                padding(b);
                                b.add_u32(AttributeType::kResponsePort, 4001u << 16);
                              }),
                              server->local());
  EXPECT_EQ(refused.error_code()->code, 400);
  EXPECT_EQ(at, socket->id());
  EXPECT_LT(answer.size(), 40u);
}

TEST_F(NatDiscoveryTest, IsRefusedWithoutTwoAddressesAndTwoPorts) {
  auto& host = world.add_host("another", {.addresses = {net::Address::v4(192, 0, 2, 3)}});
  for (const char* alternate : {"192.0.2.3:3479", "192.0.2.4:3478", "0.0.0.0:3479"}) {
    const auto created = StunServer::create(host, {.bind = endpoint("192.0.2.3:3478"),
                                                   .reuse_port = false,
                                                   .alternate = endpoint(alternate),
                                                   .responder = {}});
    ASSERT_FALSE(created) << alternate;
    EXPECT_THAT(created.error().message, ::testing::HasSubstr("two addresses"));
  }
}

}  // namespace
}  // namespace floe::server
