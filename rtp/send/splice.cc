#include "floe/rtp/send/splice.h"

#include <algorithm>

namespace floe::rtp {

void Splice::begin(Time now, const Packet& packet) {
  ssrc_ = packet.ssrc();
  incoming_ = {};
  const std::int64_t sequence = incoming_.unwrap(packet.sequence_number());
  std::int64_t next = 0;
  std::uint32_t timestamp = 0;
  if (last_) {
    next = last_->sequence + 1;
    // As much later as it is, and never at the same instant.
    const double elapsed = std::chrono::duration<double>(now - last_->at).count() * clock_rate_;
    timestamp = last_->timestamp + static_cast<std::uint32_t>(std::max<std::int64_t>(
                                       1, static_cast<std::int64_t>(elapsed)));
  }
  shifts_.assign(1, {sequence, next - sequence});
  timestamp_offset_ = timestamp - packet.timestamp();
}

std::optional<Splice::Place> Splice::place(Time now, const Packet& packet) {
  if (ssrc_ != packet.ssrc()) begin(now, packet);
  const std::int64_t sequence = incoming_.unwrap(packet.sequence_number());
  auto shift = shifts_.rbegin();
  while (shift != shifts_.rend() && shift->from > sequence) ++shift;
  if (shift == shifts_.rend()) return std::nullopt;
  const std::int64_t out = sequence + shift->offset;
  const std::uint32_t timestamp = packet.timestamp() + timestamp_offset_;
  if (!last_ || out > last_->sequence) last_ = Last{out, timestamp, now};
  return Place{static_cast<std::uint16_t>(out), timestamp};
}

void Splice::leave_out(const Packet& packet) {
  if (ssrc_ != packet.ssrc()) return;
  const std::int64_t sequence = incoming_.unwrap(packet.sequence_number());
  // One that was overtaken leaves a gap: those after it have their numbers already.
  const std::int64_t newest = last_ ? last_->sequence : 0;
  if (sequence + shifts_.back().offset <= newest || sequence < shifts_.back().from) return;
  shifts_.push_back({sequence + 1, shifts_.back().offset - 1});
  if (shifts_.size() > kMaxShifts) shifts_.pop_front();
}

}  // namespace floe::rtp
