// floe's ice::Transport as a peer that a test talks to in lines of JSON (see peers.py).
//
//   ice_peer '{"role": "controlling", "servers": [{"urls": [...]}], "policy": "all", "ca_file":
//   "..."}'
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "floe/ice/transport.h"
#include "floe/net/uv/network.h"
#include "floe/tls/trust.h"

namespace {

using floe::net::uv::Network;
using nlohmann::json;
namespace ice = floe::ice;

void report(const json& line) {
  std::cout << line.dump() << std::endl;
}

ice::Transport::Config configuration(const json& options) {
  ice::Transport::Config config;
  config.agent.role =
      options.at("role") == "controlling" ? ice::Role::kControlling : ice::Role::kControlled;
  for (const json& entry : options.value("servers", json::array())) {
    config.servers.push_back({entry.at("urls").get<std::vector<std::string>>(),
                              entry.value("username", ""), entry.value("credential", "")});
  }
  if (options.value("policy", "all") == "relay") config.agent.policy = ice::Policy::kRelay;
  if (options.contains("ca_file")) {
    auto trust = floe::tls::Trust::from_file(options["ca_file"]);
    if (!trust) throw std::invalid_argument(trust.error().message);
    config.trust = std::move(*trust);
  }
  return config;
}

class Peer {
 public:
  Peer(Network& network, const json& options) {
    ice::Transport::Handlers handlers;
    handlers.candidate = [](const ice::Candidate& candidate) {
      report({{"event", "candidate"}, {"candidate", candidate.to_string()}});
    };
    handlers.gathering_state = [](ice::GatheringState state) {
      if (state == ice::GatheringState::kComplete) report({{"event", "gathered"}});
    };
    handlers.server_failed = [](const ice::Gatherer::ServerFailed& failed) {
      report({{"event", "server_failed"},
              {"url", failed.url},
              {"code", failed.code},
              {"text", failed.text}});
    };
    handlers.state = [](ice::State state) {
      report({{"event", "state"}, {"state", ice::to_string(state)}});
    };
    handlers.selected_pair = [](const ice::Agent::SelectedPairChanged& pair) {
      report({{"event", "pair"},
              {"local", ice::to_string(pair.local.type)},
              {"remote", ice::to_string(pair.remote.type)},
              {"nominated", pair.nominated}});
    };
    handlers.data = [](floe::MutableBytes bytes) {
      report({{"event", "received"}, {"text", std::string(bytes.begin(), bytes.end())}});
    };
    auto transport = ice::Transport::create(network, configuration(options), std::move(handlers));
    if (!transport) throw std::invalid_argument(transport.error().message);
    transport_ = std::move(*transport);
    report_credentials();
    transport_->gather();
  }

  void obey(const json& line) {
    const std::string what = line.at("do");
    if (what == "credentials") {
      // Other credentials than those known: the peer has restarted.
      const auto& known = transport_->agent().remote_credentials();
      if (known && known->ufrag != line.at("ufrag") && !restarting_) restart();
      restarting_ = false;
      complain(transport_->set_remote_credentials({line.at("ufrag"), line.at("pwd")}));
    } else if (what == "candidate") {
      complain(transport_->add_remote_candidate(line.at("candidate").get<std::string>()));
    } else if (what == "gathered") {
      transport_->set_remote_end_of_candidates();
    } else if (what == "send") {
      const std::string text = line.at("text");
      complain(transport_->send(floe::as_bytes(text)));
    } else if (what == "report") {
      report({{"event", "report"}, {"text", transport_->report().to_string()}});
    } else if (what == "restart") {
      restart();
      restarting_ = true;
    } else {
      throw std::invalid_argument("nobody knows how to do " + what);
    }
  }

 private:
  void restart() {
    complain(transport_->restart());
    report_credentials();
  }
  void report_credentials() {
    const ice::Credentials& ours = transport_->local_credentials();
    report({{"event", "credentials"}, {"ufrag", ours.ufrag}, {"pwd", ours.pwd}});
  }
  /// A refused order is part of the story a failing test tells.
  static void complain(const floe::Result<>& result) {
    if (!result) report({{"event", "refused"}, {"text", result.error().message}});
  }

  std::unique_ptr<ice::Transport> transport_;
  bool restarting_ = false;  ///< Our restart; the peer's new credentials are the answer.
};

}  // namespace

int main(int argc, char** argv) {
  try {
    auto network = Network::create().value();
    auto peer = std::make_unique<Peer>(*network, json::parse(argc == 2 ? argv[1] : "{}"));
    std::thread input([&network, &peer] {
      for (std::string line; std::getline(std::cin, line);) {
        network->post([&peer, line] { peer->obey(json::parse(line)); });
      }
      network->post([&network, &peer] {
        peer.reset();
        network->stop();
      });
    });
    network->run();
    input.join();
  } catch (const std::exception& problem) {
    std::fprintf(stderr, "ice_peer: %s\n", problem.what());
    return EXIT_FAILURE;
  }
}
