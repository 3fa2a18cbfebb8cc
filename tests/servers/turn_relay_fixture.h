#pragma once

// A TURN relay between literal times and sockets that are only written down.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "floe/servers/turn/turn_relay.h"
#include "tests/servers/turn_messages.h"

namespace floe::server {

inline constexpr Time kStart{std::chrono::hours(1)};
inline constexpr net::SocketId kListener{3};
inline const net::Endpoint kClient = endpoint("203.0.113.5:4000");
inline const char* const kPeer = "198.51.100.7:5000";

/// Sockets that are only written down.
class Host final : public RelayHost {
 public:
  Result<net::SocketId> open_relay(const net::Endpoint& local, bool dont_fragment) override {
    ++opens;
    if (refused.contains(local.port)) return fail(Errc::kAddressInUse, "taken");
    if (dont_fragment) ++with_dont_fragment;
    const net::SocketId id{++last};
    open[id] = local;
    return id;
  }
  Result<net::SocketId> listen_relay(const net::Endpoint& local) override {
    ++listens;
    return open_relay(local, false);
  }
  Result<> connect_peer(ConnectionId id, const net::Endpoint& local,
                        const net::Endpoint& peer) override {
    if (refuse_connections) return fail(Errc::kUnreachable, "no way");
    connections[id] = {local, peer};
    return {};
  }
  void join(ConnectionId id, net::SocketId client) override { joined[id] = client; }
  void close_connection(ConnectionId id) override { closed.push_back(id); }
  void close_relay(net::SocketId socket) override { EXPECT_EQ(open.erase(socket), 1u); }
  std::chrono::sys_seconds wall_clock() const override {
    return std::chrono::sys_seconds(std::chrono::seconds(1'800'000'000));
  }

  std::map<net::SocketId, net::Endpoint> open;
  std::set<std::uint16_t> refused;
  int listens = 0;
  bool refuse_connections = false;
  std::map<ConnectionId, std::pair<net::Endpoint, net::Endpoint>> connections;
  std::map<ConnectionId, net::SocketId> joined;
  std::vector<ConnectionId> closed;
  int opens = 0;
  int with_dont_fragment = 0;
  std::uint32_t last = 100;
};

class TurnRelayTest : public ::testing::Test {
 protected:
  static TurnRelay::Configuration defaults() {
    TurnRelay::Configuration configuration;
    configuration.users = {{"alice", "wonderland"}, {"bob", "builder"}};
    configuration.relay_addresses = {{net::Address::v4(192, 0, 2, 10), std::nullopt},
                                     {*net::Address::parse("2001:db8::10"), std::nullopt}};
    return configuration;
  }
  void start(TurnRelay::Configuration configuration) {
    host = {};
    auto created = TurnRelay::create(std::move(configuration), host, random);
    ASSERT_TRUE(created) << created.error().message;
    relay = std::move(*created);
    relay->add_socket(kListener, TurnTransport::kUdp);
  }
  void SetUp() override { start(defaults()); }

  struct Sent {
    net::Route route;
    Packet bytes;
  };
  /// All that leaves when `packet` arrives.
  std::vector<Sent> receive(Packet packet, const net::Endpoint& from = kClient,
                            net::SocketId on = kListener) {
    net::SendBatch batch;
    relay->handle_packet(now, {packet, from, on}, batch);
    std::vector<Sent> sent;
    for (const auto& run : batch.runs()) {
      for (std::size_t i = 0; i < run.segments; ++i) {
        sent.push_back({run.route, to_vector(batch.packet(run, i))});
      }
    }
    return sent;
  }
  /// The response's bytes; a challenge is answered.
  Packet ask(TurnVoice& voice, stun::Method method, const Add& add,
             const net::Endpoint& from = kClient) {
    for (int tries = 0; tries < 3; ++tries) {
      const std::vector<Sent> sent = receive(voice.request(method, add), from);
      if (sent.size() != 1) return {};
      EXPECT_EQ(sent[0].route.destination, from);
      const Result<stun::Message> response = stun::Message::parse(sent[0].bytes);
      const stun::Verdict verdict = voice.hear(*response);
      if (verdict == stun::Verdict::kRetry) continue;
      last_verdict = verdict;
      return sent[0].bytes;
    }
    return {};
  }
  /// 0 for success, else the error code.
  int code(TurnVoice& voice, stun::Method method, const Add& add,
           const net::Endpoint& from = kClient) {
    answer = ask(voice, method, add, from);
    const Result<stun::Message> response = stun::Message::parse(answer);
    if (!response) return -1;
    if (response->cls() == stun::Class::kSuccess) return 0;
    return response->error_code() ? response->error_code()->code : -1;
  }
  stun::Message last() { return stun::Message::parse(answer).value(); }
  int allocate(const net::Endpoint& from = kClient) {
    return code(alice, stun::Method::kAllocate, udp(), from);
  }
  net::SocketId relay_socket() { return host.open.begin()->first; }
  std::vector<Sent> from_peer(std::string_view payload, std::string_view source = kPeer) {
    return receive(to_vector(as_bytes(payload)), endpoint(source), relay_socket());
  }
  void pass(Duration duration) {
    const Time end = now + duration;
    while (relay->next_timeout() <= end) {
      now = std::max(now, relay->next_timeout());
      relay->handle_timeout(now, timed);
      ASSERT_GT(relay->next_timeout(), now);
    }
    now = end;
  }

  net::SendBatch timed;  ///< What left because time passed.
  SeededRandom random{1};
  Host host;
  std::unique_ptr<TurnRelay> relay;
  TurnVoice alice;
  Time now = kStart;
  Packet answer;
  stun::Verdict last_verdict{};
};

}  // namespace floe::server
