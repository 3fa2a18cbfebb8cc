#include "floe/dtls/identity.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <utility>

#include "floe/core/check.h"
#include "floe/core/text.h"
#include "floe/dtls/identity_handles.h"
#include "floe/dtls/openssl_error.h"
#include "floe/dtls/session.h"

namespace floe::dtls {
namespace {

template <auto kFree>
struct Freer {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};
using Key = std::unique_ptr<EVP_PKEY, Freer<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, Freer<X509_free>>;
using MemoryBio = std::unique_ptr<BIO, Freer<BIO_free_all>>;

constexpr std::chrono::seconds kClockTolerance = std::chrono::days(1);
constexpr std::chrono::seconds kMinLifetime = std::chrono::minutes(1);
constexpr std::chrono::seconds kMaxLifetime = std::chrono::years(10);
constexpr std::size_t kMaxCommonName = 64;  // X.520 ub-common-name
// Generous for files people write; a flight with a longer chain would not get through lossy paths.
constexpr std::size_t kMaxChain = 8;
constexpr std::size_t kMaxChainBytes = 32 * 1'024;
constexpr std::size_t kMaxPemText = 256 * 1'024;

tl::unexpected<Error> openssl_failed(std::string what) {
  return fail(Errc::kInternal, std::move(what) + ": " + take_openssl_errors());
}

std::vector<std::uint8_t> to_der(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  FLOE_CHECK(size > 0);
  std::vector<std::uint8_t> bytes(der, der + size);
  OPENSSL_free(der);
  return bytes;
}

// RFC 5280 section 4.1.2.2: positive, at most 20 octets, unlike any other of this issuer.
bool set_random_serial(X509* certificate) {
  std::array<unsigned char, 16> bytes;
  if (RAND_bytes(bytes.data(), bytes.size()) != 1) return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
  BIGNUM* number = BN_bin2bn(bytes.data(), bytes.size(), nullptr);
  const bool ok = number != nullptr &&
                  BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate)) != nullptr;
  BN_free(number);
  return ok;
}

bool set_name(X509* certificate, const std::string& common_name) {
  X509_NAME* name = X509_get_subject_name(certificate);
  return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(common_name.data()),
                                    static_cast<int>(common_name.size()), -1, 0) == 1 &&
         X509_set_issuer_name(certificate, name) == 1;
}

bool set_validity(X509* certificate, std::chrono::sys_seconds from, std::chrono::sys_seconds to) {
  const auto set = [](ASN1_TIME* field, std::chrono::sys_seconds when) {
    return ASN1_TIME_set(field, static_cast<time_t>(when.time_since_epoch().count())) != nullptr;
  };
  return set(X509_getm_notBefore(certificate), from) && set(X509_getm_notAfter(certificate), to);
}

MemoryBio reader_of(std::string_view text) {
  return MemoryBio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

std::string contents(BIO* bio) {
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  return {bytes, static_cast<std::size_t>(size)};
}

// OpenSSL would ask the terminal for the password of an encrypted key.
int refuse_password(char*, int, int, void*) {
  return -1;
}

Result<std::vector<Certificate>> read_chain(std::string_view pem) {
  const MemoryBio bio = reader_of(pem);
  if (bio == nullptr) return openssl_failed("reading the certificate chain");
  std::vector<Certificate> chain;
  std::size_t bytes = 0;
  ERR_clear_error();
  while (Certificate next{PEM_read_bio_X509(bio.get(), nullptr, refuse_password, nullptr)}) {
    bytes += to_der(next.get()).size();
    chain.push_back(std::move(next));
    if (chain.size() > kMaxChain || bytes > kMaxChainBytes) {
      return fail(Errc::kLimitExceeded, "the certificate chain has more than " +
                                            std::to_string(kMaxChain) + " certificates or " +
                                            std::to_string(kMaxChainBytes) + " bytes");
    }
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (!at_end) {
    return fail(Errc::kMalformed, "certificate " + std::to_string(chain.size() + 1) +
                                      " of the chain cannot be read: " + take_openssl_errors());
  }
  ERR_clear_error();
  if (chain.empty()) {
    return fail(Errc::kMalformed,
                "the certificate chain holds no certificate in PEM (BEGIN CERTIFICATE)");
  }
  return chain;
}

bool usable(EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) return EVP_PKEY_get_bits(key) >= 2'048;
  std::array<char, 32> group{};
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
         EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1 &&
         (std::string_view(group.data()) == SN_X9_62_prime256v1 ||
          std::string_view(group.data()) == SN_secp384r1);
}

Result<Key> read_key(std::string_view pem) {
  const MemoryBio bio = reader_of(pem);
  if (bio == nullptr) return openssl_failed("reading the private key");
  ERR_clear_error();
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_password, nullptr));
  if (key == nullptr) {
    const std::string reason = take_openssl_errors();
    if (pem.find("ENCRYPTED") != std::string_view::npos) {
      return fail(Errc::kUnsupported, "the private key is encrypted; pass it decrypted");
    }
    return fail(Errc::kMalformed, "the private key cannot be read as PEM: " + reason);
  }
  if (!usable(key.get())) {
    return fail(Errc::kUnsupported,
                "the private key is neither ECDSA P-256 or P-384 nor RSA of 2,048 bits or more");
  }
  return key;
}

}  // namespace

Identity::Handles::~Handles() {
  SSL_CTX_free(context);
}

Identity::Identity(std::unique_ptr<Handles> handles) : handles_(std::move(handles)) {}
Identity::~Identity() = default;

