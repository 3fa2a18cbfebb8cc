#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "floe/core/result.h"
#include "floe/stun_client/attempt.h"
#include "floe/stun_client/message.h"

namespace floe::stun {

/// Which integrity both ends are known to use.
enum class IntegrityAlgorithm : std::uint8_t { kUnknown, kSha1, kSha256 };

/// The client's side of the short-term credential mechanism (RFC 8489 section 9.1) towards one
/// server address.
class ShortTermCredential {
 public:
  /// With `kUnknown` requests carry both integrities until an answer shows which one the server
  /// uses. Errors: what `opaque_string` refuses.
  [[nodiscard]] static Result<ShortTermCredential> create(
      std::string_view username, std::string_view password,
      IntegrityAlgorithm algorithm = IntegrityAlgorithm::kUnknown);

  /// Adds USERNAME and the integrity, which must be the last attributes save the fingerprint.
  void authenticate(MessageBuilder& request, Attempt& attempt) const;
  /// kAuthentic or kIntegrityViolated (RFC 8489 section 9.1.4).
  Verdict handle_response(const Message& response, Attempt& attempt);

  IntegrityAlgorithm algorithm() const { return algorithm_; }

 private:
  ShortTermCredential(std::string username, Key key, IntegrityAlgorithm algorithm);

  std::string username_;
  Key key_;
  IntegrityAlgorithm algorithm_;
};

}  // namespace floe::stun
