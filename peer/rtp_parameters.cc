#include "floe/peer/rtp_parameters.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "floe/core/text.h"
#include "floe/sdp/codec_table.h"

namespace floe {

std::string_view to_string(MediaKind kind) {
  return kind == MediaKind::kAudio ? "audio" : "video";
}

std::string_view to_string(RtpTransceiverDirection direction) {
  switch (direction) {
    case RtpTransceiverDirection::kSendrecv:
      return "sendrecv";
    case RtpTransceiverDirection::kSendonly:
      return "sendonly";
    case RtpTransceiverDirection::kRecvonly:
      return "recvonly";
    case RtpTransceiverDirection::kInactive:
      return "inactive";
    case RtpTransceiverDirection::kStopped:
      return "stopped";
  }
  return "unknown";
}

Result<> check_limits(const RtpEncodingParameters& layer, const std::string& name) {
  if (!(layer.scale_resolution_down_by >= 1.0)) {
    return fail(Errc::kInvalidArgument, name + ".scale_resolution_down_by is less than 1");
  }
  if (layer.max_framerate && !(*layer.max_framerate >= 0.0)) {
    return fail(Errc::kInvalidArgument, name + ".max_framerate is less than 0");
  }
  return {};
}

RtpCodecParameters to_parameters(MediaKind kind, const sdp::Codec& codec) {
  RtpCodecParameters parameters;
  parameters.payload_type = codec.payload_type;
  if (codec.rtpmap) {
    parameters.mime_type = std::string(to_string(kind)) + "/" + codec.rtpmap->name;
    parameters.clock_rate = codec.rtpmap->clock_rate;
    parameters.channels = codec.rtpmap->channels;
  }
  if (kind == MediaKind::kAudio && !parameters.channels) parameters.channels = std::uint16_t{1};
  parameters.sdp_fmtp_line = codec.fmtp.value_or("");
  return parameters;
}

bool is_resilience(const RtpCodec& codec) {
  constexpr std::array<std::string_view, 4> kNames = {"rtx", "red", "ulpfec", "flexfec-03"};
  const std::string_view name =
      std::string_view(codec.mime_type)
          .substr(std::min(codec.mime_type.find('/') + 1, codec.mime_type.size()));
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](std::string_view known) { return equals_ignoring_case(known, name); });
}

RtpCapabilities capabilities(MediaKind kind) {
  const sdp::MediaType type =
      kind == MediaKind::kAudio ? sdp::MediaType::kAudio : sdp::MediaType::kVideo;
  RtpCapabilities out;
  for (const sdp::Codec& codec : sdp::default_codecs(type)) {
    RtpCodec capability = to_parameters(kind, codec);
    if (is_resilience(capability)) capability.sdp_fmtp_line.clear();  // names no codec of its own
    if (std::find(out.codecs.begin(), out.codecs.end(), capability) == out.codecs.end()) {
      out.codecs.push_back(std::move(capability));
    }
  }
  for (const sdp::Extmap& extmap : sdp::default_extensions(type)) {
    out.header_extensions.push_back(extmap.uri);
  }
  return out;
}

}  // namespace floe
