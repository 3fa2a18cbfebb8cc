#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "floe/dtls/identity.h"
#include "floe/tls/trust.h"

namespace floe::tls::testing {

/// What stands in a server's certificate.
struct Subject {
  std::string common_name = "a server";
  /// As OpenSSL writes them: "DNS:turn.example", "IP:192.0.2.1".
  std::vector<std::string> names;
  std::chrono::seconds from = -std::chrono::days(1);  ///< Before or after the authority's today.
  std::chrono::seconds until = std::chrono::days(30);
};

/// Issues certificates.
class Authority {
 public:
  Authority(const std::string& name, std::chrono::sys_seconds today);
  ~Authority();
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;

  /// Its own certificate.
  const std::string& pem() const { return pem_; }
  std::shared_ptr<const Trust> trust() const;
  dtls::Identity::Pem issue_pem(const Subject& subject) const;
  std::shared_ptr<const dtls::Identity> issue(const Subject& subject) const;
  /// The same by an authority below this one, whose certificate stands in the chain.
  std::shared_ptr<const dtls::Identity> issue_below(const Subject& subject) const;

 private:
  std::chrono::sys_seconds today_;
  void* key_;          // EVP_PKEY
  void* certificate_;  // X509
  std::string pem_;
};

}  // namespace floe::tls::testing
