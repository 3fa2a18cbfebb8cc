#include "floe/servers/turn/nonces.h"

#include <algorithm>

#include "floe/core/bytes.h"
#include "floe/core/text.h"
#include "floe/crypto/crypto.h"

namespace floe::server {
namespace {

// Twelve bytes, so that their base64 form needs no padding: the answers that
// carry nonces go to addresses that may be forged and must be small. To guess
// 64 bits within a nonce's lifetime would take more packets than a server can
// receive, and would gain nothing without the password.
constexpr std::size_t kTimeSize = 4;
constexpr std::size_t kMacSize = 8;

std::int64_t second_of(Time time) {
  return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace

Nonces::Nonces(Random& random, stun::SecurityFeatures features, Duration lifetime)
    : cookie_(stun::nonce_cookie(features)), lifetime_(lifetime) {
  random.fill(secret_);
}

std::string Nonces::create(Time now, const net::Endpoint& client) const {
  return create_at(second_of(now), client);
}

std::string Nonces::create_at(std::int64_t second, const net::Endpoint& client) const {
  std::array<std::uint8_t, kTimeSize + kMacSize> bytes{};
  std::array<std::uint8_t, kTimeSize + 2> time_and_port{};
  ByteWriter writer(time_and_port);
  writer.u32(static_cast<std::uint32_t>(second));
  writer.u16(client.port);
  const std::array<Bytes, 2> parts{time_and_port, client.address.bytes()};
  const crypto::Sha256 mac = crypto::hmac_sha256(secret_, parts);
  std::copy_n(time_and_port.begin(), kTimeSize, bytes.begin());
  std::copy_n(mac.begin(), kMacSize, bytes.begin() + kTimeSize);
  return cookie_ + to_base64(bytes);
}

bool Nonces::is_valid(Time now, const net::Endpoint& client, std::string_view nonce) const {
  if (!nonce.starts_with(cookie_)) return false;
  const auto bytes = from_base64(nonce.substr(cookie_.size()));
  if (!bytes || bytes->size() != kTimeSize + kMacSize) return false;
  const std::uint32_t made = ByteReader(*bytes).u32();
  // Seconds wrap after 136 years of running; the subtraction is right across
  // that too.
  const std::uint32_t age = static_cast<std::uint32_t>(second_of(now)) - made;
  if (std::chrono::seconds(age) > lifetime_) return false;
  return crypto::constant_time_equal(as_bytes(create_at(made, client)), as_bytes(nonce));
}

}  // namespace floe::server
