#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/result.h"
#include "floe/sdp/attributes.h"

// The dictionaries of W3C's RTP media API.
namespace floe {

/// "kind" of tracks and transceivers.
enum class MediaKind : std::uint8_t { kAudio, kVideo };
std::string_view to_string(MediaKind kind);

/// RTCRtpTransceiverDirection
enum class RtpTransceiverDirection : std::uint8_t {
  kSendrecv,
  kSendonly,
  kRecvonly,
  kInactive,
  kStopped,
};
std::string_view to_string(RtpTransceiverDirection direction);

/// RTCRtpCodec
struct RtpCodec {
  std::string mime_type;  ///< "audio/opus", "video/VP8", "video/rtx", ...
  std::uint32_t clock_rate = 0;
  std::optional<std::uint16_t> channels;  ///< Audio only.
  std::string sdp_fmtp_line;              ///< Empty: none.
  bool operator==(const RtpCodec&) const = default;
};

/// RTCRtpCodecParameters: a codec with the number that it was given.
struct RtpCodecParameters : RtpCodec {
  std::uint16_t payload_type = 0;
  bool operator==(const RtpCodecParameters&) const = default;
};

/// RTCRtpHeaderExtensionParameters
struct RtpHeaderExtension {
  std::string uri;
  std::uint16_t id = 0;
  bool operator==(const RtpHeaderExtension&) const = default;
};

/// RTCRtpCapabilities
struct RtpCapabilities {
  std::vector<RtpCodec> codecs;                ///< One "rtx" stands for that of every codec.
  std::vector<std::string> header_extensions;  ///< Their URIs.
};

/// RTCRtpEncodingParameters
struct RtpEncodingParameters {
  std::string rid;  ///< Up to 16 letters and digits; empty for the only encoding.
  bool active = true;
  std::optional<std::uint64_t> max_bitrate{};  ///< Bits per second.
  std::optional<double> max_framerate{};       ///< Frames per second, 0 or more.
  double scale_resolution_down_by = 1.0;       ///< 1 or more; video only.
  bool operator==(const RtpEncodingParameters&) const = default;
};

/// Errors: kInvalidArgument names the member of `layer`, called `name`, that is out of range.
[[nodiscard]] Result<> check_limits(const RtpEncodingParameters& layer, const std::string& name);

/// RTCRtpParameters of a sender or receiver, as the last answer settled them; a sender has
/// encodings from the start.
struct RtpParameters {
  std::vector<RtpEncodingParameters> encodings;
  std::vector<RtpCodecParameters> codecs;
  std::vector<RtpHeaderExtension> header_extensions;
  std::string cname;
};

/// What floe can describe (W3C getCapabilities).
RtpCapabilities capabilities(MediaKind kind);

RtpCodecParameters to_parameters(MediaKind kind, const sdp::Codec& codec);
bool is_resilience(const RtpCodec& codec);

}  // namespace floe
