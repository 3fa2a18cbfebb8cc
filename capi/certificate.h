#pragma once

#include "floe/capi/error.h"
#include "floe/capi/network.h"

#ifdef __cplusplus
extern "C" {
#endif

/// RTCCertificate: a certificate and its private key, who a peer is to the other one. It never
/// changes, may be used by any number of connections and by any thread, and may be freed while they
/// use it.
typedef struct floe_certificate floe_certificate;

typedef struct floe_certificate_options {
  size_t size;  ///< sizeof(floe_certificate_options)
  /// Subject and issuer; NULL: a random one, so that calls cannot be linked by it.
  const char* common_name;
  uint32_t lifetime_s;  ///< From a minute to ten years, in seconds; 0: 30 days.
} floe_certificate_options;

/// A new ECDSA P-256 key in a self-signed certificate, to own, or NULL. `network` tells the time;
/// `options` may be NULL. FLOE_ERROR_INVALID_ARGUMENT for the lifetime.
FLOE_API floe_certificate* floe_certificate_generate(floe_network* network,
                                                     const floe_certificate_options* options);
/// One from PEM, to own, or NULL: the certificate (and those above it) and its key, ECDSA P-256 or
/// P-384 or RSA of 2048 bits or more, not encrypted.
FLOE_API floe_certificate* floe_certificate_from_pem(const char* chain, const char* private_key);
/// NULL is allowed.
FLOE_API void floe_certificate_free(floe_certificate* certificate);

/// The certificate (and those above it) and its key in PEM, to own (`floe_string_free`), or NULL.
/// The key is a secret.
FLOE_API char* floe_certificate_chain_pem(const floe_certificate* certificate);
FLOE_API char* floe_certificate_private_key_pem(const floe_certificate* certificate);
/// The end of its validity in milliseconds since 1970, UTC; 0 for NULL. A connection with one that
/// has expired cannot be created.
FLOE_API int64_t floe_certificate_expires(const floe_certificate* certificate);
/// "sha-256 12:AB:..." as in descriptions, to own (`floe_string_free`), or NULL. `algorithm` may be
/// NULL: "sha-256". FLOE_ERROR_UNSUPPORTED for a hash function that floe does not have.
FLOE_API char* floe_certificate_fingerprint(const floe_certificate* certificate,
                                            const char* algorithm);

#ifdef __cplusplus
}
#endif
