#pragma once

#include <optional>

#include "floe/core/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace floe::dtls {

/// Who a side is and whom it believes, where fingerprints do not say it: `tls` checks chains of
/// certificates. For those who know OpenSSL, whose types it hands on.
class Authenticator {
 public:
  virtual ~Authenticator() = default;
  /// OpenSSL's SSL_CTX for new sessions. It must demand and check what is to be checked.
  virtual ssl_ctx_st* context() const = 0;
  /// Sets up a new SSL; false if OpenSSL refuses.
  virtual bool prepare(ssl_st* session) const = 0;
  /// What was wrong with the peer's certificate, if that is why a handshake failed.
  virtual std::optional<Error> failure() const = 0;
};

}  // namespace floe::dtls
