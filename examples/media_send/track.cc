#include "track.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <utility>

#include "examples/media/host.h"

namespace media_send {

using floe::MediaKind;
using floe::Result;
using floe::rtp::Codec;

namespace {

// A key frame is as large as many others: who asks for one after the other gets two a second.
constexpr auto kKeyFrameInterval = std::chrono::milliseconds(500);
constexpr std::uint64_t kStartBitrate = 300'000;
// What RTP, SRTP and UDP put around the frames.
constexpr double kShareOfFrames = 0.95;

std::string mime_type(Codec codec) {
  switch (codec) {
    case Codec::kVp8:
      return "video/VP8";
    case Codec::kVp9:
      return "video/VP9";
    case Codec::kAv1:
      return "video/AV1";
    case Codec::kH264:
      return "video/H264";
    default:
      return "audio/opus";
  }
}

std::int64_t clock_rate(MediaKind kind) {
  return kind == MediaKind::kVideo ? 90'000 : 48'000;
}

}  // namespace

Track::Track(MediaKind kind, std::unique_ptr<Source> source, std::uint64_t max_bitrate)
    : kind_(kind), source_(std::move(source)), max_bitrate_(max_bitrate), bitrate_(max_bitrate) {
  // As cautious as congestion control is, which says more once it knows the path.
  use_bitrate(std::min(max_bitrate, kStartBitrate));
}

void Track::Outlet::connect() {
  connected_ = true;
  track_.request_key_frame();
}

Result<std::shared_ptr<Track::Outlet>> Track::offer(floe::PeerConnection& connection) {
  const auto transceiver = connection.add_transceiver(
      kind_, {.direction = floe::RtpTransceiverDirection::kSendonly, .streams = {"media_send"}});
  if (!transceiver) return floe::forward(transceiver);
  // A file is of one codec, and so is what the encoder makes for everybody.
  if (auto ok =
          (*transceiver)
              ->set_codec_preferences(media::codecs_named(kind_, {mime_type(source_->codec())}));
      !ok) {
    return floe::forward(ok);
  }
  std::shared_ptr<Outlet> outlet(new Outlet(*this));
  outlet->transceiver_ = *transceiver;
  floe::RtpSender& sender = *(*transceiver)->sender();
  sender.on_key_frame_request([this](const std::string&) { request_key_frame(); });
  sender.on_target_bitrate(
      [this, weak = std::weak_ptr(outlet)](const std::string&, std::uint64_t bits_per_second) {
        const auto told = weak.lock();
        if (!told) return;
        told->target_ = bits_per_second;
        follow_targets();
      });
  outlets_.push_back(outlet);
  return outlet;
}

template <typename Visit>
void Track::each_outlet(Visit visit) {
  std::erase_if(outlets_, [](const auto& outlet) { return outlet.expired(); });
  for (const auto& weak : outlets_) visit(*weak.lock());
}

/// One encoder serves all, so the slowest path decides. 0 would have us pause; the least that the
/// encoder makes is sent instead, for only what is sent shows when the path takes more again. Until
/// then `send_frame` refuses what is too much.
void Track::follow_targets() {
  std::uint64_t lowest = max_bitrate_;
  bool known = false;
  each_outlet([&](const Outlet& outlet) {
    if (!outlet.connected_ || !outlet.target_) return;
    known = true;
    lowest = std::min(lowest, std::max(*outlet.target_, media::VpxEncoder::kMinBitrate));
  });
  if (known && lowest != bitrate_) use_bitrate(lowest);
}

void Track::use_bitrate(std::uint64_t bits_per_second) {
  bitrate_ = bits_per_second;
  source_->set_bitrate(
      static_cast<std::uint64_t>(kShareOfFrames * static_cast<double>(bits_per_second)));
}

Result<> Track::step() {
  if (key_frame_wanted_ &&
      (!key_frame_at_ || source_->due() - *key_frame_at_ >= kKeyFrameInterval)) {
    source_->request_key_frame();
  }
  const auto next = source_->next();
  if (!next) return floe::forward(next);
  if (!*next) return {};
  const media::MediaFrame& frame = **next;
  if (frame.key_frame) {
    key_frame_wanted_ = false;
    key_frame_at_ = frame.time;
  }
  ++count_.frames;
  count_.bytes += frame.payload.size();
  each_outlet([&](Outlet& outlet) { send(outlet, frame); });
  return {};
}

void Track::send(Outlet& outlet, const media::MediaFrame& frame) {
  if (!outlet.connected_) return;
  if (kind_ == MediaKind::kVideo && outlet.needs_key_frame_ && !frame.key_frame) return;
  const auto timestamp = frame.time / std::chrono::microseconds(1) * clock_rate(kind_) / 1'000'000;
  const auto sent = outlet.transceiver_->sender()->send_frame(
      {.payload = frame.payload, .timestamp = static_cast<std::uint32_t>(timestamp)});
  outlet.needs_key_frame_ = !sent;
  if (sent) return;
  spdlog::debug("a frame is left out: {}", sent.error().message);
  if (sent.error().code != floe::Errc::kWouldBlock) return;
  ++count_.dropped;
  request_key_frame();
}

Track::Count Track::take_count() {
  return std::exchange(count_, {});
}

}  // namespace media_send
