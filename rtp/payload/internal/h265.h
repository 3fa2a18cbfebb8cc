#pragma once

#include "floe/rtp/payload/internal/nal_units.h"
#include "floe/rtp/payload/payload_format.h"

namespace floe::rtp {

/// An access unit (Annex B) with an IRAP picture.
bool is_h265_key_frame(Bytes annex_b);

/// RFC 7798: single NAL units, aggregation packets and fragmentation units, all in decoding order
/// (sprop-max-don-diff is 0).
class H265Packetizer final : public NalPacketizer {
 public:
  H265Packetizer() : NalPacketizer(2, true) {}

 private:
  void write_aggregation_header(ByteWriter& writer, std::span<const Bytes> units) const override;
  void write_fragment_header(ByteWriter& writer, Bytes unit, bool first, bool last) const override;
};

/// PACI packets, which nobody in WebRTC sends, are refused.
class H265Depacketizer final : public NalDepacketizer {
 public:
  H265Depacketizer() : NalDepacketizer(2) {}

 private:
  bool read(Bytes payload, std::vector<NalPart>& parts) const override;
  bool is_key(std::uint8_t type) const override;
  bool is_parameter_set(std::uint8_t type) const override;
  bool begins_picture(const NalPart& part) const override;
};

}  // namespace floe::rtp
