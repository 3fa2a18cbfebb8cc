#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "floe/core/result.h"

namespace floe {

/// RTCSdpType
enum class SdpType : std::uint8_t { kOffer, kAnswer, kPranswer, kRollback };

/// An answer, be it provisional.
constexpr bool is_answer(SdpType type) {
  return type == SdpType::kAnswer || type == SdpType::kPranswer;
}

std::string_view to_string(SdpType type);
/// "offer", "answer", "pranswer" or "rollback"; the error names what else it was.
[[nodiscard]] Result<SdpType> parse_sdp_type(std::string_view text);

/// RTCSessionDescription
struct SessionDescription {
  SdpType type = SdpType::kOffer;
  std::string sdp;  ///< Means nothing in a rollback.
};

/// RTCIceCandidateInit. An empty `candidate` means that no more will come.
struct IceCandidate {
  std::string candidate;  ///< "candidate:…" (RFC 8839 section 5.1).
  std::optional<std::string> sdp_mid;
  std::optional<std::uint16_t> sdp_mline_index;
  std::optional<std::string> username_fragment;
};

}  // namespace floe
