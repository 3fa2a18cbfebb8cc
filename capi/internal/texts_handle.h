#pragma once

#include <string>
#include <utility>
#include <vector>

#include "floe/capi/internal/call.h"
#include "floe/capi/texts.h"

struct floe_texts {
  explicit floe_texts(std::vector<std::string> of) : texts(std::move(of)) {}

  const std::vector<std::string> texts;
};

namespace floe::c {

/// A list of texts of the caller's; errors name it by `name`.
Result<std::vector<std::string>> read_texts(const char* const* given, std::size_t count,
                                            std::string_view name);

}  // namespace floe::c
