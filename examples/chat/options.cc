#include "options.h"

#include <CLI/CLI.hpp>

namespace chat {
namespace {

constexpr const char* kAbout =
    "chat: two people talk and send files over a WebRTC data channel.\n"
    "\n"
    "Start floe-signal, then one chat with the same --room for each person. What you type is "
    "shown\n"
    "to the other one; the end of your input (Ctrl-D) ends the conversation. The conversation "
    "goes\n"
    "to the standard output, everything else to the standard error.\n";

constexpr const char* kExitCodes =
    "Exit codes:\n"
    "  0  all went well             5  no connection within --timeout\n"
    "  1  the system said no        6  the connection failed\n"
    "  2  wrong command line        7  the other one vanished\n"
    "  3  signalling failed         8  a file could not be read or written here\n"
    "  4  the room is full          9  a file did not get across\n"
    "  130  interrupted before the conversation began, or during a transfer\n";

}  // namespace

std::variant<Options, ExitCode> parse_options(int argc, char** argv) {
  Options options;
  double timeout = std::chrono::duration<double>(options.timeout).count();
  CLI::App app(kAbout);
  app.footer(kExitCodes);
  app.add_option("--signal", options.signal, "The signalling server")
      ->type_name("URL")
      ->capture_default_str();
  app.add_option("--room", options.room, "Where the two meet: any word both know")
      ->type_name("WORD")
      ->required();
  app.add_option("--name", options.name, "What the other one calls you")
      ->type_name("WORD")
      ->capture_default_str();
  app.add_option("--stun", options.stun,
                 "A STUN server, host:port; repeatable. Those that the signalling server names are "
                 "used as well")
      ->type_name("HOST:PORT")
      ->allow_extra_args(false);
  app.add_flag("--loopback", options.loopback, "Use 127.0.0.1 and ::1 too: both on one machine");
  app.add_option("--file", options.file, "Send this file")->type_name("PATH");
  app.add_option("--save", options.save,
                 "Folder for the other one's files; without it they are refused")
      ->type_name("FOLDER");
  app.add_flag("--stay", options.stay,
               "Do not leave at the end of the input, but when the other one does");
  app.add_option("--timeout", timeout, "Seconds until both must be connected; 0: no limit")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1e6).description(""))
      ->type_name("SECONDS");
  app.add_option("--summary", options.summary, "Write the result to this file, as JSON")
      ->type_name("PATH");
  app.add_flag("--verbose,-v", options.verbose, "Show what the library logs");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? ExitCode::kDone : ExitCode::kUsage;
  }
  options.timeout =
      std::chrono::duration_cast<floe::Duration>(std::chrono::duration<double>(timeout));
  return options;
}

}  // namespace chat
