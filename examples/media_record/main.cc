// media_record: writes what a browser sends to files that FFmpeg and others play.
//
// track_file.cc has how received frames become those of a file.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "examples/media/host.h"
#include "track_file.h"

namespace media_record {
namespace {

using floe::MediaKind;
using floe::Result;

constexpr const char* kAbout =
    "media_record: writes what a browser sends to files: IVF (VP8, VP9, AV1) or a stream of "
    "H.264,\n"
    "and Ogg Opus.\n"
    "\n"
    "Start floe-signal --www examples/web, then this, and open the page that it names.\n";

/// One page's stay.
class Recording final : public media::Visit {
 public:
  Recording(media::Host& host, const std::string& stem)
      : host_(host), video_(stem), audio_(stem), stem_(stem) {}
  ~Recording() override;

  Result<> offer(floe::PeerConnection& connection, MediaKind kind,
                 const std::vector<std::string>& mime_types) {
    const auto added =
        connection.add_transceiver(kind, {.direction = floe::RtpTransceiverDirection::kRecvonly});
    if (!added) return floe::forward(added);
    const auto set = (*added)->set_codec_preferences(media::codecs_named(kind, mime_types));
    if (!set) return set;
    TrackFile& file = kind == MediaKind::kVideo ? video_ : audio_;
    (*added)->receiver()->on_frame(
        [this, &file](const floe::ReceivedFrame& received) { take(file, received); });
    return {};
  }

 private:
  void take(TrackFile& file, const floe::ReceivedFrame& received) {
    const floe::Time now = host_.network().now();
    if (!began_) began_ = now;
    const bool was_there = !file.path().empty();
    if (const auto taken = file.take(received, now - *began_); !taken) {
      return host_.stop(media::kFailed, taken.error().message);
    }
    if (!was_there && !file.path().empty()) spdlog::info("writing {}", file.path());
  }
  /// False if there is none.
  static bool finish(TrackFile& file, const char* what);

  media::Host& host_;
  TrackFile video_;
  TrackFile audio_;
  const std::string stem_;
  std::optional<floe::Time> began_;  ///< With the first frame of either.
};

Recording::~Recording() {
  const bool video = finish(video_, "pictures");
  const bool audio = finish(audio_, "packets of sound");
  if (!video || !audio) return;
  spdlog::info("both in one file: ffmpeg -i {} -i {} -c copy {}.mkv", video_.path(), audio_.path(),
               stem_);
}

bool Recording::finish(TrackFile& file, const char* what) {
  if (file.path().empty()) return false;
  if (const auto closed = file.close(); !closed) {
    spdlog::error("media_record: {}", closed.error().message);
    return false;
  }
  spdlog::info("{}: {} {}, {:.1f} s", file.path(), file.frames(), what,
               std::chrono::duration<double>(file.length()).count());
  return true;
}

class Recorder final : public media::Programme {
 public:
  Recorder(media::Host& host, std::filesystem::path folder, std::vector<std::string> video)
      : host_(host), folder_(std::move(folder)), video_(std::move(video)) {}

  Result<std::unique_ptr<media::Visit>> welcome(const std::string& name, media::Wish wish,
                                                floe::PeerConnection& connection) override {
    if (wish != media::Wish::kPublish) {
      return floe::fail(floe::Errc::kUnsupported,
                        "media_record only listens: open the page publish");
    }
    spdlog::info("{} is recorded", name);
    auto recording = std::make_unique<Recording>(host_, free_stem());
    if (auto ok = recording->offer(connection, MediaKind::kAudio, {"audio/opus"}); !ok) {
      return floe::forward(ok);
    }
    if (auto ok = recording->offer(connection, MediaKind::kVideo, video_); !ok) {
      return floe::forward(ok);
    }
    return recording;
  }

 private:
  /// Nothing is written over: "recording-1" and so on.
  std::string free_stem() {
    while (true) {
      const std::string stem = (folder_ / ("recording-" + std::to_string(++number_))).string();
      bool is_free = true;
      for (const char* ending : {".ivf", ".h264", ".ogg"}) {
        is_free = is_free && !std::filesystem::exists(stem + ending);
      }
      if (is_free) return stem;
    }
  }

  media::Host& host_;
  const std::filesystem::path folder_;
  const std::vector<std::string> video_;
  int number_ = 0;
};

int run(const media::HostOptions& options, const std::string& folder,
        const std::vector<std::string>& video) {
  const auto fail = [](const std::string& message) {
    std::fprintf(stderr, "media_record: %s\n", message.c_str());
    return media::kFailed;
  };
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!std::filesystem::is_directory(folder)) {
    return fail("cannot write into " + folder + ": " + (error ? error.message() : "not a folder"));
  }
  media::Host host("media_record", "publish", options);
  if (const auto opened = host.open(); !opened) return fail(opened.error().message);
  Recorder recorder(host, folder, video);
  return host.run(recorder);
}

}  // namespace
}  // namespace media_record

int main(int argc, char** argv) {
  media::HostOptions options;
  std::string folder = ".";
  std::string codec;
  CLI::App app(media_record::kAbout);
  media::add_options(app, options);
  media::add_codec_option(app, codec);
  app.add_option("--out", folder, "Where the files go")->type_name("FOLDER")->capture_default_str();
  if (const auto exit_code = media::parse(app, argc, argv)) return *exit_code;
  // What is asked for stands first; the page may not have it.
  std::vector<std::string> video{codec};
  for (const char* other : {"video/VP8", "video/VP9", "video/H264", "video/AV1"}) {
    if (codec != other) video.emplace_back(other);
  }
  return media_record::run(options, folder, video);
}
