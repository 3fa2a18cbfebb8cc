#include "floe/capi/certificate.h"

#include <chrono>
#include <string>

#include "floe/capi/internal/call.h"
#include "floe/capi/internal/certificate_handle.h"
#include "floe/capi/internal/network_handle.h"
#include "floe/capi/internal/sized_struct.h"

using floe::Result;
using floe::dtls::Identity;

namespace floe::c {
namespace {

template <typename Value, typename Body>
Value ask(const floe_certificate* certificate, Value otherwise, Body&& body) {
  return call_for<Value>(otherwise, [&]() -> Result<Value> {
    if (certificate == nullptr) return is_null("certificate");
    return body(*certificate->identity);
  });
}

char* pem(const floe_certificate* certificate, std::string Identity::Pem::*part) {
  return ask<char*>(certificate, nullptr, [&](const Identity& identity) -> Result<char*> {
    const auto both = identity.to_pem();
    if (!both) return forward(both);
    return to_own((*both).*part);
  });
}

}  // namespace
}  // namespace floe::c

floe_certificate* floe_certificate_generate(floe_network* network,
                                            const floe_certificate_options* options) {
  return floe::c::call_for<floe_certificate*>(nullptr, [&]() -> Result<floe_certificate*> {
    if (network == nullptr) return floe::c::is_null("network");
    const auto read = floe::c::read_struct_or_defaults(options, "floe_certificate_options");
    if (!read) return forward(read);
    Identity::Options wanted;
    wanted.common_name = floe::c::text_or_empty(read->common_name);
    if (read->lifetime_s != 0) wanted.lifetime = std::chrono::seconds(read->lifetime_s);
    auto identity = Identity::generate(network->network->wall_clock(), wanted);
    if (!identity) return forward(identity);
    return new floe_certificate(*std::move(identity));
  });
}

floe_certificate* floe_certificate_from_pem(const char* chain, const char* private_key) {
  return floe::c::call_for<floe_certificate*>(nullptr, [&]() -> Result<floe_certificate*> {
    const auto read_chain = floe::c::text(chain, "chain");
    if (!read_chain) return forward(read_chain);
    const auto read_key = floe::c::text(private_key, "private_key");
    if (!read_key) return forward(read_key);
    auto identity = Identity::from_pem(*read_chain, *read_key);
    if (!identity) return forward(identity);
    return new floe_certificate(*std::move(identity));
  });
}

void floe_certificate_free(floe_certificate* certificate) {
  delete certificate;
}

char* floe_certificate_chain_pem(const floe_certificate* certificate) {
  return floe::c::pem(certificate, &Identity::Pem::certificate_chain);
}

char* floe_certificate_private_key_pem(const floe_certificate* certificate) {
  return floe::c::pem(certificate, &Identity::Pem::private_key);
}

int64_t floe_certificate_expires(const floe_certificate* certificate) {
  return floe::c::ask<int64_t>(certificate, 0, [](const Identity& identity) {
    return int64_t{1000} * identity.expires().time_since_epoch().count();
  });
}

char* floe_certificate_fingerprint(const floe_certificate* certificate, const char* algorithm) {
  return floe::c::ask<char*>(certificate, nullptr, [&](const Identity& identity) -> Result<char*> {
    const auto fingerprint = identity.fingerprint(algorithm == nullptr ? "sha-256" : algorithm);
    if (!fingerprint) return forward(fingerprint);
    return floe::c::to_own(fingerprint->to_string());
  });
}
