// floe-turn: a STUN and TURN server in one process.
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>
#include <uv.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "floe/core/text.h"
#include "floe/net/uv/network.h"
#include "floe/servers/turn/turn_server.h"
#include "floe/tls/options.h"

namespace {

using floe::Errc;
using floe::fail;
using floe::forward;
using floe::Result;
using floe::net::Address;
using floe::net::Endpoint;
using floe::net::Family;
using floe::server::AddressRange;
using floe::server::RelayAddress;
using floe::server::TurnServer;
using floe::server::TurnTransport;

struct Flags {
  std::vector<std::string> listen;
  std::uint16_t port = TurnServer::kPort;
  std::uint16_t tls_port = TurnServer::kTlsPort;
  std::string other_address;
  std::uint16_t other_port = TurnServer::kPort + 1;
  std::string certificate;
  std::string key;
  bool no_udp = false;
  bool no_tcp = false;
  std::vector<std::string> users;
  std::vector<std::string> relay_addresses;
  std::vector<std::string> external_addresses;
  std::vector<std::string> allow_peers;
  std::vector<std::string> deny_peers;
  std::vector<std::string> alternates;
  TurnServer::Configuration server;
  double max_lifetime_s = 0;
  double nonce_lifetime_s = 0;
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
  auto& relay = flags.server.relay;
  flags.max_lifetime_s = seconds(relay.max_lifetime);
  flags.nonce_lifetime_s = seconds(relay.nonce_lifetime);
  // A year: beyond any sense, and far below where a Duration would overflow.
  const CLI::Range time_range(0.0, 31'536'000.0);
  std::string group = "Addresses";
  const auto option = [&](const char* name, auto& value, const char* text) {
    return app.add_option(name, value, text)->group(group);
  };
  const auto number = [&](const char* name, auto& value, const char* text) {
    return option(name, value, text)->capture_default_str();
  };
  const auto flag = [&](const char* name, bool& value, const char* text) {
    app.add_flag(name, value, text)->group(group);
  };

  option("--listen", flags.listen,
         "Address to listen on; repeatable. Default: every address of this "
         "machine");
  number("--port", flags.port, "UDP and TCP port; 0 picks a free one for each");
  number("--tls-port", flags.tls_port, "TLS and DTLS port; 0 picks a free one for each");
  option("--cert", flags.certificate,
         "PEM file with the certificate and its chain. Without it there is no "
         "TLS and no DTLS");
  option("--key", flags.key, "PEM file with the certificate's key, if not in the same file");
  option("--other-address", flags.other_address,
         "A second address of this machine: with it clients can find out how their NATs behave "
         "(RFC 5780)");
  number("--other-port", flags.other_port,
         "Second UDP port for that, on both addresses; 0 picks a free one");
  flag("--no-udp", flags.no_udp, "Listen neither on UDP nor for DTLS");
  flag("--no-tcp", flags.no_tcp, "Listen neither on TCP nor for TLS");
  option("--relay-address", flags.relay_addresses,
         "Address to relay from, one of a family. Default: the first one "
         "listened on");
  option("--external-address", flags.external_addresses,
         "What clients are told in place of the relay address of its family, "
         "where a 1:1 NAT "
         "(a cloud's public address) stands before this machine");
  number("--min-port", relay.min_port, "First relay port");
  number("--max-port", relay.max_port, "Last relay port");

  group = "Clients";
  option("--user", flags.users, "name:password of a user; repeatable");
  option("--secret", relay.secret,
         "Secret shared with a web service that gives out time-limited names "
         "(TURN REST)");
  number("--realm", relay.realm, "Realm of names and passwords: your domain");
  number("--quota", relay.max_allocations_per_user, "Allocations of one user at once; 0: no limit");
  number("--max-allocations", relay.max_allocations, "Allocations at once");
  number("--max-connections", flags.server.max_streams, "TCP and TLS connections at once");
  number("--max-dtls-clients", flags.server.max_dtls_clients, "DTLS clients at once");
  number("--max-lifetime", flags.max_lifetime_s, "Seconds between refreshes at most")
      ->check(time_range);
  number("--nonce-lifetime", flags.nonce_lifetime_s, "Seconds a nonce is good for")
      ->check(time_range);
  number("--unauthenticated-rate", relay.unauthenticated.per_second,
         "Answers a second to one address that has not authenticated itself; "
         "0: no limit");
  option("--alternate", flags.alternates,
         "address:port of a server to send clients to when this one is full; "
         "repeatable");
  flag("--redirect-all", relay.always_redirect, "Send every new client to the --alternate");

