#include "floe/core/check.h"

#include <cstdio>
#include <cstdlib>

namespace floe::internal {

void check_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "floe: internal check failed: %s (%s:%d)\n", expression, file, line);
  std::abort();
}

}  // namespace floe::internal
