#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "floe/core/random.h"
#include "floe/core/time.h"
#include "floe/net/endpoint.h"
#include "floe/servers/turn/accounts.h"
#include "floe/servers/turn/nonces.h"
#include "floe/stun_client/message.h"

namespace floe::server {

/// Who sent a request, and how the answer is to be signed.
struct Caller {
  std::string username;
  std::string owner;  ///< Whom quotas count for.
  stun::Key key;
  stun::PasswordAlgorithm algorithm = stun::PasswordAlgorithm::kMd5;
  bool sha256_integrity = false;  ///< MESSAGE-INTEGRITY-SHA256 on answers.
};

/// The server's side of the long-term credential mechanism (RFC 8489
/// section 9.2.4).
class Authenticator {
 public:
  struct Verdict {
    std::uint16_t error = 0;  ///< 0: the request is who it says it is, and `caller` tells who.
    Caller caller;
  };

  Authenticator(Accounts accounts, Duration nonce_lifetime, Random& random);

  /// `known` is the caller that an earlier request on the same 5-tuple was
  /// from, or nullptr: its name stays good for as long as its allocation lives,
  /// even if it was time-limited. `control`: another address and port whose
  /// nonces are good for this request too, or nullptr.
  Verdict check(Time now, std::chrono::sys_seconds wall_clock, const stun::Message& request,
                const net::Endpoint& client, const net::Endpoint* control,
                const Caller* known) const;
  /// REALM, NONCE and PASSWORD-ALGORITHMS, for the answers 401 and 438.
  void add_challenge(stun::MessageBuilder& response, Time now, const net::Endpoint& client) const;

 private:
  std::optional<Caller> identify(std::chrono::sys_seconds wall_clock, const stun::Message& request,
                                 stun::PasswordAlgorithm algorithm, const Caller* known) const;

  Accounts accounts_;
  Nonces nonces_;
};

/// Adds the integrity that `caller` expects.
void sign(stun::MessageBuilder& response, const Caller& caller);

}  // namespace floe::server
