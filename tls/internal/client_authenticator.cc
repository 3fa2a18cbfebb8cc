#include "floe/tls/internal/client_authenticator.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>

#include "floe/core/text.h"
#include "floe/net/endpoint.h"
#include "floe/tls/internal/certificate_error.h"
#include "floe/tls/internal/trust_store.h"

namespace floe::tls {
namespace {

constexpr std::size_t kMaxName = 253;  // RFC 1035 section 2.3.4, as text without the last dot.
constexpr int kMaxChain = 8;           // As many as `dtls::Identity` lets a server have.

bool is_dns_name(std::string_view name) {
  return !name.empty() && name.size() <= kMaxName && std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
}

}  // namespace

Result<std::shared_ptr<const ClientAuthenticator>> ClientAuthenticator::create(
    Medium medium, const ClientOptions& options, std::chrono::sys_seconds today) {
  auto self = std::shared_ptr<ClientAuthenticator>(new ClientAuthenticator());
  self->name_ = options.server_name;
  self->is_address_ = net::Address::parse(self->name_).has_value();
  // RFC 6066 section 3: without the dot that ends an absolute name.
  if (!self->is_address_ && self->name_.ends_with('.')) self->name_.pop_back();
  if (!self->is_address_ && !is_dns_name(self->name_)) {
    return fail(Errc::kInvalidArgument,
                "ClientOptions::server_name " + quoted(options.server_name) +
                    " is neither a DNS name nor an IP address; it says whose certificate is good");
  }
  self->today_ = today;
  self->trust_ = options.trust;
  if (self->trust_ == nullptr) {
    auto system = Trust::system();
    if (!system) return forward(system);
    self->trust_ = std::move(*system);
  }
  auto alpn = encode_alpn(options.alpn);
  if (!alpn) return forward(alpn);
  self->alpn_ = std::move(*alpn);
  auto context = new_context(medium);
  if (!context) return forward(context);
  self->context_ = std::move(*context);
  SSL_CTX* const raw = self->context_.get();
  SSL_CTX_set1_cert_store(raw, self->trust_->store_->store);
  SSL_CTX_set_verify(raw, SSL_VERIFY_PEER, nullptr);
  SSL_CTX_set_verify_depth(raw, kMaxChain);
  SSL_CTX_set_cert_verify_callback(raw, on_verify, self.get());
  return self;
}

bool ClientAuthenticator::prepare(ssl_st* session) const {
  X509_VERIFY_PARAM* const check = SSL_get0_param(session);
  X509_VERIFY_PARAM_set_time(check, static_cast<time_t>(today_.time_since_epoch().count()));
  // RFC 6125 section 6.4.4: the subject's common name is no host name. Section 6.4.3: a wildcard
  // stands for a whole label.
  X509_VERIFY_PARAM_set_hostflags(
      check, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT | X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  const bool named = is_address_
                         ? X509_VERIFY_PARAM_set1_ip_asc(check, name_.c_str()) == 1
                         : X509_VERIFY_PARAM_set1_host(check, name_.c_str(), name_.size()) == 1 &&
                               SSL_set_tlsext_host_name(session, name_.c_str()) == 1;
  // This one function of OpenSSL returns 0 for success.
  return named && (alpn_.empty() || SSL_set_alpn_protos(session, alpn_.data(),
                                                        static_cast<unsigned>(alpn_.size())) == 0);
}

int ClientAuthenticator::on_verify(x509_store_ctx_st* store, void* self) {
  if (X509_verify_cert(store) > 0) return 1;
  auto& authenticator = *static_cast<ClientAuthenticator*>(self);
  authenticator.failure_ = certificate_error(store, authenticator.name_);
  // OpenSSL makes the alert from this.
  if (X509_STORE_CTX_get_error(store) == X509_V_OK) {
    X509_STORE_CTX_set_error(store, X509_V_ERR_UNSPECIFIED);
  }
  return 0;
}

}  // namespace floe::tls
