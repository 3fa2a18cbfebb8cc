#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "floe/core/result.h"
#include "floe/core/time.h"

struct OpusEncoder;  // libopus'

namespace media {

/// One channel of Opus over libopus, a packet every 20 ms.
class SoundEncoder {
 public:
  static constexpr int kRate = 48000;
  static constexpr std::size_t kSamples = 960;
  static constexpr floe::Duration kPeriod = std::chrono::milliseconds(20);

  /// Errors: kInternal in libopus' words.
  [[nodiscard]] static floe::Result<std::unique_ptr<SoundEncoder>> create(int bits_per_second);

  /// `samples` has `kSamples`.
  [[nodiscard]] floe::Result<std::vector<std::uint8_t>> encode(
      std::span<const std::int16_t> samples);

 private:
  struct Destroy {
    void operator()(OpusEncoder* encoder) const;
  };
  explicit SoundEncoder(OpusEncoder* encoder) : encoder_(encoder) {}
  std::unique_ptr<OpusEncoder, Destroy> encoder_;
};

}  // namespace media
