#include "track_file.h"

#include <algorithm>
#include <utility>

#include "examples/media/annex_b.h"
#include "examples/media/ivf.h"
#include "examples/media/ogg_opus.h"

namespace media_record {

using floe::Duration;
using floe::Result;
using floe::rtp::Codec;

namespace {

// SDP announces two channels whatever a packet holds (RFC 7587 section 7), and decoders make two of
// one.
constexpr int kChannels = 2;

template <typename Writer>
Result<std::unique_ptr<media::FrameWriter>> as_writer(Result<std::unique_ptr<Writer>> created) {
  if (!created) return floe::forward(created);
  return std::unique_ptr<media::FrameWriter>(std::move(*created));
}

}  // namespace

Result<> TrackFile::open(Codec codec) {
  // A sender may change its codec; then another file goes on.
  const std::string stem = part_ == 1 ? stem_ : stem_ + "-part" + std::to_string(part_);
  Result<std::unique_ptr<media::FrameWriter>> writer;
  if (codec == Codec::kOpus) {
    path_ = stem + ".ogg";
    writer = as_writer(media::OggOpusWriter::create(path_, kChannels));
  } else if (codec == Codec::kH264) {
    path_ = stem + ".h264";
    writer = as_writer(media::AnnexBWriter::create(path_));
  } else {
    path_ = stem + ".ivf";
    writer = as_writer(media::IvfWriter::create(path_, codec));
  }
  if (!writer) return floe::forward(writer);
  writer_ = std::move(*writer);
  codec_ = codec;
  return {};
}

Result<> TrackFile::take(const floe::ReceivedFrame& received, Duration since_start) {
  if (writer_ && received.codec != codec_) {
    if (auto closed = close(); !closed) return closed;
    ++part_;
  }
  const bool first = frames_ == 0;
  if (!writer_) {
    // Nothing that comes before it can be decoded.
    if (!received.frame.key_frame) return {};
    if (auto opened = open(received.codec); !opened) return opened;
  }
  if (first) {
    time_ = since_start;
  } else {
    // Timestamps wrap; a step back stands for a sender that began anew.
    const auto units = static_cast<std::int32_t>(received.frame.timestamp - timestamp_);
    const auto rate = std::max<std::int64_t>(1, received.clock_rate);
    time_ += Duration(std::max<std::int64_t>(0, units * std::int64_t{1'000'000'000} / rate));
  }
  timestamp_ = received.frame.timestamp;
  ++frames_;
  return writer_->write({received.frame.payload, time_, received.frame.key_frame});
}

Result<> TrackFile::close() {
  if (!writer_) return {};
  return std::exchange(writer_, nullptr)->close();
}

}  // namespace media_record
