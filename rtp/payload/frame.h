#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "floe/core/bytes.h"

namespace floe::rtp {

/// The largest encoded frame that is put together. A key frame of 4K video at the highest quality
/// has some 4 MB; a peer must not make us hold more than twice of that for one frame.
inline constexpr std::size_t kMaxFrameSize = 8 * 1024 * 1024;

/// What RFC 7741 section 4.2 carries beside the frame.
struct Vp8Fields {
  std::optional<std::uint16_t> picture_id{};  ///< 15 bits.
  std::optional<std::uint8_t> tl0_picture_index{};
  std::optional<std::uint8_t> temporal_id{};  ///< 0 to 3.
  bool layer_sync = false;                    ///< Depends on temporal layer 0 only.
  bool non_reference = false;                 ///< No other frame depends on this one.
  friend bool operator==(const Vp8Fields&, const Vp8Fields&) = default;
};

/// What RFC 9628 section 4.2 carries beside the frame.
struct Vp9Fields {
  std::optional<std::uint16_t> picture_id{};  ///< 15 bits.
  std::optional<std::uint8_t> tl0_picture_index{};
  std::optional<std::uint8_t> temporal_id{};  ///< 0 to 7; the next four stand with it only.
  std::uint8_t spatial_id = 0;                ///< 0 to 7.
  bool switching_up_point = false;
  bool inter_layer_predicted = false;
  bool flexible_mode = false;
  bool inter_picture_predicted = false;
  bool non_reference_for_upper = false;
  /// Flexible mode: what the frame refers to, as differences of picture ids, 1 to 127.
  std::array<std::uint8_t, 3> reference_differences{};
  std::uint8_t reference_count = 0;
  friend bool operator==(const Vp9Fields&, const Vp9Fields&) = default;
};

/// What AV1's OBU extension headers say.
struct Av1Fields {
  std::uint8_t temporal_id = 0;
  std::uint8_t spatial_id = 0;
  friend bool operator==(const Av1Fields&, const Av1Fields&) = default;
};

/// Nothing, for formats without such.
using CodecFields = std::variant<std::monostate, Vp8Fields, Vp9Fields, Av1Fields>;

/// An encoded frame to send. H.264 and H.265: Annex B. AV1: one temporal unit of OBUs with sizes.
/// Audio: one packet of Opus, or any number of samples.
struct FrameView {
  Bytes payload{};
  std::uint32_t timestamp = 0;  ///< In units of the format's clock rate.
  /// Video: the last frame of its picture (true without spatial layers). Audio: the first after
  /// silence; usually false.
  bool marker = true;
  CodecFields codec{};
};

/// An encoded frame that was received, in the same form.
struct Frame {
  std::vector<std::uint8_t> payload{};
  std::uint32_t timestamp = 0;
  bool key_frame = false;  ///< Audio: always.
  bool marker = false;     ///< As the last packet had it.
  CodecFields codec{};

  FrameView view() const { return {payload, timestamp, marker, codec}; }
};

}  // namespace floe::rtp
