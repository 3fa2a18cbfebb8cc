#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/rtp/payload/payload_format.h"

namespace media {

/// One encoded frame of video or packet of audio, between a file or an encoder and a track. H.264
/// is Annex B, as `floe::rtp::FrameView` has it.
struct MediaFrame {
  std::vector<std::uint8_t> payload{};
  floe::Duration time{};  ///< When it is to be shown or heard, since the beginning.
  bool key_frame = false;
};

/// Reads the frames of a file, which may hold anything: errors name the file, the byte and what
/// helps.
class FrameReader {
 public:
  virtual ~FrameReader() = default;
  virtual floe::rtp::Codec codec() const = 0;
  /// Absent at the end of the file.
  [[nodiscard]] virtual floe::Result<std::optional<MediaFrame>> next() = 0;
};

class FrameWriter {
 public:
  virtual ~FrameWriter() = default;
  /// Frames come in the order of their times. Errors: kPermissionDenied and kInternal in the words
  /// of the operating system.
  [[nodiscard]] virtual floe::Result<> write(const MediaFrame& frame) = 0;
  /// Without it the file may lack its end.
  [[nodiscard]] virtual floe::Result<> close() = 0;
};

/// By what the file holds, not by its name: IVF (VP8, VP9, AV1), Ogg Opus, or else an Annex B
/// stream of H.264, which knows no time and is played at `frames_per_second`.
[[nodiscard]] floe::Result<std::unique_ptr<FrameReader>> open_media_file(const std::string& path,
                                                                         double frames_per_second);

}  // namespace media
