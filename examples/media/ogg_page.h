#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "examples/media/file.h"

namespace media {

/// One page of the Ogg container (RFC 3533 section 6).
struct OggPage {
  static constexpr std::string_view kSignature = "OggS";
  /// 255 segments of 255 bytes.
  static constexpr std::size_t kMaxSegments = 255;

  bool continued = false;  ///< It begins with the rest of a packet.
  bool first = false;      ///< Of its logical stream.
  bool last = false;
  std::uint64_t granule_position = 0;
  std::uint32_t serial = 0;
  std::uint32_t number = 0;
  std::vector<std::uint8_t> segments;  ///< Sizes; a packet ends with the first that is below 255.
  std::vector<std::uint8_t> payload;
  std::uint64_t offset = 0;  ///< Where it begins in the file.
};

/// Absent at the end of the file.
[[nodiscard]] floe::Result<std::optional<OggPage>> read_ogg_page(InputFile& file);
[[nodiscard]] floe::Result<> write_ogg_page(OutputFile& file, const OggPage& page);

}  // namespace media
