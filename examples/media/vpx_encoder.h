#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "examples/media/media_frame.h"
#include "examples/media/picture.h"
#include "floe/core/result.h"

namespace media {

struct VideoSettings {
  floe::rtp::Codec codec = floe::rtp::Codec::kVp8;  ///< Or kVp9.
  int width = 640;
  int height = 360;
  int frames_per_second = 30;
  std::uint64_t bits_per_second = 1'000'000;
};

/// VP8 or VP9 over libvpx, set up for a conversation: no frame waits for a later one, and the
/// bitrate is kept from frame to frame.
class VpxEncoder {
 public:
  /// Below it not even the smallest picture is worth sending.
  static constexpr std::uint64_t kMinBitrate = 30'000;

  /// Errors: kUnsupported for another codec, kInternal in libvpx' words.
  [[nodiscard]] static floe::Result<std::unique_ptr<VpxEncoder>> create(
      const VideoSettings& settings);
  ~VpxEncoder();

  /// Absent when the encoder leaves the picture out to keep the bitrate. Pictures have the size of
  /// the settings, and rising times.
  [[nodiscard]] floe::Result<std::optional<MediaFrame>> encode(const Picture& picture,
                                                               floe::Duration time, bool key_frame);
  [[nodiscard]] floe::Result<> set_bitrate(std::uint64_t bits_per_second);

 private:
  struct Codec;
  explicit VpxEncoder(std::unique_ptr<Codec> codec);
  std::unique_ptr<Codec> codec_;
};

}  // namespace media
