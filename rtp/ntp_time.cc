#include "floe/rtp/ntp_time.h"

#include <algorithm>

namespace floe::rtp {
namespace {

constexpr std::int64_t kNanoseconds = 1'000'000'000;
// From 1900 to 1970: 70 years with 17 leap days.
constexpr std::int64_t kUnixEpoch = (70 * 365 + 17) * std::int64_t{86'400};

/// 32.32 fixed point, which wraps as it should for durations beyond 68 years.
std::uint64_t to_fixed(Duration duration) {
  std::int64_t seconds = duration.count() / kNanoseconds;
  std::int64_t rest = duration.count() % kNanoseconds;
  if (rest < 0) {
    rest += kNanoseconds;
    --seconds;
  }
  // Rounded up, so that a conversion there and back gives the same nanosecond.
  const auto fraction =
      ((static_cast<std::uint64_t>(rest) << 32) + (kNanoseconds - 1)) / kNanoseconds;
  return (static_cast<std::uint64_t>(seconds) << 32) + fraction;
}

Duration from_fixed(std::uint64_t fixed) {
  const auto seconds = static_cast<std::int32_t>(static_cast<std::uint32_t>(fixed >> 32));
  const std::uint64_t fraction = fixed & 0xffffffff;
  return std::chrono::seconds(seconds) +
         Duration(static_cast<std::int64_t>((fraction * kNanoseconds) >> 32));
}

}  // namespace

NtpTime NtpTime::from_unix(Duration since_1970) {
  return NtpTime{to_fixed(since_1970)} + std::chrono::seconds(kUnixEpoch);
}

Duration NtpTime::to_unix() const {
  // Bit 31 of the seconds is clear in the era after 2036 only.
  std::int64_t since_1900 = seconds();
  if ((seconds() & 0x8000'0000) == 0) since_1900 += std::int64_t{1} << 32;
  return std::chrono::seconds(since_1900 - kUnixEpoch) + from_fixed(fraction());
}

NtpTime operator+(NtpTime time, Duration duration) {
  return {time.value + to_fixed(duration)};
}

Duration operator-(NtpTime a, NtpTime b) {
  return from_fixed(a.value - b.value);
}

std::uint32_t to_compact(Duration duration) {
  if (duration <= Duration::zero()) return 0;
  if (duration >= std::chrono::seconds(65'536)) return 0xffff'ffff;
  return static_cast<std::uint32_t>(to_fixed(duration) >> 16);
}

Duration from_compact(std::uint32_t compact) {
  return from_fixed(std::uint64_t{compact} << 16);
}

std::optional<Duration> round_trip(NtpTime now, std::uint32_t last_report, std::uint32_t delay) {
  // RFC 3550 section 6.4.1: both are zero if no report has come.
  if (last_report == 0) return std::nullopt;
  const auto units = static_cast<std::int32_t>(now.compact() - last_report - delay);
  return units < 0 ? Duration::zero() : from_compact(static_cast<std::uint32_t>(units));
}

void TimestampClock::handle_sender_report(NtpTime ntp, std::uint32_t timestamp) {
  // RFC 3550 section 6.4.1: a sender without a wallclock may say 0.
  if (ntp == NtpTime{}) return;
  anchor_ = Anchor{ntp, timestamp};
}

std::optional<NtpTime> TimestampClock::at(std::uint32_t timestamp) const {
  if (!anchor_ || clock_rate_ == 0) return std::nullopt;
  const auto ticks = static_cast<std::int32_t>(timestamp - anchor_->timestamp);
  return anchor_->ntp + Duration(ticks * kNanoseconds / std::int64_t{clock_rate_});
}

}  // namespace floe::rtp
