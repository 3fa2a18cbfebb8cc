#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/port_mapping/request.h"

namespace floe::port_mapping::nat_pmp {

inline constexpr std::uint8_t kVersion = 0;

/// Asks for the external address (RFC 6886 section 3.2).
std::vector<std::uint8_t> address_request();
/// Asks for a mapping (section 3.3); lifetime 0 takes it back (section 3.4).
std::vector<std::uint8_t> map_request(const Request& request, std::uint16_t suggested_port,
                                      std::uint32_t lifetime);

/// A response of either kind; an announcement is one to an address request.
struct Response {
  struct Map {
    Protocol protocol = Protocol::kUdp;
    std::uint16_t internal_port = 0;
    std::uint16_t external_port = 0;
    std::uint32_t lifetime = 0;  ///< Seconds.
  };
  std::uint8_t opcode = 0;
  std::uint16_t result = 0;
  std::uint32_t epoch = 0;              ///< Seconds since the router lost its state.
  std::optional<net::Address> address;  ///< Of a successful answer to an address request.
  std::optional<Map> map;               ///< Of a successful answer to a map request.

  /// nullopt for whatever is no response of version 0.
  static std::optional<Response> parse(Bytes bytes);
};

inline constexpr std::uint8_t kAddressOpcode = 0;
inline constexpr std::uint16_t kSuccess = 0;
inline constexpr std::uint16_t kUnsupportedVersion = 1;
/// "does not permit mappings", ... (section 3.5).
std::string describe_result(std::uint16_t result);

}  // namespace floe::port_mapping::nat_pmp
