#pragma once

#include <string>

#include "floe/core/result.h"

struct x509_store_ctx_st;

namespace floe::tls {

/// What OpenSSL found wrong with the chain of certificates that should be of `name`, in words for
/// the person who has to mend it.
Error certificate_error(x509_store_ctx_st* store, const std::string& name);

}  // namespace floe::tls
