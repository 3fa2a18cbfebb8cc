#include "floe/servers/stun/source_limiter.h"

#include <algorithm>
#include <span>

namespace floe::server {
namespace {

constexpr std::size_t kIpv6Prefix = 8;  // bytes of a /64

/// A bijection that spreads every input bit over all output bits.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93;
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93;
  return x ^ (x >> 32);
}

}  // namespace

SourceLimiter::SourceLimiter(Rate rate, Random& random)
    : interval_(rate.per_second == 0 ? Duration()
                                     : Duration(std::chrono::seconds(1)) / rate.per_second),
      tolerance_(interval_ * (std::max(rate.burst, 1u) - 1)),
      secret_{random.u64(), random.u64()} {
  if (interval_ != Duration()) entries_.resize(kSources);
}

bool SourceLimiter::admit(Time now, const net::Address& source) {
  if (entries_.empty()) return true;
  Entry& of_source = entry(now, key(source));
  const Time paid = std::max(of_source.paid, now);
  if (paid - now > tolerance_) return false;
  of_source.paid = paid + interval_;
  return true;
}

std::uint64_t SourceLimiter::key(const net::Address& source) const {
  const Bytes bytes = source.bytes().first(source.is_v4() ? 4 : kIpv6Prefix);
  std::uint64_t prefix = 0;
  for (const std::uint8_t byte : bytes) prefix = prefix << 8 | byte;
  const std::uint64_t family = source.is_v4() ? 0 : 1;
  return mix(mix(prefix ^ secret_[0]) ^ secret_[1] ^ family);
}

SourceLimiter::Entry& SourceLimiter::entry(Time now, std::uint64_t key) {
  const std::size_t set = key % (kSources / kWays) * kWays;
  const std::span<Entry> ways = std::span(entries_).subspan(set, kWays);
  const auto found =
      std::find_if(ways.begin(), ways.end(), [&](const Entry& e) { return e.key == key; });
  if (found != ways.end()) return *found;
  // A source whose debt is paid is as good as unknown. If all are in debt, the smallest goes: to
  // refuse a newcomer instead would let forged sources shut everybody else out.
  Entry& victim = *std::min_element(ways.begin(), ways.end(),
                                    [](const Entry& a, const Entry& b) { return a.paid < b.paid; });
  if (victim.paid > now) ++forgotten_;
  victim = {key, now};
  return victim;
}

}  // namespace floe::server