  group = "Peers";
  option("--allow-peer", flags.allow_peers,
         "Address or range (10.0.0.0/8) that may be a peer even if it is "
         "refused by default; "
         "repeatable");
  option("--deny-peer", flags.deny_peers, "Address or range that may never be a peer; repeatable");
  flag("--allow-private", relay.peers.allow_private,
       "Private addresses (10/8, 192.168/16, fc00::/7, ...) may be peers");

  group = "Logs";
  option("--stats-interval", flags.stats_interval_s, "Seconds between lines of statistics; 0: none")
      ->check(time_range);
  app.add_flag("--verbose,-v", flags.verbose, "Log what is of interest to developers only")
      ->group(group);
}

Result<Address> parse_address(const char* flag, const std::string& text) {
  if (const std::optional<Address> address = Address::parse(text)) return *address;
  return fail(Errc::kInvalidArgument,
              std::string(flag) + " " + text + ": not an IPv4 or IPv6 address");
}

Result<> parse_ranges(const char* flag, const std::vector<std::string>& texts,
                      std::vector<AddressRange>& out) {
  for (const std::string& text : texts) {
    const std::optional<AddressRange> range = AddressRange::parse(text);
    if (!range) {
      return fail(Errc::kInvalidArgument, std::string(flag) + " " + text +
                                              ": expected an address or address/prefix-length");
    }
    out.push_back(*range);
  }
  return {};
}

Result<> parse_clients(const Flags& flags, TurnServer::Configuration& server) {
  for (const std::string& text : flags.users) {
    const std::size_t colon = text.find(':');
    if (colon == std::string::npos) {
      return fail(Errc::kInvalidArgument, "--user: expected name:password");
    }
    server.relay.users.push_back({text.substr(0, colon), text.substr(colon + 1)});
  }
  if (flags.users.empty() && server.relay.secret.empty()) {
    return fail(Errc::kInvalidArgument, "give at least one --user name:password, or a --secret");
  }
  for (const std::string& text : flags.alternates) {
    const std::optional<Endpoint> alternate = Endpoint::parse(text);
    if (!alternate) {
      return fail(Errc::kInvalidArgument, "--alternate " + text + ": expected address:port");
    }
    server.relay.alternate_servers.push_back(*alternate);
  }
  return {};
}

/// Of --listen, or every address there is that is not an interface's own
/// affair.
Result<std::vector<Address>> listen_addresses(const Flags& flags, floe::net::Network& network) {
  std::vector<Address> addresses;
  for (const std::string& text : flags.listen) {
    const Result<Address> address = parse_address("--listen", text);
    if (!address) return forward(address);
    addresses.push_back(*address);
  }
  if (!addresses.empty()) return addresses;
  for (const floe::net::Interface& interface : network.interfaces()) {
    if (!interface.address.is_link_local() && !interface.address.is_loopback()) {
      addresses.push_back(interface.address);
    }
  }
  if (addresses.empty()) {
    return fail(Errc::kNotFound,
                "this machine has no address but its loopback ones: give --listen");
  }
  return addresses;
}

Result<> choose_relay_addresses(const Flags& flags, const std::vector<Address>& listened,
                                std::vector<RelayAddress>& relays) {
  for (const std::string& text : flags.relay_addresses) {
    const Result<Address> address = parse_address("--relay-address", text);
    if (!address) return forward(address);
    relays.push_back({*address, std::nullopt});
  }
  if (relays.empty()) {
    for (const Family family : {Family::kIpv4, Family::kIpv6}) {
      for (const Address& address : listened) {
        if (address.family() != family || address.is_unspecified()) continue;
        relays.push_back({address, std::nullopt});
        break;
      }
    }
  }
  for (const std::string& text : flags.external_addresses) {
    const Result<Address> external = parse_address("--external-address", text);
    if (!external) return forward(external);
    bool found = false;
    for (RelayAddress& relay : relays) {
      if (relay.local.family() != external->family()) continue;
      relay.external = *external;
      found = true;
    }
    if (!found) {
      return fail(Errc::kInvalidArgument,
                  "--external-address " + text + ": there is no relay address of its family");
    }
  }
  return {};
}

Result<TurnServer::Configuration> configure(Flags& flags, floe::net::Network& network) {
  TurnServer::Configuration server = std::move(flags.server);
  if (Result<> parsed = parse_clients(flags, server); !parsed) return forward(parsed);
  auto& peers = server.relay.peers;
  if (Result<> r = parse_ranges("--allow-peer", flags.allow_peers, peers.allow); !r) {
    return forward(r);
  }
  if (Result<> r = parse_ranges("--deny-peer", flags.deny_peers, peers.deny); !r) {
    return forward(r);
  }
  server.relay.max_lifetime = duration(flags.max_lifetime_s);
  server.relay.default_lifetime =
      std::min(server.relay.default_lifetime, server.relay.max_lifetime);
  server.relay.nonce_lifetime = duration(flags.nonce_lifetime_s);

  if (!flags.certificate.empty()) {
    const std::string& key = flags.key.empty() ? flags.certificate : flags.key;
    auto identity = floe::tls::read_identity(flags.certificate, key);
    if (!identity) return forward(identity);
    server.identity = std::move(*identity);
  } else if (!flags.key.empty()) {
    return fail(Errc::kInvalidArgument, "--key needs --cert, the certificate it belongs to");
  }
  const Result<std::vector<Address>> addresses = listen_addresses(flags, network);
  if (!addresses) return forward(addresses);
  if (Result<> r = choose_relay_addresses(flags, *addresses, server.relay.relay_addresses); !r) {
    return forward(r);
  }
  if (!flags.other_address.empty()) {
    const Result<Address> other = parse_address("--other-address", flags.other_address);
    if (!other) return forward(other);
    server.other_address = Endpoint{*other, flags.other_port};
  }
  for (const Address& address : *addresses) {
    if (!flags.no_udp) server.listeners.push_back({TurnTransport::kUdp, {address, flags.port}});
    if (!flags.no_tcp) server.listeners.push_back({TurnTransport::kTcp, {address, flags.port}});
    if (flags.certificate.empty()) continue;
    const Endpoint secure{address, flags.tls_port};
    if (!flags.no_tcp) server.listeners.push_back({TurnTransport::kTls, secure});
    if (!flags.no_udp) server.listeners.push_back({TurnTransport::kDtls, secure});
  }
  return server;
}

void log(floe::LogLevel level, std::string_view component, std::string_view message) {
  constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                   spdlog::level::warn, spdlog::level::err};
  spdlog::log(kLevels[static_cast<int>(level)], "{}: {}", component, message);
}

