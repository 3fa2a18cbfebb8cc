#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "floe/net/sim/world.h"
#include "floe/tls/datagram_client.h"
#include "floe/tls/datagram_server.h"
#include "floe/tls/internal/client_authenticator.h"
#include "tests/network_conformance/stage.h"
#include "tests/tls/certificates.h"

namespace floe::tls {
namespace {

using net::conformance::pattern;
using ::testing::HasSubstr;

Errc send(net::Network& network, const net::Route& route, Bytes payload) {
  net::SendBatch batch;
  EXPECT_TRUE(batch.add(route, payload));
  network.send(batch);
  // No enumerator says that all is well.
  return batch.failures().empty() ? Errc{-1} : batch.failures()[0].error.code;
}
constexpr Errc kSent{-1};

using Packets = std::vector<std::vector<std::uint8_t>>;

struct ClientSide final : DatagramClientHandler {
  int connected = 0;
  Packets received;
  std::optional<Error> end;
  std::function<void()> when_connected;
  std::function<void()> when_received;
  std::function<void()> when_closed;
  std::unique_ptr<DatagramClient> client;

  void on_connected() override {
    ++connected;
    if (when_connected) when_connected();
  }
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    for (const net::Datagram& each : datagrams) {
      EXPECT_EQ(each.source, client->remote());
      EXPECT_EQ(each.socket, client->id());
      received.push_back(to_vector(each.payload));
    }
    if (when_received) when_received();
  }
  void on_closed(const Error& error) override {
    EXPECT_FALSE(end);
    end = error;
    if (when_closed) when_closed();
  }
};

/// Echoes.
struct ServerSide final : DatagramServerHandler {
  explicit ServerSide(net::Network& its_network) : network(its_network) {}
  net::Network& network;
  std::vector<net::Endpoint> clients;
  std::map<net::Endpoint, Error> ended;
  std::size_t received = 0;
  std::function<void()> when_client;
  std::function<void()> when_received;
  std::function<void()> when_ended;
  std::unique_ptr<DatagramServer> server;

  void on_client(const net::Endpoint& client) override {
    clients.push_back(client);
    if (when_client) when_client();
  }
  void on_client_closed(const net::Endpoint& client, const Error& error) override {
    ended[client] = error;
    if (when_ended) when_ended();
  }
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    for (const net::Datagram& each : datagrams) {
      ++received;
      network.batch().add({each.socket, each.source, {}}, each.payload);
    }
    network.send(network.batch());
    network.batch().clear();
    if (when_received) when_received();
  }
};

/// A client by hand: its engine over a bare UDP socket, so that packets can be kept and sent again.
struct ManualClient final : net::UdpHandler {
  ManualClient(net::Network& its_network, const net::Endpoint& its_server,
               ClientOptions its_options)
      : network(its_network), server(its_server), options(std::move(its_options)) {
    net::UdpOptions udp;
    udp.bind.address = net::Address::unspecified(net::Family::kIpv4);
    socket = network.open_udp(udp, *this).value();
  }
  void begin() {
    connection = dtls::Connection::create(
                     {.role = dtls::Role::kClient,
                      .identity = nullptr,
                      .authenticator = ClientAuthenticator::create(Medium::kDatagrams, options,
                                                                   network.wall_clock())
                                           .value()})
                     .value();
    connection->start(network.now());
    sent.clear();
    flush();
  }
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    for (net::Datagram& each : datagrams) {
      largest_answer = std::max(largest_answer, each.payload.size());
      ++answers;
      if (connection) connection->handle_packet(network.now(), each.payload);
    }
    if (connection) flush();
  }
  void flush() {
    std::array<std::uint8_t, kBaseDatagram> space;
    while (const std::size_t size = connection->poll_transmit(network.now(), space)) {
      sent.push_back(to_vector(Bytes(space).first(size)));
      transmit(sent.back());
    }
    while (auto event = connection->poll_event()) {
      if (std::holds_alternative<dtls::Connected>(*event)) connected = true;
    }
  }
  void transmit(Bytes datagram) { send(network, {socket->id(), server, {}}, datagram); }
  void say(Bytes plaintext) {
    std::vector<std::uint8_t> record(plaintext.size() + dtls::Connection::kMaxOverhead);
    record.resize(connection->seal(plaintext, record).value());
    transmit(record);
  }

  net::Network& network;
  net::Endpoint server;
  ClientOptions options;
  std::unique_ptr<net::UdpSocket> socket;
  std::unique_ptr<dtls::Connection> connection;
  Packets sent;
  std::size_t answers = 0;
  std::size_t largest_answer = 0;
  bool connected = false;
};

