#pragma once

#include <array>
#include <cstdint>

#include "floe/core/bytes.h"
#include "floe/core/random.h"
#include "floe/core/time.h"
#include "floe/crypto/crypto.h"
#include "floe/net/endpoint.h"

namespace floe::tls {

/// The cookies of RFC 6347 section 4.2.1: a MAC of the client's address and of the time, under a
/// key that nobody else has. So they need not be kept, and old ones are worth nothing.
class CookieJar {
 public:
  using Cookie = crypto::Sha256;
  /// A cookie is good for the period in which it was made and the one after: time for a round trip
  /// on any path, none for collecting cookies.
  static constexpr Duration kPeriod = std::chrono::minutes(1);

  explicit CookieJar(Random& random) { random.fill(key_); }

  /// Whom the following calls are about. `association` numbers the one that there is with the
  /// client (0: none): a cookie from before it must not end it, or whoever sends an old ClientHello
  /// once more could, and so could the network.
  void set_client(Time now, const net::Endpoint& client, std::uint64_t association) {
    period_ = now.time_since_epoch() / kPeriod;
    client_ = client;
    association_ = association;
  }
  Cookie make() const { return cookie_of(period_); }
  bool is_good(Bytes cookie) const {
    return crypto::constant_time_equal(cookie, cookie_of(period_)) ||
           crypto::constant_time_equal(cookie, cookie_of(period_ - 1));
  }

 private:
  Cookie cookie_of(std::int64_t period) const;

  std::array<std::uint8_t, 32> key_{};
  std::int64_t period_ = 0;
  net::Endpoint client_;
  std::uint64_t association_ = 0;
};

}  // namespace floe::tls
