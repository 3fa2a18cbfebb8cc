#pragma once

#include <vector>

#include "floe/sdp/description.h"

namespace floe::sdp {

/// The codecs that are offered when the application does not choose: for audio Opus, G722, PCMU,
/// PCMA and telephone-event; for video VP8, VP9, H264, H265 and AV1, each with its rtx. Payload
/// types are those that browsers use, so that traces look familiar. Empty for other media.
const std::vector<Codec>& default_codecs(MediaType type);

/// The header extensions (RFC 8285) that are offered, with the ids that browsers use.
const std::vector<Extmap>& default_extensions(MediaType type);

}  // namespace floe::sdp
