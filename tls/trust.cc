#include "floe/tls/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <utility>

#include "floe/dtls/openssl_error.h"
#include "floe/tls/internal/text_file.h"
#include "floe/tls/internal/trust_store.h"

namespace floe::tls {
namespace {

// What the systems' lists of authorities have (some 150, 220 KB), four times over.
constexpr std::size_t kMaxPem = std::size_t{1} << 20;

// OpenSSL would ask the terminal for the password of encrypted text.
int refuse_password(char*, int, int, void*) {
  return -1;
}

Result<> add_certificates(X509_STORE* store, std::string_view pem) {
  BIO* const bio = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  std::size_t count = 0;
  bool added = bio != nullptr;
  while (added) {
    X509* const certificate = PEM_read_bio_X509(bio, nullptr, refuse_password, nullptr);
    if (certificate == nullptr) break;
    added = X509_STORE_add_cert(store, certificate) == 1;
    X509_free(certificate);
    ++count;
  }
  BIO_free(bio);
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  const std::string reason = dtls::take_openssl_errors();
  if (!added) return fail(Errc::kInternal, "OpenSSL cannot keep a certificate: " + reason);
  if (!at_end) {
    return fail(Errc::kMalformed, "certificate " + std::to_string(count + 1) +
                                      " of those to trust cannot be read: " + reason);
  }
  if (count == 0) {
    return fail(Errc::kMalformed, "there is no certificate to trust in PEM (BEGIN CERTIFICATE)");
  }
  return {};
}

}  // namespace

Trust::Store::~Store() {
  X509_STORE_free(store);
}

Trust::Trust(std::unique_ptr<Store> store) : store_(std::move(store)) {}
Trust::~Trust() = default;

Result<std::shared_ptr<const Trust>> Trust::system() {
  static const Result<std::shared_ptr<const Trust>> shared =
      []() -> Result<std::shared_ptr<const Trust>> {
    ERR_clear_error();
    auto store = std::make_unique<Store>(X509_STORE_new());
    if (store->store == nullptr || X509_STORE_set_default_paths(store->store) != 1) {
      return fail(Errc::kInternal, "the certificates that the system trusts cannot be read: " +
                                       dtls::take_openssl_errors());
    }
    ERR_clear_error();
    return std::shared_ptr<const Trust>(new Trust(std::move(store)));
  }();
  return shared;
}

Result<std::shared_ptr<const Trust>> Trust::from_pem(std::string_view pem) {
  if (pem.size() > kMaxPem) {
    return fail(Errc::kLimitExceeded, "the certificates to trust have more than " +
                                          std::to_string(kMaxPem) + " bytes of PEM");
  }
  ERR_clear_error();
  auto store = std::make_unique<Store>(X509_STORE_new());
  if (store->store == nullptr) {
    return fail(Errc::kInternal, "OpenSSL: " + dtls::take_openssl_errors());
  }
  if (auto added = add_certificates(store->store, pem); !added) return forward(added);
  // Who is named here is trusted, be it an authority's authority, an authority or a server.
  X509_STORE_set_flags(store->store, X509_V_FLAG_PARTIAL_CHAIN);
  return std::shared_ptr<const Trust>(new Trust(std::move(store)));
}

Result<std::shared_ptr<const Trust>> Trust::from_file(const std::string& path) {
  const auto text = read_text_file(path, kMaxPem);
  if (!text) return forward(text);
  auto trust = from_pem(*text);
  if (!trust) return fail(trust.error().code, path + ": " + trust.error().message);
  return trust;
}

}  // namespace floe::tls
