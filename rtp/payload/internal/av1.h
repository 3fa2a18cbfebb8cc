#pragma once

#include <vector>

#include "floe/rtp/payload/payload_format.h"

namespace floe::rtp {

/// A temporal unit (OBUs with sizes) that begins a coded video sequence: it has a sequence header
/// and a key frame.
bool is_av1_key_frame(Bytes temporal_unit);

/// The AV1 RTP specification, version 1.0. Temporal delimiters and tile lists do not travel.
class Av1Packetizer final : public Packetizer {
 public:
  [[nodiscard]] Result<> start(const FrameView& frame, std::size_t max_payload) override;
  std::optional<Piece> next(MutableBytes space) override;

 private:
  /// An OBU without its size field.
  struct Unit {
    std::size_t header_size = 0;  // 1, or 2 with an extension
    std::uint8_t header[2]{};
    Bytes body{};
    std::size_t size() const { return header_size + body.size(); }
    void write(ByteWriter& writer, std::size_t from, std::size_t count) const;
  };
  struct Element {
    std::size_t unit = 0;
    std::size_t from = 0;
    std::size_t size = 0;
  };

  std::vector<Unit> units_;
  std::vector<Element> elements_;  // of one packet, kept for its memory
  std::size_t next_ = 0;           // in units_
  std::size_t offset_ = 0;         // in units_[next_]
  std::size_t max_payload_ = 0;
  bool marker_ = false;
  bool new_sequence_ = false;
};

/// What comes out is a temporal unit as AV1's section 7.5 wants it: a temporal delimiter, then all
/// OBUs with sizes.
class Av1Depacketizer final : public Depacketizer {
 public:
  std::optional<PayloadShape> inspect(Bytes payload) const override;
  bool assemble(std::span<const Bytes> payloads, Frame& frame) override;

 private:
  std::vector<std::uint8_t> fragment_;  // kept for its memory
};

}  // namespace floe::rtp
