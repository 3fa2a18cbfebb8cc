#include "source.h"

#include <spdlog/spdlog.h>

#include <array>
#include <utility>

#include "examples/media/picture.h"
#include "examples/media/sound_encoder.h"
#include "examples/media/tone.h"

namespace media_send {

using floe::Duration;
using floe::Result;
using media::MediaFrame;

namespace {

constexpr int kSoundBitrate = 32'000;

class PictureSource final : public Source {
 public:
  PictureSource(const media::VideoSettings& settings, std::unique_ptr<media::VpxEncoder> encoder)
      : settings_(settings),
        picture_(settings.width, settings.height),
        encoder_(std::move(encoder)) {}

  floe::rtp::Codec codec() const override { return settings_.codec; }
  Duration due() const override {
    return Duration(std::chrono::seconds(1)) * number_ / settings_.frames_per_second;
  }
  Result<std::optional<MediaFrame>> next() override {
    const Duration time = due();
    const auto& picture = picture_.draw(static_cast<std::uint16_t>(number_), time);
    ++number_;
    auto frame = encoder_->encode(picture, time, key_frame_);
    // One that the encoder left out is asked for again.
    if (frame && *frame) key_frame_ = false;
    return frame;
  }
  void request_key_frame() override { key_frame_ = true; }
  void set_bitrate(std::uint64_t bits_per_second) override {
    if (const auto set = encoder_->set_bitrate(bits_per_second); !set) {
      spdlog::warn("{}", set.error().message);
    }
  }

 private:
  media::VideoSettings settings_;
  media::TestPicture picture_;
  std::unique_ptr<media::VpxEncoder> encoder_;
  std::int64_t number_ = 0;
  bool key_frame_ = false;
};

class ToneSource final : public Source {
 public:
  explicit ToneSource(std::unique_ptr<media::SoundEncoder> encoder)
      : encoder_(std::move(encoder)) {}

  floe::rtp::Codec codec() const override { return floe::rtp::Codec::kOpus; }
  Duration due() const override { return media::SoundEncoder::kPeriod * number_; }
  Result<std::optional<MediaFrame>> next() override {
    std::array<std::int16_t, media::SoundEncoder::kSamples> samples{};
    tone_.fill(samples);
    auto packet = encoder_->encode(samples);
    if (!packet) return floe::forward(packet);
    MediaFrame frame{std::move(*packet), due(), true};
    ++number_;
    return frame;
  }

 private:
  media::Tone tone_;
  std::unique_ptr<media::SoundEncoder> encoder_;
  std::int64_t number_ = 0;
};

class FileSource final : public Source {
 public:
  FileSource(std::string path, double frames_per_second)
      : path_(std::move(path)), frames_per_second_(frames_per_second) {}

  /// Reads the first frame.
  Result<> begin() {
    auto reader = media::open_media_file(path_, frames_per_second_);
    if (!reader) return floe::forward(reader);
    reader_ = std::move(*reader);
    auto first = reader_->next();
    if (!first) return floe::forward(first);
    if (!*first) return floe::fail(floe::Errc::kMalformed, path_ + " has no frame to send");
    // Some files begin at a later time than zero.
    offset_ = due_ - (*first)->time;
    next_ = std::move(**first);
    return {};
  }

  floe::rtp::Codec codec() const override { return reader_->codec(); }
  Duration due() const override { return due_; }
  Result<std::optional<MediaFrame>> next() override {
    MediaFrame frame = std::move(next_);
    frame.time = due_;
    auto following = reader_->next();
    if (!following) return floe::forward(following);
    if (*following) {
      next_ = std::move(**following);
      // Times that go back are played at once.
      due_ = std::max(due_, offset_ + next_.time);
      step_ = due_ - frame.time;
    } else {
      due_ += std::max(step_, Duration(std::chrono::milliseconds(1)));
      if (const auto begun = begin(); !begun) return floe::forward(begun);
    }
    return frame;
  }

 private:
  const std::string path_;
  const double frames_per_second_;
  std::unique_ptr<media::FrameReader> reader_;
  MediaFrame next_;
  Duration due_{};
  Duration offset_{};  ///< Of the file's times to ours.
  Duration step_{};    ///< From the frame before to the last.
};

}  // namespace

Result<std::unique_ptr<Source>> make_picture_source(const media::VideoSettings& settings) {
  auto encoder = media::VpxEncoder::create(settings);
  if (!encoder) return floe::forward(encoder);
  return std::make_unique<PictureSource>(settings, std::move(*encoder));
}

Result<std::unique_ptr<Source>> make_tone_source() {
  auto encoder = media::SoundEncoder::create(kSoundBitrate);
  if (!encoder) return floe::forward(encoder);
  return std::make_unique<ToneSource>(std::move(*encoder));
}

Result<std::unique_ptr<Source>> open_file_source(const std::string& path,
                                                 double frames_per_second) {
  auto source = std::make_unique<FileSource>(path, frames_per_second);
  if (const auto begun = source->begin(); !begun) return floe::forward(begun);
  return source;
}

}  // namespace media_send
