#include "tests/tls/certificates.h"

#include <openssl/ec.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "floe/core/check.h"

namespace floe::tls::testing {
namespace {

std::string written(const auto& write) {
  BIO* const bio = BIO_new(BIO_s_mem());
  FLOE_CHECK(write(bio) == 1);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(bio, &bytes);
  std::string text(bytes, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

std::string to_pem(X509* certificate) {
  return written([&](BIO* bio) { return PEM_write_bio_X509(bio, certificate); });
}

void add_extension(X509* certificate, int kind, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, certificate, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
  FLOE_CHECK(extension != nullptr && X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

X509* new_certificate(const Subject& subject, bool is_authority, std::chrono::sys_seconds today,
                      EVP_PKEY* key, X509* issuer, EVP_PKEY* issuer_key) {
  static long serial = 0;
  X509* const made = X509_new();
  X509_set_version(made, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial);
  const auto at = [&](std::chrono::seconds offset) {
    return static_cast<time_t>((today + offset).time_since_epoch().count());
  };
  ASN1_TIME_set(X509_getm_notBefore(made), at(subject.from));
  ASN1_TIME_set(X509_getm_notAfter(made), at(subject.until));
  X509_NAME* const name = X509_get_subject_name(made);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(subject.common_name.c_str()),
                             -1, -1, 0);
  X509_set_issuer_name(made, issuer == nullptr ? name : X509_get_subject_name(issuer));
  X509_set_pubkey(made, key);
  if (is_authority) add_extension(made, NID_basic_constraints, "critical,CA:TRUE");
  std::string names;
  for (const std::string& each : subject.names) names += (names.empty() ? "" : ",") + each;
  if (!names.empty()) add_extension(made, NID_subject_alt_name, names);
  FLOE_CHECK(X509_sign(made, issuer_key, EVP_sha256()) > 0);
  return made;
}

dtls::Identity::Pem issued(const Subject& subject, std::chrono::sys_seconds today, X509* issuer,
                           EVP_PKEY* issuer_key) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = new_certificate(subject, false, today, key, issuer, issuer_key);
  dtls::Identity::Pem pem{to_pem(certificate), written([&](BIO* bio) {
                            return PEM_write_bio_PKCS8PrivateKey(bio, key, nullptr, nullptr, 0,
                                                                 nullptr, nullptr);
                          })};
  X509_free(certificate);
  EVP_PKEY_free(key);
  return pem;
}

}  // namespace

Authority::Authority(const std::string& name, std::chrono::sys_seconds today) : today_(today) {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  Subject subject;
  subject.common_name = name;
  X509* const certificate = new_certificate(subject, true, today, key, nullptr, key);
  pem_ = to_pem(certificate);
  key_ = key;
  certificate_ = certificate;
}

Authority::~Authority() {
  X509_free(static_cast<X509*>(certificate_));
  EVP_PKEY_free(static_cast<EVP_PKEY*>(key_));
}

std::shared_ptr<const Trust> Authority::trust() const {
  return Trust::from_pem(pem_).value();
}

dtls::Identity::Pem Authority::issue_pem(const Subject& subject) const {
  return issued(subject, today_, static_cast<X509*>(certificate_), static_cast<EVP_PKEY*>(key_));
}

std::shared_ptr<const dtls::Identity> Authority::issue(const Subject& subject) const {
  const dtls::Identity::Pem pem = issue_pem(subject);
  return dtls::Identity::from_pem(pem.certificate_chain, pem.private_key).value();
}

std::shared_ptr<const dtls::Identity> Authority::issue_below(const Subject& subject) const {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  Subject below;
  below.common_name = "An authority below";
  X509* const authority = new_certificate(
      below, true, today_, key, static_cast<X509*>(certificate_), static_cast<EVP_PKEY*>(key_));
  const dtls::Identity::Pem pem = issued(subject, today_, authority, key);
  auto identity =
      dtls::Identity::from_pem(pem.certificate_chain + to_pem(authority), pem.private_key).value();
  X509_free(authority);
  EVP_PKEY_free(key);
  return identity;
}

}  // namespace floe::tls::testing
