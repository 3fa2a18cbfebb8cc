#include "gathering.h"

#include <utility>

#include "floe/tls/trust.h"

namespace trickle_ice {

using floe::ice::Candidate;
using floe::ice::Gatherer;
using floe::ice::GatheringState;
using floe::ice::Transport;

floe::Result<std::unique_ptr<Gathering>> Gathering::start(floe::net::Network& network,
                                                          const Options& options,
                                                          const Request& request,
                                                          Results& results) {
  auto gathering = std::unique_ptr<Gathering>(new Gathering(network, request, results));
  if (auto begun = gathering->begin(options, request); !begun) return floe::forward(begun);
  return gathering;
}

Gathering::Gathering(floe::net::Network& network, const Request& request, Results& results)
    : network_(network), results_(results), started_(network.now()) {
  // The agent names servers in their full form. What does not parse, `create` complains about.
  if (const auto servers = floe::ice::parse_servers(request.servers)) {
    for (const auto& server : *servers) {
      // Who wants only relayed candidates, asks no STUN server.
      const bool asked = !request.relay_only || server.kind == floe::ice::Server::Kind::kTurn;
      if (asked) fruitless_.insert(server.to_string());
    }
  }
}

floe::Result<> Gathering::begin(const Options& options, const Request& request) {
  Transport::Config config;
  config.servers = request.servers;
  config.local.loopback = options.loopback;
  config.local.continual = false;
  if (request.relay_only) config.agent.policy = floe::ice::Policy::kRelay;
  if (!options.ca_file.empty()) {
    auto trust = floe::tls::Trust::from_file(options.ca_file);
    if (!trust) return floe::forward(trust);
    config.trust = std::move(*trust);
  }

  Transport::Handlers handlers;
  handlers.candidate = [this](const Candidate& candidate) {
    if (!candidate.url.empty()) fruitless_.erase(candidate.url);
    results_.on_found({elapsed(), candidate, candidate.url});
  };
  handlers.server_failed = [this](const Gatherer::ServerFailed& failed) {
    results_.on_failed({elapsed(), failed});
  };
  handlers.gathering_state = [this](GatheringState state) {
    if (state == GatheringState::kComplete) finish(false);
  };
  auto transport = Transport::create(network_, std::move(config), std::move(handlers));
  if (!transport) return floe::forward(transport);
  transport_ = std::move(*transport);
  deadline_ = network_.create_timer([this] { finish(true); });
  deadline_->arm(started_ + options.timeout);
  transport_->gather();
  return {};
}

void Gathering::finish(bool timed_out) {
  transport_->close();
  deadline_->arm(floe::kNever);
  results_.on_outcome({elapsed(), timed_out, {fruitless_.begin(), fruitless_.end()}});
}

}  // namespace trickle_ice
