#include "tests/ice/duo.h"

#include <algorithm>

#include "floe/core/check.h"

namespace floe::ice {

std::size_t Side::count(CandidateType type) const {
  return static_cast<std::size_t>(
      std::count_if(candidates.begin(), candidates.end(),
                    [type](const Candidate& found) { return found.type == type; }));
}

Duo::~Duo() {
  alice.transport.reset();
  bob.transport.reset();
  turn.reset();
}

server::TurnServer::Configuration Duo::turn_configuration() const {
  server::TurnServer::Configuration configuration;
  const net::Address address = turn_host->address();
  configuration.listeners = {{server::TurnTransport::kUdp, {address, 3478}},
                             {server::TurnTransport::kTcp, {address, 3478}}};
  if (turn_identity) {
    configuration.identity = turn_identity;
    configuration.listeners.push_back({server::TurnTransport::kTls, {address, 443}});
    configuration.listeners.push_back({server::TurnTransport::kDtls, {address, 443}});
  }
  configuration.relay.realm = "example";
  configuration.relay.users = {{"u", "p"}};
  configuration.relay.relay_addresses = {{address, std::nullopt}};
  for (const net::Interface& interface : turn_host->interfaces()) {
    if (interface.address.is_v6() && !interface.address.is_loopback()) {
      configuration.relay.relay_addresses.push_back({interface.address, std::nullopt});
      break;
    }
  }
  if (edit_turn) edit_turn(configuration);
  return configuration;
}

void Duo::add_turn_server(net::sim::InterfaceOptions options, const std::string& name) {
  turn_host = &world.add_host(name.c_str(), options);
  world.dns().add(name + ".example", {turn_host->address()});
  restart_turn_server();
}

void Duo::restart_turn_server() {
  turn.reset();
  auto made = server::TurnServer::create(*turn_host, turn_configuration());
  FLOE_CHECK(made.has_value());
  turn = std::move(*made);
}

void Duo::create(Side& side, Side& other, Role role) {
  side.config.agent.role = role;
  Transport::Handlers handlers;
  handlers.candidate = [this, &side, &other](const Candidate& found) {
    side.candidates.push_back(found);
    if (signals && !signals(found)) return;
    world.after(milliseconds(20), [&other, found] {
      if (other.transport)
        static_cast<void>(other.transport->add_remote_candidate(found.to_string()));
    });
  };
  handlers.gathering_state = [&side](GatheringState state) {
    side.gathered = state == GatheringState::kComplete;
  };
  handlers.server_failed = [&side](const auto& failed) { side.failures.push_back(failed); };
  handlers.state = [&side](State state) { side.states.push_back(state); };
  handlers.failed = [&side](const Report& report) { side.failure = report; };
  handlers.selected_pair = [&side](const auto& pair) { side.path = pair; };
  handlers.data = [&side](MutableBytes bytes) { side.data.emplace_back(as_text(bytes)); };
  auto made = Transport::create(*side.host, side.config, std::move(handlers));
  FLOE_CHECK(made.has_value());
  side.transport = std::move(*made);
}

void Duo::start() {
  create(alice, bob, Role::kControlling);
  create(bob, alice, Role::kControlled);
  FLOE_CHECK(alice.transport->set_remote_credentials(bob.transport->local_credentials()));
  FLOE_CHECK(bob.transport->set_remote_credentials(alice.transport->local_credentials()));
  alice.transport->gather();
  bob.transport->gather();
}

void Duo::restart() {
  for (Side* side : {&alice, &bob}) {
    side->candidates.clear();
    side->gathered = false;
    FLOE_CHECK(side->transport->restart());
  }
  FLOE_CHECK(alice.transport->set_remote_credentials(bob.transport->local_credentials()));
  FLOE_CHECK(bob.transport->set_remote_credentials(alice.transport->local_credentials()));
}

bool Duo::talk(Duration bound) {
  const std::string word = "word" + std::to_string(++word_);
  const auto heard = [&word](const Side& side) {
    return std::find(side.data.begin(), side.data.end(), word) != side.data.end();
  };
  const Time end = world.now() + bound;
  while (world.now() < end) {
    static_cast<void>(alice.transport->send(as_bytes(word)));
    static_cast<void>(bob.transport->send(as_bytes(word)));
    if (world.run_until([&] { return heard(alice) && heard(bob); }, milliseconds(100))) return true;
  }
  return false;
}

}  // namespace floe::ice
