#pragma once

#include "floe/rtp/payload/internal/nal_units.h"
#include "floe/rtp/payload/payload_format.h"

namespace floe::rtp {

/// An access unit (Annex B) with an IDR picture.
bool is_h264_key_frame(Bytes annex_b);

/// RFC 6184: single NAL units, STAP-A and FU-A.
class H264Packetizer final : public NalPacketizer {
 public:
  explicit H264Packetizer(std::uint8_t packetization_mode)
      : NalPacketizer(1, packetization_mode != 0) {}

 private:
  void write_aggregation_header(ByteWriter& writer, std::span<const Bytes> units) const override;
  void write_fragment_header(ByteWriter& writer, Bytes unit, bool first, bool last) const override;
};

/// The interleaved mode (STAP-B, MTAP, FU-B), which nobody in WebRTC offers, is refused.
class H264Depacketizer final : public NalDepacketizer {
 public:
  H264Depacketizer() : NalDepacketizer(1) {}

 private:
  bool read(Bytes payload, std::vector<NalPart>& parts) const override;
  bool is_key(std::uint8_t type) const override;
  bool is_parameter_set(std::uint8_t type) const override;
  bool begins_picture(const NalPart& part) const override;
};

}  // namespace floe::rtp
