// peer_stdio: a WebRTC peer that any program can drive, by lines of JSON. README.md has the lines.
//
// A good way to read it: peer.cc (the commands by name, the events), peer_commands.cc (what each
// does with the PeerConnection), channels.cc (data channels), transfer.cc (many messages, with
// back-pressure).
#include <cstdio>
#include <variant>

#include "../chat/event_loop.h"
#include "../chat/standard_input.h"
#include "floe/mdns/service.h"
#include "floe/net/uv/network.h"
#include "options.h"
#include "output.h"
#include "peer.h"

namespace peer_stdio {
namespace {

int run(Options options) {
  chat::EventLoop loop;
  const auto network = floe::net::uv::Network::create(&*loop);
  if (!network) {
    std::fprintf(stderr, "peer_stdio: %s\n", network.error().message.c_str());
    return static_cast<int>(ExitCode::kInternal);
  }
  if (options.verbose) {
    (*network)->set_log_sink([](floe::LogLevel, std::string_view component, std::string_view text) {
      std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(component.size()), component.data(),
                   static_cast<int>(text.size()), text.data());
    });
  }
  if (options.mdns) options.configuration.local.mdns = floe::mdns::Service::create(**network);

  const auto stop = [&] { loop.stop(); };
  Output output;
  Peer peer(**network, options.configuration, output, stop);
  // One message of the largest default size, in base64, fits a line.
  constexpr std::size_t kMaxLine = 4 << 20;
  chat::StandardInput input(
      *loop, [&](std::string_view line) { peer.take_line(line); }, stop, kMaxLine);
  loop.on_interrupt(stop);
  input.resume();
  loop.run();
  return static_cast<int>(ExitCode::kDone);
}

}  // namespace
}  // namespace peer_stdio

int main(int argc, char** argv) {
  auto options = peer_stdio::parse_options(argc, argv);
  if (const auto* code = std::get_if<peer_stdio::ExitCode>(&options)) {
    return static_cast<int>(*code);
  }
  return peer_stdio::run(std::move(std::get<peer_stdio::Options>(options)));
}
