// floe-ice: which ICE candidates do these servers yield, how fast, and if none, why?
//
// A good way to read it: gathering.cc (one run of an ice::Transport that never meets a peer),
// printer.cc (how its results look), service.cc (the same for a web page), nat_probe.cc (how to
// drive an engine on a network).
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <uv.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "floe/net/uv/network.h"
#include "gathering.h"
#include "nat_probe.h"
#include "options.h"
#include "printer.h"
#include "service.h"

namespace trickle_ice {
namespace {

using floe::net::uv::Network;

int exit_code(ExitCode code) {
  return static_cast<int>(code);
}

int complain(ExitCode code, const std::string& message) {
  std::fprintf(stderr, "floe-ice: %s\n", message.c_str());
  return exit_code(code);
}

/// Passes a run on to its printer, and ends the program after it.
class OneRun final : public Results {
 public:
  OneRun(Network& network, bool json)
      : network_(network),
        printer_(json ? std::unique_ptr<Results>(std::make_unique<JsonPrinter>())
                      : std::make_unique<TablePrinter>()) {}

  void on_found(const Found& found) override { printer_->on_found(found); }
  void on_failed(const Failed& failed) override {
    failed_ = true;
    printer_->on_failed(failed);
  }
  void on_outcome(const Outcome& outcome) override {
    printer_->on_outcome(outcome);
    fruitless_ = !outcome.fruitless.empty() && (failed_ || outcome.timed_out);
    network_.stop();
  }
  bool fruitless() const { return fruitless_; }

 private:
  Network& network_;
  std::unique_ptr<Results> printer_;
  bool failed_ = false;
  bool fruitless_ = false;
};

int gather(Network& network, const Options& options) {
  OneRun results(network, options.json);
  const auto gathering = Gathering::start(network, options, options.request, results);
  if (!gathering) return complain(ExitCode::kUsage, gathering.error().message);
  network.run();
  return exit_code(results.fruitless() ? ExitCode::kServerFailed : ExitCode::kDone);
}

nlohmann::json to_json(const floe::stun::NatReport& report) {
  nlohmann::json line{{"local", report.local.to_string()},
                      {"server", report.server.to_string()},
                      {"mapping", to_string(report.mapping)},
                      {"filtering", to_string(report.filtering)},
                      {"rewritesAddresses", report.rewrites_addresses},
                      {"verdict", report.verdict()},
                      {"notes", report.notes}};
  if (report.mapped) line["mapped"] = report.mapped->to_string();
  if (report.other_address) line["otherAddress"] = report.other_address->to_string();
  if (report.hairpinning) line["hairpinning"] = *report.hairpinning;
  if (report.fragments) line["fragments"] = *report.fragments;
  return {{"nat", line}};
}

int discover_nat(Network& network, const Options& options) {
  std::vector<floe::ice::Server> servers;
  auto named = floe::ice::parse_servers(options.request.servers).value();
  for (floe::ice::Server& server : named) {
    const bool plain = server.kind == floe::ice::Server::Kind::kStun &&
                       server.transport == floe::ice::ServerTransport::kUdp;
    if (plain) servers.push_back(std::move(server));
  }
  if (servers.empty()) {
    return complain(ExitCode::kUsage, "--nat needs a stun: server to ask; name one with --server");
  }
  int code = exit_code(ExitCode::kInternal);
  NatProbe probe(network, std::move(servers), [&](floe::Result<floe::stun::NatReport> report) {
    if (!report) {
      code = complain(ExitCode::kServerFailed, report.error().message);
    } else {
      std::puts(options.json ? to_json(*report).dump().c_str() : report->to_string().c_str());
      code = exit_code(report->reachable() ? ExitCode::kDone : ExitCode::kServerFailed);
    }
    network.stop();
  });
  network.run();
  return code;
}

int serve(Network& network, uv_loop_t& loop, const Options& options) {
  int code = exit_code(ExitCode::kDone);
  Service service(network, loop, options, [&](const std::string& why) {
    code = complain(ExitCode::kSignaling, "signalling ended: " + why);
    network.stop();
  });
  if (const auto started = service.start(); !started) {
    return complain(ExitCode::kUsage, started.error().message);
  }
  network.run();
  return code;
}

/// The loop, and what SIGINT and SIGTERM do.
class EventLoop {
 public:
  EventLoop() {
    uv_loop_init(&loop_);
    constexpr std::array<int, 2> kNumbers{SIGINT, SIGTERM};
    for (std::size_t i = 0; i < signals_.size(); ++i) {
      uv_signal_init(&loop_, &signals_[i]);
      signals_[i].data = this;
      uv_signal_start(
          &signals_[i],
          [](uv_signal_t* handle, int) {
            auto& loop = *static_cast<EventLoop*>(handle->data);
            loop.interrupted_ = true;
            if (loop.network_ != nullptr) loop.network_->stop();
          },
          kNumbers[i]);
      uv_unref(reinterpret_cast<uv_handle_t*>(&signals_[i]));
    }
  }
  ~EventLoop() {
    for (uv_signal_t& handle : signals_) {
      uv_close(reinterpret_cast<uv_handle_t*>(&handle), nullptr);
    }
    // Closed handles leave the loop in later turns.
    while (uv_loop_close(&loop_) == UV_EBUSY) uv_run(&loop_, UV_RUN_NOWAIT);
  }
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  uv_loop_t& operator*() { return loop_; }
  /// What an interrupt stops.
  void set_network(Network* network) { network_ = network; }
  bool interrupted() const { return interrupted_; }

 private:
  uv_loop_t loop_{};
  Network* network_ = nullptr;
  std::array<uv_signal_t, 2> signals_{};
  bool interrupted_ = false;
};

int run(const Options& options) {
  spdlog::set_default_logger(spdlog::stderr_logger_st("floe-ice"));
  if (options.verbose) spdlog::set_level(spdlog::level::debug);
  EventLoop loop;
  const auto network = Network::create(&*loop);
  if (!network) return complain(ExitCode::kInternal, network.error().message);
  loop.set_network(network->get());
  (*network)->set_log_sink([](floe::LogLevel, std::string_view component, std::string_view text) {
    spdlog::debug("{}: {}", component, text);
  });
  const int code = options.serve ? serve(**network, *loop, options)
                   : options.nat ? discover_nat(**network, options)
                                 : gather(**network, options);
  return loop.interrupted() ? exit_code(ExitCode::kInterrupted) : code;
}

}  // namespace
}  // namespace trickle_ice

int main(int argc, char** argv) {
  const auto options = trickle_ice::parse_options(argc, argv);
  if (const auto* code = std::get_if<trickle_ice::ExitCode>(&options)) {
    return static_cast<int>(*code);
  }
  return trickle_ice::run(std::get<trickle_ice::Options>(options));
}
