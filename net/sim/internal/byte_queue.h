#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "floe/core/bytes.h"

namespace floe::net::sim {

/// Bytes that are appended at the end, looked at anywhere and taken from the front.
class ByteQueue {
 public:
  std::size_t size() const { return bytes_.size() - front_; }
  bool empty() const { return size() == 0; }
  void append(Bytes bytes) { bytes_.insert(bytes_.end(), bytes.begin(), bytes.end()); }
  Bytes view(std::size_t at, std::size_t size) const {
    return Bytes(bytes_).subspan(front_ + at, size);
  }
  void consume(std::size_t size) {
    front_ += size;
    if (front_ * 2 < bytes_.size()) return;  // Moving less than was consumed keeps this cheap.
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(front_));
    front_ = 0;
  }
  /// Keeps the first `size` bytes.
  void truncate(std::size_t size) { bytes_.resize(front_ + std::min(size, this->size())); }
  std::vector<std::uint8_t> take_all() {
    std::vector<std::uint8_t> all(bytes_.begin() + static_cast<std::ptrdiff_t>(front_),
                                  bytes_.end());
    bytes_.clear();
    front_ = 0;
    return all;
  }

 private:
  std::vector<std::uint8_t> bytes_;
  std::size_t front_ = 0;
};

}  // namespace floe::net::sim
