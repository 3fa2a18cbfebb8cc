#pragma once

namespace floe::internal {
[[noreturn]] void check_failed(const char* expression, const char* file, int line);
}

/// Guards floe's own invariants, in release builds too. It is never reachable by bytes from outside
/// (those are dropped and counted) nor by a caller's mistake (those get an `Error`): when it fires,
/// floe has a bug, and going on could corrupt memory or leak plaintext.
#define FLOE_CHECK(expression)         \
  ((expression) ? static_cast<void>(0) \
                : ::floe::internal::check_failed(#expression, __FILE__, __LINE__))
