#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "floe/core/time.h"
#include "floe/ice/server.h"

namespace trickle_ice {

enum class ExitCode {
  kDone = 0,
  kInternal = 1,      ///< The system said no.
  kUsage = 2,         ///< Wrong command line.
  kServerFailed = 3,  ///< A server yielded nothing.
  kSignaling = 4,     ///< The signalling server is not there or has gone.
  kInterrupted = 130,
};

/// What is gathered, from whom.
struct Request {
  std::vector<floe::ice::ServerConfig> servers;
  bool relay_only = false;
};

struct Options {
  Request request;
  std::string ca_file;  ///< Empty: the system's certificate authorities.
  bool loopback = false;
  bool tcp = false;
  bool json = false;
  bool nat = false;
  floe::Duration timeout = std::chrono::seconds(30);
  std::optional<std::string> serve;  ///< The signalling server's URL.
  std::string room = "trickle-ice";
  bool verbose = false;
};

/// The exit code when there is nothing to run: --help, or words that make no sense.
std::variant<Options, ExitCode> parse_options(int argc, char** argv);

}  // namespace trickle_ice
