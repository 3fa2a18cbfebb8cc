#include "floe/rtp/payload/internal/vp8.h"

#include <algorithm>

namespace floe::rtp {
namespace {

// Of the first byte (RFC 7741 section 4.2) ...
constexpr std::uint8_t kExtended = 0x80;
constexpr std::uint8_t kNonReference = 0x20;
constexpr std::uint8_t kStart = 0x10;
constexpr std::uint8_t kPartitionMask = 0x07;
// ... and of the second.
constexpr std::uint8_t kPictureId = 0x80;
constexpr std::uint8_t kTl0PictureIndex = 0x40;
constexpr std::uint8_t kTemporalId = 0x20;
constexpr std::uint8_t kKeyIndex = 0x10;

struct Descriptor {
  Vp8Fields fields;
  bool start = false;
  std::uint8_t partition = 0;
  Bytes payload;
};

std::optional<Descriptor> read(Bytes payload) {
  ByteReader reader(payload);
  Descriptor descriptor;
  const std::uint8_t first = reader.u8();
  descriptor.fields.non_reference = (first & kNonReference) != 0;
  descriptor.start = (first & kStart) != 0;
  descriptor.partition = first & kPartitionMask;
  if ((first & kExtended) != 0) {
    const std::uint8_t second = reader.u8();
    if ((second & kPictureId) != 0) {
      const std::uint8_t id = reader.u8();
      descriptor.fields.picture_id =
          (id & 0x80) != 0 ? static_cast<std::uint16_t>((id & 0x7f) << 8 | reader.u8()) : id;
    }
    if ((second & kTl0PictureIndex) != 0) descriptor.fields.tl0_picture_index = reader.u8();
    if ((second & (kTemporalId | kKeyIndex)) != 0) {
      const std::uint8_t layer = reader.u8();
      if ((second & kTemporalId) != 0) {
        descriptor.fields.temporal_id = layer >> 6;
        descriptor.fields.layer_sync = (layer & 0x20) != 0;
      }
    }
  }
  descriptor.payload = reader.rest();
  if (!reader.ok() || descriptor.payload.empty()) return std::nullopt;
  return descriptor;
}

std::size_t descriptor_size(const Vp8Fields& fields) {
  std::size_t size = 1;
  const bool extended = fields.picture_id || fields.tl0_picture_index || fields.temporal_id;
  if (extended) ++size;
  if (fields.picture_id) size += 2;
  if (fields.tl0_picture_index) ++size;
  if (fields.temporal_id) ++size;
  return size;
}

}  // namespace

bool is_vp8_key_frame(Bytes frame) {
  // RFC 7741 section 4.3: P is zero in key frames.
  return !frame.empty() && (frame[0] & 1) == 0;
}

Result<> Vp8Packetizer::start(const FrameView& frame, std::size_t max_payload) {
  if (frame.payload.empty()) return fail(Errc::kMalformed, "a VP8 frame has at least one byte");
  if (frame.payload.size() > kMaxFrameSize) {
    return fail(Errc::kLimitExceeded, "the VP8 frame is larger than 8 MiB");
  }
  const auto* fields = std::get_if<Vp8Fields>(&frame.codec);
  fields_ = fields != nullptr ? *fields : Vp8Fields{};
  frame_ = frame.payload;
  split_ = EvenSplit(frame_.size(), max_payload - descriptor_size(fields_));
  marker_ = frame.marker;
  return {};
}

std::optional<Piece> Vp8Packetizer::next(MutableBytes space) {
  if (split_.done()) return std::nullopt;
  const bool extended = descriptor_size(fields_) > 1;
  const bool first = split_.left() == frame_.size();
  ByteWriter writer(space);
  writer.u8(static_cast<std::uint8_t>((extended ? kExtended : 0) |
                                      (fields_.non_reference ? kNonReference : 0) |
                                      (first ? kStart : 0)));
  if (extended) {
    writer.u8(static_cast<std::uint8_t>((fields_.picture_id ? kPictureId : 0) |
                                        (fields_.tl0_picture_index ? kTl0PictureIndex : 0) |
                                        (fields_.temporal_id ? kTemporalId : 0)));
    // Always 15 bits: section 4.2 forbids to change between the two while counting up.
    if (fields_.picture_id) writer.u16(*fields_.picture_id | 0x8000);
    if (fields_.tl0_picture_index) writer.u8(*fields_.tl0_picture_index);
    if (fields_.temporal_id) {
      writer.u8(static_cast<std::uint8_t>((*fields_.temporal_id & 3) << 6 |
                                          (fields_.layer_sync ? 0x20 : 0)));
    }
  }
  const std::size_t at = frame_.size() - split_.left();
  writer.bytes(frame_.subspan(at, split_.next()));
  return Piece{writer.size(), marker_ && split_.done(), 0};
}

std::optional<PayloadShape> Vp8Depacketizer::inspect(Bytes payload) const {
  const auto descriptor = read(payload);
  if (!descriptor) return std::nullopt;
  const bool begins = descriptor->start && descriptor->partition == 0;
  return PayloadShape{begins ? Begins::kYes : Begins::kNo,
                      begins && is_vp8_key_frame(descriptor->payload)};
}

bool Vp8Depacketizer::assemble(std::span<const Bytes> payloads, Frame& frame) {
  frame.payload.clear();
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    const auto descriptor = read(payloads[i]);
    if (!descriptor) return false;
    const bool begins = descriptor->start && descriptor->partition == 0;
    if (begins != (i == 0)) return false;
    if (i == 0) frame.codec = descriptor->fields;
    const Bytes piece = descriptor->payload;
    if (piece.size() > kMaxFrameSize - frame.payload.size()) return false;
    frame.payload.insert(frame.payload.end(), piece.begin(), piece.end());
  }
  frame.key_frame = is_vp8_key_frame(frame.payload);
  return !frame.payload.empty();
}

}  // namespace floe::rtp
