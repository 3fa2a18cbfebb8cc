#pragma once

#include <memory>
#include <utility>

#include "floe/capi/certificate.h"
#include "floe/dtls/identity.h"

struct floe_certificate {
  explicit floe_certificate(std::shared_ptr<const floe::dtls::Identity> of)
      : identity(std::move(of)) {}

  const std::shared_ptr<const floe::dtls::Identity> identity;
};
