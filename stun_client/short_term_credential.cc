#include "floe/stun_client/short_term_credential.h"

#include <utility>

namespace floe::stun {

Result<ShortTermCredential> ShortTermCredential::create(std::string_view username,
                                                        std::string_view password,
                                                        IntegrityAlgorithm algorithm) {
  Result<std::string> prepared = opaque_string(username);
  if (!prepared) return fail(prepared.error().code, "username: " + prepared.error().message);
  Result<Key> key = short_term_key(password);
  if (!key) return forward(key);
  return ShortTermCredential(std::move(*prepared), std::move(*key), algorithm);
}

ShortTermCredential::ShortTermCredential(std::string username, Key key,
                                         IntegrityAlgorithm algorithm)
    : username_(std::move(username)), key_(std::move(key)), algorithm_(algorithm) {}

void ShortTermCredential::authenticate(MessageBuilder& request, Attempt& attempt) const {
  request.add_text(AttributeType::kUsername, username_);
  attempt.authenticated_ = true;
  attempt.key_ = key_;
  attempt.sha1_ = algorithm_ != IntegrityAlgorithm::kSha256;
  attempt.sha256_ = algorithm_ != IntegrityAlgorithm::kSha1;
  if (attempt.sha1_) request.add_integrity_sha1(key_);
  if (attempt.sha256_) request.add_integrity_sha256(key_);
}

Verdict ShortTermCredential::handle_response(const Message& response, Attempt& attempt) {
  // RFC 8489 section 9.1.4: the response's algorithm must be one that the request used.
  using enum Message::Integrity;
  const Message::Integrity sha256 = response.check_integrity_sha256(attempt.key_);
  if (attempt.sha256_ && sha256 == kOk) {
    algorithm_ = IntegrityAlgorithm::kSha256;  // RFC 8489 section 9.1.5
    return Verdict::kAuthentic;
  }
  if (attempt.sha1_ && sha256 == kMissing && response.check_integrity_sha1(attempt.key_) == kOk) {
    algorithm_ = IntegrityAlgorithm::kSha1;
    return Verdict::kAuthentic;
  }
  attempt.integrity_violated_ = true;
  return Verdict::kIntegrityViolated;
}

}  // namespace floe::stun
