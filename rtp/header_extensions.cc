#include "floe/rtp/header_extensions.h"

#include <algorithm>

namespace floe::rtp {
namespace {

constexpr std::array<std::string_view, kExtensionTypes> kUris = {
    "urn:ietf:params:rtp-hdrext:sdes:mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "urn:3gpp:video-orientation",
    "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay",
    "https://aomediacodec.github.io/av1-rtp-spec/#dependency-descriptor-rtp-header-extension",
};

// Playout delays are twelve bits of 10 ms each.
constexpr Duration kPlayoutUnit = std::chrono::milliseconds(10);
constexpr std::int64_t kMaxPlayoutUnits = 0xfff;

// RFC 7941 section 4.1.1: text without a terminating zero; those of RTP sections are tokens.
std::optional<std::string_view> read_text(Bytes bytes) {
  if (bytes.empty()) return std::nullopt;
  return as_text(bytes);
}

std::uint32_t playout_units(Duration delay) {
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(delay / kPlayoutUnit, 0, kMaxPlayoutUnits));
}

}  // namespace

std::string_view to_uri(ExtensionType type) {
  return kUris[static_cast<std::size_t>(type)];
}

std::optional<ExtensionType> extension_type(std::string_view uri) {
  const auto found = std::find(kUris.begin(), kUris.end(), uri);
  if (found == kUris.end()) return std::nullopt;
  return static_cast<ExtensionType>(found - kUris.begin());
}

std::optional<Mid> Mid::read(Bytes bytes) {
  const auto text = read_text(bytes);
  return text ? std::optional(Mid{*text}) : std::nullopt;
}

std::optional<Rid> Rid::read(Bytes bytes) {
  const auto text = read_text(bytes);
  return text ? std::optional(Rid{*text}) : std::nullopt;
}

std::optional<RepairedRid> RepairedRid::read(Bytes bytes) {
  const auto text = read_text(bytes);
  return text ? std::optional(RepairedRid{*text}) : std::nullopt;
}

AbsSendTime AbsSendTime::at(Time now) {
  // 64 s is 2^24 units, so the epoch of `now` does not matter.
  const std::int64_t period = Duration(std::chrono::seconds(64)).count();
  const std::int64_t within = ((now.time_since_epoch().count() % period) + period) % period;
  return {static_cast<std::uint32_t>((within << 18) / 1'000'000'000) & 0xff'ffff};
}

Duration AbsSendTime::duration() const {
  return Duration((static_cast<std::int64_t>(value) * 1'000'000'000) >> 18);
}

std::optional<AbsSendTime> AbsSendTime::read(Bytes bytes) {
  if (bytes.size() != 3) return std::nullopt;
  return AbsSendTime{ByteReader(bytes).u24()};
}

std::optional<TransportSequenceNumber> TransportSequenceNumber::read(Bytes bytes) {
  // The second version of the extension may have a request for feedback behind the number.
  if (bytes.size() != 2 && bytes.size() != 4) return std::nullopt;
  return TransportSequenceNumber{ByteReader(bytes).u16()};
}

std::optional<AudioLevel> AudioLevel::read(Bytes bytes) {
  // RFC 6464 section 3: two-byte elements may bring it with padding behind.
  if (bytes.empty()) return std::nullopt;
  return AudioLevel{(bytes[0] & 0x80) != 0, static_cast<std::uint8_t>(bytes[0] & 0x7f)};
}

void AudioLevel::write(ByteWriter& writer) const {
  writer.u8(static_cast<std::uint8_t>((voice ? 0x80 : 0) | (level & 0x7f)));
}

std::optional<VideoOrientation> VideoOrientation::read(Bytes bytes) {
  if (bytes.size() != 1) return std::nullopt;
  // What is on the wire is the rotation that was done; the receiver does the rest of the circle
  // clockwise, which is what receivers call "rotation": 1 is 90 degrees (TS 26.114 table 7.2).
  return VideoOrientation{(bytes[0] & 0x08) != 0, (bytes[0] & 0x04) != 0,
                          static_cast<std::uint16_t>((bytes[0] & 0x03) * 90)};
}

void VideoOrientation::write(ByteWriter& writer) const {
  writer.u8(static_cast<std::uint8_t>((back_camera ? 0x08 : 0) | (flip ? 0x04 : 0) |
                                      (rotation / 90 % 4)));
}

std::optional<PlayoutDelay> PlayoutDelay::read(Bytes bytes) {
  if (bytes.size() != 3) return std::nullopt;
  const std::uint32_t both = ByteReader(bytes).u24();
  const PlayoutDelay delay{(both >> 12) * kPlayoutUnit, (both & 0xfff) * kPlayoutUnit};
  if (delay.min > delay.max) return std::nullopt;
  return delay;
}

void PlayoutDelay::write(ByteWriter& writer) const {
  writer.u24(playout_units(min) << 12 | playout_units(max));
}

std::optional<DependencyDescriptor> DependencyDescriptor::read(Bytes bytes) {
  if (bytes.size() < 3) return std::nullopt;
  DependencyDescriptor descriptor;
  descriptor.start_of_frame = (bytes[0] & 0x80) != 0;
  descriptor.end_of_frame = (bytes[0] & 0x40) != 0;
  descriptor.template_id = bytes[0] & 0x3f;
  descriptor.frame_number = static_cast<std::uint16_t>(bytes[1] << 8 | bytes[2]);
  descriptor.structure_present = bytes.size() > 3 && (bytes[3] & 0x80) != 0;
  descriptor.bytes = bytes;
  return descriptor;
}

void DependencyDescriptor::write(ByteWriter& writer) const {
  writer.u8(static_cast<std::uint8_t>((start_of_frame ? 0x80 : 0) | (end_of_frame ? 0x40 : 0) |
                                      (template_id & 0x3f)));
  writer.u16(frame_number);
  if (bytes.size() > 3) writer.bytes(bytes.subspan(3));
}

}  // namespace floe::rtp
