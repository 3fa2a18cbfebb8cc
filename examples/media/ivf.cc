#include "examples/media/ivf.h"

#include <array>
#include <string_view>
#include <utility>

#include "examples/media/little_endian.h"

namespace media {

using floe::Bytes;
using floe::Errc;
using floe::Result;
using floe::rtp::Codec;

namespace {

constexpr std::size_t kHeaderSize = 32;
constexpr std::size_t kFrameHeaderSize = 12;
// We write microseconds.
constexpr std::uint32_t kRate = 1'000'000;
// What a file may say of its units, so that times fit into 64 bits of nanoseconds for centuries.
constexpr std::uint64_t kMaxSeconds = 1'000'000'000;

struct FourCc {
  Codec codec;
  std::string_view name;
};
constexpr std::array kFourCcs{FourCc{Codec::kVp8, "VP80"}, FourCc{Codec::kVp9, "VP90"},
                              FourCc{Codec::kAv1, "AV01"}};

class BitReader {
 public:
  explicit BitReader(Bytes bytes) : bytes_(bytes) {}
  /// Zeros behind the end.
  unsigned bits(int count) {
    unsigned value = 0;
    for (; count > 0; --count, ++position_) {
      const bool set =
          position_ / 8 < bytes_.size() && (bytes_[position_ / 8] >> (7 - position_ % 8) & 1) != 0;
      value = value << 1 | (set ? 1u : 0u);
    }
    return value;
  }
  bool ok() const { return position_ <= 8 * bytes_.size(); }

