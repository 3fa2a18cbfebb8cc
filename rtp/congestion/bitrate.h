#pragma once

#include <algorithm>
#include <compare>
#include <cstddef>
#include <cstdint>

#include "floe/core/time.h"

namespace floe::rtp {

/// A rate in bits per second, from nothing to `kUnlimited`: arithmetic stays in that range.
class Bitrate {
 public:
  constexpr Bitrate() = default;
  constexpr explicit Bitrate(std::int64_t bits_per_second)
      : bps_(std::clamp<std::int64_t>(bits_per_second, 0, kLimit)) {}
  /// `bytes` in `duration`, which must be longer than nothing.
  static constexpr Bitrate of(std::size_t bytes, Duration duration) {
    return from(static_cast<double>(bytes) * kBitNanoseconds /
                static_cast<double>(duration.count()));
  }
  static constexpr Bitrate unlimited() { return Bitrate(kLimit); }

  constexpr std::int64_t bps() const { return bps_; }
  constexpr double kbps() const { return static_cast<double>(bps_) / 1000; }
  constexpr std::size_t bytes_in(Duration duration) const {
    return static_cast<std::size_t>(static_cast<double>(bps_) *
                                    static_cast<double>(std::max(duration, Duration{}).count()) /
                                    kBitNanoseconds);
  }
  /// How long `bytes` take; an hour at most, which is what they take at rate 0.
  constexpr Duration time_for(std::size_t bytes) const {
    constexpr Duration kLongest = std::chrono::hours(1);
    const double bits = static_cast<double>(bytes) * kBitNanoseconds;
    const auto longest = static_cast<double>(kLongest.count());
    if (bits >= longest * static_cast<double>(bps_)) return bytes == 0 ? Duration{} : kLongest;
    return Duration(static_cast<Duration::rep>(bits / static_cast<double>(bps_)));
  }

  friend constexpr auto operator<=>(const Bitrate&, const Bitrate&) = default;
  friend constexpr Bitrate operator+(Bitrate a, Bitrate b) { return Bitrate(a.bps_ + b.bps_); }
  friend constexpr Bitrate operator-(Bitrate a, Bitrate b) { return Bitrate(a.bps_ - b.bps_); }
  friend constexpr Bitrate operator*(Bitrate a, double factor) {
    return from(static_cast<double>(a.bps_) * factor);
  }
  friend constexpr Bitrate operator*(double factor, Bitrate a) { return a * factor; }
  friend constexpr double operator/(Bitrate a, Bitrate b) {
    return static_cast<double>(a.bps_) / static_cast<double>(b.bps_);
  }

 private:
  static constexpr double kBitNanoseconds = 8e9;             // In a byte and a second.
  static constexpr std::int64_t kLimit = 1'000'000'000'000;  // More than any path of today.

  static constexpr Bitrate from(double bps) {
    return Bitrate(bps < static_cast<double>(kLimit) ? static_cast<std::int64_t>(bps) : kLimit);
  }

  std::int64_t bps_ = 0;
};

inline namespace literals {
constexpr Bitrate operator""_bps(unsigned long long value) {
  return Bitrate(static_cast<std::int64_t>(value));
}
constexpr Bitrate operator""_kbps(unsigned long long value) {
  return Bitrate(static_cast<std::int64_t>(value) * 1000);
}
}  // namespace literals

}  // namespace floe::rtp
