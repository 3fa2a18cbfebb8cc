#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "floe/core/result.h"

namespace floe::ice {

/// A server that helps gathering, as an `RTCIceServer` URL names it.
struct Server {
  std::string host;  ///< A name or an address literal, without brackets.
  std::uint16_t port = 3478;

  /// Reads a STUN URI (RFC 7064): "stun:host[:port]". The error says what is wrong or not
  /// supported.
  [[nodiscard]] static Result<Server> parse(std::string_view url);
  std::string to_string() const;
  friend bool operator==(const Server&, const Server&) = default;
};

}  // namespace floe::ice
