#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "examples/media/file.h"
#include "examples/media/media_frame.h"
#include "examples/media/ogg_page.h"

namespace media {

/// Opus counts in this, whatever it was encoded from (RFC 7845 section 4).
inline constexpr std::uint32_t kOpusRate = 48000;

/// The first Opus stream of an Ogg file (RFC 7845); others beside it are passed over.
class OggOpusReader final : public FrameReader {
 public:
  [[nodiscard]] static floe::Result<std::unique_ptr<OggOpusReader>> open(const std::string& path);

  floe::rtp::Codec codec() const override { return floe::rtp::Codec::kOpus; }
  int channels() const { return channels_; }
  [[nodiscard]] floe::Result<std::optional<MediaFrame>> next() override;

 private:
  struct Packet {
    std::vector<std::uint8_t> payload;
    std::uint64_t page_offset = 0;
  };

  explicit OggOpusReader(InputFile file) : file_(std::move(file)) {}
  floe::Result<> read_headers();
  floe::Result<std::optional<Packet>> next_packet();
  floe::Result<> take(const OggPage& page);

  InputFile file_;
  std::optional<std::uint32_t> serial_;
  std::vector<std::uint8_t> partial_;  ///< A packet that goes on with the next page.
  std::deque<Packet> packets_;         ///< Of one page.
  bool ended_ = false;
  int channels_ = 0;
  std::uint64_t position_ = 0;  ///< In samples.
};

/// Writes Opus packets as they came from the network. Where some are missing, empty ones stand in
/// for them, which have decoders conceal the loss (RFC 7845 section 4.1).
class OggOpusWriter final : public FrameWriter {
 public:
  [[nodiscard]] static floe::Result<std::unique_ptr<OggOpusWriter>> create(const std::string& path,
                                                                           int channels);

  /// Errors: kMalformed for what is no Opus packet, and those of `FrameWriter`.
  [[nodiscard]] floe::Result<> write(const MediaFrame& frame) override;
  [[nodiscard]] floe::Result<> close() override;

 private:
  explicit OggOpusWriter(OutputFile file) : file_(std::move(file)) {}
  floe::Result<> write_headers(int channels);
  floe::Result<> add(floe::Bytes packet, std::uint64_t duration);
  floe::Result<> finish_page(bool last);

  OutputFile file_;
  OggPage page_;
  std::uint64_t position_ = 0;  ///< The end of the last packet, in samples.
  std::uint64_t skipped_ = 0;   ///< Samples of gaps that were too long to fill.
  bool closed_ = false;
};

}  // namespace media
