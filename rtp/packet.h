#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "floe/core/bytes.h"

namespace floe::rtp {

/// RFC 3550 section 5.1.
inline constexpr std::size_t kFixedHeaderSize = 12;
inline constexpr std::size_t kMaxCsrcs = 15;

/// Tells RTP from RTCP on one path (RFC 5761 section 4): the second byte of RTCP is 192 to 223,
/// where no payload type of RTP may be negotiated. `packet` is known to be one of both.
bool looks_like_rtcp(Bytes packet);

/// One header extension element (RFC 8285) in its packet.
struct ExtensionElement {
  std::uint8_t id = 0;
  MutableBytes value{};
};

/// Walks the extension elements of a packet; stops for good at what is malformed.
class ExtensionReader {
 public:
  ExtensionReader(std::uint16_t profile, MutableBytes block) : profile_(profile), block_(block) {}
  std::optional<ExtensionElement> next();

 private:
  std::uint16_t profile_;
  MutableBytes block_;
  std::size_t position_ = 0;
};

/// "Defined by profile" of the two forms of RFC 8285; the low four bits of the second are free.
inline constexpr std::uint16_t kOneByteProfile = 0xbede;
inline constexpr std::uint16_t kTwoByteProfile = 0x1000;
constexpr bool is_two_byte_profile(std::uint16_t profile) {
  return (profile & 0xfff0) == kTwoByteProfile;
}

/// An RTP packet (RFC 3550 section 5), as a view of bytes that somebody else keeps: nothing is
/// copied, and what a forwarding server rewrites is rewritten in place.
class Packet {
 public:
  /// Nothing if the bytes are no RTP packet of version 2 whose lengths add up.
  static std::optional<Packet> parse(MutableBytes bytes);

  bool marker() const { return (bytes_[1] & 0x80) != 0; }
  std::uint8_t payload_type() const { return bytes_[1] & 0x7f; }
  std::uint16_t sequence_number() const;
  std::uint32_t timestamp() const;
  std::uint32_t ssrc() const;
  std::size_t csrc_count() const { return bytes_[0] & 0x0f; }
  /// `index` is less than `csrc_count()`.
  std::uint32_t csrc(std::size_t index) const;

  void set_marker(bool marker);
  void set_payload_type(std::uint8_t payload_type);  ///< 0 to 127.
  void set_sequence_number(std::uint16_t sequence_number);
  void set_timestamp(std::uint32_t timestamp);
  void set_ssrc(std::uint32_t ssrc);

  ExtensionReader extensions() const { return {extension_profile_, extension_block()}; }
  /// The first element with this id, 1 to 255, if there is one.
  std::optional<MutableBytes> extension(std::uint8_t id) const;
  bool has_extension_block() const { return (bytes_[0] & 0x10) != 0; }
  std::uint16_t extension_profile() const { return extension_profile_; }
  MutableBytes extension_block() const {
    return bytes_.subspan(extension_at_, payload_at_ - extension_at_);
  }

  /// Without padding. A packet may be padding alone: congestion control probes with such.
  MutableBytes payload() const {
    return bytes_.subspan(payload_at_, bytes_.size() - payload_at_ - padding_);
  }
  std::size_t header_size() const { return payload_at_; }
  std::size_t padding_size() const { return padding_; }
  MutableBytes bytes() const { return bytes_; }

 private:
  Packet() = default;

  MutableBytes bytes_;
  std::size_t extension_at_ = 0;
  std::size_t payload_at_ = 0;
  std::size_t padding_ = 0;
  std::uint16_t extension_profile_ = 0;
};

}  // namespace floe::rtp
