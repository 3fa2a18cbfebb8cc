#pragma once

#include <cstddef>
#include <vector>

#include "floe/capi/internal/call.h"
#include "floe/capi/rtp_codec.h"
#include "floe/peer/rtp_parameters.h"

struct floe_rtp_codecs {
  explicit floe_rtp_codecs(std::vector<floe::RtpCodecParameters> of);
  /// Without payload types.
  explicit floe_rtp_codecs(const std::vector<floe::RtpCodec>& of);

  std::vector<floe::RtpCodecParameters> codecs;
  std::vector<floe_rtp_codec> shown;
};

namespace floe::c {

Result<MediaKind> media_kind_of(floe_media_kind kind);
floe_media_kind shown(MediaKind kind);
Result<std::vector<RtpCodec>> read_codecs(const floe_rtp_codec* const* given, std::size_t count);

}  // namespace floe::c
