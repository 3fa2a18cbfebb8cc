#include "floe/dtls/openssl_error.h"

#include <openssl/err.h>

namespace floe::dtls {

std::string take_openssl_errors() {
  // One failure leaves a handful of entries; more would be somebody else's garbage.
  constexpr int kMaxNamed = 4;
  std::string text;
  const char* extra = nullptr;
  int flags = 0;
  for (int named = 0; named < kMaxNamed; ++named) {
    const unsigned long code = ERR_get_error_all(nullptr, nullptr, nullptr, &extra, &flags);
    if (code == 0) break;
    if (!text.empty()) text += "; ";
    const char* reason = ERR_reason_error_string(code);
    text += reason != nullptr ? reason : "error " + std::to_string(code);
    if (extra != nullptr && (flags & ERR_TXT_STRING) != 0 && *extra != '\0') {
      text += std::string(" (") + extra + ")";
    }
  }
  ERR_clear_error();
  return text.empty() ? "no reason given" : text;
}

}  // namespace floe::dtls
