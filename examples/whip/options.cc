#include "options.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "floe/core/text.h"
#include "floe/http/url.h"

namespace whip_program {
namespace {

using floe::whip::Protocol;

constexpr const char* kAbout =
    "floe-whip: a server of WHIP (RFC 9725) and WHEP, and a client of both.\n"
    "\n"
    "  serve        lets clients publish streams, and others watch them\n"
    "  publish URL  publishes the lines of the standard input over a data channel\n"
    "  watch URL    prints what is published\n"
    "\n"
    "What publishers send over data channels is passed on to those who watch the same stream. "
    "Audio\n"
    "and video are forwarded by serve; the clients only negotiate them.\n";

constexpr const char* kFooter =
    "Examples:\n"
    "  floe-whip serve\n"
    "  floe-whip publish http://127.0.0.1:8080/whip/door\n"
    "  floe-whip watch http://127.0.0.1:8080/whep/door\n"
    "\n"
    "While publishing or watching, the line /restart restarts ICE. The end of the input ends the\n"
    "session, as SIGINT and SIGTERM do.\n"
    "\n"
    "Exit codes:\n"
    "  0  done                          2  wrong command line\n"
    "  1  the system said no            3  the server refused or ended the session\n";

void add_common(CLI::App& command, Common& common, const char* token) {
  command.add_option("--token", common.token, token)->type_name("WORD");
  command.add_flag("--loopback", common.loopback, "ICE on the loopback addresses too");
  command.add_flag("--verbose,-v", common.verbose, "Show what the library logs");
}

floe::Result<floe::IceServer> parse_ice_server(const std::string& text) {
  const std::vector<std::string_view> parts = floe::split(text, ',');
  floe::IceServer server{{std::string(parts[0])}, {}, {}};
  if (parts.size() == 3) {
    server.username = parts[1];
    server.credential = parts[2];
  } else if (parts.size() != 1) {
    return floe::fail(floe::Errc::kInvalidArgument,
                      "--ice-server " + text + ": expected URI or URI,USER,PASSWORD");
  }
  if (const auto parsed = floe::ice::parse_servers({&server, 1}); !parsed) return forward(parsed);
  return server;
}

ExitCode complain(const std::string& what) {
  std::fprintf(stderr, "floe-whip: %s\n", what.c_str());
  return ExitCode::kUsage;
}

}  // namespace

std::variant<Options, ExitCode> parse_options(int argc, char** argv) {
  Serve serve;
  Visit visit;
  std::string address = "127.0.0.1";
  std::uint16_t port = serve.bind.port;
  std::vector<std::string> ice_servers;

  CLI::App app(kAbout);
  app.footer(kFooter);
  app.require_subcommand(1);
  CLI::App* const server = app.add_subcommand("serve", "Serve WHIP and WHEP");
  server->add_option("--bind", address, "Address to listen on; 0.0.0.0 or :: for all")
      ->capture_default_str()
      ->type_name("ADDRESS");
  server->add_option("--port", port, "TCP port; 0 picks a free one")->capture_default_str();
  CLI::Option* const certificate =
      server->add_option("--certificate", serve.certificate, "Certificate chain for https, in PEM")
          ->check(CLI::ExistingFile.description(""))
          ->type_name("FILE");
  server->add_option("--key", serve.key, "Its key; by default in the same file")
      ->check(CLI::ExistingFile.description(""))
      ->type_name("FILE")
      ->needs(certificate);
  server
      ->add_option("--ice-server", ice_servers,
                   "stun: or turn: URI, to use and to tell clients; repeatable")
      ->type_name("URI[,USER,PASSWORD]")
      ->allow_extra_args(false);
  add_common(*server, serve, "The bearer token that opens every stream; none: everybody may");

  CLI::App* const publisher = app.add_subcommand("publish", "Publish to a WHIP endpoint");
  CLI::App* const player = app.add_subcommand("watch", "Watch a WHEP endpoint");
  for (CLI::App* const command : {publisher, player}) {
    command->add_option("url", visit.url, "The endpoint's URL")->required()->type_name("URL");
    command->add_option("--ca", visit.ca, "Authorities that https may stand on, in PEM")
        ->check(CLI::ExistingFile.description(""))
        ->type_name("FILE");
    command->add_flag("--audio", visit.audio, "Negotiate audio too");
    command->add_flag("--video", visit.video, "Negotiate video too");
    add_common(*command, visit, "The bearer token to show");
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ExitCode::kDone : ExitCode::kUsage;
  }
  if (!*server) {
    if (const auto url = floe::http::Url::parse(visit.url); !url) {
      return complain(url.error().message);
    }
    visit.protocol = *publisher ? Protocol::kWhip : Protocol::kWhep;
    return Options(visit);
  }
  const auto bind = floe::net::Address::parse(address);
  if (!bind) return complain("--bind " + address + ": not an IPv4 or IPv6 address");
  serve.bind = {*bind, port};
  for (const std::string& text : ice_servers) {
    auto parsed = parse_ice_server(text);
    if (!parsed) return complain(parsed.error().message);
    serve.ice_servers.push_back(std::move(*parsed));
  }
  return Options(serve);
}

}  // namespace whip_program
