#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/time.h"
#include "floe/net/endpoint.h"

namespace floe::server {

/// Lets each source address through at a bounded rate, in a table of fixed size. A server without
/// authentication needs it: a request's source may be forged, and then the answers hit whoever
/// owns the address.
class SourceLimiter {
 public:
  /// Sources remembered at once, in sets of kWays: 16 bytes each, 256 KiB in all. An idle source
  /// needs no place, so this bounds the sources that are busy at the same time.
  static constexpr std::size_t kSources = 16'384;
  static constexpr std::size_t kWays = 4;

  struct Rate {
    std::uint32_t per_second = 200;  ///< In the long run; 0 lets everything through.
    std::uint32_t burst = 400;       ///< At once, after a pause.
  };

  /// `random` seeds the table's hash, so that nobody can choose addresses that share a set.
  SourceLimiter(Rate rate, Random& random);

  /// True if one more packet from `source` may be answered; counts it if so. An IPv6 source stands
  /// for its /64, which is what one customer gets.
  bool admit(Time now, const net::Address& source);

  /// Busy sources that were forgotten because their set was full of busier ones.
  std::uint64_t forgotten() const { return forgotten_; }

 private:
  /// A source's debt, as the generic cell rate algorithm keeps it: the time at which it is paid.
  struct Entry {
    std::uint64_t key = 0;
    Time paid{};
  };

  std::uint64_t key(const net::Address& source) const;
  Entry& entry(Time now, std::uint64_t key);

  Duration interval_;   ///< Between packets at the full rate; 0 for no limit.
  Duration tolerance_;  ///< How far ahead of the clock a debt may run.
  std::array<std::uint64_t, 2> secret_{};
  std::vector<Entry> entries_;
  std::uint64_t forgotten_ = 0;
};

}  // namespace floe::server
