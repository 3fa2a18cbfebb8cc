#include "floe/rtp/payload/internal/vp9.h"

#include <algorithm>

namespace floe::rtp {
namespace {

// RFC 9628 section 4.2.
constexpr std::uint8_t kPictureId = 0x80;
constexpr std::uint8_t kPredicted = 0x40;
constexpr std::uint8_t kLayers = 0x20;
constexpr std::uint8_t kFlexible = 0x10;
constexpr std::uint8_t kBegins = 0x08;
constexpr std::uint8_t kEnds = 0x04;
constexpr std::uint8_t kStructure = 0x02;
constexpr std::uint8_t kNoReferenceForUpper = 0x01;
constexpr std::size_t kMaxReferences = 3;

struct Descriptor {
  Vp9Fields fields;
  bool begins = false;
  bool ends = false;
  Bytes payload;
};

/// Section 4.2.1. The structure is for forwarding servers; it is walked over.
void skip_structure(ByteReader& reader) {
  const std::uint8_t first = reader.u8();
  const std::size_t layers = (first >> 5) + std::size_t{1};
  if ((first & 0x10) != 0) reader.skip(4 * layers);
  if ((first & 0x08) == 0) return;
  const std::size_t pictures = reader.u8();
  for (std::size_t i = 0; i < pictures && reader.ok(); ++i) reader.skip(reader.u8() >> 2 & 3);
}

std::optional<Descriptor> read(Bytes payload) {
  ByteReader reader(payload);
  Descriptor descriptor;
  Vp9Fields& fields = descriptor.fields;
  const std::uint8_t first = reader.u8();
  fields.inter_picture_predicted = (first & kPredicted) != 0;
  fields.flexible_mode = (first & kFlexible) != 0;
  fields.non_reference_for_upper = (first & kNoReferenceForUpper) != 0;
  descriptor.begins = (first & kBegins) != 0;
  descriptor.ends = (first & kEnds) != 0;
  if ((first & kPictureId) != 0) {
    const std::uint8_t id = reader.u8();
    fields.picture_id =
        (id & 0x80) != 0 ? static_cast<std::uint16_t>((id & 0x7f) << 8 | reader.u8()) : id;
  }
  if ((first & kLayers) != 0) {
    const std::uint8_t layer = reader.u8();
    fields.temporal_id = layer >> 5;
    fields.switching_up_point = (layer & 0x10) != 0;
    fields.spatial_id = layer >> 1 & 7;
    fields.inter_layer_predicted = (layer & 1) != 0;
    if (!fields.flexible_mode) fields.tl0_picture_index = reader.u8();
  }
  if (fields.flexible_mode && fields.inter_picture_predicted) {
    bool more = true;
    while (more && reader.ok()) {
      if (fields.reference_count == kMaxReferences) return std::nullopt;
      const std::uint8_t reference = reader.u8();
      fields.reference_differences[fields.reference_count++] = reference >> 1;
      more = (reference & 1) != 0;
    }
  }
  if ((first & kStructure) != 0) skip_structure(reader);
  descriptor.payload = reader.rest();
  if (!reader.ok() || descriptor.payload.empty()) return std::nullopt;
  return descriptor;
}

std::size_t descriptor_size(const Vp9Fields& fields) {
  std::size_t size = 1;
  if (fields.picture_id) size += 2;
  if (fields.temporal_id) size += fields.flexible_mode ? 1 : 2;
  if (fields.flexible_mode && fields.inter_picture_predicted) size += fields.reference_count;
  return size;
}

/// The picture's first layer frame: nothing of the same picture comes before it.
bool begins_picture(const Descriptor& descriptor) {
  return descriptor.begins && !descriptor.fields.inter_layer_predicted &&
         descriptor.fields.spatial_id == 0;
}

bool begins_key_picture(const Descriptor& descriptor) {
  if (!begins_picture(descriptor) || descriptor.fields.inter_picture_predicted) return false;
  // FFmpeg sends neither picture ids nor P: there the frame itself has to tell.
  return descriptor.fields.picture_id || is_vp9_key_frame(descriptor.payload);
}

}  // namespace

bool is_vp9_key_frame(Bytes frame) {
  // The uncompressed header: marker (2 bits, 2), profile (2, low bit first, and a reserved one for
  // profile 3), show_existing_frame, frame_type: 0 is a key frame.
  if (frame.empty() || frame[0] >> 6 != 2) return false;
  const bool third_profile = (frame[0] & 0x30) == 0x30;
  const unsigned bits = frame[0] >> (third_profile ? 1 : 2) & 3u;
  return bits == 0;
}

Result<> Vp9Packetizer::start(const FrameView& frame, std::size_t max_payload) {
  if (frame.payload.empty()) return fail(Errc::kMalformed, "a VP9 frame has at least one byte");
  if (frame.payload.size() > kMaxFrameSize) {
    return fail(Errc::kLimitExceeded, "the VP9 frame is larger than 8 MiB");
  }
  if (const auto* fields = std::get_if<Vp9Fields>(&frame.codec)) {
    fields_ = *fields;
    if (fields_.flexible_mode && fields_.inter_picture_predicted &&
        (fields_.reference_count == 0 || fields_.reference_count > kMaxReferences)) {
      return fail(Errc::kInvalidArgument,
                  "a predicted frame in flexible mode has one to three references");
    }
    // Section 4.2: flexible mode is told by picture ids.
    if (fields_.flexible_mode && !fields_.picture_id) {
      return fail(Errc::kInvalidArgument, "flexible mode needs a picture id");
    }
  } else {
    fields_ = {};
    fields_.inter_picture_predicted = !is_vp9_key_frame(frame.payload);
  }
  frame_ = frame.payload;
  split_ = EvenSplit(frame_.size(), max_payload - descriptor_size(fields_));
  marker_ = frame.marker;
  return {};
}

void Vp9Packetizer::write_descriptor(ByteWriter& writer, bool begins, bool ends) const {
  writer.u8(static_cast<std::uint8_t>(
      (fields_.picture_id ? kPictureId : 0) | (fields_.inter_picture_predicted ? kPredicted : 0) |
      (fields_.temporal_id ? kLayers : 0) | (fields_.flexible_mode ? kFlexible : 0) |
      (begins ? kBegins : 0) | (ends ? kEnds : 0) |
      (fields_.non_reference_for_upper ? kNoReferenceForUpper : 0)));
  if (fields_.picture_id) writer.u16(*fields_.picture_id | 0x8000);
  if (fields_.temporal_id) {
    writer.u8(static_cast<std::uint8_t>(
        (*fields_.temporal_id & 7) << 5 | (fields_.switching_up_point ? 0x10 : 0) |
        (fields_.spatial_id & 7) << 1 | (fields_.inter_layer_predicted ? 1 : 0)));
    if (!fields_.flexible_mode) writer.u8(fields_.tl0_picture_index.value_or(0));
  }
  if (fields_.flexible_mode && fields_.inter_picture_predicted) {
    for (std::size_t i = 0; i < fields_.reference_count; ++i) {
      const bool more = i + 1 < fields_.reference_count;
      writer.u8(static_cast<std::uint8_t>(fields_.reference_differences[i] << 1 | (more ? 1 : 0)));
    }
  }
}

std::optional<Piece> Vp9Packetizer::next(MutableBytes space) {
  if (split_.done()) return std::nullopt;
  ByteWriter writer(space);
  write_descriptor(writer, split_.left() == frame_.size(), split_.last());
  const std::size_t at = frame_.size() - split_.left();
  writer.bytes(frame_.subspan(at, split_.next()));
  return Piece{writer.size(), marker_ && split_.done(), 0};
}

std::optional<PayloadShape> Vp9Depacketizer::inspect(Bytes payload) const {
  const auto descriptor = read(payload);
  if (!descriptor) return std::nullopt;
  return PayloadShape{begins_picture(*descriptor) ? Begins::kYes
                      : descriptor->begins        ? Begins::kMaybe
                                                  : Begins::kNo,
                      begins_key_picture(*descriptor)};
}

bool Vp9Depacketizer::assemble(std::span<const Bytes> payloads, Frame& frame) {
  frame.payload.clear();
  frame.key_frame = false;
  bool in_layer_frame = false;
  for (std::size_t i = 0; i < payloads.size(); ++i) {
    const auto descriptor = read(payloads[i]);
    // Each layer frame begins with B and ends with E.
    if (!descriptor || descriptor->begins == in_layer_frame) return false;
    in_layer_frame = !descriptor->ends;
    if (i == 0) {
      frame.codec = descriptor->fields;
      frame.key_frame = begins_key_picture(*descriptor);
    }
    const Bytes piece = descriptor->payload;
    if (piece.size() > kMaxFrameSize - frame.payload.size()) return false;
    frame.payload.insert(frame.payload.end(), piece.begin(), piece.end());
  }
  return !in_layer_frame && !frame.payload.empty();
}

}  // namespace floe::rtp
