// chat: two people talk and send files over a WebRTC data channel.
//
// A good way to read it: session.cc (what happens in which order), meeting.cc (how the two find
// each other), call.cc (what a PeerConnection needs and tells), file_sender.cc and file_receiver.cc
// (a data channel with back-pressure).
#include <spdlog/spdlog.h>

#include <variant>

#include "console.h"
#include "event_loop.h"
#include "floe/net/uv/network.h"
#include "options.h"
#include "session.h"

int main(int argc, char** argv) {
  const auto options = chat::parse_options(argc, argv);
  if (const auto* exit_code = std::get_if<chat::ExitCode>(&options)) {
    return static_cast<int>(*exit_code);
  }
  const auto& chosen = std::get<chat::Options>(options);
  chat::Console console(chosen.verbose);

  chat::EventLoop loop;
  const auto network = floe::net::uv::Network::create(&*loop);
  if (!network) {
    console.error(network.error().message);
    return static_cast<int>(chat::ExitCode::kInternal);
  }
  (*network)->set_log_sink([](floe::LogLevel, std::string_view component, std::string_view text) {
    spdlog::debug("{}: {}", component, text);
  });

  chat::Session session(loop, **network, chosen, console);
  return static_cast<int>(session.run());
}
