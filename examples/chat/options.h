#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "exit_code.h"
#include "floe/core/time.h"

namespace chat {

/// The command line.
struct Options {
  std::string signal = "ws://127.0.0.1:8080/signal";
  std::string room;
  std::string name = "peer";
  std::vector<std::string> stun;  ///< "host:port"; the signalling server tells of more.
  bool loopback = false;
  std::string file;     ///< To send; empty: none.
  std::string save;     ///< Where files of the peer's go; empty: they are refused.
  std::string summary;  ///< Where the result goes as JSON; empty: nowhere.
  bool stay = false;
  floe::Duration timeout = std::chrono::seconds(30);  ///< Zero: none.
  bool verbose = false;
};

/// The options, or with what to exit at once (--help, or a mistake that was explained).
std::variant<Options, ExitCode> parse_options(int argc, char** argv);

}  // namespace chat
