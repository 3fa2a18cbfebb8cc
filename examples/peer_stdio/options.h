#pragma once

#include <variant>

#include "floe/peer/configuration.h"

namespace peer_stdio {

enum class ExitCode { kDone = 0, kInternal = 1, kUsage = 2 };

/// What the connections are made with, unless `create` says otherwise.
struct Options {
  floe::Configuration configuration;
  bool mdns = false;
  bool verbose = false;
};

std::variant<Options, ExitCode> parse_options(int argc, char** argv);

}  // namespace peer_stdio
