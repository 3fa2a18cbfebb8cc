#pragma once

#include "floe/core/result.h"
#include "floe/sdp/description.h"

namespace floe {

/// Whether `edited` is `made`, a description of ours, with such changes as applications make before
/// they set it (RFC 8829 section 5.4): codecs reordered or removed, their parameters and feedback
/// changed, bandwidth lines, header extensions removed, SSRC, rid and unknown lines, candidates.
/// What the engines have promised already cannot change: sections and their mids, kinds and
/// protocols, ICE credentials, fingerprints, roles, BUNDLE, directions, the data section.
/// `Errc::kInvalidModification` names the section and the line.
[[nodiscard]] Result<> check_edits(const sdp::Description& made, const sdp::Description& edited);

}  // namespace floe
