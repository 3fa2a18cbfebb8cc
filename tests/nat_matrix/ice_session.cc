#include "tests/nat_matrix/ice_session.h"

#include <array>
#include <utility>

#include "floe/core/bytes.h"
#include "floe/core/check.h"

namespace floe::nat_matrix {

IceSession::IceSession(Topology& topology, Signaling& signaling, Note note)
    : Session(topology, signaling, std::move(note)) {
  create(alice_, bob_, topology_.alice, ice::Role::kControlling);
  create(bob_, alice_, topology_.bob, ice::Role::kControlled);
}

IceSession::~IceSession() {
  alice_.ice.reset();
  bob_.ice.reset();
}

void IceSession::create(Party& party, Party& peer, const Place& place, ice::Role role) {
  ice::Transport::Config config;
  config.agent.role = role;
  config.servers = topology_.servers.configuration();
  config.trust = Servers::trust();
  config.agent.gathering.rewrites = place.rewrites;
  ice::Transport::Handlers handlers;
  handlers.candidate = [this, &party, &peer](const ice::Candidate& candidate) {
    note_(party.name + (" has " + candidate.to_string()));
    signaling_.send([&peer, generation = party.generation, line = candidate.to_string()] {
      // One of an earlier generation comes too late to be of use.
      if (generation != peer.generation) return;
      static_cast<void>(peer.ice->add_remote_candidate(line));
    });
  };
  handlers.gathering_state = [this, &party, &peer](ice::GatheringState state) {
    if (state != ice::GatheringState::kComplete) return;
    signaling_.send([&peer, generation = party.generation] {
      if (generation == peer.generation) peer.ice->set_remote_end_of_candidates();
    });
  };
  handlers.state = [this, &party](ice::State state) {
    note_(party.name + (" is " + std::string(ice::to_string(state))));
    if (state == ice::State::kConnected) party.was_connected = true;
    party.disconnected_since = state == ice::State::kDisconnected ? world_.now() : kNever;
  };
  handlers.selected_pair = [this, &party](const ice::Agent::SelectedPairChanged& pair) {
    note_(party.name + (" uses " + pair.local.endpoint.to_string()) + " -> " +
          pair.remote.endpoint.to_string() + (pair.nominated ? ", nominated" : ""));
  };
  handlers.data = [this, &party](MutableBytes packet) {
    ByteReader reader(packet);
    const Time sent{Duration(static_cast<Duration::rep>(reader.u64()))};
    if (packet.size() != 8 || sent > world_.now())
      complain(std::string(party.name) + " got garbage");
    party.heard_of = std::max(party.heard_of, sent);
  };
  auto created = ice::Transport::create(*place.host, config, std::move(handlers));
  FLOE_CHECK(created.has_value());
  party.ice = std::move(*created);
}

void IceSession::start() {
  offer();
  alice_.ice->gather();
  look_after();
}

void IceSession::offer() {
  ++alice_.generation;
  awaits_answer_ = true;
  last_offer_ = world_.now();
  signaling_.send(
      [this, generation = alice_.generation, credentials = alice_.ice->local_credentials()] {
        take_offer(generation, credentials);
      });
}

void IceSession::take_offer(int generation, const ice::Credentials& credentials) {
  if (bob_.generation > 0) restart(bob_);
  bob_.generation = generation;
  if (generation == 1) bob_.ice->gather();
  if (auto set = bob_.ice->set_remote_credentials(credentials); !set) {
    complain("bob refused an offer: " + set.error().message);
  }
  signaling_.send([this, generation, answer = bob_.ice->local_credentials()] {
    if (generation != alice_.generation) return;
    awaits_answer_ = false;
    if (auto set = alice_.ice->set_remote_credentials(answer); !set) {
      complain("alice refused an answer: " + set.error().message);
    }
  });
}

void IceSession::restart(Party& party) {
  note_(party.name + std::string(" restarts ICE"));
  if (auto done = party.ice->restart(); !done) {
    complain(std::string(party.name) + " could not restart: " + done.error().message);
  }
}

bool IceSession::is_in_trouble(const Party& party) const {
  return party.ice->state() == ice::State::kFailed ||
         (party.disconnected_since != kNever &&
          world_.now() - party.disconnected_since >= kDisconnectedPatience);
}

/// What a good application does: it sends, and restarts ICE when that has ceased to work.
void IceSession::look_after() {
  std::array<std::uint8_t, 8> bytes{};
  ByteWriter(bytes).u64(static_cast<std::uint64_t>(world_.now().time_since_epoch().count()));
  for (Party* party : {&alice_, &bob_}) static_cast<void>(party->ice->send(bytes));
  // Bob's word reaches Alice in time; what it costs is one way of signalling.
  if (is_in_trouble(bob_)) {
    signaling_.send([this] {
      if (may_restart()) {
        restart(alice_);
        offer();
      }
    });
  }
  if (is_in_trouble(alice_) && may_restart()) {
    restart(alice_);
    offer();
  }
  world_.after(kTick, [this] { look_after(); });
}

bool IceSession::flows(Time since) const {
  return alice_.heard_of > since && bob_.heard_of > since;
}

std::string IceSession::describe() const {
  std::string out;
  for (const Party* party : {&alice_, &bob_}) {
    out += std::string(party->name) + ":\n" + party->ice->report().to_string();
  }
  return out;
}

}  // namespace floe::nat_matrix