class DtlsDatagrams : public ::testing::Test {
 protected:
  void serve(const std::string& name = "turn.example") {
    testing::Subject subject;
    subject.names = {"DNS:" + name};
    options_.server.identity = authority_.issue(subject);
    options_.udp.bind = {bob_.address(), 5349};
    server_.server = DatagramServer::create(bob_, options_, server_).value();
  }
  ClientOptions trusting(const std::string& name = "turn.example") {
    ClientOptions options;
    options.server_name = name;
    options.trust = authority_.trust();
    return options;
  }
  void dial(ClientSide& side) {
    side.client =
        DatagramClient::connect(alice_, {bob_.address(), 5349}, std::nullopt, trusting(), side)
            .value();
    EXPECT_EQ(side.connected, 0) << "never from within";
  }
  void join(ClientSide& side) {
    dial(side);
    ASSERT_TRUE(run_until([&] { return side.connected == 1; }));
  }
  Errc say(const ClientSide& side, Bytes payload) {
    return send(alice_, {side.client->id(), side.client->remote(), {}}, payload);
  }
  bool run_until(const std::function<bool()>& done) {
    return world_.run_until(done, std::chrono::minutes(2));
  }
  void settle() { world_.run_for(std::chrono::seconds(1)); }

  net::sim::World world_{6347};
  net::sim::Host& alice_ = world_.add_host("alice");
  net::sim::Host& bob_ = world_.add_host("bob");
  testing::Authority authority_{"An authority", bob_.wall_clock()};
  DatagramServer::Options options_;
  ServerSide server_{bob_};
  ClientSide client_;
};

