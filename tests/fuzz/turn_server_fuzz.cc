// Whatever clients and peers send a TURN server, on sockets and on streams, it stays within its
// bounds and its invariants. The input is a script: how long each packet is, who sends it, and how
// much time passes before.
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <set>

#include "floe/core/bytes.h"
#include "floe/core/random.h"
#include "floe/servers/turn/turn_relay.h"
#include "floe/stun_client/credentials.h"
#include "floe/stun_client/stream_framer.h"

namespace {

using namespace floe;
using server::TurnRelay;

class Host final : public server::RelayHost {
 public:
  Result<net::SocketId> open_relay(const net::Endpoint&, bool) override {
    const net::SocketId id{++last_};
    open.insert(id);
    return id;
  }
  void close_relay(net::SocketId socket) override {
    if (open.erase(socket) != 1) std::abort();
  }
  Result<net::SocketId> listen_relay(const net::Endpoint& local) override {
    return open_relay(local, false);
  }
  Result<> connect_peer(server::ConnectionId id, const net::Endpoint&,
                        const net::Endpoint&) override {
    connections.insert(id);
    return {};
  }
  void join(server::ConnectionId id, net::SocketId) override {
    if (!connections.contains(id)) std::abort();
  }
  void close_connection(server::ConnectionId id) override {
    if (connections.erase(id) != 1) std::abort();
  }
  std::chrono::sys_seconds wall_clock() const override { return {}; }

  std::set<net::SocketId> open;
  std::set<server::ConnectionId> connections;

 private:
  std::uint32_t last_ = 100;
};

constexpr net::SocketId kDatagrams{1};
constexpr net::SocketId kStream{2};
const net::Endpoint kClient{net::Address::v4(203, 0, 113, 5), 4000};
const net::Endpoint kOther{net::Address::v4(203, 0, 113, 5), 4001};
const net::Endpoint kPeer{net::Address::v4(198, 51, 100, 7), 5000};

/// Signs a request that the input wrote, so that what stands behind the door is reached too.
std::vector<std::uint8_t> sign(Bytes packet, Time now, const net::Endpoint& client,
                               const server::Nonces& nonces, Bytes key) {
  const Result<stun::Message> message = stun::Message::parse(packet);
  if (!message) return to_vector(packet);
  std::vector<std::uint8_t> space(packet.size() + 512);
  stun::MessageBuilder builder(space, message->cls(), message->method(), message->transaction_id());
  for (const stun::AttributeType type : message->attribute_types()) {
    if (type == stun::AttributeType::kMessageIntegrity || type == stun::AttributeType::kUsername ||
        type == stun::AttributeType::kMessageIntegritySha256 ||
        type == stun::AttributeType::kFingerprint) {
      continue;
    }
    builder.add(type, *message->find(type));
  }
  builder.add_text(stun::AttributeType::kUsername, "alice");
  builder.add_text(stun::AttributeType::kRealm, "floe");
  builder.add_text(stun::AttributeType::kNonce, nonces.create(now, client));
  builder.add_integrity_sha1(key);
  return to_vector(builder.bytes());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  TurnRelay::Configuration configuration;
  configuration.users = {{"alice", "wonderland"}};
  configuration.relay_addresses = {{net::Address::v4(192, 0, 2, 10), std::nullopt},
                                   {*net::Address::parse("2001:db8::10"), std::nullopt}};
  configuration.min_port = 50'000;
  configuration.max_port = 50'007;
  Host host;
  SeededRandom random(1);
  auto relay = *TurnRelay::create(configuration, host, random);
  relay->add_socket(kDatagrams, server::TurnTransport::kUdp);
  relay->add_socket(kStream, server::TurnTransport::kTcp);
  // The relay drew its nonces' secret first: the same seed gives the same nonces.
  SeededRandom same(1);
  const server::Nonces nonces(same, {.password_algorithms = true, .username_anonymity = true},
                              configuration.nonce_lifetime);
  const stun::Key key = *stun::long_term_key("alice", "floe", "wonderland");

  stun::StreamFramer framer;
  Time now{std::chrono::hours(1)};
  ByteReader script(Bytes(data, size));
  while (script.remaining() > 0) {
    const std::uint8_t how = script.u8();
    const std::size_t length = script.u8();
    now += std::chrono::seconds((how >> 4) * (how >> 4));
    net::SendBatch timed;
    relay->handle_timeout(now, timed);
    if (relay->next_timeout() <= now) std::abort();
    std::vector<std::uint8_t> packet =
        to_vector(script.bytes(std::min(length, script.remaining())));
    net::SendBatch batch;
    switch (how & 7) {
      case 0:
        relay->handle_packet(now, {packet, kClient, kDatagrams}, batch);
        break;
      case 1: {
        packet = sign(packet, now, kClient, nonces, key);
        relay->handle_packet(now, {packet, kClient, kDatagrams}, batch);
        break;
      }
      case 2: {
        MutableBytes bytes = packet;
        while (const auto frame = framer.next(bytes)) {
          relay->handle_packet(now, {*frame, kClient, kStream}, batch);
        }
        break;
      }
      case 3:
        if (host.open.empty()) break;
        relay->handle_packet(now, {packet, kPeer, *host.open.begin()}, batch);
        break;
      case 4:
        packet = sign(packet, now, kClient, nonces, key);
        relay->handle_packet(now, {packet, kClient, kStream}, batch);
        break;
      case 5:
        packet = sign(packet, now, kOther, nonces, key);
        relay->handle_packet(now, {packet, kOther, kStream}, batch);
        break;
      case 6: {
        if (host.open.empty()) break;
        const auto id = relay->handle_peer_connection(now, *host.open.begin(), kPeer, batch);
        if (id) host.connections.insert(*id);
        break;
      }
      case 7:
        if (host.connections.empty()) break;
        if (length % 2 == 0) {
          relay->handle_connected(now, *host.connections.begin(), batch);
        } else {
          const server::ConnectionId id = *host.connections.begin();
          host.connections.erase(id);
          relay->handle_disconnected(now, id, batch);
        }
        break;
    }
    // One packet in, one out at most; a stream's bytes may be several, of four bytes at least.
    if (batch.packets() > 1 + packet.size() / 4) std::abort();
    if (relay->stats().allocations > host.open.size()) std::abort();
  }
  return 0;
}
