#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace floe::stun {

/// A name and password that end at a given time, which anyone who shares a secret with the server
/// can issue and the server can check without a user database (the "TURN REST API" of
/// draft-uberti-behave-turn-rest-00; coturn's `use-auth-secret`).
struct EphemeralCredential {
  std::string username;  ///< "1700000000:alice": the end in seconds since 1970, and the user.
  std::string password;  ///< Base64 of the HMAC-SHA1 of the username under the secret.
};

/// `expires` in seconds since 1970. An empty `user` leaves out the colon as well.
EphemeralCredential ephemeral_credential(std::string_view secret, std::string_view user,
                                         std::uint64_t expires);

/// The password that belongs to `username`; whether that has expired is another question.
std::string ephemeral_password(std::string_view secret, std::string_view username);

/// When `username` ends, in seconds since 1970; nullopt if it does not say.
std::optional<std::uint64_t> ephemeral_expiry(std::string_view username);

}  // namespace floe::stun
