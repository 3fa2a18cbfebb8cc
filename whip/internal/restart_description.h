#pragma once

#include "floe/core/result.h"
#include "floe/peer/peer_connection.h"
#include "floe/sdp/fragment.h"

namespace floe::whip {

/// The description of the peer's that its ICE restart stands for (RFC 9725 section 4.3.3): what it
/// said last, with the credentials and candidates of `fragment`. `type` is kOffer or kAnswer.
[[nodiscard]] Result<SessionDescription> restart_description(const PeerConnection& connection,
                                                             const sdp::Fragment& fragment,
                                                             SdpType type);

}  // namespace floe::whip
