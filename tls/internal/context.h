#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "floe/core/result.h"

struct ssl_ctx_st;

namespace floe::tls {

enum class Medium : std::uint8_t { kStream, kDatagrams };

struct ContextDeleter {
  void operator()(ssl_ctx_st* context) const;
};
/// OpenSSL's SSL_CTX.
using Context = std::unique_ptr<ssl_ctx_st, ContextDeleter>;

/// The settings that clients and servers share: versions, cipher suites, no tickets.
Result<Context> new_context(Medium medium);

/// RFC 7301 section 3.1: each name behind its length.
Result<std::vector<std::uint8_t>> encode_alpn(std::span<const std::string> names);

}  // namespace floe::tls
