#pragma once

#include "floe/rtp/payload/internal/even_split.h"
#include "floe/rtp/payload/payload_format.h"

namespace floe::rtp {

bool is_vp9_key_frame(Bytes frame);

/// RFC 9628. What is sent is one layer frame after the other; what is received is put together to
/// whole pictures: all the layer frames of one timestamp behind one another, as decoders take them.
class Vp9Packetizer final : public Packetizer {
 public:
  [[nodiscard]] Result<> start(const FrameView& frame, std::size_t max_payload) override;
  std::optional<Piece> next(MutableBytes space) override;

 private:
  void write_descriptor(ByteWriter& writer, bool begins, bool ends) const;

  Vp9Fields fields_;
  Bytes frame_;
  EvenSplit split_;
  bool marker_ = false;
};

class Vp9Depacketizer final : public Depacketizer {
 public:
  std::optional<PayloadShape> inspect(Bytes payload) const override;
  bool assemble(std::span<const Bytes> payloads, Frame& frame) override;
};

}  // namespace floe::rtp