 private:
  Bytes bytes_;
  std::size_t position_ = 0;
};

/// VP9's uncompressed header, as far as the size: marker, profile, show_existing_frame, frame_type,
/// show_frame, error_resilient_mode, the sync code, the colours.
std::optional<PictureSize> vp9_picture_size(Bytes frame) {
  constexpr unsigned kSyncCode = 0x498342;
  constexpr unsigned kSrgb = 7;
  BitReader reader(frame);
  if (reader.bits(2) != 2) return std::nullopt;
  const unsigned profile = reader.bits(1) | reader.bits(1) << 1;
  if (profile == 3) reader.bits(1);
  if (reader.bits(1) != 0) return std::nullopt;  // It shows another frame.
  if (reader.bits(1) != 0) return std::nullopt;  // No key frame.
  reader.bits(2);
  if (reader.bits(24) != kSyncCode) return std::nullopt;
  if (profile >= 2) reader.bits(1);
  const bool odd_profile = profile % 2 == 1;
  if (reader.bits(3) != kSrgb) {
    reader.bits(odd_profile ? 4 : 1);
  } else if (odd_profile) {
    reader.bits(1);
  }
  const unsigned width = reader.bits(16) + 1;
  const unsigned height = reader.bits(16) + 1;
  if (!reader.ok() || width > 0xffff || height > 0xffff) return std::nullopt;
  return PictureSize{static_cast<std::uint16_t>(width), static_cast<std::uint16_t>(height)};
}

}  // namespace

std::optional<PictureSize> picture_size(Codec codec, Bytes frame) {
  if (codec == Codec::kVp9) return vp9_picture_size(frame);
  // RFC 6386 section 9.1: a key frame's tag, its start code, then 14 bits for each side.
  if (codec != Codec::kVp8 || frame.size() < 10 || (frame[0] & 1) != 0) return std::nullopt;
  if (frame[3] != 0x9d || frame[4] != 0x01 || frame[5] != 0x2a) return std::nullopt;
  const auto side = [&](std::size_t at) {
    return static_cast<std::uint16_t>(read_little_endian<std::uint16_t>(frame, at) & 0x3fff);
  };
  return PictureSize{side(6), side(8)};
}

Result<std::unique_ptr<IvfReader>> IvfReader::open(const std::string& path) {
  auto file = InputFile::open(path);
  if (!file) return floe::forward(file);
  std::unique_ptr<IvfReader> reader(new IvfReader(std::move(*file)));
  if (const auto read = reader->read_header(); !read) return floe::forward(read);
  return reader;
}

Result<> IvfReader::read_header() {
  std::array<std::uint8_t, kHeaderSize> header{};
  const std::size_t size = file_.read(header);
  if (size < kHeaderSize) {
    return file_.malformed(size, "the file ends within the 32 bytes of an IVF header");
  }
  if (floe::as_text(header).substr(0, 4) != kIvfSignature) {
    return file_.malformed(0, "an IVF file begins with DKIF");
  }
  if (const auto version = read_little_endian<std::uint16_t>(header, 4); version != 0) {
    return file_.malformed(4, "IVF version " + std::to_string(version) + " is not known, only 0");
  }
  if (const auto told = read_little_endian<std::uint16_t>(header, 6); told != kHeaderSize) {
    return file_.malformed(6, "the header claims " + std::to_string(told) + " bytes instead of 32");
  }
  const std::string_view name = floe::as_text(header).substr(8, 4);
  for (const FourCc& known : kFourCcs) {
    if (name == known.name) codec_ = known.codec;
  }
  if (codec_ == Codec::kRaw) {
    return file_.malformed(
        8, "the codec is none of VP80, VP90 and AV01; encode it, e.g. with ffmpeg -c:v libvpx");
  }
  width_ = read_little_endian<std::uint16_t>(header, 12);
  height_ = read_little_endian<std::uint16_t>(header, 14);
  rate_ = read_little_endian<std::uint32_t>(header, 16);
  scale_ = read_little_endian<std::uint32_t>(header, 20);
  if (rate_ == 0 || scale_ == 0) {
    return file_.malformed(16,
                           "the time base has a zero; write the file anew, e.g. with "
                           "ffmpeg -i OLD -c copy NEW.ivf");
  }
  return {};
}

Result<std::optional<MediaFrame>> IvfReader::next() {
  const std::uint64_t begin = file_.offset();
  std::array<std::uint8_t, kFrameHeaderSize> header{};
  const std::size_t got = file_.read(header);
  if (got == 0) return std::nullopt;
  if (got < kFrameHeaderSize) {
    return file_.malformed(begin,
                           "the file ends within the 12 bytes before a frame; it was cut "
                           "off, and what comes before is whole");
  }
  const auto size = read_little_endian<std::uint32_t>(header, 0);
  const auto units = read_little_endian<std::uint64_t>(header, 4);
  if (size == 0 || size > floe::rtp::kMaxFrameSize) {
    return file_.malformed(begin, "the frame claims " + std::to_string(size) +
                                      " bytes, which is not in 1 to 8388608; the file is damaged");
  }
  // In two steps, so that no product overflows.
  const std::uint64_t seconds = units / rate_;
  if (seconds > kMaxSeconds / scale_) {
    return file_.malformed(begin + 4, "the frame's time, " + std::to_string(units) +
                                          " units, is centuries away; the file is damaged");
  }
  MediaFrame frame;
  frame.time = std::chrono::seconds(seconds * scale_) +
               floe::Duration(static_cast<std::int64_t>(static_cast<double>(units % rate_) *
                                                        scale_ * 1e9 / rate_));
  frame.payload.resize(size);
  if (const std::size_t read = file_.read(frame.payload); read < size) {
    return file_.malformed(begin, "the frame claims " + std::to_string(size) +
                                      " bytes and the file ends after " + std::to_string(read) +
                                      " of them; it was cut off, and what comes before is whole");
  }
  frame.key_frame = floe::rtp::is_key_frame(codec_, frame.payload);
  return frame;
}

Result<std::unique_ptr<IvfWriter>> IvfWriter::create(const std::string& path, Codec codec) {
  bool known = false;
  for (const FourCc& one : kFourCcs) known = known || one.codec == codec;
  if (!known) return floe::fail(Errc::kUnsupported, "IVF files hold VP8, VP9 or AV1");
  auto file = OutputFile::create(path);
  if (!file) return floe::forward(file);
  std::unique_ptr<IvfWriter> writer(new IvfWriter(std::move(*file), codec));
  if (const auto written = writer->write_header(); !written) return floe::forward(written);
  return writer;
}

Result<> IvfWriter::write_header() {
  std::vector<std::uint8_t> header = floe::to_vector(floe::as_bytes(kIvfSignature));
  append_little_endian<std::uint16_t>(header, 0);
  append_little_endian<std::uint16_t>(header, kHeaderSize);
  for (const FourCc& one : kFourCcs) {
    if (one.codec == codec_) header.insert(header.end(), one.name.begin(), one.name.end());
  }
  append_little_endian(header, width_);
  append_little_endian(header, height_);
  append_little_endian(header, kRate);
  append_little_endian<std::uint32_t>(header, 1);
  append_little_endian(header, frames_);
  append_little_endian<std::uint32_t>(header, 0);
  return file_.overwrite(0, header);
}

Result<> IvfWriter::write(const MediaFrame& frame) {
  if (const auto size = picture_size(codec_, frame.payload); size && width_ == 0) {
    width_ = size->width;
    height_ = size->height;
  }
  std::vector<std::uint8_t> header;
  append_little_endian(header, static_cast<std::uint32_t>(frame.payload.size()));
  append_little_endian(
      header, static_cast<std::uint64_t>(
                  std::chrono::duration_cast<std::chrono::microseconds>(frame.time).count()));
  if (auto written = file_.write(header); !written) return written;
  ++frames_;
  return file_.write(frame.payload);
}

/// What was not known at the beginning is written now.
Result<> IvfWriter::close() {
  if (auto written = write_header(); !written) return written;
  return file_.close();
}

}  // namespace media
