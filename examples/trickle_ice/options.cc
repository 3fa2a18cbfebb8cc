#include "options.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

namespace trickle_ice {
namespace {

constexpr const char* kAbout =
    "floe-ice: which ICE candidates do these servers yield, how fast, and if none, why?\n"
    "\n"
    "Gathers once and shows each candidate as it is found, then the outcome for each server. With\n"
    "--nat it finds out how the NAT in front of this machine behaves (RFC 5780). With --serve it\n"
    "gathers for the page trickle-ice/ of floe-signal --www examples/web.\n";

constexpr const char* kFooter =
    "Examples:\n"
    "  floe-ice --server stun:stun.example.org\n"
    "  floe-ice --server turns:turn.example.org --username ann --credential secret --relay-only\n"
    "  floe-ice --server stun:stun.example.org --nat\n"
    "  floe-ice --serve ws://127.0.0.1:8080/signal\n"
    "\n"
    "Exit codes:\n"
    "  0  every server yielded something    3  a server did not\n"
    "  1  the system said no                4  signalling failed (--serve)\n"
    "  2  wrong command line              130  interrupted\n";

}  // namespace

std::variant<Options, ExitCode> parse_options(int argc, char** argv) {
  Options options;
  std::vector<std::string> urls;
  std::string username;
  std::string credential;
  double timeout = std::chrono::duration<double>(options.timeout).count();
  CLI::App app(kAbout);
  app.footer(kFooter);
  app.add_option("--server,-s", urls,
                 "stun:, stuns:, turn: or turns: URI of a server (RFC 7064, 7065); repeatable. "
                 "turns:host?transport=udp is DTLS")
      ->type_name("URI")
      ->allow_extra_args(false);
  app.add_option("--username,-u", username, "For the TURN servers")->type_name("NAME");
  app.add_option("--credential,-p", credential, "For the TURN servers")->type_name("PASSWORD");
  app.add_option("--ca", options.ca_file,
                 "Certificate authorities that TLS and DTLS servers may stand on, in PEM; default: "
                 "the system's")
      ->type_name("FILE")
      ->check(CLI::ExistingFile.description(""));
  app.add_flag("--relay-only", options.request.relay_only, "Only relayed candidates");
  app.add_flag("--tcp", options.tcp, "TCP candidates too (RFC 6544)");
  app.add_flag("--loopback", options.loopback, "The loopback addresses too");
  app.add_option("--timeout", timeout, "Seconds until what has not answered is given up")
      ->capture_default_str()
      ->check(CLI::Range(0.1, 600.0).description(""))
      ->type_name("SECONDS");
  app.add_flag("--json", options.json, "One JSON object a line instead of a table");
  app.add_flag("--nat", options.nat,
               "Behaviour of the NAT (RFC 5780), asked of the first stun: server, and of a second "
               "one if the first has only one address");
  app.add_option("--serve", options.serve, "Wait at this signalling server for the web page")
      ->type_name("URL");
  app.add_option("--room", options.room, "The room to wait in")
      ->type_name("WORD")
      ->capture_default_str();
  app.add_flag("--verbose,-v", options.verbose, "Show what the library logs");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ExitCode::kDone : ExitCode::kUsage;
  }
  options.timeout =
      std::chrono::duration_cast<floe::Duration>(std::chrono::duration<double>(timeout));
  for (std::string& url : urls) {
    options.request.servers.push_back({{std::move(url)}, username, credential});
  }
  // Checked here, so that a wrong word is a wrong command line and not a failure half-way.
  const auto servers = floe::ice::parse_servers(options.request.servers);
  if (!servers) {
    std::fprintf(stderr, "floe-ice: %s\n", servers.error().message.c_str());
    return ExitCode::kUsage;
  }
  const bool relays = std::any_of(servers->begin(), servers->end(), [](const auto& server) {
    return server.kind == floe::ice::Server::Kind::kTurn;
  });
  if (options.request.relay_only && !relays && !options.serve) {
    std::fputs("floe-ice: --relay-only needs a turn: or turns: server; name one with --server\n",
               stderr);
    return ExitCode::kUsage;
  }
  return options;
}

}  // namespace trickle_ice
