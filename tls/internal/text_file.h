#pragma once

#include <cstddef>
#include <string>

#include "floe/core/result.h"

namespace floe::tls {

/// All of a file of at most `max` bytes.
Result<std::string> read_text_file(const std::string& path, std::size_t max);

}  // namespace floe::tls
