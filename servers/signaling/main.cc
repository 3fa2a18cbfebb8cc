// floe-signal: a WebSocket signalling server, static files for a page that uses it, and a STUN
// server, in one process.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <uv.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "floe/core/text.h"
#include "floe/net/uv/network.h"
#include "floe/servers/signaling/signaling_server.h"
#include "floe/servers/stun/stun_server.h"

namespace {

using floe::Result;
using floe::net::Address;
using floe::net::Endpoint;
using floe::server::IceServer;
using floe::server::Refused;
using floe::server::SignalingServer;
using floe::server::SignalingServerOptions;
using floe::server::SignalingStats;
using floe::server::StunServer;

struct Flags {
  std::string bind = "127.0.0.1";
  std::uint16_t port = 8080;
  std::string stun_bind;
  std::uint16_t stun_port = StunServer::kPort;
  bool no_stun = false;
  std::string public_host;
  std::vector<std::string> ice_servers;
  SignalingServerOptions signaling;
  double join_timeout_s = 0;
  double idle_timeout_s = 0;
  double ping_interval_s = 0;
  double pong_timeout_s = 0;
  double stats_interval_s = 0;
  bool verbose = false;
};

double seconds(floe::Duration duration) {
  return std::chrono::duration<double>(duration).count();
}

floe::Duration duration(double seconds) {
  return std::chrono::duration_cast<floe::Duration>(std::chrono::duration<double>(seconds));
}

void add_flags(CLI::App& app, Flags& flags) {
  auto& limits = flags.signaling.limits;
  flags.join_timeout_s = seconds(limits.join_timeout);
  flags.idle_timeout_s = seconds(limits.idle_timeout);
  flags.ping_interval_s = seconds(limits.ping_interval);
  flags.pong_timeout_s = seconds(limits.pong_timeout);
  // A year: beyond any sense, and far below where a Duration would overflow.
  const CLI::Range time_range(0.0, 31'536'000.0);
  const auto number = [&](const char* name, auto& value, const char* text) {
    return app.add_option(name, value, text)->capture_default_str();
  };

  number("--bind", flags.bind, "Address to listen on; 0.0.0.0 or :: for all")->group("Addresses");
  number("--port", flags.port, "TCP port of the signalling server; 0 picks a free one")
      ->group("Addresses");
  number("--path", flags.signaling.path, "Where WebSockets connect to")->group("Addresses");
  app.add_option("--www", flags.signaling.www, "Folder to serve over HTTP from the same port")
      ->group("Addresses");
  number("--stun-port", flags.stun_port, "UDP port of the STUN server; 0 picks a free one")
      ->group("Addresses");
  app.add_option("--stun-bind", flags.stun_bind, "Address of the STUN server, if not --bind")
      ->group("Addresses");
  app.add_flag("--no-stun", flags.no_stun, "Run no STUN server")->group("Addresses");

  app.add_option("--public-host", flags.public_host,
                 "Name or address under which clients reach this machine: they are told to use its "
                 "STUN server there. Needed with --bind 0.0.0.0 or ::")
      ->group("What clients are told");
  app.add_option(
         "--ice-server", flags.ice_servers,
         "A further ICE server: stun:host:port, or turn:host:port,user,password. Repeatable")
      ->group("What clients are told");

  const auto limit = [&](const char* name, auto& value, const char* text) {
    return number(name, value, text)->group("Limits");
  };
  limit("--max-connections", limits.max_connections, "Connections at once");
  limit("--max-rooms", limits.max_rooms, "Rooms at once");
  limit("--max-peers", limits.max_peers_per_room, "Peers in one room");
  limit("--max-message-bytes", limits.max_message_bytes, "Bytes of one message");
  limit("--max-room-bytes", limits.max_room_bytes, "Bytes of a room's name");
  limit("--max-name-bytes", limits.max_name_bytes, "Bytes of a peer's name");
  limit("--message-rate", limits.messages_per_second, "Messages a second of one connection");
  limit("--message-burst", limits.message_burst, "Messages of one connection at once");
  limit("--max-queued-bytes", limits.max_queued_bytes,
        "Bytes kept for a connection that does not read");
  limit("--join-timeout", flags.join_timeout_s, "Seconds a connection may be outside of a room")
      ->check(time_range);
  limit("--idle-timeout", flags.idle_timeout_s, "Seconds without a message; 0: no limit")
      ->check(time_range);
  limit("--ping-interval", flags.ping_interval_s, "Seconds of silence before a ping")
      ->check(time_range);
  limit("--pong-timeout", flags.pong_timeout_s, "Seconds to answer a ping in")->check(time_range);

  app.add_option("--stats-interval", flags.stats_interval_s,
                 "Seconds between lines of statistics; 0: none")
      ->check(time_range);
  app.add_flag("--verbose,-v", flags.verbose, "Log what is of interest to developers only");
}

Result<IceServer> parse_ice_server(const std::string& text) {
  const std::vector<std::string_view> parts = floe::split(text, ',');
  const bool known = parts[0].starts_with("stun:") || parts[0].starts_with("stuns:") ||
                     parts[0].starts_with("turn:") || parts[0].starts_with("turns:");
  if (!known || (parts.size() != 1 && parts.size() != 3)) {
    return floe::fail(
        floe::Errc::kInvalidArgument,
        "--ice-server " + text + ": expected stun:host:port or turn:host:port,user,password");
  }
  IceServer server{{std::string(parts[0])}, {}, {}};
  if (parts.size() == 3) {
    server.username = parts[1];
    server.credential = parts[2];
  }
  return server;
}

Result<Address> parse_address(const char* flag, const std::string& text) {
  if (const std::optional<Address> address = Address::parse(text)) return *address;
  return floe::fail(floe::Errc::kInvalidArgument,
                    std::string(flag) + " " + text + ": not an IPv4 or IPv6 address");
}

/// RFC 7064: IPv6 addresses stand in brackets.
std::string stun_url(const std::string& host, std::uint16_t port) {
  const bool is_v6 = host.find(':') != std::string::npos && !host.starts_with('[');
  return "stun:" + (is_v6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

void log(floe::LogLevel level, std::string_view component, std::string_view message) {
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err};
  spdlog::log(kLevels[static_cast<int>(level)], "{}: {}", component, message);
}

void log_stats(const SignalingServer& signaling, const StunServer* stun) {
  const SignalingStats stats = signaling.stats();
  std::string refused;
  for (std::size_t i = 0; i < stats.refused.size(); ++i) {
    if (stats.refused[i] == 0) continue;
    refused += fmt::format(" {}={}", to_string(static_cast<Refused>(i)), stats.refused[i]);
  }
  spdlog::info(
      "stats connections={} rooms={} peers={} connected={} messages={} relayed={} dead={} slow={} "
      "unclosed={} turned-away={} refused:{}",
      stats.connections, stats.rooms, stats.peers, stats.connected, stats.messages, stats.relayed,
      stats.dead, stats.slow, stats.unclosed, stats.turned_away,
      refused.empty() ? " none" : refused);
  if (stun) spdlog::info("stats stun datagrams={}", stun->stats().received);
}

/// A signal that stops the loop.
class StopSignal {
 public:
  StopSignal(uv_loop_t& loop, int number) {
    uv_signal_init(&loop, &handle_);
    handle_.data = &loop;
    uv_signal_start(
        &handle_, [](uv_signal_t* handle, int) { uv_stop(static_cast<uv_loop_t*>(handle->data)); },
        number);
  }
  ~StopSignal() { uv_close(reinterpret_cast<uv_handle_t*>(&handle_), nullptr); }
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

 private:
  uv_signal_t handle_{};
};

/// Outlives everything that is on it, and turns until it is empty.
class Loop {
 public:
  Loop() { uv_loop_init(&loop_); }
  ~Loop() {
    while (uv_loop_close(&loop_) == UV_EBUSY) uv_run(&loop_, UV_RUN_NOWAIT);
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  uv_loop_t& operator*() { return loop_; }

 private:
  uv_loop_t loop_{};
};

Result<> serve(Flags flags, uv_loop_t& loop) {
  const Result<Address> bind = parse_address("--bind", flags.bind);
  if (!bind) return floe::forward(bind);
  const Result<Address> stun_bind =
      flags.stun_bind.empty() ? bind : parse_address("--stun-bind", flags.stun_bind);
  if (!stun_bind) return floe::forward(stun_bind);
  for (const std::string& text : flags.ice_servers) {
    Result<IceServer> server = parse_ice_server(text);
    if (!server) return floe::forward(server);
    flags.signaling.ice_servers.push_back(std::move(*server));
  }

  auto created = floe::net::uv::Network::create(&loop);
  if (!created) return floe::forward(created);
  floe::net::uv::Network& network = **created;
  network.set_log_sink(log);

  std::unique_ptr<StunServer> stun;
  if (!flags.no_stun) {
    auto server = StunServer::create(
        network, {.bind = {*stun_bind, flags.stun_port}, .reuse_port = false, .responder = {}});
    if (!server) return floe::forward(server);
    stun = std::move(*server);
    std::string host = flags.public_host;
    if (host.empty() && !stun_bind->is_unspecified()) host = stun_bind->to_string();
    if (!host.empty()) {
      auto& told = flags.signaling.ice_servers;
      told.insert(told.begin(), IceServer{{stun_url(host, stun->local().port)}, {}, {}});
    } else {
      spdlog::warn("clients are not told of the STUN server: give --public-host");
    }
  }

  auto& limits = flags.signaling.limits;
  flags.signaling.bind = {*bind, flags.port};
  limits.join_timeout = duration(flags.join_timeout_s);
  limits.idle_timeout = duration(flags.idle_timeout_s);
  limits.ping_interval = duration(flags.ping_interval_s);
  limits.pong_timeout = duration(flags.pong_timeout_s);
  auto listening = SignalingServer::listen(network, loop, std::move(flags.signaling));
  if (!listening) return floe::forward(listening);
  const SignalingServer& signaling = **listening;

  // For programs that start this one: nothing else is written to the standard output.
  std::printf("signaling %s\n", signaling.url().c_str());
  if (stun) std::printf("stun %s\n", stun->local().to_string().c_str());
  std::fflush(stdout);

  std::unique_ptr<floe::net::Timer> stats_timer;
  const floe::Duration interval = duration(flags.stats_interval_s);
  if (interval > floe::Duration::zero()) {
    stats_timer = network.create_timer([&] {
      log_stats(signaling, stun.get());
      stats_timer->arm(network.now() + interval);
    });
    stats_timer->arm(network.now() + interval);
  }

  uv_run(&loop, UV_RUN_DEFAULT);
  log_stats(signaling, stun.get());
  spdlog::info("stopped");
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "floe-signal: WebSocket signalling with rooms, static files, and a STUN server.\n"
      "Prints \"signaling ws://ADDRESS:PORT/PATH\" and \"stun ADDRESS:PORT\", logs to the standard "
      "error, and stops on SIGINT or SIGTERM."};
  Flags flags;
  add_flags(app, flags);
  CLI11_PARSE(app, argc, argv);

  spdlog::set_default_logger(spdlog::stderr_color_mt("floe-signal"));
  spdlog::set_level(flags.verbose ? spdlog::level::debug : spdlog::level::info);

  Loop loop;
  const StopSignal interrupt(*loop, SIGINT);
  const StopSignal terminate(*loop, SIGTERM);
  const Result<> served = serve(std::move(flags), *loop);
  if (served) return 0;
  spdlog::error("{}", served.error().message);
  return 1;
}
