#pragma once

#include "floe/rtp/payload/internal/even_split.h"
#include "floe/rtp/payload/payload_format.h"

namespace floe::rtp {

bool is_vp8_key_frame(Bytes frame);

/// RFC 7741. A frame is one partition as far as the descriptor goes, as browsers send it.
class Vp8Packetizer final : public Packetizer {
 public:
  [[nodiscard]] Result<> start(const FrameView& frame, std::size_t max_payload) override;
  std::optional<Piece> next(MutableBytes space) override;

 private:
  Vp8Fields fields_;
  Bytes frame_;
  EvenSplit split_;
  bool marker_ = false;
};

class Vp8Depacketizer final : public Depacketizer {
 public:
  std::optional<PayloadShape> inspect(Bytes payload) const override;
  bool assemble(std::span<const Bytes> payloads, Frame& frame) override;
};

}  // namespace floe::rtp
