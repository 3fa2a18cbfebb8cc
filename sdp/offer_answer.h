#pragma once

#include "floe/core/result.h"
#include "floe/sdp/answer.h"
#include "floe/sdp/description.h"
#include "floe/sdp/offer.h"

// What must hold between two descriptions of one session.
namespace floe::sdp {

/// Calls `check`, then: whether `answer` fits `offer` section by section (RFC 3264 section 6, RFC
/// 9143 section 7.4): as many sections, of the same media, protocol and mid, nothing revived,
/// nothing newly bundled, RTP with `a=rtcp-mux` and a codec of the offer's.
[[nodiscard]] Result<> check_answer(const Description& offer, const Description& answer);

/// Calls `check`, then: whether `offer` continues the session of `previous` (RFC 3264 section 8):
/// no section is missing, and each keeps its media and mid unless it was refused before, there or
/// in our last description `ours`, and is recycled now.
[[nodiscard]] Result<> check_subsequent_offer(const Description& previous, const Description& offer,
                                              const Description* ours = nullptr);

/// Whether the sections that `answer` accepts go over one transport. `Errc::kUnsupported` names the
/// one that does not.
[[nodiscard]] Result<> check_one_transport(const Description& answer);

}  // namespace floe::sdp
