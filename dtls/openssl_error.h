#pragma once

#include <string>

namespace floe::dtls {

/// Empties OpenSSL's per-thread error queue and puts it into words; "no reason given" if it was
/// empty already.
std::string take_openssl_errors();

}  // namespace floe::dtls
