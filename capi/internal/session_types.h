#pragma once

#include "floe/capi/internal/sized_struct.h"
#include "floe/capi/session_description.h"
#include "floe/core/result.h"
#include "floe/peer/session_description.h"

// Descriptions and candidates between the C API and the library.
namespace floe::c {

/// kUnsupported or kMalformed for types that the library does not have.
Result<SdpType> sdp_type_of(floe_sdp_type type);
floe_sdp_type shown(SdpType type);

Result<IceCandidate> read_candidate(const floe_ice_candidate* given);
/// Lives as long as `candidate`.
floe_ice_candidate shown(const IceCandidate& candidate);

}  // namespace floe::c
