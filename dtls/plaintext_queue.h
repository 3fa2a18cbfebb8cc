#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "floe/core/bytes.h"

namespace floe::dtls {

/// Decrypted records on their way to the application, back to back in one growing buffer that is
/// used again from its start whenever it has been emptied: no allocation per record.
class PlaintextQueue {
 public:
  /// Two GRO trains of 64 KiB: what one round of a pump may hand in before it polls, and far more
  /// than a peer sends before it has heard from us.
  static constexpr std::size_t kMaxBytes = 128 * 1024;

  /// Room for one record of up to `size` bytes, to be followed by `commit`; empty if the queue is
  /// full. Invalidates what `pop` returned.
  MutableBytes open(std::size_t size);
  void commit(std::size_t size);
  std::optional<MutableBytes> pop();
  void clear();

 private:
  std::vector<std::uint8_t> storage_;
  std::vector<std::size_t> ends_;  // of each record in storage_
  std::size_t next_ = 0;           // index into ends_ of the next to pop
};

}  // namespace floe::dtls
