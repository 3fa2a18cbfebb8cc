#include "floe/rtp/payload/internal/audio.h"

#include <algorithm>
#include <array>

namespace floe::rtp {
namespace {

bool is_one_byte_a_tick(Codec codec) {
  return codec == Codec::kPcmu || codec == Codec::kPcma || codec == Codec::kG722;
}

// RFC 6716 section 3.1: one packet is at most 120 ms.
constexpr std::uint32_t kMaxOpusTicks = 48 * 120;

/// The 48 kHz samples of one frame of an Opus packet, by the table of RFC 6716 section 3.1.
std::uint32_t opus_frame_ticks(std::uint8_t toc) {
  constexpr std::array<std::uint32_t, 4> kSilk = {480, 960, 1920, 2880};
  constexpr std::array<std::uint32_t, 2> kHybrid = {480, 960};
  constexpr std::array<std::uint32_t, 4> kCelt = {120, 240, 480, 960};
  const unsigned config = toc >> 3;
  if (config < 12) return kSilk[config % 4];
  if (config < 16) return kHybrid[config % 2];
  return kCelt[config % 4];
}

std::optional<std::uint32_t> opus_duration(Bytes packet) {
  if (packet.empty()) return std::nullopt;
  std::uint32_t frames = 1;
  switch (packet[0] & 3) {
    case 0:
      break;
    case 1:
    case 2:
      frames = 2;
      break;
    default:
      // RFC 6716 section 3.2.5: the count is in the second byte.
      if (packet.size() < 2) return std::nullopt;
      frames = packet[1] & 0x3f;
  }
  const std::uint32_t ticks = frames * opus_frame_ticks(packet[0]);
  if (frames == 0 || ticks > kMaxOpusTicks) return std::nullopt;
  return ticks;
}

}  // namespace

std::optional<std::uint32_t> audio_duration(Codec codec, Bytes payload) {
  if (codec == Codec::kOpus) return opus_duration(payload);
  if (is_one_byte_a_tick(codec)) return static_cast<std::uint32_t>(payload.size());
  return std::nullopt;
}

Result<> WholePacketizer::start(const FrameView& frame, std::size_t max_payload) {
  const bool cuts = is_one_byte_a_tick(codec_);
  if (frame.payload.size() > (cuts ? kMaxFrameSize : max_payload)) {
    return fail(Errc::kLimitExceeded, "a frame of " + std::to_string(frame.payload.size()) +
                                          " bytes does not fit one packet; encode less at once");
  }
  left_ = frame.payload;
  max_payload_ = max_payload;
  offset_ = 0;
  marker_ = frame.marker;
  return {};
}

std::optional<Piece> WholePacketizer::next(MutableBytes space) {
  if (left_.empty()) return std::nullopt;
  const std::size_t size = std::min({left_.size(), max_payload_, space.size()});
  std::copy_n(left_.begin(), size, space.begin());
  left_ = left_.subspan(size);
  const Piece piece{size, marker_, offset_};
  offset_ += static_cast<std::uint32_t>(size);
  marker_ = false;
  return piece;
}

std::optional<PayloadShape> WholeDepacketizer::inspect(Bytes payload) const {
  // There is no descriptor, and what is inside may be encrypted end to end.
  if (payload.empty()) return std::nullopt;
  return PayloadShape{Begins::kYes, true};
}

bool WholeDepacketizer::assemble(std::span<const Bytes> payloads, Frame& frame) {
  if (payloads.size() != 1) return false;
  frame.payload.assign(payloads[0].begin(), payloads[0].end());
  frame.key_frame = true;
  frame.codec = {};
  return true;
}

}  // namespace floe::rtp
