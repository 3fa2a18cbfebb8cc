#pragma once

#include "floe/tls/trust.h"

struct x509_store_st;

namespace floe::tls {

/// OpenSSL's X509_STORE. For trust.cc and client_authenticator.cc only.
struct Trust::Store {
  explicit Store(x509_store_st* s) : store(s) {}
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  x509_store_st* store;
};

}  // namespace floe::tls
