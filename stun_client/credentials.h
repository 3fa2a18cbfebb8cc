#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/stun_client/attribute.h"

// Keys from names and passwords (RFC 8489 sections 9.1.1, 9.2.2, 14.4).
namespace floe::stun {

/// `text` as the OpaqueString profile prepares it (RFC 8265 section 4.2), for usernames, realms and
/// passwords. Done: every space character of Unicode becomes U+0020; the empty string, ill-formed
/// UTF-8, control characters and the format characters most often found by accident (soft hyphen,
/// zero-width characters, byte order mark) are refused with `kMalformed`. Not done: Unicode
/// normalization. Text that is not already in form C, as keyboards produce it, goes through
/// unchanged and will not match a server that normalizes; ASCII always is.
[[nodiscard]] Result<std::string> opaque_string(std::string_view text);

/// A key for MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256.
using Key = std::vector<std::uint8_t>;

/// RFC 8489 section 9.1.1.
[[nodiscard]] Result<Key> short_term_key(std::string_view password);

/// RFC 8489 section 18.5.1: the digest of "username:realm:password", 16 bytes for MD5 and 32 for
/// SHA-256. Quotes around the realm and trailing zeros of each part are not part of the key
/// (section 9.2.2). Errors: what `opaque_string` refuses.
[[nodiscard]] Result<Key> long_term_key(std::string_view username, std::string_view realm,
                                        std::string_view password,
                                        PasswordAlgorithm algorithm = PasswordAlgorithm::kMd5);

/// USERHASH (RFC 8489 section 14.4).
[[nodiscard]] Result<std::array<std::uint8_t, 32>> user_hash(std::string_view username,
                                                             std::string_view realm);

/// What a server protects from being bid down (RFC 8489 section 18.1).
struct SecurityFeatures {
  bool password_algorithms = false;
  bool username_anonymity = false;
  friend bool operator==(const SecurityFeatures&, const SecurityFeatures&) = default;
};

/// The 13 characters that a server of RFC 8489 puts before its nonce (section 9.2).
std::string nonce_cookie(SecurityFeatures features);
/// The features that `nonce` claims; none for a nonce without cookie.
SecurityFeatures security_features(std::string_view nonce);

}  // namespace floe::stun
