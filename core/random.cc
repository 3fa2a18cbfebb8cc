#include "floe/core/random.h"

#include <bit>

#include "floe/core/check.h"

namespace floe {

std::uint32_t Random::u32() {
  return static_cast<std::uint32_t>(u64() >> 32);
}

std::uint64_t Random::u64() {
  std::array<std::uint8_t, 8> bytes;
  fill(bytes);
  return std::bit_cast<std::uint64_t>(bytes);
}

std::uint64_t Random::below(std::uint64_t bound) {
  FLOE_CHECK(bound != 0);
  // Values under `remainder` would make the low residues likelier: draw again.
  const std::uint64_t remainder = (~bound + 1) % bound;
  std::uint64_t value = u64();
  while (value < remainder) value = u64();
  return value % bound;
}

double Random::unit() {
  return static_cast<double>(u64() >> 11) * 0x1.0p-53;
}

std::string Random::text(std::size_t length, std::string_view alphabet) {
  std::string out(length, ' ');
  for (char& c : out) c = alphabet[below(alphabet.size())];
  return out;
}

SeededRandom::SeededRandom(std::uint64_t seed) {
  for (std::uint64_t& word : state_) {  // splitmix64 spreads a small seed over the whole state
    seed += 0x9e3779b97f4a7c15;
    std::uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    word = z ^ (z >> 31);
  }
}

std::uint64_t SeededRandom::next() {
  const std::uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
  const std::uint64_t t = state_[1] << 17;
  state_[2] ^= state_[0];
  state_[3] ^= state_[1];
  state_[1] ^= state_[2];
  state_[0] ^= state_[3];
  state_[2] ^= t;
  state_[3] = std::rotl(state_[3], 45);
  return result;
}

void SeededRandom::fill(MutableBytes out) {
  while (!out.empty()) {
    const auto bytes = std::bit_cast<std::array<std::uint8_t, 8>>(next());
    const std::size_t count = std::min(out.size(), bytes.size());
    std::memcpy(out.data(), bytes.data(), count);
    out = out.subspan(count);
  }
}

}  // namespace floe
