#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "floe/dtls/authenticator.h"
#include "floe/tls/internal/context.h"
#include "floe/tls/internal/cookie_jar.h"
#include "floe/tls/options.h"

struct ssl_st;

namespace floe::tls {

/// Shows a server's certificate to clients, which show none. Shared by all of them.
class ServerAuthenticator final : public dtls::Authenticator {
 public:
  /// `cookies` (for datagrams) must outlive what is made here.
  static Result<std::shared_ptr<const ServerAuthenticator>> create(Medium medium,
                                                                   const ServerOptions& options,
                                                                   CookieJar* cookies = nullptr);

  ssl_ctx_st* context() const override { return context_.get(); }
  bool prepare(ssl_st*) const override { return true; }
  std::optional<Error> failure() const override { return std::nullopt; }

 private:
  ServerAuthenticator() = default;
  Result<> use(const dtls::Identity& identity);
  static int on_alpn(ssl_st* session, const unsigned char** chosen, unsigned char* size,
                     const unsigned char* offered, unsigned offered_size, void* self);
  static int on_make_cookie(ssl_st* session, unsigned char* cookie, unsigned* size);
  static int on_check_cookie(ssl_st* session, const unsigned char* cookie, unsigned size);

  std::vector<std::uint8_t> alpn_;
  Context context_;
};

}  // namespace floe::tls
