#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "floe/core/bytes.h"

namespace floe::sctp::internal {

/// Packets back to back in one piece of memory, which is kept from round to round unless it grew
/// large, so that a busy association allocates nothing and an idle one holds little.
class PacketQueue {
 public:
  bool empty() const { return next_ == ends_.size(); }
  std::size_t bytes() const { return bytes_.size(); }

  /// Appends a packet; the returned bytes may be written to.
  MutableBytes push(Bytes packet) {
    const std::size_t start = bytes_.size();
    bytes_.insert(bytes_.end(), packet.begin(), packet.end());
    ends_.push_back(bytes_.size());
    return MutableBytes(bytes_).subspan(start);
  }
  /// The view is valid until the queue is changed.
  std::optional<Bytes> pop() {
    if (empty()) return std::nullopt;
    const std::size_t start = next_ == 0 ? 0 : ends_[next_ - 1];
    return Bytes(bytes_).subspan(start, ends_[next_++] - start);
  }
  void clear() {
    bytes_.clear();
    ends_.clear();
    next_ = 0;
    if (bytes_.capacity() > kKeep) bytes_.shrink_to_fit();
    if (ends_.capacity() > kKeep / sizeof(std::size_t)) ends_.shrink_to_fit();
  }

 private:
  /// Two bursts of an association in full flight; more is only needed in the odd round.
  static constexpr std::size_t kKeep = 128 * 1024;

  std::vector<std::uint8_t> bytes_;
  std::vector<std::size_t> ends_;
  std::size_t next_ = 0;
};

}  // namespace floe::sctp::internal
