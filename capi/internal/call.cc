#include "floe/capi/internal/call.h"

#include <cstdlib>
#include <cstring>

#include "floe/capi/internal/words.h"
#include "floe/core/check.h"
#include "floe/peer/w3c_error.h"

namespace floe::c {
namespace {

constexpr const char* kErrors[] = {"ok",
                                   "invalid argument",
                                   "invalid state",
                                   "malformed",
                                   "unsupported",
                                   "limit exceeded",
                                   "would block",
                                   "not found",
                                   "address in use",
                                   "address not available",
                                   "unreachable",
                                   "permission denied",
                                   "refused",
                                   "timed out",
                                   "message too long",
                                   "closed",
                                   "verification failed",
                                   "internal",
                                   "invalid modification"};

thread_local std::string last_message;
thread_local floe_error last{FLOE_OK, ""};

}  // namespace

floe_error_code code_of(Errc code) {
  return enumerator(kErrors, to_string(code), FLOE_ERROR_INTERNAL);
}

void remember_success() {
  last = {FLOE_OK, ""};
}

floe_error_code remember(const Error& error) {
  last_message = error.message;
  last = {code_of(error.code), last_message.c_str()};
  return last.code;
}

Result<std::string_view> text(const char* given, std::string_view name) {
  if (given == nullptr) return is_null(name);
  return std::string_view(given);
}

char* to_own(std::string_view text) {
  char* copy = static_cast<char*>(std::malloc(text.size() + 1));
  FLOE_CHECK(copy != nullptr);
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  return copy;
}

}  // namespace floe::c

const floe_error* floe_last_error(void) {
  return &floe::c::last;
}

const char* floe_error_code_text(floe_error_code code) {
  return floe::c::word(floe::c::kErrors, code);
}

const char* floe_error_code_w3c_name(floe_error_code code) {
  if (code == FLOE_OK) return "";
  // The codes of C++ are numbered without a gap; their names are literals, which end with a NUL.
  for (int i = 0; i <= static_cast<int>(floe::Errc::kInternal); ++i) {
    const auto candidate = static_cast<floe::Errc>(i);
    if (floe::c::code_of(candidate) == code) return floe::w3c_name(candidate).data();
  }
  return "OperationError";
}

void floe_string_free(char* text) {
  std::free(text);
}

const char* floe_version(void) {
  return FLOE_VERSION;
}
