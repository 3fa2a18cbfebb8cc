#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "floe/core/result.h"

namespace floe::server {

/// "ws://host[:port][/path[?query]]" (RFC 6455 section 3).
struct WebSocketUrl {
  std::string host;  ///< A name or an address, without the brackets of IPv6.
  std::uint16_t port = 80;
  std::string path = "/signal";

  [[nodiscard]] static Result<WebSocketUrl> parse(std::string_view text);
  /// The value of the Host field.
  std::string authority() const;
};

}  // namespace floe::server
