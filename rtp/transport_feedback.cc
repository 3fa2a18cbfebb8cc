#include "floe/rtp/transport_feedback.h"

#include <algorithm>
#include <limits>

#include "floe/core/check.h"

namespace floe::rtp {
namespace {

// SSRCs, base sequence number, status count, reference time and feedback count.
constexpr std::size_t kFixedSize = 16;
constexpr std::size_t kMaxRun = 0x1fff;
constexpr std::size_t kBitsPerVector = 14;
constexpr std::size_t kPairsPerVector = 7;

std::int64_t floor_divide(Duration duration, Duration unit) {
  const std::int64_t quotient = duration / unit;
  return duration % unit < Duration::zero() ? quotient - 1 : quotient;
}

}  // namespace

TransportFeedback::Chunk::Chunk(std::uint16_t all) : bits(all) {
  if ((bits & 0x8000) == 0)
    count = bits & kMaxRun;
  else
    count = (bits & 0x4000) != 0 ? kPairsPerVector : kBitsPerVector;
}

unsigned TransportFeedback::Chunk::symbol(std::size_t index) const {
  if ((bits & 0x8000) == 0) return bits >> 13 & 3u;
  if ((bits & 0x4000) != 0) return bits >> (2 * (kPairsPerVector - 1 - index)) & 3u;
  return bits >> (kBitsPerVector - 1 - index) & 1u;
}

std::optional<TransportFeedback> TransportFeedback::parse(Bytes body) {
  ByteReader reader(body);
  TransportFeedback feedback;
  feedback.sender_ = reader.u32();
  feedback.media_ = reader.u32();
  feedback.base_sequence_ = reader.u16();
  feedback.status_count_ = reader.u16();
  feedback.reference_time_ = reader.u24();
  feedback.feedback_count_ = reader.u8();
  if (!reader.ok() || feedback.status_count_ == 0 || feedback.status_count_ > kMaxStatuses) {
    return std::nullopt;
  }
  std::size_t delta_bytes = 0;
  for (std::size_t left = feedback.status_count_; left > 0;) {
    const Chunk chunk(reader.u16());
    if (!reader.ok() || chunk.count == 0) return std::nullopt;
    const std::size_t count = std::min(chunk.count, left);
    const bool run = (chunk.bits & 0x8000) == 0;
    for (std::size_t i = 0; i < (run ? 1 : count); ++i) {
      const unsigned symbol = chunk.symbol(i);
      if (symbol > kLargeDelta) return std::nullopt;  // Section 3.1.1: reserved.
      delta_bytes += symbol * (run ? count : 1);      // A symbol is the size of its delta.
    }
    left -= count;
  }
  feedback.chunks_ = body.subspan(kFixedSize, reader.position() - kFixedSize);
  feedback.deltas_ = reader.bytes(delta_bytes);
  return reader.ok() ? std::optional(feedback) : std::nullopt;
}

TransportFeedbackBuilder::TransportFeedbackBuilder(std::uint32_t sender, std::uint32_t media,
                                                   std::uint8_t feedback_count,
                                                   std::uint16_t base_sequence, Time arrival,
                                                   std::size_t max_size)
    : sender_(sender),
      media_(media),
      feedback_count_(feedback_count),
      base_sequence_(base_sequence),
      reference_(floor_divide(arrival.time_since_epoch(), TransportFeedback::kReferenceUnit)),
      last_arrival_(reference_ *
                    (TransportFeedback::kReferenceUnit / TransportFeedback::kDeltaUnit)),
      max_size_(max_size) {
  FLOE_CHECK(max_size >= 32);
}

std::size_t TransportFeedbackBuilder::worst_size(std::size_t symbols,
                                                 std::size_t delta_bytes) const {
  // Runs are only used where they are no longer than vectors of pairs.
  const std::size_t chunks = (symbols + kPairsPerVector - 1) / kPairsPerVector;
  return (kFixedSize + 2 * chunks + delta_bytes + 3) / 4 * 4;
}

bool TransportFeedbackBuilder::add_missing_until(std::uint16_t sequence) {
  const auto missing = static_cast<std::uint16_t>(sequence - next_sequence());
  const std::size_t symbols = symbols_.size() + missing;
  if (symbols > TransportFeedback::kMaxStatuses ||
      worst_size(symbols, deltas_.size()) > max_size_) {
    return false;
  }
  symbols_.resize(symbols, TransportFeedback::kNotReceived);
  return true;
}

bool TransportFeedbackBuilder::add(std::uint16_t sequence, Time arrival) {
  const auto missing = static_cast<std::uint16_t>(sequence - next_sequence());
  const std::size_t symbols = symbols_.size() + missing + 1;
  const Duration half = TransportFeedback::kDeltaUnit / 2;
  const std::int64_t ticks =
      floor_divide(arrival.time_since_epoch() + half, TransportFeedback::kDeltaUnit);
  const std::int64_t delta = ticks - last_arrival_;
  if (delta < std::numeric_limits<std::int16_t>::min() ||
      delta > std::numeric_limits<std::int16_t>::max()) {
    return false;
  }
  const bool small = delta >= 0 && delta <= 255;
  if (symbols > TransportFeedback::kMaxStatuses ||
      worst_size(symbols, deltas_.size() + (small ? 1 : 2)) > max_size_) {
    return false;
  }
  symbols_.resize(symbols - 1, TransportFeedback::kNotReceived);
  symbols_.push_back(small ? TransportFeedback::kSmallDelta : TransportFeedback::kLargeDelta);
  if (!small) deltas_.push_back(static_cast<std::uint8_t>(delta >> 8));
  deltas_.push_back(static_cast<std::uint8_t>(delta));
  last_arrival_ = ticks;
  return true;
}

void TransportFeedbackBuilder::write(ByteWriter& writer) const {
  const std::size_t begin = writer.size();
  writer.u32(sender_);
  writer.u32(media_);
  writer.u16(base_sequence_);
  writer.u16(static_cast<std::uint16_t>(symbols_.size()));
  writer.u24(static_cast<std::uint32_t>(reference_) & 0xff'ffff);
  writer.u8(feedback_count_);
  for (std::size_t at = 0; at < symbols_.size();) {
    const std::size_t left = symbols_.size() - at;
    std::size_t run = 1;
    while (run < std::min(left, kMaxRun) && symbols_[at + run] == symbols_[at]) ++run;
    const std::size_t window = std::min(left, kBitsPerVector);
    const bool bits =
        std::none_of(symbols_.begin() + static_cast<std::ptrdiff_t>(at),
                     symbols_.begin() + static_cast<std::ptrdiff_t>(at + window),
                     [](std::uint8_t s) { return s == TransportFeedback::kLargeDelta; });
    const std::size_t vector = std::min(left, bits ? kBitsPerVector : kPairsPerVector);
    std::uint16_t chunk = 0;
    if (run >= vector) {
      chunk = static_cast<std::uint16_t>(symbols_[at] << 13 | run);
      at += run;
    } else {
      const unsigned width = bits ? 1 : 2;
      for (std::size_t i = 0; i < vector; ++i) {
        const auto shift = (bits ? kBitsPerVector : 2 * kPairsPerVector) - width * (i + 1);
        chunk = static_cast<std::uint16_t>(chunk | symbols_[at + i] << shift);
      }
      chunk = static_cast<std::uint16_t>(chunk | (bits ? 0x8000 : 0xc000));
      at += vector;
    }
    writer.u16(chunk);
  }
  writer.bytes(deltas_);
  writer.zeros((4 - (writer.size() - begin) % 4) % 4);
}

}  // namespace floe::rtp
