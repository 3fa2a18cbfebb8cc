#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "floe/core/bytes.h"
#include "floe/core/time.h"

// The header extensions floe reads and writes. Each is a type with
//   kType                      which one it is,
//   read(Bytes) -> optional    total: nothing for what is malformed,
//   write(ByteWriter&)         the value's bytes, at most kMaxSize of them.
// `ExtensionMap::get<T>(packet)` and `ExtensionMap::add(builder, T)` use them.
namespace floe::rtp {

enum class ExtensionType : std::uint8_t {
  kMid,
  kRid,
  kRepairedRid,
  kAbsSendTime,
  kTransportSequenceNumber,
  kAudioLevel,
  kVideoOrientation,
  kPlayoutDelay,
  kDependencyDescriptor,
};
inline constexpr std::size_t kExtensionTypes = 9;

/// The URI of `a=extmap` lines.
std::string_view to_uri(ExtensionType type);
/// Nothing for one that floe does not know.
std::optional<ExtensionType> extension_type(std::string_view uri);

/// SDES items in the header (RFC 7941): the section's mid (RFC 9143 section 15), the encoding's rid
/// and, on a repair stream, that of the encoding it repairs (RFC 8852). The text is a view of the
/// packet. Longer than 16 bytes needs two-byte extensions.
struct Mid {
  static constexpr ExtensionType kType = ExtensionType::kMid;
  static constexpr std::size_t kMaxSize = 255;
  std::string_view value;
  static std::optional<Mid> read(Bytes bytes);
  void write(ByteWriter& writer) const { writer.bytes(as_bytes(value)); }
};
struct Rid {
  static constexpr ExtensionType kType = ExtensionType::kRid;
  static constexpr std::size_t kMaxSize = 255;
  std::string_view value;
  static std::optional<Rid> read(Bytes bytes);
  void write(ByteWriter& writer) const { writer.bytes(as_bytes(value)); }
};
struct RepairedRid {
  static constexpr ExtensionType kType = ExtensionType::kRepairedRid;
  static constexpr std::size_t kMaxSize = 255;
  std::string_view value;
  static std::optional<RepairedRid> read(Bytes bytes);
  void write(ByteWriter& writer) const { writer.bytes(as_bytes(value)); }
};

/// When the packet left, in 6.18 fixed point seconds of any clock: wraps every 64 s.
struct AbsSendTime {
  static constexpr ExtensionType kType = ExtensionType::kAbsSendTime;
  static constexpr std::size_t kMaxSize = 3;
  std::uint32_t value = 0;  ///< 24 bits.

  static AbsSendTime at(Time now);
  /// Within 64 s.
  Duration duration() const;
  static std::optional<AbsSendTime> read(Bytes bytes);
  void write(ByteWriter& writer) const { writer.u24(value); }
};

/// One counter for all packets of a transport (draft-holmer-rmcat-transport-wide-cc-extensions).
struct TransportSequenceNumber {
  static constexpr ExtensionType kType = ExtensionType::kTransportSequenceNumber;
  static constexpr std::size_t kMaxSize = 2;
  std::uint16_t value = 0;
  static std::optional<TransportSequenceNumber> read(Bytes bytes);
  void write(ByteWriter& writer) const { writer.u16(value); }
};

/// RFC 6464.
struct AudioLevel {
  static constexpr ExtensionType kType = ExtensionType::kAudioLevel;
  static constexpr std::size_t kMaxSize = 1;
  bool voice = false;        ///< The sender believes that somebody speaks.
  std::uint8_t level = 127;  ///< 0 (loudest) to 127 (silence), in -dBov.
  static std::optional<AudioLevel> read(Bytes bytes);
  void write(ByteWriter& writer) const;
};

/// Coordination of video orientation (3GPP TS 26.114 section 7.4.5).
struct VideoOrientation {
  static constexpr ExtensionType kType = ExtensionType::kVideoOrientation;
  static constexpr std::size_t kMaxSize = 1;
  bool back_camera = false;
  bool flip = false;           ///< Horizontally, before the rotation.
  std::uint16_t rotation = 0;  ///< Clockwise, to be shown upright: 0, 90, 180 or 270 degrees.
  static std::optional<VideoOrientation> read(Bytes bytes);
  void write(ByteWriter& writer) const;
};

/// How long the receiver should keep frames before it shows them; both 0 to 40.95 s, in steps of
/// 10 ms.
struct PlayoutDelay {
  static constexpr ExtensionType kType = ExtensionType::kPlayoutDelay;
  static constexpr std::size_t kMaxSize = 3;
  Duration min{};
  Duration max{};
  static std::optional<PlayoutDelay> read(Bytes bytes);
  void write(ByteWriter& writer) const;
};

/// The dependency descriptor of the AV1 RTP specification, appendix A: its mandatory fields,
/// whether a template structure follows (a new coded video sequence begins: a key frame), and all
/// of it as bytes for whoever forwards.
struct DependencyDescriptor {
  static constexpr ExtensionType kType = ExtensionType::kDependencyDescriptor;
  static constexpr std::size_t kMaxSize = 255;
  bool start_of_frame = false;
  bool end_of_frame = false;
  std::uint8_t template_id = 0;  ///< 0 to 63.
  std::uint16_t frame_number = 0;
  bool structure_present = false;
  Bytes bytes{};  ///< The whole descriptor, a view of the packet; empty: written without extended
                  ///< fields.
  static std::optional<DependencyDescriptor> read(Bytes bytes);
  void write(ByteWriter& writer) const;
};

}  // namespace floe::rtp
