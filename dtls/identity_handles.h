#pragma once

#include <cstdint>
#include <vector>

#include "floe/dtls/identity.h"

struct ssl_ctx_st;

namespace floe::dtls {

/// What an identity is made of: OpenSSL's context holds certificate, chain and key. For identity.cc
/// and session.cc only.
struct Identity::Handles {
  explicit Handles(ssl_ctx_st* c) : context(c) {}
  ~Handles();
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;

  ssl_ctx_st* context;
  std::vector<std::uint8_t> certificate;  // DER
};

}  // namespace floe::dtls
