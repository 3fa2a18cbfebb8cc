#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace floe {

using Bytes = std::span<const std::uint8_t>;
using MutableBytes = std::span<std::uint8_t>;

inline Bytes as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
inline std::vector<std::uint8_t> to_vector(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

/// Reads network byte order from a span. It is total: reading past the end yields zeros and empty
/// spans and makes `ok()` false for good, so a parser checks once at the end of each unit.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  std::size_t remaining() const { return bytes_.size() - position_; }
  std::size_t position() const { return position_; }

  std::uint8_t u8() { return static_cast<std::uint8_t>(integer(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(integer(2)); }
  std::uint32_t u24() { return static_cast<std::uint32_t>(integer(3)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(integer(4)); }
  std::uint64_t u64() { return integer(8); }

  Bytes bytes(std::size_t count) {
    if (!take(count)) return {};
    return bytes_.subspan(position_ - count, count);
  }
  Bytes rest() { return bytes(remaining()); }
  void skip(std::size_t count) { take(count); }

 private:
  bool take(std::size_t count) {
    if (!ok_ || count > remaining()) {
      ok_ = false;
      position_ = bytes_.size();
      return false;
    }
    position_ += count;
    return true;
  }
  std::uint64_t integer(std::size_t count) {
    if (!take(count)) return 0;
    std::uint64_t value = 0;
    for (std::size_t i = position_ - count; i < position_; ++i) value = value << 8 | bytes_[i];
    return value;
  }

  Bytes bytes_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

/// Writes network byte order into a span of fixed size. Writing past the end writes nothing more
/// and makes `ok()` false for good.
class ByteWriter {
 public:
  explicit ByteWriter(MutableBytes space) : space_(space) {}

  bool ok() const { return ok_; }
  std::size_t size() const { return position_; }
  std::size_t space_left() const { return space_.size() - position_; }
  MutableBytes written() const { return space_.first(position_); }

  void u8(std::uint8_t value) { integer(value, 1); }
  void u16(std::uint16_t value) { integer(value, 2); }
  void u24(std::uint32_t value) { integer(value, 3); }
  void u32(std::uint32_t value) { integer(value, 4); }
  void u64(std::uint64_t value) { integer(value, 8); }
  void bytes(Bytes bytes) {
    if (!take(bytes.size()) || bytes.empty()) return;
    std::memcpy(space_.data() + position_ - bytes.size(), bytes.data(), bytes.size());
  }
  void zeros(std::size_t count) {
    if (!take(count) || count == 0) return;
    std::memset(space_.data() + position_ - count, 0, count);
  }
  /// Overwrites two bytes already written, e.g. a length known only at the end.
  void patch_u16(std::size_t at, std::uint16_t value) {
    if (at + 2 > position_) return;
    space_[at] = static_cast<std::uint8_t>(value >> 8);
    space_[at + 1] = static_cast<std::uint8_t>(value);
  }

 private:
  bool take(std::size_t count) {
    if (!ok_ || count > space_left()) return ok_ = false;
    position_ += count;
    return true;
  }
  void integer(std::uint64_t value, std::size_t count) {
    if (!take(count)) return;
    for (std::size_t i = 1; i <= count; ++i, value >>= 8) {
      space_[position_ - i] = static_cast<std::uint8_t>(value);
    }
  }

  MutableBytes space_;
  std::size_t position_ = 0;
  bool ok_ = true;
};

}  // namespace floe
