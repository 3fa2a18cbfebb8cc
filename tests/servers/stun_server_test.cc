#include "floe/servers/stun/stun_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <string>
#include <vector>

#include "floe/net/sim/world.h"
#include "floe/stun_client/binding_client.h"

namespace floe::server {
namespace {

using namespace std::chrono_literals;
using stun::AttributeType;
using stun::Class;
using stun::Message;
using stun::MessageBuilder;
using stun::Method;
using ::testing::ElementsAre;

constexpr Time kStart{std::chrono::hours(1)};
constexpr net::SocketId kSocket{3};
constexpr stun::TransactionId kId{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
using Add = std::function<void(MessageBuilder&)>;
using Packet = std::vector<std::uint8_t>;

net::Endpoint endpoint(std::string_view text) {
  return net::Endpoint::parse(text).value();
}
const net::Endpoint kClient = endpoint("203.0.113.5:4000");
const net::Endpoint kIpv6Client = endpoint("[2001:db8::5]:4000");

Packet message(
    Class cls, const Add& add = [](MessageBuilder&) {}, Method method = Method::kBinding) {
  std::vector<std::uint8_t> space(4096);
  MessageBuilder builder(space, cls, method, kId);
  add(builder);
  EXPECT_TRUE(builder.ok());
  return to_vector(builder.bytes());
}
Packet request(const Add& add = [](MessageBuilder&) {}) {
  return message(Class::kRequest, add);
}
Packet classic(Packet packet) {
  packet[4] ^= 0xff;
  return packet;
}

class StunResponderTest : public ::testing::Test {
 protected:
  SeededRandom random{1};
  StunResponder responder{{.software = "floe test"}, random};
  net::SendBatch batch;
  Time now = kStart;

  /// What the responder sends back; empty for nothing.
  Packet answer_to(Packet packet, const net::Endpoint& source = kClient) {
    batch.clear();
    responder.handle_packet(now, {packet, source, kSocket}, batch);
    if (batch.empty()) return {};
    EXPECT_EQ(batch.packets(), 1u);
    EXPECT_EQ(batch.runs()[0].route, (net::Route{kSocket, source, {}}));
    return to_vector(batch.packet(batch.runs()[0], 0));
  }
};

TEST_F(StunResponderTest, TellsTheClientItsAddressInBothFamilies) {
  for (const net::Endpoint& client : {kClient, kIpv6Client}) {
    const Packet answer = answer_to(request(), client);
    const Result<Message> response = Message::parse(answer);
    ASSERT_TRUE(response);
    EXPECT_EQ(response->cls(), Class::kSuccess);
    EXPECT_EQ(response->method(), Method::kBinding);
    EXPECT_EQ(response->transaction_id(), kId);
    EXPECT_EQ(response->xor_mapped_address(), client);
    EXPECT_FALSE(response->mapped_address());
  }
  EXPECT_EQ(responder.stats().answered, 2u);
}

TEST_F(StunResponderTest, NamesItselfWhenThatMakesTheAnswerNoLargerThanTheRequest) {
  EXPECT_FALSE(Message::parse(answer_to(request()))->software());
  const Packet roomy = request([](MessageBuilder& b) {
    b.add_text(AttributeType::kSoftware, "a client with a longer name");
  });
  const Packet answer = answer_to(roomy);
  EXPECT_EQ(Message::parse(answer)->software(), "floe test");
  EXPECT_LE(answer.size(), roomy.size());
}

TEST_F(StunResponderTest, AddsAFingerprintForThoseWhoUseIt) {
  EXPECT_FALSE(Message::parse(answer_to(request()))->has(AttributeType::kFingerprint));
  const Packet answer = answer_to(request([](MessageBuilder& b) { b.add_fingerprint(); }));
  EXPECT_EQ(Message::parse(answer)->check_fingerprint(), Message::Fingerprint::kOk);
}

TEST_F(StunResponderTest, RefusesUnknownComprehensionRequiredAttributesByName) {
  const Packet answer = answer_to(request([](MessageBuilder& b) {
    b.add_flag(AttributeType{0x7ffe});
    b.add_u32(AttributeType::kPriority, 1);
    b.add_flag(AttributeType{0x7ffe});
    b.add_flag(AttributeType{0xfffe});
  }));
  const Result<Message> response = Message::parse(answer);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->cls(), Class::kError);
  EXPECT_EQ(response->error_code()->code, 420);
  EXPECT_THAT(response->unknown_attributes(),
              ElementsAre(AttributeType{0x7ffe}, AttributeType::kPriority));
  EXPECT_EQ(responder.stats().unknown_attributes, 1u);
  EXPECT_EQ(responder.stats().answered, 0u);
}

TEST_F(StunResponderTest, IgnoresCredentialsItDidNotAskFor) {
  const Packet answer = answer_to(request([](MessageBuilder& b) {
    b.add_text(AttributeType::kUsername, "user");
    b.add_text(AttributeType::kRealm, "realm");
    b.add_text(AttributeType::kNonce, "nonce");
    b.add_integrity_sha1(as_bytes("key"));
  }));
  EXPECT_EQ(Message::parse(answer)->xor_mapped_address(), kClient);
}

TEST_F(StunResponderTest, GivesAnRfc3489ClientTheMappedAddressItKnows) {
  const Packet answer = answer_to(classic(
      request([](MessageBuilder& b) { b.add_change_request({.address = false, .port = false}); })));
  const Result<Message> response = Message::parse_classic(answer);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->cookie(), stun::kMagicCookie ^ 0xff000000u) << "part of its transaction id";
  EXPECT_THAT(response->attribute_types(), ElementsAre(AttributeType::kMappedAddress));
  EXPECT_EQ(response->mapped_address(), kClient);
  EXPECT_EQ(responder.stats().answered_classic, 1u);
}

TEST_F(StunResponderTest, DoesNotPretendToAnswerFromElsewhere) {
  const Packet answer = answer_to(classic(
      request([](MessageBuilder& b) { b.add_change_request({.address = true, .port = false}); })));
  const Result<Message> response = Message::parse_classic(answer);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->error_code()->code, 420);
  EXPECT_THAT(response->unknown_attributes(),
              ElementsAre(AttributeType::kChangeRequest, AttributeType::kChangeRequest))
      << "RFC 3489 fills the list up with its last entry";
}

