#pragma once

#include "floe/rtp/payload/payload_format.h"

namespace floe::rtp {

/// Formats whose packet is the frame: Opus (RFC 7587), G.711 and G.722 (RFC 3551), and raw ones.
/// G.711 and G.722 have one byte for each tick of their clocks (G.722 says 8,000 Hz where it
/// samples with 16,000; RFC 3551 section 4.5.2), so their frames are cut wherever a packet ends,
/// and the timestamps go on. Others must fit.
class WholePacketizer final : public Packetizer {
 public:
  explicit WholePacketizer(Codec codec) : codec_(codec) {}
  [[nodiscard]] Result<> start(const FrameView& frame, std::size_t max_payload) override;
  std::optional<Piece> next(MutableBytes space) override;

 private:
  Codec codec_;
  Bytes left_;
  std::size_t max_payload_ = 0;
  std::uint32_t offset_ = 0;
  bool marker_ = false;
};

class WholeDepacketizer final : public Depacketizer {
 public:
  std::optional<PayloadShape> inspect(Bytes payload) const override;
  bool assemble(std::span<const Bytes> payloads, Frame& frame) override;
};

}  // namespace floe::rtp
