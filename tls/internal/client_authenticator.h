#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "floe/dtls/authenticator.h"
#include "floe/tls/internal/context.h"
#include "floe/tls/options.h"

struct x509_store_ctx_st;

namespace floe::tls {

/// Checks one server's chain of certificates against whom the client trusts, and its name (RFC
/// 5280, RFC 6125).
class ClientAuthenticator final : public dtls::Authenticator {
 public:
  /// `today` is what the certificates' dates are held against.
  static Result<std::shared_ptr<const ClientAuthenticator>> create(Medium medium,
                                                                   const ClientOptions& options,
                                                                   std::chrono::sys_seconds today);

  ssl_ctx_st* context() const override { return context_.get(); }
  bool prepare(ssl_st* session) const override;
  std::optional<Error> failure() const override { return failure_; }

 private:
  ClientAuthenticator() = default;
  static int on_verify(x509_store_ctx_st* store, void* self);

  std::string name_;
  bool is_address_ = false;
  std::shared_ptr<const Trust> trust_;
  std::vector<std::uint8_t> alpn_;
  std::chrono::sys_seconds today_;
  std::optional<Error> failure_;
  Context context_;
};

}  // namespace floe::tls
