#pragma once

#include <cstdint>
#include <string_view>

namespace floe::ice {

/// Which paths may be used (W3C RTCIceTransportPolicy, and one more).
enum class Policy : std::uint8_t {
  kAll,
  kNoHost,  ///< Host candidates are used as bases, but the peer is not told of them.
  kRelay,   ///< Nothing leaves, not even an answer to a check, but through a relay.
};
std::string_view to_string(Policy policy);

}  // namespace floe::ice
