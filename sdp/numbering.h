#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "floe/sdp/description.h"
#include "floe/sdp/rtp_section.h"

namespace floe::sdp {

/// The payload types and header extension ids of one BUNDLE group. All sections share them: within
/// a group one number means one format (RFC 9143 section 9.1), and what it meant before it must go
/// on to mean (RFC 8829 section 5.2.2, RFC 8285 section 6).
class Numbering {
 public:
  /// Learns what the sections of an earlier description call things. What came first stays.
  void learn(const Description& description);

  /// Gives the codecs and extensions of `section` the numbers that they have already, or else their
  /// own ones, or else free ones. What no number is left for is taken out.
  void assign(RtpSection& section);

 private:
  struct Known {
    MediaType type;
    Codec codec;
  };
  void note(MediaType type, const Codec& codec);
  std::optional<std::uint16_t> payload_type_for(MediaType type, const Codec& codec) const;
  std::optional<std::uint16_t> extension_id_for(const Extmap& extmap) const;

  std::map<std::uint16_t, Known> codecs_;
  std::map<std::uint16_t, std::string> extensions_;
};

}  // namespace floe::sdp
