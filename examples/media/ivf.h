#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "examples/media/file.h"
#include "examples/media/media_frame.h"

namespace media {

/// The first four bytes of an IVF file.
inline constexpr std::string_view kIvfSignature = "DKIF";

/// IVF, the container of libvpx: a header of 32 bytes, then each frame after its size and time.
class IvfReader final : public FrameReader {
 public:
  [[nodiscard]] static floe::Result<std::unique_ptr<IvfReader>> open(const std::string& path);

  floe::rtp::Codec codec() const override { return codec_; }
  std::uint16_t width() const { return width_; }
  std::uint16_t height() const { return height_; }
  [[nodiscard]] floe::Result<std::optional<MediaFrame>> next() override;

 private:
  explicit IvfReader(InputFile file) : file_(std::move(file)) {}
  floe::Result<> read_header();

  InputFile file_;
  floe::rtp::Codec codec_ = floe::rtp::Codec::kRaw;
  std::uint16_t width_ = 0;
  std::uint16_t height_ = 0;
  // The time of a frame counts in units of scale/rate seconds.
  std::uint32_t rate_ = 0;
  std::uint32_t scale_ = 0;
};

class IvfWriter final : public FrameWriter {
 public:
  /// `codec`: VP8, VP9 or AV1; kUnsupported for others.
  [[nodiscard]] static floe::Result<std::unique_ptr<IvfWriter>> create(const std::string& path,
                                                                       floe::rtp::Codec codec);

  [[nodiscard]] floe::Result<> write(const MediaFrame& frame) override;
  [[nodiscard]] floe::Result<> close() override;

 private:
  IvfWriter(OutputFile file, floe::rtp::Codec codec) : file_(std::move(file)), codec_(codec) {}
  floe::Result<> write_header();

  OutputFile file_;
  floe::rtp::Codec codec_;
  std::uint16_t width_ = 0;
  std::uint16_t height_ = 0;
  std::uint32_t frames_ = 0;
};

struct PictureSize {
  std::uint16_t width = 0;
  std::uint16_t height = 0;
  bool operator==(const PictureSize&) const = default;
};
/// What a key frame of VP8 or VP9 says; absent for anything else.
std::optional<PictureSize> picture_size(floe::rtp::Codec codec, floe::Bytes frame);

}  // namespace media
