#include "floe/rtp/receive/frame_buffer.h"

#include <algorithm>

namespace floe::rtp {

void FrameBuffer::add_format(std::uint8_t payload_type, const PayloadFormat& format,
                             Bytes parameter_sets) {
  auto depacketizer = make_depacketizer(format);
  if (!parameter_sets.empty()) depacketizer->set_parameter_sets(parameter_sets);
  formats_.push_back({payload_type, is_video(format.codec), std::move(depacketizer)});
}

FrameBuffer::Format* FrameBuffer::format_of(std::uint8_t payload_type) {
  const auto found = std::find_if(formats_.begin(), formats_.end(), [&](const Format& format) {
    return format.payload_type == payload_type;
  });
  return found == formats_.end() ? nullptr : &*found;
}

FrameBuffer::Outcome FrameBuffer::insert(Time now, const Payload& payload) {
  if (!next_) next_ = payload.sequence;
  if (payload.sequence < *next_) return Outcome::kLate;
  if (slots_.contains(payload.sequence)) return Outcome::kDuplicate;
  if (full()) return Outcome::kFull;
  Slot slot;
  Bytes bytes = payload.bytes;
  Outcome outcome = Outcome::kKept;
  if (!bytes.empty()) {
    const Format* format = format_of(payload.payload_type);
    const auto shape = format != nullptr ? format->depacketizer->inspect(bytes) : std::nullopt;
    if (shape) slot.shape = *shape;
    // Its number is not missing, so nothing waits for it. A malformed piece stays, to spoil its
    // frame; what is no piece of a frame is like padding.
    else if (format == nullptr || !format->video)
      bytes = {};
    if (format == nullptr)
      outcome = Outcome::kUnknownFormat;
    else if (!shape)
      outcome = Outcome::kMalformed;
  }
  slot.bytes.assign(bytes.begin(), bytes.end());
  slot.timestamp = payload.timestamp;
  slot.marker = payload.marker;
  slot.payload_type = payload.payload_type;
  slot.arrived = now;
  bytes_ += slot.bytes.size();
  slots_.emplace(payload.sequence, std::move(slot));
  return outcome;
}

void FrameBuffer::restart(std::int64_t sequence) {
  slots_.clear();
  bytes_ = 0;
  scan_ = {};
  next_ = sequence;
  previous_.reset();
  gap_ = true;
  needs_key_frame_ = video_;
  deadline_ = kNever;
}

bool FrameBuffer::wants_key_frame() const {
  if (!needs_key_frame_) return false;
  const auto first = next_ ? slots_.find(*next_) : slots_.end();
  return first == slots_.end() || first->second.shape.begins != Begins::kYes ||
         !first->second.shape.key_frame;
}

std::optional<ReceivedFrame> FrameBuffer::next(Time now) {
  ReceivedFrame frame;
  deadline_ = kNever;
  while (next_ && !slots_.empty()) {
    switch (step(now, frame)) {
      case Step::kWait:
        return std::nullopt;
      case Step::kFrame:
        return frame;
      case Step::kAgain:
        break;
    }
  }
  return std::nullopt;
}

/// Either waits, or removes at least one packet, or moves on over a gap.
FrameBuffer::Step FrameBuffer::step(Time now, ReceivedFrame& frame) {
  if (needs_key_frame_ && jump_to_key_frame()) return Step::kAgain;
  const auto first = slots_.find(*next_);
  if (first == slots_.end()) return wait_or_skip(now);
  const Slot& slot = first->second;
  if (slot.bytes.empty()) {
    // Padding between frames. It neither ends one nor begins one.
    slots_.erase(first);
    ++*next_;
    return Step::kAgain;
  }
  if (!begins_frame(slot) || (needs_key_frame_ && !slot.shape.key_frame)) {
    drop_next();
    return Step::kAgain;
  }
  const auto last = last_of_frame(*next_);
  return last ? take(*last, frame) : wait_or_skip(now);
}

bool FrameBuffer::begins_frame(const Slot& slot) const {
  if (slot.shape.begins == Begins::kYes) return true;
  return slot.shape.begins == Begins::kMaybe && previous_ &&
         (previous_->marker || previous_->timestamp != slot.timestamp);
}

std::optional<std::int64_t> FrameBuffer::last_of_frame(std::int64_t first) {
  const Slot& begin = slots_.find(first)->second;
  // A large frame's packets are looked at once, not again with each that comes.
  if (scan_.first != first) scan_ = {first, first, first};
  for (auto it = slots_.find(scan_.next); it != slots_.end() && it->first == scan_.next; ++it) {
    const Slot& slot = it->second;
    if (!slot.bytes.empty()) {
      // Some senders forget the marker; another timestamp is as good.
      if (slot.timestamp != begin.timestamp || slot.payload_type != begin.payload_type) {
        return scan_.last;
      }
      scan_.last = scan_.next;
      if (slot.marker || !video_) return scan_.last;
    }
    ++scan_.next;
  }
  return std::nullopt;
}

/// The first packet from next_ on that is missing.
std::int64_t FrameBuffer::first_missing() const {
  std::int64_t missing = *next_;
  if (scan_.first == missing) missing = scan_.next;
  for (auto it = slots_.find(missing); it != slots_.end() && it->first == missing; ++it) ++missing;
  return missing;
}

FrameBuffer::Step FrameBuffer::wait_or_skip(Time now) {
  const std::int64_t missing = first_missing();
  const auto after = slots_.upper_bound(missing);
  if (after == slots_.end()) {
    if (!full()) return Step::kWait;  // the rest has not been sent yet
    next_ = missing;                  // a frame without an end
  } else {
    const Time deadline = after->second.arrived + max_wait_;
    if (now < deadline && !full()) {
      deadline_ = deadline;
      return Step::kWait;
    }
    next_ = after->first;
  }
  erase_before(*next_);
  previous_.reset();
  gap_ = true;
  return Step::kAgain;
}

void FrameBuffer::erase_before(std::int64_t sequence) {
  const auto end = slots_.lower_bound(sequence);
  for (auto it = slots_.begin(); it != end; ++it) bytes_ -= it->second.bytes.size();
  slots_.erase(slots_.begin(), end);
}

void FrameBuffer::drop_next() {
  const Slot& slot = slots_.begin()->second;
  previous_ = Previous{slot.timestamp, slot.marker};
  gap_ = true;
  ++*next_;
  erase_before(*next_);
}

bool FrameBuffer::jump_to_key_frame() {
  for (const auto& [sequence, slot] : slots_) {
    if (slot.bytes.empty() || slot.shape.begins != Begins::kYes || !slot.shape.key_frame) continue;
    if (sequence == *next_) return false;
    next_ = sequence;
    erase_before(sequence);
    gap_ = true;
    previous_.reset();
    return true;
  }
  return false;
}

FrameBuffer::Step FrameBuffer::take(std::int64_t last, ReceivedFrame& received) {
  std::vector<Bytes> payloads;
  const auto first = slots_.find(*next_);
  const auto end = slots_.upper_bound(last);
  received = {};
  received.payload_type = first->second.payload_type;
  received.frame.timestamp = first->second.timestamp;
  for (auto it = first; it != end; ++it) {
    const Slot& slot = it->second;
    received.received = std::max(received.received, slot.arrived);
    if (slot.bytes.empty()) continue;
    payloads.push_back(slot.bytes);
    received.frame.marker = slot.marker;
    previous_ = Previous{slot.timestamp, slot.marker};
  }
  received.packets = payloads.size();
  received.gap = gap_;
  Format* format = format_of(received.payload_type);
  const bool fits = format != nullptr && format->depacketizer->assemble(payloads, received.frame);
  next_ = last + 1;
  erase_before(*next_);
  if (!fits) {
    ++dropped_frames_;
    gap_ = true;
    return Step::kAgain;
  }
  if (!video_ || !format->video) {
    gap_ = false;
    return Step::kFrame;
  }
  const Decodable decodable = continuity_.check(received.frame, gap_);
  if (decodable == Decodable::kYes) {
    gap_ = false;
    needs_key_frame_ = false;
    return Step::kFrame;
  }
  ++dropped_frames_;
  // Continuity knows of this gap now; the next frame's is another one.
  gap_ = false;
  if (decodable == Decodable::kNeedsKeyFrame) needs_key_frame_ = true;
  return Step::kAgain;
}

}  // namespace floe::rtp
