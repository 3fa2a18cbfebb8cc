#pragma once

#include <chrono>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/result.h"
#include "floe/dtls/fingerprint.h"

namespace floe::dtls {

/// A certificate and its private key: who a peer is, as far as DTLS knows. Immutable, meant to be
/// shared: everything DTLS sets up per certificate is set up here once, so a further connection
/// with the same identity is cheap.
class Identity {
 public:
  struct Options {
    /// The certificate's subject and issuer. Empty: a random one, so that calls cannot be linked
    /// by it.
    std::string common_name;
    /// Counted from `now`; the certificate is also valid for the day before, since peers' clocks
    /// differ. From a minute to ten years.
    std::chrono::seconds lifetime = std::chrono::days(30);
  };

  struct Pem {
    std::string certificate_chain;  ///< Own certificate first.
    std::string private_key;        ///< PKCS #8, not encrypted. Secret.
  };

  /// A new ECDSA P-256 key in a self-signed certificate. Key and serial number come from OpenSSL's
  /// generator. `now` is wall-clock time, because certificates carry dates: engines read no clock,
  /// so the driver passes what its clock says.
  static Result<std::shared_ptr<const Identity>> generate(std::chrono::sys_seconds now,
                                                          const Options& options);
  static Result<std::shared_ptr<const Identity>> generate(std::chrono::sys_seconds now);

  /// An identity from files: `certificate_chain` holds the certificate and then any certificates
  /// above it, `private_key` its key (ECDSA P-256 or P-384, or RSA of 2,048 bits or more; PKCS #8
  /// or the older forms, not encrypted).
  static Result<std::shared_ptr<const Identity>> from_pem(std::string_view certificate_chain,
                                                          std::string_view private_key);

  ~Identity();
  Identity(const Identity&) = delete;
  Identity& operator=(const Identity&) = delete;

  Result<Pem> to_pem() const;
  /// What goes into SDP. `algorithm` as in `Fingerprint::of`.
  Result<Fingerprint> fingerprint(std::string_view algorithm = "sha-256") const;
  /// The end of the certificate's validity. Peers that check fingerprints do not look at it; an
  /// application that keeps identities should.
  std::chrono::sys_seconds expires() const;
  /// The own certificate in DER.
  const std::vector<std::uint8_t>& certificate() const;

 private:
  friend class Session;
  struct Handles;
  explicit Identity(std::unique_ptr<Handles> handles);
  // OpenSSL's EVP_PKEY and X509, which no header shows.
  static Result<std::shared_ptr<const Identity>> assemble(void* key, void* certificate,
                                                          std::span<void* const> issuers);

  std::unique_ptr<Handles> handles_;
};

}  // namespace floe::dtls