TEST_F(DtlsDatagrams, CarryPacketsOfEverySizeBothWays) {
  alice_.interface().set_link({.mtu = 65'535});
  bob_.interface().set_link({.mtu = 65'535});
  serve();
  ASSERT_NO_FATAL_FAILURE(join(client_));
  EXPECT_NE(client_.client->local().port, 0);
  Packets sent;
  net::SendBatch batch;
  for (const std::size_t size : {1, 2, 100, 1000, 1000, 1000, 999, 1400, 16'384}) {
    sent.push_back(pattern(size, sent.size()));
    ASSERT_TRUE(batch.add({client_.client->id(), client_.client->remote(), {}}, sent.back()));
  }
  alice_.send(batch);
  EXPECT_TRUE(batch.failures().empty());
  settle();
  ASSERT_EQ(client_.received.size(), sent.size());
  for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_TRUE(client_.received[i] == sent[i]) << i;
  const net::Endpoint seen{alice_.address(), client_.client->local().port};
  EXPECT_EQ(server_.clients, std::vector{seen});
}

TEST_F(DtlsDatagrams, PutTheChannelDataHeaderInsideTheRecord) {
  serve();
  ASSERT_NO_FATAL_FAILURE(join(client_));
  EXPECT_EQ(send(alice_,
                 {client_.client->id(), client_.client->remote(),
                  net::Prefix::channel_data(0x4001, false)},
                 pattern(3)),
            kSent);
  settle();
  ASSERT_EQ(client_.received.size(), 1u);
  EXPECT_EQ(client_.received[0].size(), 7u);
  EXPECT_EQ(client_.received[0][0], 0x40);
}

TEST_F(DtlsDatagrams, RefuseWhatCannotBeSentAndSayWhy) {
  serve();
  dial(client_);
  EXPECT_EQ(say(client_, pattern(10)), Errc::kWouldBlock);
  ASSERT_TRUE(run_until([&] { return client_.connected == 1; }));
  EXPECT_EQ(say(client_, pattern(16'385)), Errc::kMessageTooLong);
  const net::Endpoint nobody{net::Address::v4(192, 0, 2, 99), 1};
  EXPECT_EQ(send(bob_, {server_.server->id(), nobody, {}}, pattern(10)), Errc::kUnreachable);
  alice_.fail_sends([](const net::Route&) { return Error{Errc::kUnreachable, "no way"}; });
  EXPECT_EQ(say(client_, pattern(10)), Errc::kUnreachable);
  alice_.fail_sends({});
  server_.server.reset();
  ASSERT_TRUE(run_until([&] { return client_.end.has_value(); }));
  EXPECT_EQ(client_.end->code, Errc::kClosed);
  EXPECT_EQ(say(client_, pattern(10)), Errc::kClosed);
}

TEST_F(DtlsDatagrams, SayWhyTheyRefuseACertificate) {
  serve("other.example");
  dial(client_);
  ASSERT_TRUE(run_until([&] { return client_.end.has_value(); }));
  EXPECT_EQ(client_.end->code, Errc::kVerificationFailed);
  EXPECT_THAT(client_.end->message,
              HasSubstr("the certificate is for other.example, not turn.example"));
  EXPECT_EQ(client_.connected, 0);
  ASSERT_TRUE(run_until([&] { return server_.server->clients() == 0; }));
  EXPECT_EQ(server_.server->stats().clients_failed, 1u);
  EXPECT_TRUE(server_.clients.empty() && server_.ended.empty());

  const testing::Authority stranger("A stranger", bob_.wall_clock());
  testing::Subject subject;
  subject.names = {"DNS:turn.example"};
  options_.server.identity = stranger.issue(subject);
  server_.server.reset();
  server_.server = DatagramServer::create(bob_, options_, server_).value();
  ClientSide second;
  dial(second);
  ASSERT_TRUE(run_until([&] { return second.end.has_value(); }));
  EXPECT_THAT(second.end->message, HasSubstr("unknown issuer, \"A stranger\""));
}

TEST_F(DtlsDatagrams, FinishTheHandshakeThroughLossDuplicatesAndDisorder) {
  alice_.interface().set_link(
      {.latency = std::chrono::milliseconds(20), .loss = 0.2, .duplicate = 0.1, .reorder = 0.2});
  serve();
  std::vector<ClientSide> sides(30);
  for (ClientSide& side : sides) dial(side);
  world_.run_for(std::chrono::seconds(40));
  for (std::size_t i = 0; i < sides.size(); ++i) {
    EXPECT_EQ(sides[i].connected, 1) << i << (sides[i].end ? sides[i].end->message : "");
  }
  EXPECT_EQ(server_.clients.size(), sides.size());
  EXPECT_TRUE(server_.ended.empty()) << "no duplicate may end what stands";
}

TEST_F(DtlsDatagrams, GiveUpAServerThatNeverAnswers) {
  const Time began = alice_.now();
  dial(client_);
  ASSERT_TRUE(run_until([&] { return client_.end.has_value(); }));
  EXPECT_EQ(client_.end->code, Errc::kTimedOut);
  EXPECT_GT(alice_.now() - began, std::chrono::seconds(25));
  EXPECT_LT(alice_.now() - began, std::chrono::seconds(45));
}

TEST_F(DtlsDatagrams, OutliveATenMinuteSleepInTheHandshakeAndAfterIt) {
  serve();
  dial(client_);
  alice_.sleep_for(std::chrono::minutes(10));
  world_.run_for(std::chrono::minutes(11));
  EXPECT_EQ(client_.connected, 1) << (client_.end ? client_.end->message : "");
  alice_.sleep_for(std::chrono::minutes(10));
  world_.run_for(std::chrono::minutes(11));
  EXPECT_EQ(say(client_, pattern(10)), kSent);
  EXPECT_TRUE(run_until([&] { return client_.received.size() == 1; }));
}

TEST_F(DtlsDatagrams, KeepClientsApart) {
  serve();
  std::vector<ClientSide> sides(50);
  for (ClientSide& side : sides) dial(side);
  ASSERT_TRUE(run_until([&] {
    return std::ranges::all_of(sides, [](const ClientSide& s) { return s.connected == 1; });
  }));
  for (std::size_t i = 0; i < sides.size(); ++i) EXPECT_EQ(say(sides[i], pattern(100, i)), kSent);
  settle();
  for (std::size_t i = 0; i < sides.size(); ++i) {
    EXPECT_EQ(sides[i].received, Packets(1, pattern(100, i))) << i;
  }
  EXPECT_EQ(server_.server->clients(), 50u);
  for (std::size_t i = 0; i < 20; ++i) sides[i].client.reset();
  settle();
  EXPECT_EQ(server_.server->clients(), 30u);
  EXPECT_EQ(server_.ended.size(), 20u);
  EXPECT_EQ(server_.ended.begin()->second.code, Errc::kClosed);
}

TEST_F(DtlsDatagrams, ServeNoMoreClientsThanTheyWereTold) {
  options_.max_clients = 2;
  serve();
  ClientSide sides[3];
  for (ClientSide& side : sides) {
    dial(side);
    settle();
  }
  EXPECT_EQ(sides[1].connected, 1);
  EXPECT_EQ(sides[2].connected, 0);
  EXPECT_GT(server_.server->stats().clients_refused, 0u);
  sides[0].client.reset();
  EXPECT_TRUE(run_until([&] { return sides[2].connected == 1; }));
}

TEST_F(DtlsDatagrams, ForgetAClientThatSaysNothing) {
  options_.idle_timeout = std::chrono::minutes(5);
  serve();
  ClientSide talks;
  ASSERT_NO_FATAL_FAILURE(join(talks));
  ASSERT_NO_FATAL_FAILURE(join(client_));
  for (int minute = 0; minute < 12; ++minute) {
    world_.run_for(std::chrono::minutes(1));
    EXPECT_EQ(say(talks, pattern(10)), kSent);
  }
  EXPECT_EQ(server_.server->clients(), 1u);
  EXPECT_EQ(server_.server->stats().clients_idle, 1u);
  ASSERT_EQ(server_.ended.size(), 1u);
  EXPECT_EQ(server_.ended.begin()->first.port, client_.client->local().port);
  EXPECT_EQ(server_.ended.begin()->second.code, Errc::kTimedOut);
  ASSERT_TRUE(client_.end) << "it was told";
  EXPECT_EQ(client_.end->code, Errc::kClosed);
  EXPECT_FALSE(talks.end);
}

TEST_F(DtlsDatagrams, KeepNothingOfWhoOnlyClaimsAnAddress) {
  serve();
  ManualClient hello(alice_, {bob_.address(), 5349}, trusting());
  hello.begin();
  const std::vector<std::uint8_t> first = hello.sent[0];
  hello.connection.reset();
  settle();

  // Whoever writes with somebody else's address never sees the cookie.
  for (int i = 0; i < 300; ++i) {
    ManualClient spoofed(alice_, {bob_.address(), 5349}, trusting());
    spoofed.transmit(first);
    settle();
    EXPECT_EQ(spoofed.answers, 1u);
    EXPECT_LT(spoofed.largest_answer, first.size()) << "no use for hitting others";
  }
  EXPECT_EQ(server_.server->clients(), 0u);
  EXPECT_EQ(server_.server->stats().clients_accepted, 0u);
}

TEST_F(DtlsDatagrams, RefuseACookieOfAnotherAddressOrAnotherTime) {
  serve();
  ManualClient honest(alice_, {bob_.address(), 5349}, trusting());
  honest.begin();
  ASSERT_TRUE(run_until([&] { return honest.connected; }));
  const std::vector<std::uint8_t> with_cookie = honest.sent[1];
  EXPECT_EQ(server_.server->clients(), 1u);
  ManualClient thief(alice_, {bob_.address(), 5349}, trusting());
  thief.transmit(with_cookie);
  settle();
  EXPECT_EQ(thief.answers, 1u) << "another cookie";
  EXPECT_EQ(server_.server->clients(), 1u);

  honest.connection->close(alice_.now());
  honest.flush();
  settle();
  EXPECT_EQ(server_.server->clients(), 0u);
  world_.run_for(std::chrono::minutes(3));
  honest.connection.reset();
  honest.transmit(with_cookie);
  settle();
  EXPECT_EQ(server_.server->clients(), 0u);
}

TEST_F(DtlsDatagrams, KeepAnAssociationWhoseClientHelloComesAgain) {
  serve();
  ManualClient client(alice_, {bob_.address(), 5349}, trusting());
  client.begin();
  ASSERT_TRUE(run_until([&] { return client.connected; }));
  const auto sent = client.sent;
  for (const auto& datagram : sent) client.transmit(datagram);
  settle();
  EXPECT_TRUE(server_.ended.empty());
  client.say(pattern(10));
  settle();
  EXPECT_EQ(server_.received, 1u);
}

TEST_F(DtlsDatagrams, TakeAClientThatBeginsAnewFromItsOldPort) {
  serve();
  ManualClient client(alice_, {bob_.address(), 5349}, trusting());
  client.begin();
  ASSERT_TRUE(run_until([&] { return client.connected; }));
  settle();
  client.connected = false;
  client.begin();
  ASSERT_TRUE(run_until([&] { return client.connected; }));
  EXPECT_EQ(server_.clients.size(), 2u);
  EXPECT_EQ(server_.ended.size(), 1u);
  EXPECT_EQ(server_.server->clients(), 1u);
  client.say(pattern(10));
  settle();
  EXPECT_EQ(server_.received, 1u);
}

TEST_F(DtlsDatagrams, PassOverGarbageFromOutsideAndNotWhatOnlyLooksLikeIt) {
  serve();
  ASSERT_NO_FATAL_FAILURE(join(client_));
  ManualClient stranger(alice_, {bob_.address(), 5349}, trusting());
  SeededRandom random(5);
  const auto hello = [&] {
    stranger.begin();
    auto first = stranger.sent[0];
    stranger.connection.reset();
    return first;
  }();
  for (std::size_t i = 0; i < hello.size(); ++i) {
    auto changed = hello;
    changed[i] ^= static_cast<std::uint8_t>(1u << random.below(8));
    stranger.transmit(changed);
    stranger.transmit(Bytes(hello).first(i));
  }
  // What is well encrypted is no garbage, whatever it looks like.
  std::vector<std::uint8_t> noise(40);
  for (int i = 0; i < 200; ++i) {
    random.fill(noise);
    noise[0] = static_cast<std::uint8_t>(20 + random.below(44));
    EXPECT_EQ(send(alice_, {client_.client->id(), {}, {}}, noise), kSent);
  }
  settle();
  EXPECT_EQ(server_.server->clients(), 1u);
  EXPECT_EQ(client_.received.size(), 200u);
  EXPECT_FALSE(client_.end);
}

TEST_F(DtlsDatagrams, MayBeDestroyedByEachOfTheirHandlers) {
  serve();
  ClientSide in_connected;
  in_connected.when_connected = [&] { in_connected.client.reset(); };
  dial(in_connected);
  ASSERT_TRUE(run_until([&] { return in_connected.client == nullptr; }));

  ClientSide in_received;
  ASSERT_NO_FATAL_FAILURE(join(in_received));
  in_received.when_received = [&] { in_received.client.reset(); };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(say(in_received, pattern(10)), kSent);
  ASSERT_TRUE(run_until([&] { return in_received.client == nullptr; }));
  settle();
  EXPECT_EQ(in_received.received.size(), 1u);

  client_.when_closed = [&] { client_.client.reset(); };
  ASSERT_NO_FATAL_FAILURE(join(client_));
  server_.when_received = [&] { server_.server.reset(); };
  for (int i = 0; i < 3; ++i) EXPECT_EQ(say(client_, pattern(10)), kSent);
  ASSERT_TRUE(run_until([&] { return client_.client == nullptr; }));
  EXPECT_EQ(client_.end->code, Errc::kClosed);

  serve();
  server_.when_client = [&] { server_.server.reset(); };
  ClientSide late;
  dial(late);
  ASSERT_TRUE(run_until([&] { return late.end.has_value(); }));

  server_.when_client = nullptr;
  server_.when_ended = [&] { server_.server.reset(); };
  serve();
  ClientSide last;
  ASSERT_NO_FATAL_FAILURE(join(last));
  last.client.reset();
  ASSERT_TRUE(run_until([&] { return server_.server == nullptr; }));
}

TEST_F(DtlsDatagrams, RefuseOptionsThatMakeNoSense) {
  DatagramServer::Options options;
  options.udp.bind.address = bob_.address();
  EXPECT_EQ(DatagramServer::create(bob_, options, server_).error().code, Errc::kInvalidArgument)
      << "no identity";
  serve();
  EXPECT_EQ(DatagramServer::create(bob_, options_, server_).error().code, Errc::kAddressInUse);
  options_.max_clients = 0;
  EXPECT_EQ(DatagramServer::create(bob_, options_, server_).error().code, Errc::kInvalidArgument);
  EXPECT_EQ(
      DatagramClient::connect(alice_, {bob_.address(), 5349}, std::nullopt, trusting(""), client_)
          .error()
          .code,
      Errc::kInvalidArgument);
}

}  // namespace
}  // namespace floe::tls
