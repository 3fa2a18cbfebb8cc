#pragma once

#include <optional>

#include "floe/core/result.h"
#include "floe/peer/session_description.h"
#include "output.h"

namespace peer_stdio {

Json to_json(const floe::Error& error);
/// As RTCSessionDescription and RTCIceCandidate are in JSON.
Json to_json(const floe::SessionDescription& description);
Json to_json(const floe::IceCandidate& candidate);

template <typename T>
Json or_null(const std::optional<T>& value) {
  return value ? Json(*value) : Json(nullptr);
}

}  // namespace peer_stdio
