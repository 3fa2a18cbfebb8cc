#include "floe/stun_client/long_term_credential.h"

#include <utility>

#include "floe/core/text.h"

namespace floe::stun {

Result<LongTermCredential> LongTermCredential::create(std::string_view username,
                                                      std::string_view password) {
  Result<std::string> prepared_username = opaque_string(username);
  if (!prepared_username) {
    return fail(prepared_username.error().code, "username: " + prepared_username.error().message);
  }
  if (prepared_username->size() > kMaxUsername) {
    return fail(Errc::kLimitExceeded, "a STUN username has at most " +
                                          std::to_string(kMaxUsername) + " bytes, this one has " +
                                          std::to_string(prepared_username->size()));
  }
  Result<std::string> prepared_password = opaque_string(password);
  if (!prepared_password) {
    return fail(prepared_password.error().code, "password: " + prepared_password.error().message);
  }
  return LongTermCredential(std::move(*prepared_username), std::move(*prepared_password));
}

Result<LongTermCredential> LongTermCredential::create_with_access_token(std::string_view kid,
                                                                        Bytes mac_key,
                                                                        Bytes token) {
  if (mac_key.empty() || token.empty()) {
    return fail(Errc::kMalformed, "an access token comes with a key, and neither is empty");
  }
  if (token.size() > kMaxAccessToken) {
    return fail(Errc::kLimitExceeded, "an access token has at most " +
                                          std::to_string(kMaxAccessToken) +
                                          " bytes, this one has " + std::to_string(token.size()));
  }
  Result<std::string> prepared_kid = opaque_string(kid);
  if (!prepared_kid) {
    return fail(prepared_kid.error().code, "kid: " + prepared_kid.error().message);
  }
  if (prepared_kid->size() > kMaxUsername) {
    return fail(Errc::kLimitExceeded,
                "a kid has at most " + std::to_string(kMaxUsername) + " bytes");
  }
  LongTermCredential credential(std::move(*prepared_kid), {});
  credential.mac_key_ = to_vector(mac_key);
  credential.access_token_ = to_vector(token);
  return credential;
}

LongTermCredential::LongTermCredential(std::string username, std::string password)
    : username_(std::move(username)), password_(std::move(password)) {}

void LongTermCredential::forget_server() {
  realm_.clear();
  nonce_.clear();
  offered_algorithms_.clear();
  algorithm_.reset();
  userhash_.clear();
  key_.clear();
}

void LongTermCredential::authenticate(MessageBuilder& request, Attempt& attempt) const {
  attempt.authenticated_ = challenged();
  if (!challenged()) return;
  if (userhash_.empty()) {
    request.add_text(AttributeType::kUsername, username_);
  } else {
    request.add(AttributeType::kUserhash, userhash_);
  }
  request.add_text(AttributeType::kRealm, realm_);
  request.add_text(AttributeType::kNonce, nonce_);
  if (algorithm_) {
    request.add(AttributeType::kPasswordAlgorithms, offered_algorithms_);
    request.add_password_algorithm(*algorithm_);
    // RFC 8489 section 9.2.5: a server that offers algorithms knows SHA-256, and gets only that.
    request.add_integrity_sha256(key_);
  } else {
    // RFC 8489 section 9.2.4: without algorithms the server computes with MD5 and SHA-1.
    request.add_integrity_sha1(key_);
  }
  attempt.key_ = key_;
  attempt.realm_ = realm_;
  attempt.sha256_ = algorithm_.has_value();
  attempt.sha1_ = !attempt.sha256_;
}

Verdict LongTermCredential::handle_response(const Message& response, Attempt& attempt) {
  const bool is_error = response.cls() == Class::kError;
  const std::optional<ErrorCode> error = is_error ? response.error_code() : std::nullopt;
  if (error && (error->code == kUnauthenticated || error->code == kStaleNonce)) {
    return handle_challenge(response, error->code, attempt);
  }
  // RFC 8489 section 9.2.5: someone has removed the algorithms that the nonce speaks of.
  if (const auto nonce = response.nonce();
      nonce && security_features(*nonce).password_algorithms && !response.password_algorithms()) {
    return Verdict::kDiscard;
  }
  if (!attempt.authenticated_) return Verdict::kUnprotected;
  if (error && error->code == kBadRequest && !response.has(AttributeType::kMessageIntegrity) &&
      !response.has(AttributeType::kMessageIntegritySha256)) {
    return Verdict::kDiscard;  // RFC 8489 section 9.2.5
  }
  if (is_authentic(response, attempt)) return Verdict::kAuthentic;
  attempt.integrity_violated_ = true;
  return Verdict::kIntegrityViolated;
}

bool LongTermCredential::is_authentic(const Message& response, const Attempt& attempt) const {
  const Message::Integrity sha256 = response.check_integrity_sha256(attempt.key_);
  if (sha256 != Message::Integrity::kMissing) return sha256 == Message::Integrity::kOk;
  // A request with SHA-256 is answered with SHA-256 (RFC 8489 section 9.2.4).
  return attempt.sha1_ && response.check_integrity_sha1(attempt.key_) == Message::Integrity::kOk;
}

Verdict LongTermCredential::handle_challenge(const Message& response, std::uint16_t code,
                                             Attempt& attempt) {
  const auto refuse = [&](Errc errc, std::string message) {
    attempt.error_ = {errc, std::move(message)};
    return Verdict::kRefused;
  };
  // A 438 must carry the realm as well, but there is only one it can mean.
  const std::optional<std::string_view> offered = response.realm();
  const std::string realm(offered ? *offered : code == kStaleNonce ? realm_ : std::string_view());
  if (realm.empty() || !response.nonce() || response.nonce()->empty()) {
    return refuse(Errc::kMalformed, "the STUN server asks for credentials (" +
                                        std::to_string(code) + ") without naming realm and nonce");
  }
  if (code == kUnauthenticated && attempt.authenticated_ && attempt.realm_ == realm) {
    // RFC 8489 section 9.2.5: no retry that changes nothing.
    return refuse(Errc::kPermissionDenied,
                  "the server refuses the username or password for realm " + quoted(realm));
  }
  if (attempt.retries_ == kMaxRetries) {
    return refuse(Errc::kLimitExceeded,
                  "the STUN server refused " + std::to_string(kMaxRetries + 1) +
                      " nonces or realms in a row, the last with code " + std::to_string(code));
  }
  if (const Result<> taken = take_challenge(response, realm); !taken) {
    return refuse(taken.error().code, taken.error().message);
  }
  ++attempt.retries_;
  return Verdict::kRetry;
}

Result<> LongTermCredential::take_challenge(const Message& challenge, std::string_view realm) {
  const std::string_view nonce = *challenge.nonce();
  const SecurityFeatures features = security_features(nonce);
  const std::optional<Bytes> offered = challenge.password_algorithms();
  // RFC 8489 section 9.2.1: what a server once offered does not go away by itself.
  if (!offered && (features.password_algorithms || algorithm_)) {
    return fail(Errc::kVerificationFailed,
                "the STUN server's PASSWORD-ALGORITHMS were removed on the way");
  }
  const std::optional<PasswordAlgorithm> algorithm = challenge.first_supported_password_algorithm();
  if (offered && !algorithm) {
    return fail(Errc::kUnsupported,
                "the STUN server offers neither MD5 nor SHA-256 as password algorithm");
  }
  // RFC 7635 section 4: only a server that takes tokens says so. Its key is used as it is
  // (section 5).
  if (!access_token_.empty() && !challenge.third_party_authorization() && !challenged()) {
    return fail(Errc::kUnsupported, "the STUN server does not take access tokens");
  }
  Result<Key> key = mac_key_.empty() ? long_term_key(username_, realm, password_,
                                                     algorithm.value_or(PasswordAlgorithm::kMd5))
                                     : mac_key_;
  if (!key) return forward(key);
  userhash_.clear();
  if (features.username_anonymity) {
    const auto hash = user_hash(username_, realm);
    if (!hash) return forward(hash);
    userhash_ = to_vector(*hash);
  }
  key_ = std::move(*key);
  realm_ = realm;
  nonce_ = nonce;
  algorithm_ = algorithm;
  offered_algorithms_ = to_vector(offered.value_or(Bytes()));
  return {};
}

}  // namespace floe::stun
