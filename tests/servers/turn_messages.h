#pragma once

// What the tests of the TURN server say to it, message by message.
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "floe/stun_client/long_term_credential.h"
#include "floe/stun_client/message.h"

namespace floe::server {

using Packet = std::vector<std::uint8_t>;
using Add = std::function<void(stun::MessageBuilder&)>;

inline net::Endpoint endpoint(std::string_view text) {
  return net::Endpoint::parse(text).value();
}
inline Add nothing() {
  return [](stun::MessageBuilder&) {};
}
inline Add udp() {
  return [](stun::MessageBuilder& b) { b.add_requested_transport(17); };
}
inline Add lifetime(std::uint32_t seconds) {
  return [=](stun::MessageBuilder& b) { b.add_u32(stun::AttributeType::kLifetime, seconds); };
}
inline Add peer(std::string_view text) {
  return [peer = endpoint(text)](stun::MessageBuilder& b) {
    b.add_xor_address(stun::AttributeType::kXorPeerAddress, peer);
  };
}
inline Add channel(std::uint16_t number, std::string_view to) {
  return [=, add = peer(to)](stun::MessageBuilder& b) {
    b.add_channel_number(number);
    add(b);
  };
}

/// Writes one client's messages, and signs them as soon as the server has asked for it.
class TurnVoice {
 public:
  explicit TurnVoice(std::string_view user = "alice", std::string_view password = "wonderland")
      : credential_(stun::LongTermCredential::create(user, password).value()) {}

  Packet request(stun::Method method, const Add& add) {
    ++id_[0];
    if (id_[0] == 0) ++id_[1];
    return same_request(method, add);
  }
  /// With the transaction id of the last one.
  Packet same_request(stun::Method method, const Add& add) {
    Packet space(4096);
    stun::MessageBuilder builder(space, stun::Class::kRequest, method, id_);
    add(builder);
    attempt_ = {};
    credential_.authenticate(builder, attempt_);
    EXPECT_TRUE(builder.ok());
    return to_vector(builder.bytes());
  }
  /// Learns realm and nonce; says whether the response is to be believed.
  stun::Verdict hear(const stun::Message& response) {
    return credential_.handle_response(response, attempt_);
  }
  static Packet send_indication(std::string_view to, std::string_view payload, const Add& more) {
    Packet space(4096);
    stun::MessageBuilder builder(space, stun::Class::kIndication, stun::Method::kSend, {7, 7});
    peer(to)(builder);
    more(builder);
    builder.add_text(stun::AttributeType::kData, payload);
    EXPECT_TRUE(builder.ok());
    return to_vector(builder.bytes());
  }
  static Packet channel_data(std::uint16_t number, std::string_view payload) {
    Packet packet{static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number),
                  static_cast<std::uint8_t>(payload.size() >> 8),
                  static_cast<std::uint8_t>(payload.size())};
    packet.insert(packet.end(), payload.begin(), payload.end());
    return packet;
  }
  const stun::TransactionId& id() const { return id_; }

 private:
  stun::LongTermCredential credential_;
  stun::Attempt attempt_;
  stun::TransactionId id_{};
};

}  // namespace floe::server
