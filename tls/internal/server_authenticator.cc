#include "floe/tls/internal/server_authenticator.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>

#include "floe/dtls/openssl_error.h"

namespace floe::tls {
namespace {

CookieJar& cookies_of(SSL* session) {
  return *static_cast<CookieJar*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
}

bool use_chain(SSL_CTX* context, const std::string& pem) {
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  if (bio == nullptr) return false;
  bool ok = true;
  for (bool first = true; ok; first = false) {
    X509* const certificate = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    if (certificate == nullptr) {
      ok = !first;
      break;
    }
    ok = first ? SSL_CTX_use_certificate(context, certificate) == 1
               : SSL_CTX_add1_chain_cert(context, certificate) == 1;
    X509_free(certificate);
  }
  BIO_free(bio);
  return ok;
}

bool use_key(SSL_CTX* context, const std::string& pem) {
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  EVP_PKEY* const key =
      bio == nullptr ? nullptr : PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
  const bool ok = key != nullptr && SSL_CTX_use_PrivateKey(context, key) == 1;
  EVP_PKEY_free(key);
  BIO_free(bio);
  return ok;
}

}  // namespace

Result<std::shared_ptr<const ServerAuthenticator>> ServerAuthenticator::create(
    Medium medium, const ServerOptions& options, CookieJar* cookies) {
  if (options.identity == nullptr) {
    return fail(Errc::kInvalidArgument,
                "a TLS server needs ServerOptions::identity: its certificate and key");
  }
  auto self = std::shared_ptr<ServerAuthenticator>(new ServerAuthenticator());
  auto alpn = encode_alpn(options.alpn);
  if (!alpn) return forward(alpn);
  self->alpn_ = std::move(*alpn);
  auto context = new_context(medium);
  if (!context) return forward(context);
  self->context_ = std::move(*context);
  if (auto used = self->use(*options.identity); !used) return forward(used);
  SSL_CTX* const raw = self->context_.get();
  SSL_CTX_set_verify(raw, SSL_VERIFY_NONE, nullptr);
  if (!self->alpn_.empty()) SSL_CTX_set_alpn_select_cb(raw, on_alpn, self.get());
  if (cookies != nullptr) {
    SSL_CTX_set_app_data(raw, cookies);
    SSL_CTX_set_cookie_generate_cb(raw, on_make_cookie);
    SSL_CTX_set_cookie_verify_cb(raw, on_check_cookie);
  }
  return self;
}

Result<> ServerAuthenticator::use(const dtls::Identity& identity) {
  auto pem = identity.to_pem();
  if (!pem) return forward(pem);
  ERR_clear_error();
  const bool used = use_chain(context_.get(), pem->certificate_chain) &&
                    use_key(context_.get(), pem->private_key);
  crypto::wipe({reinterpret_cast<std::uint8_t*>(pem->private_key.data()), pem->private_key.size()});
  const std::string reason = dtls::take_openssl_errors();
  if (used) return {};
  return fail(Errc::kInternal, "OpenSSL cannot use the server's certificate: " + reason);
}

int ServerAuthenticator::on_alpn(ssl_st*, const unsigned char** chosen, unsigned char* size,
                                 const unsigned char* offered, unsigned offered_size, void* self) {
  const auto& ours = static_cast<const ServerAuthenticator*>(self)->alpn_;
  unsigned char* selected = nullptr;
  if (SSL_select_next_proto(&selected, size, ours.data(), static_cast<unsigned>(ours.size()),
                            offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *chosen = selected;
  return SSL_TLSEXT_ERR_OK;
}

int ServerAuthenticator::on_make_cookie(ssl_st* session, unsigned char* cookie, unsigned* size) {
  const CookieJar::Cookie made = cookies_of(session).make();
  std::ranges::copy(made, cookie);
  *size = static_cast<unsigned>(made.size());
  return 1;
}

int ServerAuthenticator::on_check_cookie(ssl_st* session, const unsigned char* cookie,
                                         unsigned size) {
  return cookies_of(session).is_good({cookie, size}) ? 1 : 0;
}

}  // namespace floe::tls
