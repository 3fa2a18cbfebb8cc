#pragma once

#include <cstdint>
#include <optional>

#include "floe/core/time.h"

namespace floe::rtp {

/// A wallclock time as RTCP carries it (RFC 3550 section 4): seconds since 1900 in 32.32 fixed
/// point. It wraps in 2036; differences stay right across that.
struct NtpTime {
  std::uint64_t value = 0;

  static constexpr NtpTime from(std::uint32_t seconds, std::uint32_t fraction) {
    return {std::uint64_t{seconds} << 32 | fraction};
  }
  /// A Unix time (since 1970), as a driver's wallclock tells it.
  static NtpTime from_unix(Duration since_1970);

  constexpr std::uint32_t seconds() const { return static_cast<std::uint32_t>(value >> 32); }
  constexpr std::uint32_t fraction() const { return static_cast<std::uint32_t>(value); }
  /// The middle 32 bits, which LSR and LRR carry: units of 1/65,536 s.
  constexpr std::uint32_t compact() const { return static_cast<std::uint32_t>(value >> 16); }
  /// Since 1970, taking times before 1968 for such after 2036 (RFC 4330 section 3).
  Duration to_unix() const;

  friend constexpr bool operator==(NtpTime, NtpTime) = default;
};

NtpTime operator+(NtpTime time, Duration duration);
/// `a - b`, which may be negative; right to a nanosecond while they are within 68 years.
Duration operator-(NtpTime a, NtpTime b);

/// Compact NTP durations (DLSR, DLRR): units of 1/65,536 s, at most 18 hours.
std::uint32_t to_compact(Duration duration);
Duration from_compact(std::uint32_t compact);

/// Gives NTP times without reading a clock: the wallclock was asked once, `now` says how long ago.
/// A wallclock that is set later does not move it, and so never bends a round trip.
class NtpClock {
 public:
  NtpClock(Time now, NtpTime at_now) : anchor_(now), ntp_(at_now) {}
  NtpTime at(Time now) const { return ntp_ + (now - anchor_); }
  Time time_of(NtpTime ntp) const { return anchor_ + (ntp - ntp_); }

 private:
  Time anchor_;
  NtpTime ntp_;
};

/// The round trip that a report tells (RFC 3550 section 6.4.1): `now` less `last_report` less the
/// delay the peer had it for. Nothing if the peer had no report yet, and never below zero: the
/// peer's clock may run a little fast.
std::optional<Duration> round_trip(NtpTime now, std::uint32_t last_report, std::uint32_t delay);

/// The sender's wallclock for each RTP timestamp of a stream, from its last sender report: what
/// lip synchronisation needs (RFC 3550 section 6.4.1).
class TimestampClock {
 public:
  explicit TimestampClock(std::uint32_t clock_rate) : clock_rate_(clock_rate) {}

  void handle_sender_report(NtpTime ntp, std::uint32_t timestamp);
  /// Nothing before the first report.
  std::optional<NtpTime> at(std::uint32_t timestamp) const;

 private:
  struct Anchor {
    NtpTime ntp;
    std::uint32_t timestamp = 0;
  };
  std::uint32_t clock_rate_;  // Hz
  std::optional<Anchor> anchor_;
};

}  // namespace floe::rtp
