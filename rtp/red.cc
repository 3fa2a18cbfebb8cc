#include "floe/rtp/red.h"

#include <cstring>

namespace floe::rtp {
namespace {

constexpr std::uint8_t kFollowed = 0x80;
constexpr std::uint32_t kMaxOffset = 0x3fff;
constexpr std::size_t kMaxSize = 0x3ff;

}  // namespace

std::optional<RedBlocks> RedBlocks::parse(Bytes payload) {
  RedBlocks blocks;
  std::array<std::size_t, kMaxBlocks> sizes{};
  ByteReader reader(payload);
  bool followed = true;
  while (followed) {
    if (blocks.count_ == kMaxBlocks) return std::nullopt;
    const std::uint8_t first = reader.u8();
    RedBlock& block = blocks.blocks_[blocks.count_];
    block.payload_type = first & 0x7f;
    followed = (first & kFollowed) != 0;
    if (followed) {
      const std::uint32_t rest = reader.u24();
      block.timestamp_offset = rest >> 10;
      sizes[blocks.count_] = rest & kMaxSize;
    }
    ++blocks.count_;
    if (!reader.ok()) return std::nullopt;
  }
  for (std::size_t i = 0; i + 1 < blocks.count_; ++i) {
    blocks.blocks_[i].payload = reader.bytes(sizes[i]);
  }
  blocks.blocks_[blocks.count_ - 1].payload = reader.rest();
  return reader.ok() ? std::optional(blocks) : std::nullopt;
}

std::optional<Packet> unwrap_red(const Packet& red) {
  const auto blocks = RedBlocks::parse(red.payload());
  if (!blocks) return std::nullopt;
  const std::uint8_t payload_type = blocks->primary().payload_type;
  const std::size_t before = red.payload().size() - blocks->primary().payload.size();
  const MutableBytes bytes = red.bytes();
  std::memmove(bytes.data() + before, bytes.data(), red.header_size());
  auto packet = Packet::parse(bytes.subspan(before));
  if (packet) packet->set_payload_type(payload_type);
  return packet;
}

std::size_t write_red(std::span<const RedBlock> blocks, MutableBytes space) {
  if (blocks.empty() || blocks.size() > RedBlocks::kMaxBlocks) return 0;
  ByteWriter writer(space);
  for (const RedBlock& block : blocks.first(blocks.size() - 1)) {
    if (block.timestamp_offset > kMaxOffset || block.payload.size() > kMaxSize) return 0;
    writer.u8(static_cast<std::uint8_t>(kFollowed | block.payload_type));
    writer.u24(block.timestamp_offset << 10 | static_cast<std::uint32_t>(block.payload.size()));
  }
  writer.u8(blocks.back().payload_type & 0x7f);
  for (const RedBlock& block : blocks) writer.bytes(block.payload);
  return writer.ok() ? writer.size() : 0;
}

}  // namespace floe::rtp
