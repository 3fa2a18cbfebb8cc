#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/stun_client/credentials.h"

namespace floe::server {

/// Who may use a TURN server: users with fixed passwords, and users to whom a
/// web service that shares a secret with the server gave a name and password
/// valid for a while
/// (`stun::ephemeral_credential`).
class Accounts {
 public:
  struct User {
    std::string name;
    std::string password;
  };
  /// A name that may be used now, with its key.
  struct Found {
    stun::Key key;
    /// Whom the quota counts for: the name, without its time if it is a
    /// time-limited one.
    std::string owner;
  };

  /// `secret` may be empty: no time-limited names. Errors: `kInvalidArgument`
  /// for nobody at all, a realm, name or password that cannot be used, or two
  /// users of one name.
  [[nodiscard]] static Result<Accounts> create(std::string realm, const std::vector<User>& users,
                                               std::string secret);

  /// `wall_clock` tells whether a time-limited name has ended.
  std::optional<Found> find(std::string_view name, stun::PasswordAlgorithm algorithm,
                            std::chrono::sys_seconds wall_clock) const;
  /// The name that USERHASH stands for (RFC 8489 section 14.4).
  std::optional<std::string_view> name_of(Bytes userhash) const;
  /// A server can only know the hashes of names it has a list of.
  bool knows_user_hashes() const { return secret_.empty(); }
  std::string_view realm() const { return realm_; }

 private:
  struct Keys {
    stun::Key md5;
    stun::Key sha256;
  };
  std::optional<Found> find_time_limited(std::string_view name, stun::PasswordAlgorithm algorithm,
                                         std::chrono::sys_seconds wall_clock) const;

  std::string realm_;
  std::string secret_;
  std::unordered_map<std::string, Keys> users_;
  std::unordered_map<std::string, std::string> hashes_;  ///< USERHASH to name.
};

}  // namespace floe::server
