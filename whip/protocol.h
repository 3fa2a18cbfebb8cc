#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "floe/core/result.h"
#include "floe/core/time.h"

namespace floe::whip {

/// Which way the media goes.
enum class Protocol : std::uint8_t {
  kWhip,  ///< From the client, who publishes (RFC 9725).
  kWhep,  ///< To the client, who watches (draft-ietf-wish-whep).
};
/// "WHIP" or "WHEP".
std::string_view to_string(Protocol protocol);

inline constexpr std::string_view kSdpType = "application/sdp";
inline constexpr std::string_view kFragmentType = "application/trickle-ice-sdpfrag";

/// Why a request is not granted.
struct Refusal {
  unsigned status = 400;  ///< HTTP's, 400 to 599.
  std::string detail{};   ///< One sentence for the client's log.
  /// When asking again may help: "Retry-After", in whole seconds.
  std::optional<std::chrono::seconds> retry_after{};
};

/// Why a session of ours ended or never began.
struct Failure {
  Error error{};
  unsigned status = 0;  ///< Of the response that said no; 0 without one.
  std::optional<std::chrono::seconds> retry_after{};
};

}  // namespace floe::whip
