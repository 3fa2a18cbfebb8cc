#include "examples/media/host_options.h"

#include <CLI/CLI.hpp>
#include <map>

namespace media {

void add_options(CLI::App& app, HostOptions& options) {
  app.add_option("--signal", options.signal, "The signalling server")
      ->type_name("URL")
      ->capture_default_str();
  app.add_option("--room", options.room, "Where pages meet this program; its name is the only key")
      ->type_name("WORD")
      ->capture_default_str();
  app.add_option(
         "--stun", options.ice_servers,
         "A STUN server, stun:HOST:PORT; repeatable. Those that the signalling server names "
         "are used as well")
      ->type_name("URL")
      ->allow_extra_args(false);
  app.add_flag("--loopback", options.loopback,
               "Use 127.0.0.1 and ::1 too: all on one machine without a network");
  app.add_flag("--verbose,-v", options.verbose, "Show what the library logs");
}

void add_codec_option(CLI::App& app, std::string& mime_type) {
  mime_type = "video/VP8";
  app.add_option("--codec", mime_type, "Of the pictures: vp8, vp9, h264 or av1")
      ->transform(CLI::CheckedTransformer(std::map<std::string, std::string>{{"vp8", "video/VP8"},
                                                                             {"vp9", "video/VP9"},
                                                                             {"h264", "video/H264"},
                                                                             {"av1", "video/AV1"}},
                                          CLI::ignore_case))
      ->type_name("CODEC")
      ->default_str("vp8");
}

void add_bitrate_option(CLI::App& app, unsigned& kilobits) {
  app.add_option("--bitrate", kilobits,
                 "Kilobits a second that a page may send; who watches has to have room for as many")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(100, 50'000).description(""));
}

std::optional<int> parse(CLI::App& app, int argc, char** argv) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  return std::nullopt;
}

}  // namespace media
