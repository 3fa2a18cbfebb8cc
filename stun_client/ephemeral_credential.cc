#include "floe/stun_client/ephemeral_credential.h"

#include "floe/core/text.h"
#include "floe/crypto/crypto.h"

namespace floe::stun {

EphemeralCredential ephemeral_credential(std::string_view secret, std::string_view user,
                                         std::uint64_t expires) {
  EphemeralCredential credential;
  credential.username = std::to_string(expires);
  if (!user.empty()) (credential.username += ':') += user;
  credential.password = ephemeral_password(secret, credential.username);
  return credential;
}

std::string ephemeral_password(std::string_view secret, std::string_view username) {
  const Bytes text = as_bytes(username);
  return to_base64(crypto::hmac_sha1(as_bytes(secret), {&text, 1}));
}

std::optional<std::uint64_t> ephemeral_expiry(std::string_view username) {
  return parse_decimal<std::uint64_t>(username.substr(0, username.find(':')));
}

}  // namespace floe::stun