void log_stats(const TurnServer& server) {
  const TurnServer::Stats stats = server.stats();
  const auto& relay = stats.relay;
  spdlog::info(
      "stats allocations={} allocated={} expired={} connections={} "
      "to-peers={}/{}B "
      "to-clients={}/{}B requests={} succeeded={} binding={}",
      relay.allocations, relay.allocated, relay.expired, stats.streams, relay.packets_to_peers,
      relay.bytes_to_peers, relay.packets_to_clients, relay.bytes_to_clients, relay.requests,
      relay.succeeded, relay.binding.answered);
  const std::pair<const char*, std::uint64_t> reasons[] = {
      {"redirected", relay.redirected},
      {"bad-request", relay.bad_request},
      {"unauthenticated", relay.unauthenticated},
      {"forbidden-peer", relay.forbidden_peer},
      {"unknown-attribute", relay.unknown_attribute},
      {"mismatch", relay.mismatch},
      {"stale-nonce", relay.stale_nonce},
      {"wrong-credentials", relay.wrong_credentials},
      {"unsupported", relay.unsupported},
      {"connection-exists", relay.connection_exists},
      {"connection-failed", relay.connection_failed},
      {"quota", relay.quota},
      {"no-capacity", relay.no_capacity},
      {"dropped-malformed", relay.dropped_malformed},
      {"dropped-method", relay.dropped_method},
      {"dropped-fingerprint", relay.dropped_fingerprint},
      {"dropped-source", relay.dropped_source},
      {"dropped-rate-limited", relay.dropped_rate_limited},
      {"dropped-no-allocation", relay.dropped_no_allocation},
      {"dropped-no-channel", relay.dropped_no_channel},
      {"dropped-no-permission", relay.dropped_no_permission},
      {"dropped-dont-fragment", relay.dropped_dont_fragment},
      {"dropped-too-long", relay.dropped_too_long},
      {"dropped-batch-full", relay.dropped_batch_full},
      {"send-failures", stats.send_failures},
      {"connections-refused", stats.streams_refused},
      {"connections-idle", stats.streams_idle},
      {"connections-broken", stats.streams_broken},
  };
  std::string text;
  for (const auto& [name, count] : reasons) {
    if (count != 0) text += fmt::format(" {}={}", name, count);
  }
  if (!text.empty()) spdlog::info("stats{}", text);
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

const char* name(TurnTransport transport) {
  switch (transport) {
    case TurnTransport::kUdp:
      return "udp";
    case TurnTransport::kTcp:
      return "tcp";
    case TurnTransport::kTls:
      return "tls";
    case TurnTransport::kDtls:
      return "dtls";
  }
  return "";
}

Result<> serve(Flags flags, uv_loop_t& loop) {
  auto created = floe::net::uv::Network::create(&loop);
  if (!created) return forward(created);
  floe::net::uv::Network& network = **created;
  network.set_log_sink(log);
  Result<TurnServer::Configuration> configuration = configure(flags, network);
  if (!configuration) return forward(configuration);
  auto opened = TurnServer::create(network, std::move(*configuration));
  if (!opened) return forward(opened);
  const TurnServer& server = **opened;

  // For programs that start this one: nothing else is written to the standard
  // output.
  for (const TurnServer::Listener& listener : server.listeners()) {
    std::printf("%s %s\n", name(listener.transport), listener.bind.to_string().c_str());
  }
  std::printf("ready\n");
  std::fflush(stdout);

  std::unique_ptr<floe::net::Timer> stats_timer;
  const floe::Duration interval = duration(flags.stats_interval_s);
  if (interval > floe::Duration::zero()) {
    stats_timer = network.create_timer([&] {
      log_stats(server);
      stats_timer->arm(network.now() + interval);
    });
    stats_timer->arm(network.now() + interval);
  }
  uv_run(&loop, UV_RUN_DEFAULT);
  log_stats(server);
  spdlog::info("stopped");
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{
      "floe-turn: a STUN and TURN server.\n"
      "Prints \"udp ADDRESS:PORT\" (tcp, tls, dtls) for each socket clients "
      "reach it by and then "
      "\"ready\", logs to the standard error, and stops on SIGINT or SIGTERM."};
  Flags flags;
  add_flags(app, flags);
  CLI11_PARSE(app, argc, argv);

  spdlog::set_default_logger(spdlog::stderr_color_mt("floe-turn"));
  spdlog::set_level(flags.verbose ? spdlog::level::debug : spdlog::level::info);

  Loop loop;
  const StopSignal interrupt(*loop, SIGINT);
  const StopSignal terminate(*loop, SIGTERM);
  const Result<> served = serve(std::move(flags), *loop);
  if (served) return 0;
  spdlog::error("{}", served.error().message);
  return 1;
}
