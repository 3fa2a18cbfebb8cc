#include "floe/tls/internal/certificate_error.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/text.h"
#include "floe/net/endpoint.h"

namespace floe::tls {
namespace {

constexpr std::size_t kMaxNamed = 4;

std::string_view text_of(const ASN1_STRING* string) {
  return as_text(
      {ASN1_STRING_get0_data(string), static_cast<std::size_t>(ASN1_STRING_length(string))});
}

/// A certificate's text may be anybody's: quoted unless it is as a host's name should be.
std::string host_text(std::string_view host) {
  const bool is_plain = host.size() <= 80 && std::ranges::all_of(host, [](char c) {
                          return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                                 (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
                                 c == '*';
                        });
  return is_plain ? std::string(host) : quoted(host);
}

std::string address_text(const ASN1_OCTET_STRING* address) {
  const Bytes bytes(ASN1_STRING_get0_data(address),
                    static_cast<std::size_t>(ASN1_STRING_length(address)));
  if (bytes.size() == 4) return net::Address::v4(bytes.first<4>()).to_string();
  if (bytes.size() == 16) return net::Address::v6(bytes.first<16>()).to_string();
  return to_hex(bytes);
}

/// "a, b and c", the hosts that `certificate` is for; empty if it is for none.
std::string hosts_of(X509* certificate) {
  auto* const names = static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr));
  std::vector<std::string> hosts;
  std::size_t more = 0;
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* const name = sk_GENERAL_NAME_value(names, i);
    if (name->type != GEN_DNS && name->type != GEN_IPADD) continue;
    if (hosts.size() == kMaxNamed) {
      ++more;
    } else {
      hosts.push_back(name->type == GEN_DNS ? host_text(text_of(name->d.dNSName))
                                            : address_text(name->d.iPAddress));
    }
  }
  GENERAL_NAMES_free(names);
  if (more > 0) hosts.push_back(std::to_string(more) + " more");
  std::string text;
  for (std::size_t i = 0; i < hosts.size(); ++i) {
    if (i > 0) text += i + 1 == hosts.size() ? " and " : ", ";
    text += hosts[i];
  }
  return text;
}

/// The common name, or the organization.
std::string name_text(const X509_NAME* name) {
  for (const int field : {NID_commonName, NID_organizationName}) {
    const int at = X509_NAME_get_index_by_NID(name, field, -1);
    if (at < 0) continue;
    return quoted(text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at))));
  }
  return "somebody without a name";
}

std::string date_text(const ASN1_TIME* when) {
  std::tm day{};
  if (ASN1_TIME_to_tm(when, &day) != 1) return "an unreadable date";
  char text[sizeof "2026-01-01"];
  std::strftime(text, sizeof text, "%Y-%m-%d", &day);
  return text;
}

}  // namespace

Error certificate_error(x509_store_ctx_st* store, const std::string& name) {
  X509* const own = X509_STORE_CTX_get0_cert(store);
  X509* const current = X509_STORE_CTX_get_current_cert(store);
  X509* const wrong = current != nullptr ? current : own;
  const int code = X509_STORE_CTX_get_error(store);
  const std::string whose = X509_STORE_CTX_get_error_depth(store) == 0 || wrong == own
                                ? "the certificate of " + name
                                : "the certificate of the authority " +
                                      name_text(X509_get_subject_name(wrong)) + " above that of " +
                                      name;
  std::string text;
  switch (code) {
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: {
      const std::string hosts = hosts_of(own);
      text = hosts.empty() ? "the certificate names no host; it should name " + name
                           : "the certificate is for " + hosts + ", not " + name;
      break;
    }
    case X509_V_ERR_CERT_HAS_EXPIRED:
      text = whose + " expired on " + date_text(X509_get0_notAfter(wrong));
      break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
      text = whose + " is valid only from " + date_text(X509_get0_notBefore(wrong));
      break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
      text = whose + " is from an unknown issuer, " + name_text(X509_get_issuer_name(wrong)) +
             "; to trust it, name its certificate in ClientOptions::trust";
      break;
    default:
      text = whose + " was refused: " + X509_verify_cert_error_string(code);
  }
  return {Errc::kVerificationFailed, std::move(text)};
}

}  // namespace floe::tls
