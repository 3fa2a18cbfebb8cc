#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "floe/capi/error.h"
#include "floe/core/result.h"

// How a call of the C API runs: its outcome becomes the thread's last error, and no exception
// leaves it (floe throws none; when memory runs out the program ends, as everywhere in floe).
namespace floe::c {

floe_error_code code_of(Errc code);

/// Makes it what `floe_last_error` says.
void remember_success();
floe_error_code remember(const Error& error);

template <typename Body>
floe_error_code call(Body&& body) noexcept {
  const Result<> done = body();
  if (!done) return remember(done.error());
  remember_success();
  return FLOE_OK;
}

/// For calls that answer with a value: `otherwise` when there is none.
template <typename Value, typename Body>
Value call_for(Value otherwise, Body&& body) noexcept {
  Result<Value> value = body();
  if (!value) {
    remember(value.error());
    return otherwise;
  }
  remember_success();
  return *std::move(value);
}

inline tl::unexpected<Error> is_null(std::string_view name) {
  return fail(Errc::kInvalidArgument, std::string(name) + " is NULL");
}

/// A text that must be there.
Result<std::string_view> text(const char* given, std::string_view name);
/// One that need not.
inline std::optional<std::string> optional_text(const char* given) {
  return given == nullptr ? std::nullopt : std::optional<std::string>(given);
}
inline std::string text_or_empty(const char* given) {
  return given == nullptr ? std::string() : std::string(given);
}

/// A copy for `floe_string_free`.
char* to_own(std::string_view text);

/// An error as handlers get it; lives as long as `error`.
inline floe_error shown(const Error& error) {
  return {code_of(error.code), error.message.c_str()};
}

}  // namespace floe::c
