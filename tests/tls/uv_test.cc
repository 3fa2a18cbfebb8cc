#include <gtest/gtest.h>

#include "floe/net/uv/network.h"
#include "floe/tls/datagram_client.h"
#include "floe/tls/datagram_server.h"
#include "tests/network_conformance/stage.h"
#include "tests/tls/tls_network.h"

// TLS and DTLS over real sockets: the conformance suite of streams, and an echo of datagrams.
namespace floe {
namespace net::conformance {
namespace {

class TlsLoopback final : public Stage {
 public:
  Network& alice() override { return tls_; }
  Network& bob() override { return tls_; }
  Address alice_address(Family) override { return Address::v4(127, 0, 0, 1); }
  Address bob_address(Family) override { return Address::v4(127, 0, 0, 1); }
  std::vector<Family> families() override { return {Family::kIpv4}; }
  std::string failing_name() override { return std::string(70, 'x') + ".invalid"; }
  bool run_until(const std::function<bool()>& done) override {
    bool expired = false;
    const auto timer = network_->create_timer([&] { expired = true; });
    timer->arm(network_->now() + std::chrono::seconds(10));
    while (!done() && !expired) network_->run_once();
    return done();
  }

 private:
  std::unique_ptr<uv::Network> network_ = uv::Network::create().value();
  tls::testing::Authority authority_{"An authority", network_->wall_clock()};
  tls::testing::TlsNetwork tls_{*network_, authority_, "loopback.example"};
};

}  // namespace

GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(NetworkConformance);

std::vector<Implementation> implementations() {
  return {
      {"TlsOverUv", []() -> std::unique_ptr<Stage> { return std::make_unique<TlsLoopback>(); }}};
}

}  // namespace net::conformance

namespace tls {
namespace {

using net::conformance::pattern;

struct Echo final : DatagramServerHandler {
  net::Network& network;
  std::unique_ptr<DatagramServer> server;
  explicit Echo(net::Network& its_network) : network(its_network) {}
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    for (const net::Datagram& each : datagrams) {
      network.batch().add({each.socket, each.source, {}}, each.payload);
    }
    network.send(network.batch());
    network.batch().clear();
  }
};

struct Asker final : DatagramClientHandler {
  bool connected = false;
  std::size_t intact = 0;
  std::optional<Error> end;
  void on_connected() override { connected = true; }
  void on_closed(const Error& error) override { end = error; }
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    for (const net::Datagram& each : datagrams) {
      if (to_vector(each.payload) == pattern(each.payload.size())) ++intact;
    }
  }
};

TEST(DtlsOverUv, EchoesPacketsOverTheLoopbackInterface) {
  const auto network = net::uv::Network::create().value();
  const testing::Authority authority("An authority", network->wall_clock());
  testing::Subject subject;
  subject.names = {"IP:127.0.0.1"};
  DatagramServer::Options options;
  options.udp.bind.address = net::Address::v4(127, 0, 0, 1);
  options.server.identity = authority.issue(subject);
  Echo echo(*network);
  echo.server = DatagramServer::create(*network, options, echo).value();

  Asker asker;
  ClientOptions trusting;
  trusting.server_name = "127.0.0.1";
  trusting.trust = authority.trust();
  const auto client =
      DatagramClient::connect(*network, echo.server->local(), std::nullopt, trusting, asker)
          .value();
  bool expired = false;
  const auto timer = network->create_timer([&] { expired = true; });
  timer->arm(network->now() + std::chrono::seconds(10));
  while (!asker.connected && !expired) network->run_once();
  ASSERT_TRUE(asker.connected) << (asker.end ? asker.end->message : "too late");

  for (std::size_t size = 1000; size < 1032; ++size) {
    network->batch().add({client->id(), client->remote(), {}}, pattern(size));
  }
  network->send(network->batch());
  EXPECT_TRUE(network->batch().failures().empty());
  network->batch().clear();
  while (asker.intact < 32 && !expired) network->run_once();
  EXPECT_EQ(asker.intact, 32u);
  EXPECT_EQ(echo.server->clients(), 1u);
}

}  // namespace
}  // namespace tls
}  // namespace floe
