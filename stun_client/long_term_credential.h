#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/result.h"
#include "floe/stun_client/attempt.h"
#include "floe/stun_client/message.h"

namespace floe::stun {

/// The client's side of the long-term credential mechanism (RFC 8489 section 9.2) towards one
/// server: remembers realm and nonce, signs requests, judges responses.
class LongTermCredential {
 public:
  /// Times one request is sent again for a new realm or nonce. One challenge and one stale nonce
  /// are the rule; a server that keeps asking would otherwise hold the client in a loop.
  static constexpr unsigned kMaxRetries = 4;
  /// USERNAME has fewer than 509 bytes (RFC 8489 section 14.3).
  static constexpr std::size_t kMaxUsername = 508;
  /// RFC 7635 section 6.2 wants messages with a token below 548 bytes where the path's MTU is
  /// unknown; the section's own example has about 100.
  static constexpr std::size_t kMaxAccessToken = 512;

  /// Errors: `kMalformed` for names and passwords that `opaque_string` refuses, `kLimitExceeded`
  /// for a username that is too long.
  [[nodiscard]] static Result<LongTermCredential> create(std::string_view username,
                                                         std::string_view password);

  /// Third-party authorization (RFC 7635): the token an authorization server gave out, the id of
  /// the key it is under (`kid`), which stands in USERNAME, and the session key (`mac_key`), which
  /// replaces the password. Errors: `kLimitExceeded` for parts that are too long, `kMalformed` for
  /// a `kid` that `opaque_string` refuses, an empty key or an empty token.
  [[nodiscard]] static Result<LongTermCredential> create_with_access_token(std::string_view kid,
                                                                           Bytes mac_key,
                                                                           Bytes token);

  /// ACCESS-TOKEN for Allocate and Refresh requests, the only ones that carry it (RFC 7635
  /// section 9); empty without a token, or while the server has not asked.
  Bytes access_token() const { return challenged() ? Bytes(access_token_) : Bytes(); }

  /// Adds the credentials and the integrity, which must be the last attributes save the
  /// fingerprint. Adds nothing while the server has not asked (RFC 8489 section 9.2.3.1).
  void authenticate(MessageBuilder& request, Attempt& attempt) const;

  /// Judges a response to the form of the request that `authenticate` last saw with `attempt`.
  Verdict handle_response(const Message& response, Attempt& attempt);

  /// True once the server has asked for credentials.
  bool challenged() const { return !nonce_.empty(); }
  std::string_view realm() const { return realm_; }
  /// Forgets realm and nonce, for another server that takes the same name and password
  /// (RFC 8489 section 10).
  void forget_server();

 private:
  LongTermCredential(std::string username, std::string password);
  Verdict handle_challenge(const Message& response, std::uint16_t code, Attempt& attempt);
  /// Takes realm, nonce and algorithms from a challenge, or says why they cannot be used.
  Result<> take_challenge(const Message& challenge, std::string_view realm);
  bool is_authentic(const Message& response, const Attempt& attempt) const;

  std::string username_;
  std::string password_;
  Key mac_key_;  ///< Instead of the password.
  std::vector<std::uint8_t> access_token_;
  std::string realm_;
  std::string nonce_;
  std::vector<std::uint8_t> offered_algorithms_;  ///< PASSWORD-ALGORITHMS, to be echoed.
  std::optional<PasswordAlgorithm> algorithm_;
  std::vector<std::uint8_t> userhash_;  ///< Empty unless the server wants it.
  Key key_;
};

}  // namespace floe::stun
