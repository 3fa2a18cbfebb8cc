#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "examples/media/media_frame.h"
#include "floe/peer/rtp_transceiver.h"

namespace media_record {

/// One track on its way into a file, which comes into being with the first frame that can be
/// played.
class TrackFile {
 public:
  /// `stem`: the path without its ending, which the codec decides.
  explicit TrackFile(std::string stem) : stem_(std::move(stem)) {}

  /// `since_start`: of the recording; the first frame stands there in the file. Errors: no file can
  /// be written, or none is known for the codec.
  [[nodiscard]] floe::Result<> take(const floe::ReceivedFrame& received,
                                    floe::Duration since_start);
  [[nodiscard]] floe::Result<> close();

  /// Empty while there is no file.
  const std::string& path() const { return path_; }
  std::uint64_t frames() const { return frames_; }
  /// From the beginning of the recording to the last frame.
  floe::Duration length() const { return time_; }

 private:
  floe::Result<> open(floe::rtp::Codec codec);

  const std::string stem_;
  std::string path_;
  std::unique_ptr<media::FrameWriter> writer_;
  floe::rtp::Codec codec_ = floe::rtp::Codec::kRaw;
  int part_ = 1;
  std::uint64_t frames_ = 0;
  std::uint32_t timestamp_ = 0;  ///< Of the last frame.
  floe::Duration time_{};
};

}  // namespace media_record
