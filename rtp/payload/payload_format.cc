#include "floe/rtp/payload/payload_format.h"

#include <array>
#include <utility>

#include "floe/core/text.h"
#include "floe/rtp/payload/internal/audio.h"
#include "floe/rtp/payload/internal/av1.h"
#include "floe/rtp/payload/internal/h264.h"
#include "floe/rtp/payload/internal/h265.h"
#include "floe/rtp/payload/internal/vp8.h"
#include "floe/rtp/payload/internal/vp9.h"

namespace floe::rtp {

Codec codec_of(std::string_view encoding_name) {
  constexpr std::array<std::pair<std::string_view, Codec>, 9> kNames = {{
      {"opus", Codec::kOpus},
      {"PCMU", Codec::kPcmu},
      {"PCMA", Codec::kPcma},
      {"G722", Codec::kG722},
      {"VP8", Codec::kVp8},
      {"VP9", Codec::kVp9},
      {"H264", Codec::kH264},
      {"H265", Codec::kH265},
      {"AV1", Codec::kAv1},
  }};
  for (const auto& [name, codec] : kNames) {
    if (equals_ignoring_case(name, encoding_name)) return codec;
  }
  return Codec::kRaw;
}

bool is_video(Codec codec) {
  return codec >= Codec::kVp8;
}

std::unique_ptr<Packetizer> make_packetizer(const PayloadFormat& format) {
  switch (format.codec) {
    case Codec::kVp8:
      return std::make_unique<Vp8Packetizer>();
    case Codec::kVp9:
      return std::make_unique<Vp9Packetizer>();
    case Codec::kH264:
      return std::make_unique<H264Packetizer>(format.packetization_mode);
    case Codec::kH265:
      return std::make_unique<H265Packetizer>();
    case Codec::kAv1:
      return std::make_unique<Av1Packetizer>();
    case Codec::kRaw:
    case Codec::kOpus:
    case Codec::kPcmu:
    case Codec::kPcma:
    case Codec::kG722:
      break;
  }
  return std::make_unique<WholePacketizer>(format.codec);
}

std::unique_ptr<Depacketizer> make_depacketizer(const PayloadFormat& format) {
  switch (format.codec) {
    case Codec::kVp8:
      return std::make_unique<Vp8Depacketizer>();
    case Codec::kVp9:
      return std::make_unique<Vp9Depacketizer>();
    case Codec::kH264:
      return std::make_unique<H264Depacketizer>();
    case Codec::kH265:
      return std::make_unique<H265Depacketizer>();
    case Codec::kAv1:
      return std::make_unique<Av1Depacketizer>();
    case Codec::kRaw:
    case Codec::kOpus:
    case Codec::kPcmu:
    case Codec::kPcma:
    case Codec::kG722:
      break;
  }
  return std::make_unique<WholeDepacketizer>();
}

bool is_key_frame(Codec codec, Bytes payload) {
  switch (codec) {
    case Codec::kVp8:
      return is_vp8_key_frame(payload);
    case Codec::kVp9:
      return is_vp9_key_frame(payload);
    case Codec::kH264:
      return is_h264_key_frame(payload);
    case Codec::kH265:
      return is_h265_key_frame(payload);
    case Codec::kAv1:
      return is_av1_key_frame(payload);
    case Codec::kRaw:
    case Codec::kOpus:
    case Codec::kPcmu:
    case Codec::kPcma:
    case Codec::kG722:
      break;
  }
  return true;
}

}  // namespace floe::rtp
