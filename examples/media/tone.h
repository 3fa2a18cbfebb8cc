#pragma once

#include <cstdint>
#include <span>

namespace media {

/// What is heard when there is no file: a soft tone, and a higher one in the first tenth of each
/// second. 48 kHz, one channel.
class Tone {
 public:
  static constexpr int kRate = 48000;

  /// Goes on where it ended last.
  void fill(std::span<std::int16_t> samples);

 private:
  std::int64_t position_ = 0;
  double phase_ = 0;
};

}  // namespace media
