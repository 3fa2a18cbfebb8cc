#pragma once

#include <cstdint>
#include <functional>
#include <string_view>

namespace floe {

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

std::string_view to_string(LogLevel level);

/// Where floe's messages for people go. `component` is the folder that speaks ("ice", "dtls").
/// Called on the loop's thread; it must not call back into floe.
using LogSink =
    std::function<void(LogLevel level, std::string_view component, std::string_view message)>;

}  // namespace floe
