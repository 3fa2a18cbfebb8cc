#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "examples/media/file.h"
#include "examples/media/media_frame.h"

namespace media {

/// H.264 as a stream of bytes (ITU-T H.264 Annex B), cut into access units, one for each frame. It
/// has no times: frames come `frames_per_second`.
class AnnexBReader final : public FrameReader {
 public:
  [[nodiscard]] static floe::Result<std::unique_ptr<AnnexBReader>> open(const std::string& path,
                                                                        double frames_per_second);

  floe::rtp::Codec codec() const override { return floe::rtp::Codec::kH264; }
  [[nodiscard]] floe::Result<std::optional<MediaFrame>> next() override;

 private:
  AnnexBReader(InputFile file, double frames_per_second)
      : file_(std::move(file)), frames_per_second_(frames_per_second) {}
  floe::Result<> read_first_unit();
  floe::Result<std::optional<std::vector<std::uint8_t>>> next_unit();
  bool fill();

  InputFile file_;
  double frames_per_second_;
  std::vector<std::uint8_t> buffer_;
  std::size_t at_ = 0;  ///< What comes before was used.
  /// The NAL unit that begins the next access unit.
  std::optional<std::vector<std::uint8_t>> kept_;
  std::uint64_t number_ = 0;
};

class AnnexBWriter final : public FrameWriter {
 public:
  [[nodiscard]] static floe::Result<std::unique_ptr<AnnexBWriter>> create(const std::string& path);

  [[nodiscard]] floe::Result<> write(const MediaFrame& frame) override {
    return file_.write(frame.payload);
  }
  [[nodiscard]] floe::Result<> close() override { return file_.close(); }

 private:
  explicit AnnexBWriter(OutputFile file) : file_(std::move(file)) {}
  OutputFile file_;
};

}  // namespace media
