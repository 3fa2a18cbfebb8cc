// media_send: shows browsers a moving picture with a clock and lets them hear a tone, or sends
// files.
//
// A good way to read it: broadcast.cc (who watches, and when which frame is due), track.cc (what a
// sender needs: frames, the bitrate it may have, key frames on demand), source.cc (where frames
// come from); ../media has files, encoders, and host.cc, which offers each page a connection.
#include <CLI/CLI.hpp>
#include <map>
#include <memory>
#include <string>

#include "broadcast.h"
#include "examples/media/host.h"
#include "source.h"
#include "track.h"

namespace media_send {
namespace {

using floe::MediaKind;
using floe::Result;
using floe::rtp::Codec;

constexpr const char* kAbout =
    "media_send: shows browsers a moving picture with a clock and a tone, or sends files.\n"
    "\n"
    "Start floe-signal --www examples/web, then this, and open the page that it names.\n";

struct Options {
  media::HostOptions host;
  std::string video;
  std::string audio;
  media::VideoSettings settings;
  unsigned kilobits = 1500;
  double frames_per_second = 30;
};

std::optional<int> parse_options(int argc, char** argv, Options& options) {
  CLI::App app(kAbout);
  media::add_options(app, options.host);
  app.add_option("--video", options.video,
                 "Send this instead of the picture: IVF (VP8, VP9, AV1) or Annex B H.264. It goes "
                 "on from its beginning after its end")
      ->type_name("FILE");
  app.add_option("--audio", options.audio, "Send this instead of the tone: Ogg Opus")
      ->type_name("FILE");
  app.add_option("--codec", options.settings.codec, "How the picture is encoded: vp8 or vp9")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, Codec>{{"vp8", Codec::kVp8}, {"vp9", Codec::kVp9}},
          CLI::ignore_case))
      ->type_name("CODEC")
      ->default_str("vp8");
  const auto even = CLI::Validator(
      [](const std::string& text) {
        return !text.empty() && (text.back() - '0') % 2 == 0 ? std::string()
                                                             : "has to be even, unlike " + text;
      },
      "");
  app.add_option("--width", options.settings.width, "Of the picture, in pixels; even")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(media::TestPicture::kMinWidth, 3840).description(""))
      ->check(even);
  app.add_option("--height", options.settings.height, "Of the picture, in pixels; even")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(media::TestPicture::kMinHeight, 2160).description(""))
      ->check(even);
  app.add_option("--fps", options.frames_per_second,
                 "Pictures a second, of the picture and of an H.264 file")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1.0, 120.0).description(""));
  app.add_option("--bitrate", options.kilobits,
                 "Kilobits a second that the picture takes at most; the network may allow less")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(50, 50'000).description(""));
  return media::parse(app, argc, argv);
}

Result<std::unique_ptr<Source>> open_file(const std::string& path, const Options& options,
                                          bool video) {
  auto source = open_file_source(path, options.frames_per_second);
  if (!source) return source;
  if (floe::rtp::is_video((*source)->codec()) == video) return source;
  return floe::fail(floe::Errc::kInvalidArgument,
                    video ? path + " has sound, so it goes with --audio"
                          : path + " has pictures, so it goes with --video");
}

/// With a file for one, there is nothing for the other.
Result<std::unique_ptr<Source>> make_source(const Options& options, bool video) {
  const std::string& path = video ? options.video : options.audio;
  if (!path.empty()) return open_file(path, options, video);
  if (!options.video.empty() || !options.audio.empty()) return std::unique_ptr<Source>();
  if (!video) return make_tone_source();
  media::VideoSettings settings = options.settings;
  settings.frames_per_second = static_cast<int>(options.frames_per_second);
  settings.bits_per_second = options.kilobits * std::uint64_t{1000};
  return make_picture_source(settings);
}

int run(const Options& options) {
  media::Host host("media_send", "watch", options.host);
  const auto fail = [&](const floe::Error& error) {
    std::fprintf(stderr, "media_send: %s\n", error.message.c_str());
    return media::kFailed;
  };
  if (const auto opened = host.open(); !opened) return fail(opened.error());
  std::unique_ptr<Track> video;
  std::unique_ptr<Track> audio;
  for (const bool is_video : {true, false}) {
    auto source = make_source(options, is_video);
    if (!source) return fail(source.error());
    if (!*source) continue;
    (is_video ? video : audio) =
        std::make_unique<Track>(is_video ? MediaKind::kVideo : MediaKind::kAudio,
                                std::move(*source), options.kilobits * std::uint64_t{1000});
  }
  // Sound, and what RTP, repairs and the bursts of key frames add.
  const std::uint64_t room = (options.kilobits * std::uint64_t{12} / 10 + 100) * 1000;
  Broadcast broadcast(host, video.get(), audio.get(), room);
  return host.run(broadcast);
}

}  // namespace
}  // namespace media_send

int main(int argc, char** argv) {
  media_send::Options options;
  if (const auto exit_code = media_send::parse_options(argc, argv, options)) return *exit_code;
  return media_send::run(options);
}
