#pragma once

#include <cstdint>
#include <optional>
#include <type_traits>

namespace floe::rtp {

/// True if `a` comes after `b` in a counter that wraps (RFC 1982 as RFC 3550 appendix A.1 uses it):
/// `a` is less than half of the range ahead.
template <typename Counter>
constexpr bool is_newer(Counter a, Counter b) {
  static_assert(std::is_unsigned_v<Counter>);
  const auto ahead = static_cast<Counter>(a - b);
  return ahead != 0 && ahead < (Counter{1} << (sizeof(Counter) * 8 - 1));
}

/// Turns a counter that wraps into one that does not: each value becomes the one nearest to the
/// last. The first value stays what it is, so one that was sent before it may become negative.
template <typename Counter>
class Unwrapper {
 public:
  /// The unwrapped value, and the base for the next one.
  std::int64_t unwrap(Counter value) {
    last_ = peek(value);
    return *last_;
  }
  /// The unwrapped value, without moving the base.
  std::int64_t peek(Counter value) const {
    static_assert(std::is_unsigned_v<Counter>);
    if (!last_) return value;
    const auto ahead = static_cast<Counter>(value - static_cast<Counter>(*last_));
    return *last_ + static_cast<std::make_signed_t<Counter>>(ahead);
  }
  std::optional<std::int64_t> last() const { return last_; }

 private:
  std::optional<std::int64_t> last_;
};

using SequenceUnwrapper = Unwrapper<std::uint16_t>;
using TimestampUnwrapper = Unwrapper<std::uint32_t>;

}  // namespace floe::rtp
