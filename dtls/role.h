#pragma once

#include <cstdint>

namespace floe::dtls {

/// Who sends the ClientHello: SDP's `setup:active` is the client (RFC 8842 section 5).
enum class Role : std::uint8_t { kClient, kServer };

}  // namespace floe::dtls
