#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "floe/core/bytes.h"
#include "floe/rtp/packet.h"

// Redundant audio (RFC 2198): a packet repeats what some packets before it carried.
namespace floe::rtp {

struct RedBlock {
  std::uint8_t payload_type = 0;
  std::uint32_t timestamp_offset = 0;  ///< Ticks before the packet's timestamp; 0 for the last.
  Bytes payload{};
};

/// The blocks of one packet, oldest first; the last is the primary one.
class RedBlocks {
 public:
  /// Browsers repeat one or two packets; the header's 14 bits of offset end this at a third of a
  /// second anyway.
  static constexpr std::size_t kMaxBlocks = 32;

  /// Nothing if the lengths do not add up.
  static std::optional<RedBlocks> parse(Bytes payload);

  std::span<const RedBlock> redundant() const { return std::span(blocks_).first(count_ - 1); }
  const RedBlock& primary() const { return blocks_[count_ - 1]; }

 private:
  std::array<RedBlock, kMaxBlocks> blocks_{};
  std::size_t count_ = 0;
};

/// Turns a packet into that of its primary block alone, in place: the header moves up.
std::optional<Packet> unwrap_red(const Packet& red);

/// Writes a payload of these blocks, the primary one last; returns its size, 0 if it does not fit
/// or an offset (14 bits) or a size (10 bits) of a redundant block is too large.
std::size_t write_red(std::span<const RedBlock> blocks, MutableBytes space);

}  // namespace floe::rtp
