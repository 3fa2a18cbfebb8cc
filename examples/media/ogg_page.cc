#include "examples/media/ogg_page.h"

#include <array>
#include <numeric>
#include <string>

#include "examples/media/little_endian.h"

namespace media {

using floe::Bytes;
using floe::Result;

namespace {

constexpr std::size_t kHeaderSize = 27;
constexpr std::size_t kCrcOffset = 22;
constexpr std::uint8_t kContinued = 1;
constexpr std::uint8_t kFirst = 2;
constexpr std::uint8_t kLast = 4;

/// RFC 3533 section 6: polynomial 0x04c11db7, most significant bit first, from zero.
constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t rest = i << 24;
    for (int bit = 0; bit < 8; ++bit) {
      rest = (rest & 0x80000000) != 0 ? rest << 1 ^ 0x04c11db7 : rest << 1;
    }
    table[i] = rest;
  }
  return table;
}();

std::uint32_t crc_of(std::uint32_t crc, Bytes bytes) {
  for (const std::uint8_t byte : bytes) crc = crc << 8 ^ kCrcTable[crc >> 24 ^ byte];
  return crc;
}

/// Header and sizes of the segments, with a zero where the checksum goes.
std::vector<std::uint8_t> head_of(const OggPage& page) {
  std::vector<std::uint8_t> head = floe::to_vector(floe::as_bytes(OggPage::kSignature));
  head.push_back(0);
  head.push_back(static_cast<std::uint8_t>((page.continued ? kContinued : 0) |
                                           (page.first ? kFirst : 0) | (page.last ? kLast : 0)));
  append_little_endian(head, page.granule_position);
  append_little_endian(head, page.serial);
  append_little_endian(head, page.number);
  append_little_endian<std::uint32_t>(head, 0);
  head.push_back(static_cast<std::uint8_t>(page.segments.size()));
  head.insert(head.end(), page.segments.begin(), page.segments.end());
  return head;
}

tl::unexpected<floe::Error> cut_off(const InputFile& file, std::uint64_t offset) {
  return file.malformed(offset,
                        "the file ends within an Ogg page; it was cut off, and what comes before "
                        "is whole");
}

}  // namespace

Result<std::optional<OggPage>> read_ogg_page(InputFile& file) {
  OggPage page;
  page.offset = file.offset();
  std::array<std::uint8_t, kHeaderSize> header{};
  const std::size_t got = file.read(header);
  if (got == 0) return std::nullopt;
  if (got < kHeaderSize) return cut_off(file, page.offset);
  if (floe::as_text(header).substr(0, 4) != OggPage::kSignature) {
    return file.malformed(page.offset,
                          "an Ogg page begins with OggS; the file is damaged, and "
                          "ffmpeg -i OLD -c copy NEW.ogg may mend it");
  }
  if (header[4] != 0) {
    return file.malformed(page.offset + 4,
                          "Ogg version " + std::to_string(header[4]) + " is not known, only 0");
  }
  page.continued = (header[5] & kContinued) != 0;
  page.first = (header[5] & kFirst) != 0;
  page.last = (header[5] & kLast) != 0;
  page.granule_position = read_little_endian<std::uint64_t>(header, 6);
  page.serial = read_little_endian<std::uint32_t>(header, 14);
  page.number = read_little_endian<std::uint32_t>(header, 18);
  const auto told = read_little_endian<std::uint32_t>(header, kCrcOffset);
  page.segments.resize(header[26]);
  if (file.read(page.segments) < page.segments.size()) return cut_off(file, page.offset);
  page.payload.resize(std::accumulate(page.segments.begin(), page.segments.end(), std::size_t{0}));
  if (file.read(page.payload) < page.payload.size()) return cut_off(file, page.offset);
  // Flags that nobody has defined count for the checksum too.
  std::vector<std::uint8_t> head = head_of(page);
  head[5] = header[5];
  if (crc_of(crc_of(0, head), page.payload) != told) {
    return file.malformed(page.offset,
                          "the checksum of the Ogg page is wrong; the file is "
                          "damaged, and ffmpeg -i OLD -c copy NEW.ogg may mend it");
  }
  return page;
}

Result<> write_ogg_page(OutputFile& file, const OggPage& page) {
  std::vector<std::uint8_t> bytes = head_of(page);
  bytes.insert(bytes.end(), page.payload.begin(), page.payload.end());
  const std::uint32_t crc = crc_of(0, bytes);
  for (std::size_t i = 0; i < 4; ++i) {
    bytes[kCrcOffset + i] = static_cast<std::uint8_t>(crc >> 8 * i);
  }
  return file.write(bytes);
}

}  // namespace media
