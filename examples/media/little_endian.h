#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "floe/core/bytes.h"

// Media files count from the small end; networks, and so `floe::ByteReader`, do not.
namespace media {

/// `bytes` has them all.
template <std::unsigned_integral T>
T read_little_endian(floe::Bytes bytes, std::size_t at) {
  T value = 0;
  for (std::size_t i = sizeof(T); i-- > 0;)
    value = static_cast<T>(std::uint64_t{value} << 8 | bytes[at + i]);
  return value;
}

template <std::unsigned_integral T>
void append_little_endian(std::vector<std::uint8_t>& bytes, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    bytes.push_back(static_cast<std::uint8_t>(value >> 8 * i));
  }
}

}  // namespace media
