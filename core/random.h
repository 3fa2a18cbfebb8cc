#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "floe/core/bytes.h"

namespace floe {

/// The only source of randomness an engine has; its driver hands it in. A real network's is
/// cryptographically strong, the simulator's follows from its seed.
class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableBytes out) = 0;

  std::uint32_t u32();
  std::uint64_t u64();
  /// Uniform in [0, bound); `bound` must not be 0.
  std::uint64_t below(std::uint64_t bound);
  /// Uniform in [0, 1).
  double unit();
  /// `length` characters, each uniform over `alphabet`.
  std::string text(std::size_t length, std::string_view alphabet);
};

/// Deterministic numbers from a seed (xoshiro256**). Fit for simulations, never for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed);
  void fill(MutableBytes out) override;

 private:
  std::uint64_t next();
  std::array<std::uint64_t, 4> state_;
};

}  // namespace floe