Result<std::shared_ptr<const Identity>> Identity::assemble(void* key, void* certificate,
                                                           std::span<void* const> issuers) {
  auto handles = std::make_unique<Handles>(Session::new_context());
  if (handles->context == nullptr) return openssl_failed("setting up DTLS");
  auto* const own = static_cast<X509*>(certificate);
  if (SSL_CTX_use_certificate(handles->context, own) != 1) {
    return openssl_failed("the certificate cannot be used");
  }
  if (X509_check_private_key(own, static_cast<EVP_PKEY*>(key)) != 1) {
    ERR_clear_error();
    return fail(Errc::kInvalidArgument,
                "the private key does not belong to the first certificate of the chain");
  }
  if (SSL_CTX_use_PrivateKey(handles->context, static_cast<EVP_PKEY*>(key)) != 1) {
    return openssl_failed("the private key cannot be used");
  }
  for (void* const issuer : issuers) {
    if (SSL_CTX_add1_chain_cert(handles->context, static_cast<X509*>(issuer)) != 1) {
      return openssl_failed("a certificate of the chain cannot be used");
    }
  }
  handles->certificate = to_der(own);
  return std::shared_ptr<const Identity>(new Identity(std::move(handles)));
}

Result<std::shared_ptr<const Identity>> Identity::generate(std::chrono::sys_seconds now) {
  return generate(now, Options{});
}

Result<std::shared_ptr<const Identity>> Identity::generate(std::chrono::sys_seconds now,
                                                           const Options& options) {
  if (options.lifetime < kMinLifetime || options.lifetime > kMaxLifetime) {
    return fail(Errc::kInvalidArgument, "an identity's lifetime of " +
                                            std::to_string(options.lifetime.count()) +
                                            " seconds is not between a minute and ten years");
  }
  std::string common_name = options.common_name;
  if (common_name.size() > kMaxCommonName || !is_utf8(as_bytes(common_name))) {
    return fail(Errc::kInvalidArgument,
                "common name '" + quoted(common_name) + "' is not UTF-8 of at most 64 bytes");
  }
  ERR_clear_error();
  if (common_name.empty()) {
    std::array<std::uint8_t, 8> bytes;
    if (RAND_bytes(bytes.data(), bytes.size()) != 1) return openssl_failed("drawing a name");
    common_name = to_hex(bytes);
  }
  const Key key(EVP_EC_gen("P-256"));
  if (key == nullptr) return openssl_failed("generating a key");
  const Certificate certificate(X509_new());
  constexpr long kVersion3 = 2;
  if (certificate == nullptr || X509_set_version(certificate.get(), kVersion3) != 1 ||
      !set_random_serial(certificate.get()) || !set_name(certificate.get(), common_name) ||
      !set_validity(certificate.get(), now - kClockTolerance, now + options.lifetime) ||
      X509_set_pubkey(certificate.get(), key.get()) != 1 ||
      X509_sign(certificate.get(), key.get(), EVP_sha256()) == 0) {
    return openssl_failed("making a certificate");
  }
  return assemble(key.get(), certificate.get(), {});
}

Result<std::shared_ptr<const Identity>> Identity::from_pem(std::string_view certificate_chain,
                                                           std::string_view private_key) {
  if (certificate_chain.size() > kMaxPemText || private_key.size() > kMaxPemText) {
    return fail(Errc::kLimitExceeded,
                "PEM text of an identity has more than " + std::to_string(kMaxPemText) + " bytes");
  }
  const auto chain = read_chain(certificate_chain);
  if (!chain) return forward(chain);
  const auto key = read_key(private_key);
  if (!key) return forward(key);
  std::vector<void*> issuers;
  for (std::size_t i = 1; i < chain->size(); ++i) issuers.push_back((*chain)[i].get());
  return assemble(key->get(), chain->front().get(), issuers);
}

Result<Identity::Pem> Identity::to_pem() const {
  ERR_clear_error();
  const MemoryBio certificates(BIO_new(BIO_s_mem()));
  const MemoryBio key(BIO_new(BIO_s_mem()));
  STACK_OF(X509)* issuers = nullptr;
  SSL_CTX_get0_chain_certs(handles_->context, &issuers);
  bool ok =
      certificates != nullptr && key != nullptr &&
      PEM_write_bio_X509(certificates.get(), SSL_CTX_get0_certificate(handles_->context)) == 1;
  for (int i = 0; ok && i < sk_X509_num(issuers); ++i) {
    ok = PEM_write_bio_X509(certificates.get(), sk_X509_value(issuers, i)) == 1;
  }
  ok = ok && PEM_write_bio_PKCS8PrivateKey(key.get(), SSL_CTX_get0_privatekey(handles_->context),
                                           nullptr, nullptr, 0, nullptr, nullptr) == 1;
  if (!ok) return openssl_failed("writing an identity as PEM");
  return Pem{contents(certificates.get()), contents(key.get())};
}

Result<Fingerprint> Identity::fingerprint(std::string_view algorithm) const {
  return Fingerprint::of(handles_->certificate, algorithm);
}

std::chrono::sys_seconds Identity::expires() const {
  std::tm broken_down{};
  const X509* certificate = SSL_CTX_get0_certificate(handles_->context);
  if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &broken_down) != 1) {
    return {};  // an unreadable date of a file: long gone
  }
  using namespace std::chrono;
  const auto day =
      year(broken_down.tm_year + 1900) / (broken_down.tm_mon + 1) / broken_down.tm_mday;
  return sys_days(day) + hours(broken_down.tm_hour) + minutes(broken_down.tm_min) +
         seconds(broken_down.tm_sec);
}

const std::vector<std::uint8_t>& Identity::certificate() const {
  return handles_->certificate;
}

}  // namespace floe::dtls
