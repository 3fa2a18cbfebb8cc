#pragma once

#include <string_view>

#include "floe/core/result.h"

namespace floe {

/// The name of the exception that W3C's WebRTC API has for an error of a `PeerConnection`, its
/// transceivers or its data channels, e.g. "InvalidStateError". For RTCError, the name of every
/// malformed description or candidate is "OperationError"; its `errorDetail` is
/// `w3c_error_detail`.
std::string_view w3c_name(Errc code);
/// RTCErrorDetailType: "sdp-syntax-error" for kMalformed, "fingerprint-failure" for
/// kVerificationFailed; empty when the specification has none.
std::string_view w3c_error_detail(Errc code);

}  // namespace floe
