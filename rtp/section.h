#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "floe/rtp/demux.h"
#include "floe/rtp/extension_map.h"
#include "floe/rtp/payload/payload_format.h"

namespace floe::rtp {

/// One payload type of a section, as both sides agreed on it.
struct CodecParameters {
  std::uint8_t payload_type = 0;
  PayloadFormat format{};
  std::uint32_t clock_rate = 90'000;  ///< Hz
  /// The payload type of what repeats it (RFC 4588).
  std::optional<std::uint8_t> rtx{};
  // a=rtcp-fb
  bool nack = false;
  bool picture_loss = false;  ///< "nack pli"
  bool full_intra = false;    ///< "ccm fir"
  friend bool operator==(const CodecParameters&, const CodecParameters&) = default;
};

/// One stream that is sent: without simulcast the only one, with an empty rid.
struct Encoding {
  std::string rid;
  std::uint32_t ssrc = 0;
  std::optional<std::uint32_t> rtx_ssrc{};
};

/// An audio or video section of the descriptions, for the RTP that it carries.
struct Section {
  std::uint32_t id = 0;  ///< The caller's own; unique.
  std::string mid;
  bool is_audio = false;
  std::vector<CodecParameters>
      codecs;                       ///< The first one is sent, unless the sender says otherwise.
  ExtensionMap extensions;          ///< As agreed on.
  std::vector<Encoding> encodings;  ///< Empty: nothing is sent.
  bool receives = false;
  std::vector<std::string> rids;  ///< Of the encodings that the peer sends, if it named any.
  std::vector<Demux::Section::Source> sources;  ///< What a=ssrc lines tell of the peer's.

  const CodecParameters* codec(std::uint8_t payload_type) const;
  /// The codec that the RTX payload type repeats.
  const CodecParameters* repaired_by(std::uint8_t rtx_payload_type) const;
};

}  // namespace floe::rtp
