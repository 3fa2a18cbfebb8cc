#include "floe/rtp/receive/continuity.h"

namespace floe::rtp {
namespace {

constexpr std::uint8_t kAllLayers = 7;
constexpr std::uint16_t kPictureIdMask = 0x7fff;
// RFC 9628 section 4.2: a difference has seven bits, so nothing older is referred to.
constexpr std::size_t kReferenceWindow = 128;

/// 15-bit picture ids, spread so that an unwrapper of 16 bits takes their wraps.
std::uint16_t widened(std::uint16_t picture_id) {
  return static_cast<std::uint16_t>(picture_id << 1);
}

bool follows(std::optional<std::uint16_t> before, std::optional<std::uint16_t> after) {
  if (!before || !after) return false;
  // Seven-bit ids wrap at 128 (RFC 7741 section 4.2), 15-bit ones at 32,768.
  const unsigned next = *before + 1u;
  return *after == (next & kPictureIdMask) || (next == 128 && *after == 0);
}

}  // namespace

void Continuity::begin(const Frame& frame) {
  started_ = true;
  picture_id_.reset();
  tl0_.reset();
  intact_up_to_ = kAllLayers;
  decoded_.clear();
  if (const auto* vp8 = std::get_if<Vp8Fields>(&frame.codec)) {
    picture_id_ = vp8->picture_id;
    tl0_ = vp8->tl0_picture_index;
  } else if (const auto* vp9 = std::get_if<Vp9Fields>(&frame.codec)) {
    picture_id_ = vp9->picture_id;
    tl0_ = vp9->tl0_picture_index;
    if (picture_id_) decoded_.insert(picture_ids_.unwrap(widened(*picture_id_)));
  }
}

Decodable Continuity::check(const Frame& frame, bool gap) {
  if (frame.key_frame) {
    begin(frame);
    return Decodable::kYes;
  }
  if (!started_) return Decodable::kNeedsKeyFrame;
  Decodable answer = gap ? Decodable::kNeedsKeyFrame : Decodable::kYes;
  if (const auto* vp8 = std::get_if<Vp8Fields>(&frame.codec)) answer = check_vp8(*vp8, gap);
  if (const auto* vp9 = std::get_if<Vp9Fields>(&frame.codec)) answer = check_vp9(*vp9, gap);
  if (answer == Decodable::kNeedsKeyFrame) started_ = false;
  return answer;
}

Decodable Continuity::check_temporal(std::uint8_t temporal_id, std::uint8_t tl0, bool switches_up,
                                     bool gap) {
  if (gap) intact_up_to_ = 0;
  if (temporal_id == 0) {
    // Layer 0 depends on layer 0 alone.
    if (gap && (!tl0_ || tl0 != static_cast<std::uint8_t>(*tl0_ + 1))) {
      return Decodable::kNeedsKeyFrame;
    }
    tl0_ = tl0;
    return Decodable::kYes;
  }
  if (tl0_ && tl0 != *tl0_) return Decodable::kNeedsKeyFrame;
  if (temporal_id <= intact_up_to_) return Decodable::kYes;
  if (!switches_up) return Decodable::kNo;
  intact_up_to_ = temporal_id;
  return Decodable::kYes;
}

Decodable Continuity::check_vp8(const Vp8Fields& fields, bool gap) {
  // What was lost was no frame, but padding.
  if (gap && follows(picture_id_, fields.picture_id)) gap = false;
  Decodable answer = gap ? Decodable::kNeedsKeyFrame : Decodable::kYes;
  if (fields.temporal_id && fields.tl0_picture_index) {
    answer = check_temporal(*fields.temporal_id, *fields.tl0_picture_index, fields.layer_sync, gap);
  }
  picture_id_ = fields.picture_id;
  return answer;
}

Decodable Continuity::check_vp9(const Vp9Fields& fields, bool gap) {
  if (gap && follows(picture_id_, fields.picture_id)) gap = false;
  picture_id_ = fields.picture_id;
  if (fields.flexible_mode && fields.picture_id) {
    // Each frame names what it refers to.
    const std::int64_t id = picture_ids_.unwrap(widened(*fields.picture_id));
    for (std::size_t i = 0; i < fields.reference_count; ++i) {
      if (!decoded_.contains(id - 2 * fields.reference_differences[i])) {
        return fields.temporal_id.value_or(0) == 0 ? Decodable::kNeedsKeyFrame : Decodable::kNo;
      }
    }
    decoded_.insert(id);
    while (decoded_.size() > kReferenceWindow) decoded_.erase(decoded_.begin());
    return Decodable::kYes;
  }
  if (!fields.temporal_id || !fields.tl0_picture_index) {
    return gap ? Decodable::kNeedsKeyFrame : Decodable::kYes;
  }
  const Decodable answer =
      check_temporal(*fields.temporal_id, *fields.tl0_picture_index, false, gap);
  // RFC 9628 section 4.2: from a switching-up point on, higher layers refer to nothing before it.
  if (answer == Decodable::kYes && fields.switching_up_point) intact_up_to_ = kAllLayers;
  return answer;
}

}  // namespace floe::rtp
