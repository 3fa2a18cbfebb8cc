#include "floe/servers/turn/accounts.h"

#include <utility>

#include "floe/core/text.h"
#include "floe/stun_client/ephemeral_credential.h"

namespace floe::server {

using stun::PasswordAlgorithm;

Result<Accounts> Accounts::create(std::string realm, const std::vector<User>& users,
                                  std::string secret) {
  if (users.empty() && secret.empty()) {
    return fail(Errc::kInvalidArgument,
                "a TURN server without users and without a secret would serve "
                "nobody: give it "
                "at least one of them");
  }
  if (const Result<std::string> usable = stun::opaque_string(realm); !usable) {
    return fail(Errc::kInvalidArgument, "the TURN server's realm: " + usable.error().message);
  }
  Accounts accounts;
  accounts.realm_ = std::move(realm);
  accounts.secret_ = std::move(secret);
  for (const User& user : users) {
    Result<std::string> name = stun::opaque_string(user.name);
    if (!name) return fail(Errc::kInvalidArgument, "a TURN user's name: " + name.error().message);
    auto md5 = stun::long_term_key(*name, accounts.realm_, user.password);
    auto sha256 =
        stun::long_term_key(*name, accounts.realm_, user.password, PasswordAlgorithm::kSha256);
    auto hash = stun::user_hash(*name, accounts.realm_);
    if (!md5 || !sha256 || !hash) {
      return fail(Errc::kInvalidArgument,
                  "the password of TURN user " + quoted(*name) + ": " +
                      (md5 ? "cannot be made into a key" : md5.error().message));
    }
    accounts.hashes_.emplace(as_text(*hash), *name);
    if (!accounts.users_.emplace(*name, Keys{std::move(*md5), std::move(*sha256)}).second) {
      return fail(Errc::kInvalidArgument, "TURN user " + quoted(*name) + " is there twice");
    }
  }
  return accounts;
}

std::optional<Accounts::Found> Accounts::find(std::string_view name, PasswordAlgorithm algorithm,
                                              std::chrono::sys_seconds wall_clock) const {
  const Result<std::string> prepared = stun::opaque_string(name);
  if (!prepared) return std::nullopt;
  const auto user = users_.find(*prepared);
  if (user == users_.end()) return find_time_limited(*prepared, algorithm, wall_clock);
  const Keys& keys = user->second;
  return Found{algorithm == PasswordAlgorithm::kSha256 ? keys.sha256 : keys.md5, *prepared};
}

std::optional<Accounts::Found> Accounts::find_time_limited(
    std::string_view name, PasswordAlgorithm algorithm, std::chrono::sys_seconds wall_clock) const {
  if (secret_.empty()) return std::nullopt;
  const std::optional<std::uint64_t> end = stun::ephemeral_expiry(name);
  const auto now = static_cast<std::uint64_t>(wall_clock.time_since_epoch().count());
  if (!end || *end <= now) return std::nullopt;
  Result<stun::Key> key =
      stun::long_term_key(name, realm_, stun::ephemeral_password(secret_, name), algorithm);
  if (!key) return std::nullopt;
  const std::size_t colon = name.find(':');
  const std::string_view owner = colon == std::string_view::npos ? name : name.substr(colon + 1);
  return Found{std::move(*key), std::string(owner)};
}

std::optional<std::string_view> Accounts::name_of(Bytes userhash) const {
  const auto found = hashes_.find(std::string(as_text(userhash)));
  if (found == hashes_.end()) return std::nullopt;
  return found->second;
}

}  // namespace floe::server
