#include "floe/rtp/extension_map.h"

#include <algorithm>

#include "floe/core/text.h"

namespace floe::rtp {

Result<> ExtensionMap::add(std::uint8_t id, std::string_view uri) {
  if (id == 0) {
    return fail(Errc::kInvalidArgument, "header extension id 0 is padding; use 1 to 255");
  }
  if (!uris_[id].empty() && uris_[id] != uri) {
    return fail(Errc::kInvalidArgument, "header extension id " + std::to_string(id) +
                                            " stands for " + quoted(uris_[id]) + " already");
  }
  uris_[id] = uri;
  if (const auto type = extension_type(uri)) ids_[static_cast<std::size_t>(*type)] = id;
  return {};
}

std::optional<std::uint8_t> ExtensionMap::id_of(ExtensionType type) const {
  const std::uint8_t id = ids_[static_cast<std::size_t>(type)];
  return id == 0 ? std::nullopt : std::optional(id);
}

std::optional<std::uint8_t> ExtensionMap::id_of(std::string_view uri) const {
  const auto found = std::find(uris_.begin() + 1, uris_.end(), uri);
  if (uri.empty() || found == uris_.end()) return std::nullopt;
  return static_cast<std::uint8_t>(found - uris_.begin());
}

}  // namespace floe::rtp
