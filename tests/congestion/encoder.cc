#include "tests/congestion/encoder.h"

#include <algorithm>

namespace floe::rtp {

std::size_t Encoder::next(Bitrate target) {
  const auto fair = static_cast<double>(target.bytes_in(kFrameTime));
  double size = fair * (1 - kNoise + 2 * kNoise * random_.unit());
  if (frames_++ % kKeyFrameEvery == 0) size *= kKeyFrame;
  // What is owed is paid back over the next dozen frames, of which none may vanish.
  size = std::max(size - owed_ / 12, fair * 0.3);
  owed_ = std::max(owed_ + size - fair, -2 * fair);
  return static_cast<std::size_t>(std::max(size, 40.0));
}

}  // namespace floe::rtp
