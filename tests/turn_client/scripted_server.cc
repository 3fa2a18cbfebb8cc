#include "tests/turn_client/scripted_server.h"

#include <algorithm>
#include <array>

#include "floe/stun_client/stream_framer.h"

namespace floe::turn {

using namespace std::chrono_literals;
using stun::AttributeType;
using stun::Method;

stun::LongTermCredential credential(std::string_view username, std::string_view password) {
  return stun::LongTermCredential::create(username, password).value();
}

void ScriptedServer::fail_next(Method method, std::uint16_t code, Add add, int times) {
  scripts_[method] = {code, std::move(add), times};
}

void ScriptedServer::restart() {
  allocation_until_ = {};
  permissions_.clear();
  channels_.clear();
  rotate_nonce();
}

bool ScriptedServer::has_permission(Time now, const net::Address& peer) const {
  const auto found = permissions_.find(peer);
  return found != permissions_.end() && found->second > now;
}

std::optional<net::Endpoint> ScriptedServer::channel(Time now, std::uint16_t number) const {
  const auto found = channels_.find(number);
  if (found == channels_.end() || found->second.second <= now) return std::nullopt;
  return found->second.first;
}

stun::Key ScriptedServer::key() const {
  return stun::long_term_key(
             username, realm, password,
             offers_sha256 ? stun::PasswordAlgorithm::kSha256 : stun::PasswordAlgorithm::kMd5)
      .value();
}

Packet ScriptedServer::answer(const stun::Message& request, std::uint16_t code, const Add& add) {
  std::array<std::uint8_t, 4096> space;
  stun::MessageBuilder builder(space, code == 0 ? stun::Class::kSuccess : stun::Class::kError,
                               request);
  if (code != 0) builder.add_error(code, "as scripted");
  if (add) add(builder);
  const bool challenges = code == stun::kUnauthenticated || code == stun::kStaleNonce;
  if (asks_for_credentials && !challenges) {
    stun::Key used = key();
    if (forged_[request.method()]-- > 0) used[0] ^= 1;
    if (offers_sha256) {
      builder.add_integrity_sha256(used);
    } else {
      builder.add_integrity_sha1(used);
    }
  }
  EXPECT_TRUE(builder.ok());
  return to_vector(builder.bytes());
}

std::optional<Packet> ScriptedServer::challenge(const stun::Message& request) {
  const auto ask = [&](std::uint16_t code) {
    return answer(request, code, [&](stun::MessageBuilder& b) {
      b.add_text(AttributeType::kRealm, realm);
      const std::string cookie =
          offers_sha256 ? stun::nonce_cookie({.password_algorithms = true}) : std::string();
      b.add_text(AttributeType::kNonce, cookie + nonce);
      if (offers_sha256) {
        b.add_password_algorithms(std::array{stun::PasswordAlgorithm::kSha256});
      }
    });
  };
  if (!request.has(AttributeType::kMessageIntegrity) &&
      !request.has(AttributeType::kMessageIntegritySha256)) {
    return ask(stun::kUnauthenticated);
  }
  if (!request.nonce()->ends_with(nonce)) return ask(stale_nonce_code);
  const stun::Message::Integrity integrity =
      offers_sha256 ? request.check_integrity_sha256(key()) : request.check_integrity_sha1(key());
  if (request.username() != username || integrity != stun::Message::Integrity::kOk) {
    return ask(stun::kUnauthenticated);
  }
  return std::nullopt;
}

std::optional<Packet> ScriptedServer::handle(Time now, Bytes packet) {
  if (stun::is_channel_data(packet[0])) {
    const auto number = static_cast<std::uint16_t>(packet[0] << 8 | packet[1]);
    const std::size_t length = static_cast<std::size_t>(packet[2] << 8 | packet[3]);
    if (const auto peer = channel(now, number)) {
      sent_.push_back({*peer, to_vector(packet.subspan(4, length)), true});
    }
    return std::nullopt;
  }
  const stun::Message message = stun::Message::parse(packet).value();
  if (message.cls() == stun::Class::kIndication) {
    EXPECT_EQ(message.method(), Method::kSend);
    const net::Endpoint peer = message.xor_peer_address().value();
    if (has_permission(now, peer.address)) {
      sent_.push_back({peer, to_vector(message.data().value()), false, message.dont_fragment()});
    }
    return std::nullopt;
  }
  const Method method = message.method();
  requests_[method].push_back({now, to_vector(packet)});
  if (silent) return std::nullopt;
  if (asks_for_credentials) {
    if (auto asked = challenge(message)) return asked;
  }
  if (Script& script = scripts_[method]; script.times > 0) {
    --script.times;
    return answer(message, script.code, script.add);
  }
  Packet reply = perform(now, message);
  if (lost_[method]-- > 0) return std::nullopt;
  return reply;
}

Packet ScriptedServer::allocate(Time now, const stun::Message& request) {
  if (has_allocation(now) && request.transaction_id() != allocated_by_) {
    return answer(request, stun::kAllocationMismatch, {});
  }
  allocation_until_ = now + std::chrono::seconds(lifetime);
  allocated_by_ = request.transaction_id();
  return answer(request, 0, [&](stun::MessageBuilder& b) {
    for (const net::Endpoint& each : relayed) {
      b.add_xor_address(AttributeType::kXorRelayedAddress, each);
    }
    b.add_xor_address(AttributeType::kXorMappedAddress, mapped);
    b.add_u32(AttributeType::kLifetime, lifetime);
    if (in_allocated) in_allocated(b);
  });
}

Packet ScriptedServer::bind(Time now, const stun::Message& request) {
  const std::uint16_t number = request.channel_number().value();
  const net::Endpoint peer = request.xor_peer_address().value();
  for (const auto& [other, bound] : channels_) {
    if (bound.second > now && (other == number) != (bound.first == peer)) {
      return answer(request, stun::kBadRequest, {});  // RFC 8656 section 12.2
    }
  }
  channels_[number] = {peer, now + 600s};
  permissions_[peer.address] = now + 300s;
  return answer(request, 0, {});
}

Packet ScriptedServer::perform(Time now, const stun::Message& request) {
  if (request.method() == Method::kAllocate) return allocate(now, request);
  if (request.method() == Method::kConnectionBind) return answer(request, 0, {});
  if (!has_allocation(now)) return answer(request, stun::kAllocationMismatch, {});
  switch (request.method()) {
    case Method::kRefresh: {
      const std::uint32_t asked = request.lifetime().value_or(lifetime) == 0 ? 0 : lifetime;
      allocation_until_ = now + std::chrono::seconds(asked);
      return answer(request, 0, [&](stun::MessageBuilder& b) {
        b.add_u32(AttributeType::kLifetime, asked);
        if (in_allocated) in_allocated(b);
      });
    }
    case Method::kCreatePermission:
      permissions_[request.xor_peer_address()->address] = now + 300s;
      return answer(request, 0, {});
    case Method::kChannelBind:
      return bind(now, request);
    case Method::kConnect:
      return answer(request, 0, [&](stun::MessageBuilder& b) {
        b.add_u32(AttributeType::kConnectionId, next_connection_++);
      });
    default:
      return answer(request, stun::kBadRequest, {});
  }
}

Packet ScriptedServer::indication(Method method, const Add& add) {
  std::array<std::uint8_t, 4096> space;
  stun::MessageBuilder builder(space, stun::Class::kIndication, method, {1, 2, 3});
  add(builder);
  EXPECT_TRUE(builder.ok());
  return to_vector(builder.bytes());
}

Packet ScriptedServer::data_indication(const net::Endpoint& peer, Bytes payload) {
  return indication(Method::kData, [&](stun::MessageBuilder& b) {
    b.add_xor_address(AttributeType::kXorPeerAddress, peer);
    b.add(AttributeType::kData, payload);
  });
}

Packet ScriptedServer::channel_data(std::uint16_t number, Bytes payload, bool padded) {
  const std::size_t size = 4 + payload.size();
  Packet packet(padded ? (size + 3) / 4 * 4 : size);
  packet[0] = static_cast<std::uint8_t>(number >> 8);
  packet[1] = static_cast<std::uint8_t>(number);
  packet[2] = static_cast<std::uint8_t>(payload.size() >> 8);
  packet[3] = static_cast<std::uint8_t>(payload.size());
  std::copy(payload.begin(), payload.end(), packet.begin() + 4);
  return packet;
}

TurnCall::TurnCall() {
  configure({});
}

void TurnCall::configure(Client::Configuration configuration) {
  configuration.socket = kSocket;
  configuration.server = kServer;
  if (!configuration.credential) configuration.credential = credential();
  client.emplace(Client::create(std::move(configuration), random).value());
}

void TurnCall::allocate() {
  client->start(now);
  exchange();
  ASSERT_TRUE(client->allocated());
  ASSERT_TRUE(take<Client::Allocated>());
}

void TurnCall::exchange() {
  constexpr int kMaxRounds = 200;  // Only two ends that provoke each other for ever need more.
  for (int round = 0;; ++round) {
    ASSERT_LT(round, kMaxRounds);
    net::SendBatch batch;
    client->poll_transmit(now, batch);
    while (auto event = client->poll_event()) events.push_back(std::move(*event));
    if (batch.empty()) return;
    for (const net::SendBatch::Run& run : batch.runs()) {
      routes.push_back(run.route);
      for (std::size_t i = 0; i < run.segments; ++i) {
        const auto other = others.find(run.route.destination);
        ScriptedServer& to = other == others.end() ? server : *other->second;
        std::optional<Packet> reply = to.handle(now, batch.packet(run, i));
        if (reply) client->handle_packet(now, {*reply, run.route.destination, run.route.socket});
      }
    }
  }
}

void TurnCall::run_until(Time until) {
  exchange();
  while (client->next_timeout() <= until) {
    ASSERT_GE(client->next_timeout(), now);
    now = client->next_timeout();
    client->handle_timeout(now);
    ASSERT_GT(client->next_timeout(), now);
    exchange();
  }
  now = until;
}

void TurnCall::jump(Duration duration) {
  now += duration;
  client->handle_timeout(now);
  ASSERT_GT(client->next_timeout(), now);
  exchange();
}

Received TurnCall::receive(Packet packet) {
  received = std::move(packet);
  const Received result =
      client->handle_packet(now, {received, client->server(), client->socket()});
  while (auto event = client->poll_event()) events.push_back(std::move(*event));
  return result;
}

bool TurnCall::send(const net::Endpoint& peer, std::size_t size) {
  const std::optional<net::Route> route = client->route(peer);
  if (!route) return false;
  net::SendBatch batch;
  batch.add(*route, Packet(size, 0x55));
  const net::SendBatch::Run& run = batch.runs()[0];
  EXPECT_EQ(run.route.destination, client->server());
  server.handle(now, batch.packet(run, 0));
  return true;
}

}  // namespace floe::turn
