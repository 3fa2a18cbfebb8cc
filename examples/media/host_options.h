#pragma once

#include <optional>
#include <string>
#include <vector>

#include "floe/core/result.h"
#include "floe/peer/configuration.h"

namespace CLI {
class App;
}

namespace media {

/// What the command lines of all these programs have in common.
struct HostOptions {
  std::string signal = "ws://127.0.0.1:8080/signal";
  std::string room = "media";
  std::vector<std::string> ice_servers;  ///< "stun:..." ; the signalling server tells of more.
  bool loopback = false;
  bool verbose = false;
};

void add_options(CLI::App& app, HostOptions& options);
/// --codec, of which pictures are to be: `mime_type` is "video/VP8" unless it says otherwise.
void add_codec_option(CLI::App& app, std::string& mime_type);
/// --bitrate, what pages may send: what goes in has to get out again, and nobody encodes it anew.
void add_bitrate_option(CLI::App& app, unsigned& kilobits);
/// With what the program exits instead, after --help or a mistake, which was explained.
std::optional<int> parse(CLI::App& app, int argc, char** argv);

// What these programs tell their caller.
inline constexpr int kDone = 0;
inline constexpr int kFailed = 1;     ///< The machine gave no socket, no file and the like.
inline constexpr int kUsage = 2;      ///< The command line is wrong.
inline constexpr int kSignaling = 3;  ///< No signalling server, or it refused or ended.

}  // namespace media
