#pragma once

#include <string>
#include <string_view>

#include "floe/core/result.h"
#include "floe/servers/signaling/internal/web_sockets.h"

namespace floe::server {

/// The files of one folder, for GET. Without a folder there are none.
class StaticFiles {
 public:
  StaticFiles() = default;
  [[nodiscard]] static Result<StaticFiles> open(const std::string& folder);

  /// `path` starts with "/" and is decoded already. A folder's name is answered with its
  /// index.html, never with a listing.
  HttpAnswer answer(std::string_view path) const;

 private:
  std::string root_;  ///< Absolute, without symbolic links; empty for none.
};

}  // namespace floe::server