TEST_F(StunResponderTest, NoAnswerOutgrowsItsRequestByMoreThanTheLimit) {
  for (const net::Endpoint& client : {kClient, kIpv6Client}) {
    for (std::size_t unknown = 0; unknown <= 30; ++unknown) {
      for (std::size_t software = 0; software <= 64; ++software) {
        for (const bool fingerprint : {false, true}) {
          Packet packet = request([&](MessageBuilder& b) {
            for (std::size_t i = 0; i < unknown; ++i) {
              b.add_flag(AttributeType{static_cast<std::uint16_t>(0x7000 + i)});
            }
            if (software > 0) b.add_text(AttributeType::kSoftware, std::string(software, 's'));
            if (fingerprint) b.add_fingerprint();
          });
          now += 1s;  // Out of the rate limit's way.
          for (const Packet& form : {packet, fingerprint ? packet : classic(packet)}) {
            const Packet answer = answer_to(form, client);
            ASSERT_FALSE(answer.empty());
            ASSERT_LE(answer.size(), form.size() + StunResponder::kMaxGrowth)
                << unknown << " unknown, " << software << " bytes of software";
          }
        }
      }
    }
  }
}

TEST_F(StunResponderTest, StaysSilentAndCountsWhatIsNoBindingRequest) {
  const auto is_silent = [&](const Packet& packet, const net::Endpoint& source = kClient) {
    return answer_to(packet, source).empty();
  };
  EXPECT_TRUE(is_silent({}));
  EXPECT_TRUE(is_silent(Packet(19)));
  EXPECT_TRUE(is_silent(Packet(65'507, 0x80)));
  EXPECT_EQ(responder.stats().dropped_malformed, 3u);

  EXPECT_TRUE(is_silent(message(
      Class::kRequest, [](auto&) {}, Method::kAllocate)));
  EXPECT_EQ(responder.stats().dropped_method, 1u);

  EXPECT_TRUE(is_silent(message(Class::kSuccess)));
  EXPECT_TRUE(is_silent(message(Class::kError)));
  EXPECT_EQ(responder.stats().dropped_response, 2u) << "or two servers could be set on each other";

  EXPECT_TRUE(is_silent(message(Class::kIndication)));
  EXPECT_EQ(responder.stats().indications, 1u);

  Packet bad_fingerprint = request([](MessageBuilder& b) { b.add_fingerprint(); });
  bad_fingerprint.back() ^= 1;
  EXPECT_TRUE(is_silent(bad_fingerprint));
  EXPECT_EQ(responder.stats().dropped_fingerprint, 1u);

  EXPECT_TRUE(is_silent(request(), endpoint("203.0.113.5:0")));
  EXPECT_TRUE(is_silent(request(), endpoint("255.255.255.255:4000")));
  EXPECT_TRUE(is_silent(request(), endpoint("224.0.0.1:4000")));
  EXPECT_EQ(responder.stats().dropped_source, 3u);
  EXPECT_EQ(responder.stats().answered, 0u);
}

TEST_F(StunResponderTest, AFullBatchIsCountedNotOverrun) {
  const std::vector<std::uint8_t> filler(2 * StunResponder::kMaxResponse);
  while (batch.add({}, filler)) {
  }
  const std::size_t packets = batch.packets();
  for (int i = 0; i < 100; ++i) {
    Packet packet = request();
    responder.handle_packet(now, {packet, kClient, kSocket}, batch);
  }
  EXPECT_GT(responder.stats().dropped_batch_full, 0u);
  EXPECT_EQ(batch.packets() - packets, responder.stats().answered);
}

class SourceLimiterTest : public ::testing::Test {
 protected:
  SeededRandom random{1};
  SourceLimiter limiter{{.per_second = 10, .burst = 5}, random};

  unsigned admitted(unsigned tries, Time now, const net::Address& source) {
    unsigned count = 0;
    for (unsigned i = 0; i < tries; ++i) count += limiter.admit(now, source);
    return count;
  }
};

TEST_F(SourceLimiterTest, LetsABurstThroughAndThenTheRate) {
  EXPECT_EQ(admitted(100, kStart, kClient.address), 5u);
  EXPECT_EQ(admitted(100, kStart + 99ms, kClient.address), 0u);
  EXPECT_EQ(admitted(100, kStart + 100ms, kClient.address), 1u);
  EXPECT_EQ(admitted(100, kStart + 400ms, kClient.address), 3u);
}

TEST_F(SourceLimiterTest, APauseOfTenMinutesIsWorthOneBurst) {
  admitted(100, kStart, kClient.address);
  EXPECT_EQ(admitted(100, kStart + 10min, kClient.address), 5u);
}

TEST_F(SourceLimiterTest, OneSourceDoesNotUseUpAnothers) {
  admitted(100, kStart, kClient.address);
  EXPECT_EQ(admitted(100, kStart, endpoint("203.0.113.6:1").address), 5u);
}

TEST_F(SourceLimiterTest, AnIpv6NetworkIsOneSource) {
  admitted(100, kStart, endpoint("[2001:db8:1:2::1]:1").address);
  EXPECT_EQ(admitted(100, kStart, endpoint("[2001:db8:1:2:ffff::9]:1").address), 0u);
  EXPECT_EQ(admitted(100, kStart, endpoint("[2001:db8:1:3::1]:1").address), 5u);
}

TEST_F(SourceLimiterTest, ZeroLetsEverythingThrough) {
  SourceLimiter unlimited({.per_second = 0, .burst = 0}, random);
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(unlimited.admit(kStart, kClient.address));
}

TEST_F(SourceLimiterTest, AFloodOfSourcesNeitherGrowsTheTableNorShutsOutNewcomers) {
  SourceLimiter bounded({.per_second = 1, .burst = 1}, random);
  for (std::uint32_t i = 0; i < 4 * SourceLimiter::kSources; ++i) {
    const auto byte = [i](int shift) { return static_cast<std::uint8_t>(i >> shift); };
    EXPECT_TRUE(bounded.admit(kStart, net::Address::v4(10, byte(16), byte(8), byte(0))));
  }
  EXPECT_GE(bounded.forgotten(), 3 * SourceLimiter::kSources);
  // A second later all debts are paid: forgetting them costs nothing and is not counted.
  const std::uint64_t forgotten = bounded.forgotten();
  EXPECT_TRUE(bounded.admit(kStart + 1s, kClient.address));
  EXPECT_EQ(bounded.forgotten(), forgotten);
}

/// A client machine's socket with a binding client on it.
class Asker final : private net::UdpHandler {
 public:
  Asker(net::Network& network, const net::Endpoint& local, const net::Endpoint& server)
      : network_(network),
        socket_(network.open_udp({.bind = local}, *this).value()),
        client_(socket_->id(), server, network.random(), {}),
        timer_(network.create_timer([this] {
          client_.handle_timeout(network_.now());
          pump();
        })) {}

  void ask() {
    client_.start(network_.now());
    pump();
  }
  void send(Bytes payload) {
    network_.batch().add({socket_->id(), client_.server(), {}}, payload);
    flush();
  }
  std::optional<stun::BindingClient::Event> event;
  /// Packets that came back, per call of the handler.
  std::size_t received = 0;
  net::Endpoint reflexive() const {
    return std::get<stun::BindingClient::Reflexive>(event.value()).address;
  }

 private:
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    received += datagrams.size();
    for (const net::Datagram& d : datagrams) client_.handle_packet(network_.now(), d);
    pump();
  }
  void pump() {
    client_.poll_transmit(network_.now(), network_.batch());
    flush();
    timer_->arm(client_.next_timeout());
    if (auto next = client_.poll_event()) event = std::move(next);
  }
  void flush() {
    network_.send(network_.batch());
    network_.batch().clear();
  }

  net::Network& network_;
  std::unique_ptr<net::UdpSocket> socket_;
  stun::BindingClient client_;
  std::unique_ptr<net::Timer> timer_;
};

std::unique_ptr<StunServer> serve(net::sim::Host& host) {
  StunServer::Configuration configuration;
  configuration.bind = {host.address(), StunServer::kPort};
  return StunServer::create(host, std::move(configuration)).value();
}

TEST(StunServer, TellsAClientBehindANatItsOutsideAddress) {
  net::sim::World world(1);
  net::sim::Host& host = world.add_host("server");
  net::sim::Nat& nat = world.add_nat();
  net::sim::Host& inside = world.add_host("client", {.behind = &nat});
  const auto server = serve(host);
  EXPECT_EQ(server->local(), (net::Endpoint{host.address(), 3478}));
  Asker asker(inside, {inside.address(), 0}, server->local());
  asker.ask();
  ASSERT_TRUE(world.run_until([&] { return asker.event.has_value(); }, 5s));
  EXPECT_EQ(asker.reflexive().address, nat.address());
  EXPECT_EQ(server->stats().responder.answered, 1u);
}

TEST(StunServer, IsFoundThroughHeavyLossByRetransmission) {
  net::sim::World world(7);
  net::sim::Host& host = world.add_host("server");
  net::sim::InterfaceOptions lossy;
  lossy.link.loss = 0.4;
  net::sim::Host& client = world.add_host("client", lossy);
  const auto server = serve(host);
  Asker asker(client, {client.address(), 0}, server->local());
  asker.ask();
  ASSERT_TRUE(world.run_until([&] { return asker.event.has_value(); }, 60s));
  EXPECT_EQ(asker.reflexive().address, client.address());
}

TEST(StunServer, AClientWithoutAServerGivesUpAfter39AndAHalfSeconds) {
  net::sim::World world(1);
  net::sim::Host& client = world.add_host("client");
  Asker asker(client, {client.address(), 0}, {world.add_host("idle").address(), 3478});
  asker.ask();
  const Time asked = world.now();
  ASSERT_TRUE(world.run_until([&] { return asker.event.has_value(); }, 60s));
  EXPECT_TRUE(std::holds_alternative<stun::BindingClient::Failed>(*asker.event));
  EXPECT_EQ(world.now() - asked, 39'500ms);
}

TEST(StunServer, AnswersAFloodOnlyAtItsRate) {
  net::sim::World world(1);
  net::sim::Host& host = world.add_host("server");
  net::sim::Host& client = world.add_host("client");
  const auto server = serve(host);
  Asker asker(client, {client.address(), 0}, server->local());
  for (int i = 0; i < 1000; ++i) asker.send(request());
  EXPECT_TRUE(world.run_until_idle(1min));
  EXPECT_EQ(server->stats().received, 1000u);
  EXPECT_EQ(asker.received, SourceLimiter::Rate().burst);
  EXPECT_EQ(server->stats().responder.dropped_rate_limited, 1000u - SourceLimiter::Rate().burst);
}

TEST(StunServer, CountsAnswersTheSystemRefuses) {
  net::sim::World world(1);
  net::sim::Host& host = world.add_host("server");
  net::sim::Host& client = world.add_host("client");
  const auto server = serve(host);
  host.fail_sends([](const net::Route&) { return Error{Errc::kPermissionDenied, "firewall"}; });
  Asker asker(client, {client.address(), 0}, server->local());
  asker.send(request());
  EXPECT_TRUE(world.run_until_idle(1min));
  EXPECT_EQ(server->stats().send_failures, 1u);
  EXPECT_EQ(asker.received, 0u);
}

TEST(StunServer, SaysWhyItCannotBeCreated) {
  net::sim::World world(1);
  net::sim::Host& host = world.add_host("server");
  const auto first = serve(host);
  StunServer::Configuration configuration;
  configuration.bind = first->local();
  EXPECT_EQ(StunServer::create(host, configuration).error().code, Errc::kAddressInUse);
  configuration.bind.port = 0;
  configuration.responder.software = std::string(600, 's');
  EXPECT_EQ(StunServer::create(host, configuration).error().code, Errc::kInvalidArgument);
}

/// Counts sends; hands the server any datagrams at once, as GRO does.
class CountingNetwork final : public net::Network {
 public:
  std::size_t sends = 0;
  std::size_t packets_sent = 0;
  net::UdpHandler* handler = nullptr;

  Time now() const override { return kStart; }
  Random& random() override { return random_; }
  std::vector<net::Interface> interfaces() override { return {}; }
  Result<std::unique_ptr<net::UdpSocket>> open_udp(const net::UdpOptions& options,
                                                   net::UdpHandler& its_handler) override {
    class Socket final : public net::UdpSocket {
     public:
      explicit Socket(const net::Endpoint& local) : local_(local) {}
      net::SocketId id() const override { return kSocket; }
      net::Endpoint local() const override { return local_; }

     private:
      net::Endpoint local_;
    };
    handler = &its_handler;
    return std::make_unique<Socket>(options.bind);
  }
  void send_packets(net::SendBatch& sent) override {
    ++sends;
    packets_sent += sent.packets();
  }
  Result<std::unique_ptr<net::Stream>> connect(const net::Endpoint&, std::optional<net::Endpoint>,
                                               net::StreamHandler&) override {
    return fail(Errc::kUnsupported, "no streams");
  }
  Result<std::unique_ptr<net::Listener>> listen(const net::Endpoint&,
                                                net::ListenerHandler&) override {
    return fail(Errc::kUnsupported, "no streams");
  }
  std::unique_ptr<net::Timer> create_timer(std::function<void()>) override { return nullptr; }
  std::unique_ptr<net::Lookup> lookup(std::string_view, net::LookupCallback) override {
    return nullptr;
  }
  void post(std::function<void()>) override {}

 private:
  SeededRandom random_{1};
};

TEST(StunServer, AnswersATrainOfRequestsInOneSend) {
  CountingNetwork network;
  StunServer::Configuration configuration;
  configuration.responder.rate.per_second = 0;
  const auto server = StunServer::create(network, configuration).value();
  std::vector<Packet> packets(64, request());
  packets.push_back(message(Class::kIndication));
  std::vector<net::Datagram> train;
  for (Packet& packet : packets) train.push_back({packet, kClient, kSocket});
  network.handler->on_datagrams(train);
  EXPECT_EQ(network.sends, 1u);
  EXPECT_EQ(network.packets_sent, 64u);
  EXPECT_TRUE(network.batch().empty());
  EXPECT_EQ(server->stats().received, 65u);

  train.resize(1);
  train[0].payload = packets.back();
  network.handler->on_datagrams(train);
  EXPECT_EQ(network.sends, 1u) << "nothing to send, nothing sent";
}

TEST(StunServer, AnswersMoreThanABatchHolds) {
  CountingNetwork network;
  StunServer::Configuration configuration;
  configuration.responder.rate.per_second = 0;
  const auto server = StunServer::create(network, configuration).value();
  const std::size_t count = 2 * net::SendBatch::kCapacity / 32;
  Packet packet = request();
  std::vector<net::Datagram> train(count, {packet, kClient, kSocket});
  network.handler->on_datagrams(train);
  EXPECT_EQ(network.packets_sent, count);
  EXPECT_EQ(server->stats().responder.dropped_batch_full, 0u);
}

}  // namespace
}  // namespace floe::server
