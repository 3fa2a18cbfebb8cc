#pragma once

#include <cstdint>
#include <string>

#include "floe/core/result.h"
#include "floe/stun_client/credentials.h"

namespace floe::stun {

/// What a credential says about a response.
enum class Verdict : std::uint8_t {
  /// The message integrity is right: process the response.
  kAuthentic,
  /// The request carried no credentials, so nothing can vouch for the response. Process it, but do
  /// not follow its ALTERNATE-SERVER without a thought (RFC 8489 section 14.8, code 300).
  kUnprotected,
  /// A challenge was taken in: send the request again, in a new transaction.
  kRetry,
  /// Go on as if the response had never arrived.
  kDiscard,
  /// Its integrity is wrong or missing. Over datagrams like kDiscard; over a stream the transaction
  /// ends here (RFC 8489 sections 9.1.4, 9.2.5).
  kIntegrityViolated,
  /// The server does not take these credentials: `Attempt::error` says why. Give up.
  kRefused,
};

/// One request on its way through challenges and retries. Keep one beside each transaction, from
/// the first form of a request to its end.
class Attempt {
 public:
  /// The form that was sent last carried credentials.
  bool authenticated() const { return authenticated_; }
  /// A response was dropped for its integrity. If the transaction then times out, that is what to
  /// report instead of the timeout (RFC 8489 sections 9.1.4, 9.2.5).
  bool integrity_violated() const { return integrity_violated_; }
  /// Why the last verdict was kRefused.
  const Error& error() const { return error_; }

 private:
  friend class LongTermCredential;
  friend class ShortTermCredential;

  Key key_;  ///< Of the form that was sent last.
  std::string realm_;
  unsigned retries_ = 0;
  bool authenticated_ = false;
  bool sha1_ = false;  ///< The form that was sent last has MESSAGE-INTEGRITY.
  bool sha256_ = false;
  bool integrity_violated_ = false;
  Error error_;
};

}  // namespace floe::stun
