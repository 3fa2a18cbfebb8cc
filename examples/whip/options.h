#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "floe/net/endpoint.h"
#include "floe/peer/configuration.h"
#include "floe/whip/protocol.h"

namespace whip_program {

/// The program's exit codes, which --help lists.
enum class ExitCode : int {
  kDone = 0,
  kInternal = 1,
  kUsage = 2,
  kRefused = 3,  ///< The session never began, or ended against our will.
};

struct Common {
  std::string token;
  bool loopback = false;
  bool verbose = false;
};

struct Serve : Common {
  floe::net::Endpoint bind{floe::net::Address::v4(127, 0, 0, 1), 8080};
  std::string certificate;  ///< PEM files; empty for http.
  std::string key;
  std::vector<floe::IceServer> ice_servers;  ///< Told to clients, and used.
};

struct Visit : Common {
  floe::whip::Protocol protocol = floe::whip::Protocol::kWhip;
  std::string url;
  std::string ca;
  bool audio = false;
  bool video = false;
};

using Options = std::variant<Serve, Visit>;

/// The error is what the program ends with; it has told the user.
std::variant<Options, ExitCode> parse_options(int argc, char** argv);

}  // namespace whip_program
