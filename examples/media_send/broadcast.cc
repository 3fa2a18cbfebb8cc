#include "broadcast.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace media_send {

using floe::Result;

namespace {

// Frames of one track at once, after the machine was busy with something else. With more the time
// that was lost is left out.
constexpr int kMaxBurst = 10;
constexpr auto kReportPeriod = std::chrono::seconds(5);

}  // namespace

template <typename Do>
void Broadcast::each_track(Do action) {
  for (Track* track : {video_, audio_}) {
    if (track != nullptr) action(*track);
  }
}

class Broadcast::Viewer final : public media::Visit {
 public:
  explicit Viewer(Broadcast& broadcast) : broadcast_(broadcast) {}
  ~Viewer() override {
    if (connected_ && --broadcast_.viewers_ == 0) {
      broadcast_.paused_ = broadcast_.host_.network().now();
    }
  }

  Result<> offer(Track& track, floe::PeerConnection& connection) {
    auto outlet = track.offer(connection);
    if (!outlet) return floe::forward(outlet);
    outlets_.push_back(std::move(*outlet));
    return {};
  }

  void on_connected() override {
    for (const auto& outlet : outlets_) outlet->connect();
    if (std::exchange(connected_, true)) return;
    if (broadcast_.viewers_++ > 0) return;
    const floe::Time now = broadcast_.host_.network().now();
    broadcast_.began_ += now - broadcast_.paused_;
    broadcast_.each_track([](Track& track) { track.take_count(); });
    broadcast_.play();
    broadcast_.report_timer_->arm(now + kReportPeriod);
  }

 private:
  Broadcast& broadcast_;
  std::vector<std::shared_ptr<Track::Outlet>> outlets_;
  bool connected_ = false;
};

Broadcast::Broadcast(media::Host& host, Track* video, Track* audio, std::uint64_t max_bitrate)
    : host_(host),
      video_(video),
      audio_(audio),
      max_bitrate_(max_bitrate),
      timer_(host.network().create_timer([this] { play(); })),
      report_timer_(host.network().create_timer([this] { report(); })) {
  began_ = paused_ = host.network().now();
}

/// Probes find out how much of it the path takes.
void Broadcast::configure(floe::Configuration& configuration) const {
  configuration.media_bitrate.max = floe::rtp::Bitrate(static_cast<std::int64_t>(max_bitrate_));
  configuration.media_bitrate.start =
      std::min(configuration.media_bitrate.start, configuration.media_bitrate.max);
}

Result<std::unique_ptr<media::Visit>> Broadcast::welcome(const std::string& name, media::Wish wish,
                                                         floe::PeerConnection& connection) {
  if (wish != media::Wish::kWatch) {
    return floe::fail(floe::Errc::kUnsupported,
                      "media_send is here to be watched: open the page watch");
  }
  spdlog::info("{} wants to watch", name);
  auto viewer = std::make_unique<Viewer>(*this);
  Result<> offered;
  each_track([&](Track& track) {
    if (offered) offered = viewer->offer(track, connection);
  });
  if (!offered) return floe::forward(offered);
  return viewer;
}

/// Sends what is due, and comes again when the next frame is.
void Broadcast::play() {
  if (viewers_ == 0) return;
  const floe::Time now = host_.network().now();
  Result<> played;
  floe::Time next = floe::kNever;
  each_track([&](Track& track) {
    for (int burst = 0; played && began_ + track.due() <= now; ++burst) {
      if (burst == kMaxBurst) began_ = now - track.due();
      played = track.step();
    }
    next = std::min(next, began_ + track.due());
  });
  if (!played) return host_.stop(media::kFailed, played.error().message);
  timer_->arm(next);
}

void Broadcast::report() {
  if (viewers_ == 0) return;
  report_timer_->arm(host_.network().now() + kReportPeriod);
  const double seconds = std::chrono::duration<double>(kReportPeriod).count();
  std::string line = fmt::format("{} watching", viewers_);
  if (video_ != nullptr) {
    const auto count = video_->take_count();
    line += fmt::format(": {:.1f} pictures/s, {:.0f} kbit/s of {:.0f}",
                        static_cast<double>(count.frames) / seconds,
                        static_cast<double>(count.bytes) * 8 / 1000 / seconds,
                        static_cast<double>(video_->bitrate()) / 1000);
    if (count.dropped > 0) line += fmt::format(", {} left out", count.dropped);
  }
  spdlog::info("{}", line);
}

}  // namespace media_send
