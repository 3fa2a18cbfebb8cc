#pragma once

#include <algorithm>
#include <cstddef>

namespace floe::rtp {

/// Cuts `total` bytes into the fewest pieces of at most `max`, all about equally large: a frame's
/// last packet should not be tiny, since it costs as many headers and is lost as easily.
class EvenSplit {
 public:
  EvenSplit() = default;
  EvenSplit(std::size_t total, std::size_t max)
      : left_(total), pieces_(std::max<std::size_t>(1, (total + max - 1) / max)) {}

  bool done() const { return pieces_ == 0; }
  bool last() const { return pieces_ == 1; }
  std::size_t left() const { return left_; }
  std::size_t next() {
    const std::size_t size = (left_ + pieces_ - 1) / pieces_;
    left_ -= size;
    --pieces_;
    return size;
  }

 private:
  std::size_t left_ = 0;
  std::size_t pieces_ = 0;
};

}  // namespace floe::rtp
