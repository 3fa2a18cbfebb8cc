#pragma once

#include <cstdint>
#include <optional>
#include <vector>

struct ssl_st;

namespace floe::dtls {

/// A record with an unencrypted alert, for handshakes that end before there are keys.
std::vector<std::uint8_t> unencrypted_alert(std::uint8_t level, std::uint8_t description);

/// A record with an alert under the keys of a finished DTLS 1.2 handshake. OpenSSL can send no
/// alert but close_notify once the handshake is done, and RFC 8122 section 6.2 wants
/// bad_certificate when a fingerprint that came late does not match. `ssl` must write nothing
/// afterwards. Nothing for other versions and for suites floe does not offer.
std::optional<std::vector<std::uint8_t>> sealed_alert(ssl_st* ssl, std::uint8_t level,
                                                      std::uint8_t description);

}  // namespace floe::dtls
