#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "floe/core/result.h"

namespace floe::tls {

/// Whose signature under a server's certificate is believed. Immutable, meant to be shared.
/// Certificates that were withdrawn (CRL, OCSP) are not told apart.
class Trust {
 public:
  /// The certificate authorities that the system trusts, read once per process; SSL_CERT_FILE and
  /// SSL_CERT_DIR name others (OpenSSL).
  [[nodiscard]] static Result<std::shared_ptr<const Trust>> system();
  /// Only the certificates in `pem`: authorities, or servers' own.
  [[nodiscard]] static Result<std::shared_ptr<const Trust>> from_pem(std::string_view pem);
  [[nodiscard]] static Result<std::shared_ptr<const Trust>> from_file(const std::string& path);

  ~Trust();
  Trust(const Trust&) = delete;
  Trust& operator=(const Trust&) = delete;

 private:
  friend class ClientAuthenticator;
  struct Store;
  explicit Trust(std::unique_ptr<Store> store);

  std::unique_ptr<Store> store_;
};

}  // namespace floe::tls
