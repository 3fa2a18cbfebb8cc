#pragma once

#include <memory>
#include <string>
#include <vector>

#include "floe/core/result.h"
#include "floe/dtls/identity.h"
#include "floe/tls/trust.h"

namespace floe::tls {

/// RFC 7443: the protocols' names, for `alpn`.
inline constexpr const char* kAlpnTurn = "stun.turn";
inline constexpr const char* kAlpnNatDiscovery = "stun.nat-discovery";

/// What a client wants of the server.
struct ClientOptions {
  /// The name the server's certificate must be for, as the user knows the server: a DNS name or the
  /// text of an IP address, never what a name was resolved to. Required.
  std::string server_name;
  /// Who may have signed it; nullptr: whom the system trusts.
  std::shared_ptr<const Trust> trust{};
  /// Protocols to offer (RFC 7301), most wanted first. A server that knows none of this goes on
  /// without.
  std::vector<std::string> alpn{};
};

struct ServerOptions {
  /// Certificate chain and key: `dtls::Identity::from_pem`, or `read_identity`. Required.
  std::shared_ptr<const dtls::Identity> identity;
  /// Protocols to agree to, most wanted first. A client that offers only others is refused (RFC
  /// 7301 section 3.2); empty: what clients offer is passed over.
  std::vector<std::string> alpn{};
};

/// An identity from PEM files; `key_file` may be the same file.
[[nodiscard]] Result<std::shared_ptr<const dtls::Identity>> read_identity(
    const std::string& chain_file, const std::string& key_file);

}  // namespace floe::tls
