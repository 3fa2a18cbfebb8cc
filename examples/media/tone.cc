#include "examples/media/tone.h"

#include <cmath>

namespace media {
namespace {

constexpr double kLow = 440;  // Hz
constexpr double kHigh = 880;
constexpr double kLoudness = 6000;  // Of 32767: -15 dB.
constexpr double kTwoPi = 6.283185307179586;

}  // namespace

void Tone::fill(std::span<std::int16_t> samples) {
  for (std::int16_t& sample : samples) {
    const bool beep = position_ % kRate < kRate / 10;
    // The phase goes on, so that no step clicks.
    phase_ = std::fmod(phase_ + kTwoPi * (beep ? kHigh : kLow) / kRate, kTwoPi);
    sample = static_cast<std::int16_t>(kLoudness * std::sin(phase_));
    ++position_;
  }
}

}  // namespace media
