#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "floe/core/time.h"

namespace floe::rtp {

/// What became of one packet that this side sent, as the peer's feedback tells. Congestion control
/// lives on these.
struct PacketResult {
  std::int64_t sequence = 0;  ///< The transport-wide sequence number, unwrapped.
  Time sent{};                ///< By this side's clock.
  std::size_t size = 0;       ///< Bytes, as they were handed to `SentPackets::add`.
  /// By the peer's clock, whose beginning nobody knows: only differences mean anything. Nothing:
  /// the packet was lost, as far as the peer can tell yet.
  std::optional<Duration> received{};
};

}  // namespace floe::rtp
