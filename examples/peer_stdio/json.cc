#include "json.h"

#include "floe/peer/w3c_error.h"

namespace peer_stdio {

Json to_json(const floe::Error& error) {
  return {{"name", floe::w3c_name(error.code)},
          {"code", to_string(error.code)},
          {"text", error.message}};
}

Json to_json(const floe::SessionDescription& description) {
  return {{"type", to_string(description.type)}, {"sdp", description.sdp}};
}

Json to_json(const floe::IceCandidate& candidate) {
  return {{"candidate", candidate.candidate},
          {"sdpMid", or_null(candidate.sdp_mid)},
          {"sdpMLineIndex", or_null(candidate.sdp_mline_index)},
          {"usernameFragment", or_null(candidate.username_fragment)}};
}

}  // namespace peer_stdio
