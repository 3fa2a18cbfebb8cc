#pragma once

#include <string_view>
#include <vector>

#include "floe/sdp/attributes.h"
#include "floe/sdp/description.h"

// Which codecs two sides have in common (RFC 3264 section 6.1, RFC 8829 section 5.3.1).
namespace floe::sdp {

/// The codecs of an "m=" line that RTP can carry, in its order, static payload types (RFC 3551)
/// filled in. Payload types above 127, those that RTCP occupies (64 to 95, RFC 5761 section 4),
/// those without an rtpmap, and everything that hangs on a codec left out so, are skipped: they are
/// somebody else's extensions. `a=rtcp-fb:*` is spread over all.
std::vector<Codec> usable_codecs(const Media& media);

/// True for retransmission, redundancy and error correction: rtx, red, ulpfec, flexfec-03, CN and
/// telephone-event are of no use alone.
bool is_auxiliary(const Codec& codec);

/// The payload types that `codec` builds on: `apt=` of rtx, "111/111" of red.
std::vector<std::uint16_t> references(const Codec& codec);

/// Whether the two name one format, whatever their payload types: name, clock, channels, and the
/// parameters that make H264, H265, VP9 and AV1 differ. Of codecs with references, `references`
/// must be compared besides.
bool same_format(const Codec& a, const Codec& b);

enum class CodecOrder : std::uint8_t { kTheirs, kOurs };

/// The codecs of `theirs` that `ours` has too: their payload types, our parameters as far as they
/// are free, the feedback both know. Empty when only auxiliary ones are in common.
std::vector<Codec> common_codecs(const std::vector<Codec>& ours, const std::vector<Codec>& theirs,
                                 CodecOrder order);

}  // namespace floe::sdp
