#include "examples/media/vpx_encoder.h"

#include <vpx/vp8cx.h>
#include <vpx/vpx_encoder.h>

#include <algorithm>
#include <string>
#include <utility>

namespace media {

using floe::Errc;
using floe::Result;

namespace {

constexpr int kRate = 90'000;  // Of the times that libvpx is told.

/// The most that encoding in real time may save: the pictures are simple, the machine may be a
/// small one.
constexpr int kVp8Speed = -8;
constexpr int kVp9Speed = 8;

unsigned to_kilobits(std::uint64_t bits_per_second) {
  constexpr std::uint64_t kMost = 100'000'000;
  return static_cast<unsigned>(std::clamp(bits_per_second, VpxEncoder::kMinBitrate, kMost) / 1000);
}

}  // namespace

struct VpxEncoder::Codec {
  vpx_codec_ctx_t context{};
  vpx_codec_enc_cfg_t configuration{};
  floe::Duration period{};
  bool ready = false;

  ~Codec() {
    if (ready) vpx_codec_destroy(&context);
  }
  tl::unexpected<floe::Error> failed(const char* what) {
    const char* detail = vpx_codec_error_detail(&context);
    return floe::fail(Errc::kInternal, std::string("libvpx cannot ") + what + ": " +
                                           vpx_codec_error(&context) +
                                           (detail != nullptr ? std::string(", ") + detail : ""));
  }
};

VpxEncoder::VpxEncoder(std::unique_ptr<Codec> codec) : codec_(std::move(codec)) {}
VpxEncoder::~VpxEncoder() = default;

Result<std::unique_ptr<VpxEncoder>> VpxEncoder::create(const VideoSettings& settings) {
  const bool vp9 = settings.codec == floe::rtp::Codec::kVp9;
  if (!vp9 && settings.codec != floe::rtp::Codec::kVp8) {
    return floe::fail(Errc::kUnsupported, "this encoder makes VP8 or VP9");
  }
  auto codec = std::make_unique<Codec>();
  codec->period = floe::Duration(std::chrono::seconds(1)) / settings.frames_per_second;
  vpx_codec_iface_t* interface = vp9 ? vpx_codec_vp9_cx() : vpx_codec_vp8_cx();
  auto& configuration = codec->configuration;
  if (vpx_codec_enc_config_default(interface, &configuration, 0) != VPX_CODEC_OK) {
    return codec->failed("begin");
  }
  configuration.g_w = static_cast<unsigned>(settings.width);
  configuration.g_h = static_cast<unsigned>(settings.height);
  configuration.g_timebase = {1, kRate};
  configuration.g_threads = 1;
  configuration.g_lag_in_frames = 0;
  configuration.g_pass = VPX_RC_ONE_PASS;
  // A frame that is lost must not spoil the entropy coding of those that follow a repair.
  configuration.g_error_resilient = VPX_ERROR_RESILIENT_DEFAULT;
  configuration.rc_end_usage = VPX_CBR;
  configuration.rc_target_bitrate = to_kilobits(settings.bits_per_second);
  configuration.rc_dropframe_thresh = 30;
  configuration.rc_resize_allowed = 0;
  configuration.rc_min_quantizer = 4;
  configuration.rc_max_quantizer = 56;
  configuration.rc_undershoot_pct = 100;
  configuration.rc_overshoot_pct = 15;
  // Milliseconds: what congestion control and its pacer bear.
  configuration.rc_buf_initial_sz = 500;
  configuration.rc_buf_optimal_sz = 600;
  configuration.rc_buf_sz = 1000;
  // Key frames are large: they come when somebody asks.
  configuration.kf_mode = VPX_KF_DISABLED;
  if (vpx_codec_enc_init(&codec->context, interface, &configuration, 0) != VPX_CODEC_OK) {
    return codec->failed("begin");
  }
  codec->ready = true;
  vpx_codec_control(&codec->context, VP8E_SET_CPUUSED, vp9 ? kVp9Speed : kVp8Speed);
  vpx_codec_control(&codec->context, VP8E_SET_STATIC_THRESHOLD, 1);
  // Percent of a frame's average share: a key frame may not fill the link for a second.
  vpx_codec_control(&codec->context, VP8E_SET_MAX_INTRA_BITRATE_PCT, 900);
  if (vp9) vpx_codec_control(&codec->context, VP9E_SET_AQ_MODE, 3);
  return std::unique_ptr<VpxEncoder>(new VpxEncoder(std::move(codec)));
}

Result<std::optional<MediaFrame>> VpxEncoder::encode(const Picture& picture, floe::Duration time,
                                                     bool key_frame) {
  const unsigned width = codec_->configuration.g_w;
  const unsigned height = codec_->configuration.g_h;
  vpx_image_t image{};
  // libvpx reads only, and wants them writable all the same.
  const auto plane = [](const std::vector<std::uint8_t>& bytes) {
    return const_cast<std::uint8_t*>(bytes.data());
  };
  vpx_img_wrap(&image, VPX_IMG_FMT_I420, width, height, 1, plane(picture.y));
  image.planes[VPX_PLANE_U] = plane(picture.u);
  image.planes[VPX_PLANE_V] = plane(picture.v);
  image.stride[VPX_PLANE_Y] = static_cast<int>(width);
  image.stride[VPX_PLANE_U] = image.stride[VPX_PLANE_V] = static_cast<int>(width / 2);
  const auto ticks = [](floe::Duration duration) {
    return duration / std::chrono::microseconds(1) * kRate / 1'000'000;
  };
  const vpx_enc_frame_flags_t flags = key_frame ? VPX_EFLAG_FORCE_KF : 0;
  if (vpx_codec_encode(&codec_->context, &image, ticks(time),
                       static_cast<unsigned long>(ticks(codec_->period)), flags,
                       VPX_DL_REALTIME) != VPX_CODEC_OK) {
    return codec_->failed("encode a picture");
  }
  std::optional<MediaFrame> frame;
  vpx_codec_iter_t position = nullptr;
  while (const vpx_codec_cx_pkt_t* packet = vpx_codec_get_cx_data(&codec_->context, &position)) {
    if (packet->kind != VPX_CODEC_CX_FRAME_PKT) continue;
    const auto* bytes = static_cast<const std::uint8_t*>(packet->data.frame.buf);
    frame = MediaFrame{{bytes, bytes + packet->data.frame.sz},
                       time,
                       (packet->data.frame.flags & VPX_FRAME_IS_KEY) != 0};
  }
  return frame;
}

Result<> VpxEncoder::set_bitrate(std::uint64_t bits_per_second) {
  codec_->configuration.rc_target_bitrate = to_kilobits(bits_per_second);
  if (vpx_codec_enc_config_set(&codec_->context, &codec_->configuration) != VPX_CODEC_OK) {
    return codec_->failed("change the bitrate");
  }
  return {};
}

}  // namespace media
