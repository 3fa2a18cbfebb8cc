#pragma once

#include <memory>
#include <optional>
#include <string>

#include "examples/media/media_frame.h"
#include "examples/media/vpx_encoder.h"

namespace media_send {

/// Where frames come from, one after the other.
class Source {
 public:
  virtual ~Source() = default;
  virtual floe::rtp::Codec codec() const = 0;
  /// When `next` is to be called, since the beginning.
  virtual floe::Duration due() const = 0;
  /// Absent when nothing is to be sent this time. An error ends the source.
  [[nodiscard]] virtual floe::Result<std::optional<media::MediaFrame>> next() = 0;
  /// Files cannot obey the following two.
  virtual void request_key_frame() {}
  virtual void set_bitrate(std::uint64_t) {}
};

/// The moving picture with a clock and the colour code, encoded.
[[nodiscard]] floe::Result<std::unique_ptr<Source>> make_picture_source(
    const media::VideoSettings& settings);
/// The tone, in Opus.
[[nodiscard]] floe::Result<std::unique_ptr<Source>> make_tone_source();
/// A file, which begins anew after its end.
[[nodiscard]] floe::Result<std::unique_ptr<Source>> open_file_source(const std::string& path,
                                                                     double frames_per_second);

}  // namespace media_send
