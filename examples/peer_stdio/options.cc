#include "options.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

namespace peer_stdio {
namespace {

constexpr const char* kAbout =
    "peer_stdio: a WebRTC peer driven by lines of JSON.\n"
    "\n"
    "Commands come on the standard input, one JSON object a line; answers and events go to the\n"
    "standard output in the same form. README.md beside the source has all of them.\n";

constexpr const char* kFooter =
    "Example:\n"
    "  echo '{\"command\": \"create_data_channel\", \"label\": \"chat\"}\n"
    "  {\"command\": \"create_offer\"}' | peer_stdio\n"
    "\n"
    "Exit codes: 0 after \"quit\" or the end of the input, 1 the system said no, 2 wrong command "
    "line\n";

}  // namespace

std::variant<Options, ExitCode> parse_options(int argc, char** argv) {
  Options options;
  std::vector<std::string> urls;
  std::string username;
  std::string credential;
  bool relay_only = false;
  CLI::App app(kAbout);
  app.footer(kFooter);
  app.add_option("--ice-server", urls, "stun:, turn: or turns: URI; repeatable")
      ->type_name("URI")
      ->allow_extra_args(false);
  app.add_option("--username", username, "For the TURN servers")->type_name("NAME");
  app.add_option("--credential", credential, "For the TURN servers")->type_name("PASSWORD");
  app.add_flag("--relay-only", relay_only, "Only relayed candidates");
  app.add_flag("--loopback", options.configuration.local.loopback, "The loopback addresses too");
  app.add_flag("--mdns", options.mdns, "Resolve the .local names that browsers have for addresses");
  app.add_flag("--hide-addresses", options.configuration.local.hide_addresses,
               "Have such names for the own addresses");
  app.add_flag("--verbose,-v", options.verbose, "Show what the library logs");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ExitCode::kDone : ExitCode::kUsage;
  }
  if (options.configuration.local.hide_addresses) options.mdns = true;
  if (relay_only) options.configuration.ice_transport_policy = floe::ice::Policy::kRelay;
  for (std::string& url : urls) {
    options.configuration.ice_servers.push_back({{std::move(url)}, username, credential});
  }
  // Checked here, so that a wrong word is a wrong command line.
  if (const auto servers = floe::ice::parse_servers(options.configuration.ice_servers); !servers) {
    std::fprintf(stderr, "peer_stdio: %s\n", servers.error().message.c_str());
    return ExitCode::kUsage;
  }
  return options;
}

}  // namespace peer_stdio
