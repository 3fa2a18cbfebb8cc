#include "examples/media/annex_b.h"

#include <algorithm>
#include <array>
#include <utility>

namespace media {

using floe::Bytes;
using floe::Result;

namespace {

constexpr std::size_t kChunk = 64 * 1024;
constexpr std::array<std::uint8_t, 3> kStartCode{0, 0, 1};
constexpr std::array<std::uint8_t, 4> kLongStartCode{0, 0, 0, 1};

// ITU-T H.264 table 7-1.
unsigned type_of(Bytes unit) {
  return unit[0] & 0x1f;
}
bool is_slice(Bytes unit) {
  return type_of(unit) >= 1 && type_of(unit) <= 5;
}

/// ITU-T H.264 section 7.4.1.2.3: whether `unit` cannot be of the access unit that already has a
/// slice. A slice begins a picture when its first_mb_in_slice is 0, which is a single bit of one.
bool begins_access_unit(Bytes unit) {
  if (is_slice(unit)) return unit.size() > 1 && (unit[1] & 0x80) != 0;
  const unsigned type = type_of(unit);
  return (type >= 6 && type <= 9) || (type >= 14 && type <= 18);
}

std::size_t find_start_code(Bytes bytes, std::size_t from) {
  const auto found = std::search(bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.end(),
                                 kStartCode.begin(), kStartCode.end());
  return static_cast<std::size_t>(found - bytes.begin());
}

}  // namespace

Result<std::unique_ptr<AnnexBReader>> AnnexBReader::open(const std::string& path,
                                                         double frames_per_second) {
  auto file = InputFile::open(path);
  if (!file) return floe::forward(file);
  std::unique_ptr<AnnexBReader> reader(new AnnexBReader(std::move(*file), frames_per_second));
  if (const auto read = reader->read_first_unit(); !read) return floe::forward(read);
  return reader;
}

Result<> AnnexBReader::read_first_unit() {
  fill();
  // Section B.1.1: zeros may stand before the first start code, nothing else.
  const std::size_t start = find_start_code(buffer_, 0);
  const bool zeros =
      std::all_of(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(start),
                  [](std::uint8_t byte) { return byte == 0; });
  if (start == buffer_.size() || !zeros) {
    return file_.malformed(0,
                           "it is neither IVF nor Ogg nor an H.264 stream of bytes, which begins "
                           "with 00 00 01; ffmpeg -i OLD -c:v libvpx NEW.ivf makes one to send");
  }
  at_ = start + kStartCode.size();
  auto first = next_unit();
  if (!first) return floe::forward(first);
  kept_ = std::move(*first);
  return {};
}

/// False at the end of the file.
bool AnnexBReader::fill() {
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at_));
  at_ = 0;
  const std::size_t size = buffer_.size();
  buffer_.resize(size + kChunk);
  const std::size_t got = file_.read(floe::MutableBytes(buffer_).subspan(size));
  buffer_.resize(size + got);
  return got > 0;
}

/// One NAL unit without its start code; absent at the end.
Result<std::optional<std::vector<std::uint8_t>>> AnnexBReader::next_unit() {
  std::size_t searched = at_;
  while (true) {
    const std::size_t end = find_start_code(buffer_, searched);
    const bool found = end < buffer_.size();
    if (!found) {
      // A start code may stand across two chunks.
      const std::size_t held = buffer_.size() - at_;
      if (held > floe::rtp::kMaxFrameSize) {
        return file_.malformed(file_.offset() - held,
                               "a NAL unit has more than 8 MiB; the file is damaged");
      }
      if (fill()) {
        searched = held < kStartCode.size() ? 0 : held - (kStartCode.size() - 1);
        continue;
      }
    }
    const auto position = [&](std::size_t at) {
      return buffer_.begin() + static_cast<std::ptrdiff_t>(at);
    };
    std::vector<std::uint8_t> unit(position(at_), position(found ? end : buffer_.size()));
    at_ = found ? end + kStartCode.size() : buffer_.size();
    searched = at_;
    // trailing_zero_8bits, and the first of a start code of four
    while (!unit.empty() && unit.back() == 0) unit.pop_back();
    if (!unit.empty()) return unit;
    if (!found) return std::nullopt;
  }
}

Result<std::optional<MediaFrame>> AnnexBReader::next() {
  MediaFrame frame;
  bool has_slice = false;
  while (kept_) {
    const bool full = frame.payload.size() + kept_->size() > floe::rtp::kMaxFrameSize;
    if (has_slice && (full || begins_access_unit(*kept_))) break;
    has_slice = has_slice || is_slice(*kept_);
    frame.payload.insert(frame.payload.end(), kLongStartCode.begin(), kLongStartCode.end());
    frame.payload.insert(frame.payload.end(), kept_->begin(), kept_->end());
    auto unit = next_unit();
    if (!unit) return floe::forward(unit);
    kept_ = std::move(*unit);
    if (!has_slice && frame.payload.size() > floe::rtp::kMaxFrameSize) {
      return file_.malformed(file_.offset(), "8 MiB without a picture; the file is damaged");
    }
  }
  if (!has_slice) return std::nullopt;
  frame.time = floe::Duration(
      static_cast<std::int64_t>(static_cast<double>(number_++) * 1e9 / frames_per_second_));
  frame.key_frame = floe::rtp::is_key_frame(codec(), frame.payload);
  return frame;
}

Result<std::unique_ptr<AnnexBWriter>> AnnexBWriter::create(const std::string& path) {
  auto file = OutputFile::create(path);
  if (!file) return floe::forward(file);
  return std::unique_ptr<AnnexBWriter>(new AnnexBWriter(std::move(*file)));
}

}  // namespace media
