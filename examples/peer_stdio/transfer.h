#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "floe/core/bytes.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/crypto/crypto.h"
#include "floe/peer/data_channel.h"
#include "output.h"

namespace peer_stdio {

/// Messages on their way in one direction, counted, with the digest of all their payloads.
class Tally {
 public:
  explicit Tally(floe::Time began) : began_(began) {}

  void count(floe::Bytes payload);
  std::uint64_t messages() const { return messages_; }
  /// The members "count", "bytes", "sha256" and "ms". Once.
  Json finish(floe::Time now);

 private:
  floe::Time began_;
  std::uint64_t messages_ = 0;
  std::uint64_t bytes_ = 0;
  floe::crypto::Sha256Stream digest_;
};

/// `send_many`: so many messages of one size, as fast as the channel takes them.
class Sending {
 public:
  Sending(floe::Time began, std::uint64_t count, std::size_t size, bool is_text)
      : tally_(began), count_(count), is_text_(is_text), payload_(size) {}

  /// Sends until the channel would block, or all have been taken: then true.
  floe::Result<bool> advance(floe::DataChannel& channel);
  Json finish(floe::Time now) { return tally_.finish(now); }

 private:
  void fill();

  Tally tally_;
  std::uint64_t count_;
  bool is_text_;
  std::vector<std::uint8_t> payload_;
  bool filled_ = false;
};

}  // namespace peer_stdio
