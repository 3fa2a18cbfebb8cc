#pragma once

#include <cstddef>

#include "floe/core/random.h"
#include "floe/rtp/congestion/bitrate.h"

namespace floe::rtp {

/// Sizes of the frames that a video encoder would make: of a key frame now and then, of others with
/// noise, following its target like a real rate control, which takes back what a frame was too
/// long.
class Encoder {
 public:
  static constexpr Duration kFrameTime = std::chrono::milliseconds(33);

  explicit Encoder(Random& random) : random_(random) {}
  /// The next frame, in bytes.
  std::size_t next(Bitrate target);

 private:
  static constexpr int kKeyFrameEvery = 300;  // Ten seconds.
  static constexpr double kKeyFrame = 5;      // Times another frame.
  static constexpr double kNoise = 0.25;      // Each way.

  Random& random_;
  int frames_ = 0;
  double owed_ = 0;  // Bytes that were too many.
};

}  // namespace floe::rtp
