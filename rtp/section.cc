#include "floe/rtp/section.h"

#include <algorithm>

namespace floe::rtp {

const CodecParameters* Section::codec(std::uint8_t payload_type) const {
  const auto found = std::find_if(codecs.begin(), codecs.end(), [&](const CodecParameters& codec) {
    return codec.payload_type == payload_type;
  });
  return found != codecs.end() ? &*found : nullptr;
}

const CodecParameters* Section::repaired_by(std::uint8_t rtx_payload_type) const {
  const auto found = std::find_if(codecs.begin(), codecs.end(), [&](const CodecParameters& codec) {
    return codec.rtx == rtx_payload_type;
  });
  return found != codecs.end() ? &*found : nullptr;
}

}  // namespace floe::rtp
