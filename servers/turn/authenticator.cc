#include "floe/servers/turn/authenticator.h"

#include <algorithm>
#include <array>
#include <utility>

namespace floe::server {
namespace {

using stun::AttributeType;
using stun::Message;
using stun::PasswordAlgorithm;

/// In order of preference.
constexpr std::array kAlgorithms{PasswordAlgorithm::kSha256, PasswordAlgorithm::kMd5};
/// kAlgorithms as PASSWORD-ALGORITHMS has them (RFC 8489 section 14.11):
/// number, no parameters.
constexpr std::array<std::uint8_t, 8> kAlgorithmsOnTheWire{0, 2, 0, 0, 0, 1, 0, 0};

/// RFC 8489 section 9.2.4, third check: both or neither, and what we offered.
/// nullopt means 400.
std::optional<PasswordAlgorithm> chosen_algorithm(const Message& request) {
  const bool has_list = request.has(AttributeType::kPasswordAlgorithms);
  const bool has_choice = request.has(AttributeType::kPasswordAlgorithm);
  if (!has_list && !has_choice) return PasswordAlgorithm::kMd5;
  const std::optional<Bytes> list = request.password_algorithms();
  const std::optional<PasswordAlgorithm> choice = request.password_algorithm();
  if (!list || !choice ||
      !std::equal(list->begin(), list->end(), kAlgorithmsOnTheWire.begin(),
                  kAlgorithmsOnTheWire.end())) {
    return std::nullopt;
  }
  const bool offered =
      std::find(kAlgorithms.begin(), kAlgorithms.end(), *choice) != kAlgorithms.end();
  return offered ? choice : std::nullopt;
}

bool has_integrity(const Message& request) {
  return request.has(AttributeType::kMessageIntegrity) ||
         request.has(AttributeType::kMessageIntegritySha256);
}

bool integrity_is_right(const Message& request, Bytes key) {
  if (request.has(AttributeType::kMessageIntegritySha256)) {
    return request.check_integrity_sha256(key) == Message::Integrity::kOk;
  }
  return request.check_integrity_sha1(key) == Message::Integrity::kOk;
}

}  // namespace

Authenticator::Authenticator(Accounts accounts, Duration nonce_lifetime, Random& random)
    : accounts_(std::move(accounts)),
      nonces_(random,
              {.password_algorithms = true, .username_anonymity = accounts_.knows_user_hashes()},
              nonce_lifetime) {}

Authenticator::Verdict Authenticator::check(Time now, std::chrono::sys_seconds wall_clock,
                                            const Message& request, const net::Endpoint& client,
                                            const net::Endpoint* control,
                                            const Caller* known) const {
  if (!has_integrity(request)) return {stun::kUnauthenticated, {}};
  const bool has_name =
      request.has(AttributeType::kUsername) || request.has(AttributeType::kUserhash);
  const std::optional<std::string_view> nonce = request.nonce();
  if (!has_name || !request.has(AttributeType::kRealm) || !nonce) return {stun::kBadRequest, {}};
  const std::optional<PasswordAlgorithm> algorithm = chosen_algorithm(request);
  if (!algorithm) return {stun::kBadRequest, {}};
  std::optional<Caller> caller = identify(wall_clock, request, *algorithm, known);
  if (!caller || !integrity_is_right(request, caller->key)) return {stun::kUnauthenticated, {}};
  if (!nonces_.is_valid(now, client, *nonce) &&
      (control == nullptr || !nonces_.is_valid(now, *control, *nonce))) {
    return {stun::kStaleNonce, {}};
  }
  caller->sha256_integrity = request.has(AttributeType::kPasswordAlgorithm);
  return {0, std::move(*caller)};
}

std::optional<Caller> Authenticator::identify(std::chrono::sys_seconds wall_clock,
                                              const Message& request, PasswordAlgorithm algorithm,
                                              const Caller* known) const {
  std::optional<std::string_view> name = request.username();
  if (!name) {
    const std::optional<Bytes> hash = request.userhash();
    if (hash) name = accounts_.name_of(*hash);
  }
  if (!name) return std::nullopt;
  if (known != nullptr && known->username == *name && known->algorithm == algorithm) return *known;
  std::optional<Accounts::Found> found = accounts_.find(*name, algorithm, wall_clock);
  if (!found) return std::nullopt;
  return Caller{std::string(*name), std::move(found->owner), std::move(found->key), algorithm,
                false};
}

void Authenticator::add_challenge(stun::MessageBuilder& response, Time now,
                                  const net::Endpoint& client) const {
  response.add_text(AttributeType::kRealm, accounts_.realm());
  response.add_text(AttributeType::kNonce, nonces_.create(now, client));
  response.add_password_algorithms(kAlgorithms);
}

void sign(stun::MessageBuilder& response, const Caller& caller) {
  if (caller.sha256_integrity) {
    response.add_integrity_sha256(caller.key);
  } else {
    response.add_integrity_sha1(caller.key);
  }
}

}  // namespace floe::server
