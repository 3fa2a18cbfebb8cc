#pragma once

#include <filesystem>
#include <string_view>
#include <vector>

#include "floe/core/result.h"
#include "floe/net/network.h"

namespace floe::net::uv {

Result<std::vector<Interface>> list_interfaces();

/// What the interface called `name` is, by what Linux says of it under `sysfs` (normally
/// /sys/class/net) and otherwise by the customs of naming.
InterfaceKind interface_kind(std::string_view name, const std::filesystem::path& sysfs);

}  // namespace floe::net::uv
