#include "floe/tls/internal/context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "floe/core/text.h"
#include "floe/dtls/openssl_error.h"

namespace floe::tls {
namespace {

// AEAD with forward secrecy only; of the same strength, what the CPU does in hardware first. The
// DHE ones because RFC 8489 section 6.2.3 demands one of them.
constexpr const char* kCipherSuites =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES256-GCM-SHA384";
constexpr const char* kGroups = "X25519:P-256:P-384";
constexpr int kSecurityLevel = 2;  // 112 bits: RSA from 2,048 bits on
constexpr std::size_t kMaxAlpnNames = 16;

}  // namespace

void ContextDeleter::operator()(ssl_ctx_st* context) const {
  SSL_CTX_free(context);
}

Result<Context> new_context(Medium medium) {
  ERR_clear_error();
  const bool stream = medium == Medium::kStream;
  Context context(SSL_CTX_new(stream ? TLS_method() : DTLS_method()));
  SSL_CTX* const raw = context.get();
  // RFC 8996: nothing below 1.2.
  const int lowest = stream ? TLS1_2_VERSION : DTLS1_2_VERSION;
  if (raw == nullptr || SSL_CTX_set_min_proto_version(raw, lowest) != 1 ||
      SSL_CTX_set_max_proto_version(raw, 0) != 1 ||
      SSL_CTX_set_cipher_list(raw, kCipherSuites) != 1 ||
      SSL_CTX_set1_groups_list(raw, kGroups) != 1 || SSL_CTX_set_dh_auto(raw, 1) != 1) {
    return fail(Errc::kInternal, "OpenSSL cannot set TLS up: " + dtls::take_openssl_errors());
  }
  SSL_CTX_set_security_level(raw, kSecurityLevel);
  SSL_CTX_set_options(raw, SSL_OP_NO_QUERY_MTU | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TICKET |
                               SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  // A connection lives as long as an allocation; resuming one has nothing to win.
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 0);
  return context;
}

Result<std::vector<std::uint8_t>> encode_alpn(std::span<const std::string> names) {
  std::vector<std::uint8_t> encoded;
  if (names.size() > kMaxAlpnNames) {
    return fail(Errc::kLimitExceeded,
                "more than " + std::to_string(kMaxAlpnNames) + " ALPN protocols");
  }
  for (const std::string& name : names) {
    if (name.empty() || name.size() > 255) {
      return fail(Errc::kInvalidArgument,
                  "ALPN protocol " + quoted(name) + " does not have 1 to 255 bytes");
    }
    encoded.push_back(static_cast<std::uint8_t>(name.size()));
    encoded.insert(encoded.end(), name.begin(), name.end());
  }
  return encoded;
}

}  // namespace floe::tls
