#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/port_mapping/request.h"

namespace floe::port_mapping::pcp {

inline constexpr std::uint8_t kVersion = 2;
using Nonce = std::array<std::uint8_t, 12>;

/// A MAP request (RFC 6887 sections 7.1 and 11.1).
struct MapRequest {
  Nonce nonce{};
  Request request;
  std::uint32_t lifetime = 0;        ///< Seconds; 0 takes the mapping back.
  net::Endpoint suggested_external;  ///< The wildcard and 0 for the server's choice.

  std::vector<std::uint8_t> write() const;
};

/// Any response (section 7.2); `map` is there for those to MAP.
struct Response {
  struct Map {
    Nonce nonce{};
    std::uint8_t protocol = 0;
    std::uint16_t internal_port = 0;
    net::Endpoint external;
  };
  std::uint8_t opcode = 0;
  std::uint8_t result = 0;
  std::uint32_t lifetime = 0;  ///< Of the mapping, or of the error.
  std::uint32_t epoch = 0;     ///< Seconds since the server lost its state.
  std::optional<Map> map;

  /// nullopt for whatever is no response of version 2.
  static std::optional<Response> parse(Bytes bytes);
};

inline constexpr std::uint8_t kAnnounce = 0;
inline constexpr std::uint8_t kMap = 1;
inline constexpr std::uint8_t kSuccess = 0;
inline constexpr std::uint8_t kUnsupportedVersion = 1;
/// "not authorized", ... (section 7.4).
std::string describe_result(std::uint8_t result);

}  // namespace floe::port_mapping::pcp
