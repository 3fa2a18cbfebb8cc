// floe-whip: a server of WHIP and WHEP, and a client of both.
//
// A good way to read it: relay.cc (what a server's application does), visitor.cc (a client's).
#include <cstdio>
#include <string>
#include <variant>

#include "../chat/event_loop.h"
#include "../chat/standard_input.h"
#include "floe/net/uv/network.h"
#include "options.h"
#include "relay.h"
#include "visitor.h"

namespace whip_program {
namespace {

ExitCode complain(const floe::Error& error) {
  std::fprintf(stderr, "floe-whip: %s\n", error.message.c_str());
  return ExitCode::kInternal;
}

ExitCode run(chat::EventLoop& loop, floe::net::Network& network, const Serve& options) {
  Relay relay(network, options);
  if (const auto listening = relay.listen(); !listening) return complain(listening.error());
  loop.on_interrupt([&] { loop.stop(); });
  loop.run();
  return ExitCode::kDone;
}

ExitCode run(chat::EventLoop& loop, floe::net::Network& network, const Visit& options) {
  ExitCode code = ExitCode::kInternal;
  Visitor visitor(network, options, [&](ExitCode ended) {
    code = ended;
    loop.stop();
  });
  if (const auto started = visitor.start(); !started) return complain(started.error());
  chat::StandardInput input(
      *loop, [&](std::string_view line) { visitor.take_line(line); }, [&] { visitor.close(); });
  input.resume();
  loop.on_interrupt([&] { visitor.close(); });
  loop.run();
  return code;
}

}  // namespace
}  // namespace whip_program

int main(int argc, char** argv) {
  using namespace whip_program;
  const auto parsed = parse_options(argc, argv);
  if (const auto* code = std::get_if<ExitCode>(&parsed)) return static_cast<int>(*code);

  chat::EventLoop loop;
  const auto network = floe::net::uv::Network::create(&*loop);
  if (!network) return static_cast<int>(complain(network.error()));
  return static_cast<int>(std::visit(
      [&](const auto& options) {
        if (options.verbose) {
          (*network)->set_log_sink([](floe::LogLevel, std::string_view part,
                                      std::string_view text) {
            std::fprintf(stderr, "%s: %s\n", std::string(part).c_str(), std::string(text).c_str());
          });
        }
        return run(loop, **network, options);
      },
      std::get<Options>(parsed)));
}
