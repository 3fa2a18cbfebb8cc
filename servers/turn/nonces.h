#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "floe/core/random.h"
#include "floe/core/time.h"
#include "floe/net/endpoint.h"
#include "floe/stun_client/credentials.h"

namespace floe::server {

/// Makes and checks the nonces of long-term credentials (RFC 8489 section 9.2)
/// without remembering any: a nonce says when it was made and for which client,
/// under a key only this server has.
class Nonces {
 public:
  /// `features` are announced in every nonce. A nonce is valid for `lifetime`.
  Nonces(Random& random, stun::SecurityFeatures features, Duration lifetime);

  /// Differs for each client's address and port, as section 9.2.4 demands.
  std::string create(Time now, const net::Endpoint& client) const;
  /// Made by this server for this client, and not too long ago.
  bool is_valid(Time now, const net::Endpoint& client, std::string_view nonce) const;

 private:
  std::string create_at(std::int64_t second, const net::Endpoint& client) const;

  std::array<std::uint8_t, 32> secret_{};
  std::string cookie_;
  Duration lifetime_;
};

}  // namespace floe::server
