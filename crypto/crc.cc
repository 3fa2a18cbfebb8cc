#include <array>
#include <cstring>

#include "floe/crypto/crypto.h"

namespace floe::crypto {
namespace {

// One table entry per byte value; `polynomial` is in reflected form.
constexpr std::array<std::uint32_t, 256> make_table(std::uint32_t polynomial) {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ (value & 1 ? polynomial : 0);
    table[i] = value;
  }
  return table;
}

constexpr auto kIeee = make_table(0xedb88320);
constexpr auto kCastagnoli = make_table(0x82f63b78);

std::uint32_t by_table(const std::array<std::uint32_t, 256>& table, Bytes data, std::uint32_t crc) {
  for (const std::uint8_t byte : data) crc = crc >> 8 ^ table[(crc ^ byte) & 0xff];
  return crc;
}

#if defined(__x86_64__) && defined(__GNUC__)
__attribute__((target("sse4.2"))) std::uint32_t by_instruction(Bytes data, std::uint32_t crc) {
  std::uint64_t wide = crc;
  while (data.size() >= 8) {
    std::uint64_t word;
    std::memcpy(&word, data.data(), 8);
    wide = __builtin_ia32_crc32di(wide, word);
    data = data.subspan(8);
  }
  crc = static_cast<std::uint32_t>(wide);
  for (const std::uint8_t byte : data) crc = __builtin_ia32_crc32qi(crc, byte);
  return crc;
}
bool has_instruction() {
  static const bool has = __builtin_cpu_supports("sse4.2");
  return has;
}
#else
std::uint32_t by_instruction(Bytes, std::uint32_t crc) {
  return crc;
}
bool has_instruction() {
  return false;
}
#endif

}  // namespace

std::uint32_t crc32(Bytes data) {
  return ~by_table(kIeee, data, ~0u);
}

std::uint32_t crc32c(Bytes data, std::uint32_t previous) {
  return ~(has_instruction() ? by_instruction(data, ~previous)
                             : by_table(kCastagnoli, data, ~previous));
}

}  // namespace floe::crypto
