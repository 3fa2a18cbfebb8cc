#include "tests/nat_matrix/encounter.h"

#include <algorithm>
#include <array>
#include <utility>

#include "floe/core/bytes.h"
#include "floe/core/check.h"
#include "floe/net/nat64_prefix.h"

namespace floe::nat_matrix {
namespace {

using std::chrono::seconds;

std::uint64_t packets_sent(const Place& place) {
  std::uint64_t sum = 0;
  for (net::sim::Attachment* end : place.cables) {
    const net::sim::Tally& tally = end->uplink().tally();
    sum += tally[net::sim::Verdict::kSent] + tally[net::sim::Verdict::kLost];
  }
  return sum;
}

/// What an address is to the one who gathered: an address nobody gathered is peer-reflexive (RFC
/// 8445 section 7.2.5.3.1). The types the agents give may differ for a while, when a check is
/// faster than signalling.
ice::CandidateType type_of(const ice::Candidate& candidate, const std::vector<ice::Candidate>& of) {
  // Behind a NAT64 an IPv4 address is seen by the one that stands for it.
  net::Endpoint seen = candidate.endpoint;
  seen.address = net::Nat64Prefix::well_known().extract(seen.address).value_or(seen.address);
  const auto found = std::ranges::find(of, seen, &ice::Candidate::endpoint);
  return found == of.end() ? ice::CandidateType::kPeerReflexive : found->type;
}

Path path_between(ice::CandidateType a, ice::CandidateType b) {
  const auto either = [&](ice::CandidateType type) { return a == type || b == type; };
  if (either(ice::CandidateType::kRelayed)) return Path::kRelayed;
  if (either(ice::CandidateType::kPeerReflexive)) return Path::kPeerReflexive;
  if (either(ice::CandidateType::kServerReflexive)) return Path::kReflexive;
  return Path::kHost;
}

void describe(const char* name, const End& end, std::string& out) {
  out += std::string(name) + ":";
  for (const std::string& line : end.log) out += ' ' + line;
  out += '\n' + end.ice->report().to_string();
}

}  // namespace

Encounter::Encounter(const Cell& cell, std::uint64_t seed)
    : cell_(cell), topology_(cell, seed), world_(topology_.world) {
  create(alice_, bob_, topology_.alice, ice::Role::kControlling);
  create(bob_, alice_, topology_.bob, ice::Role::kControlled);
}

Encounter::~Encounter() {
  alice_.ice.reset();
  bob_.ice.reset();
}

void Encounter::create(End& end, End& peer, const Place& place, ice::Role role) {
  ice::Transport::Config config;
  config.agent.role = role;
  config.servers = topology_.servers.configuration();
  config.trust = Servers::trust();
  config.agent.gathering.rewrites = place.rewrites;
  ice::Transport::Handlers handlers;
  handlers.candidate = [this, &end, &peer](const ice::Candidate& candidate) {
    end.gathered.push_back(candidate);
    world_.after(kSignaling, [&peer, line = candidate.to_string()] {
      FLOE_CHECK(peer.ice->add_remote_candidate(line).has_value());
    });
  };
  handlers.gathering_state = [this, &peer](ice::GatheringState state) {
    if (state != ice::GatheringState::kComplete) return;
    world_.after(kSignaling, [&peer] { peer.ice->set_remote_end_of_candidates(); });
  };
  handlers.state = [&end](ice::State state) {
    end.log.emplace_back(ice::to_string(state));
    end.was_connected = end.was_connected || state == ice::State::kConnected;
  };
  handlers.data = [&end](MutableBytes packet) {
    ByteReader reader(packet);
    end.received.push_back(reader.u32());
  };
  auto created = ice::Transport::create(*place.host, config, std::move(handlers));
  FLOE_CHECK(created.has_value());
  end.ice = std::move(*created);
}

void Encounter::offer() {
  world_.after(kSignaling, [this] {
    FLOE_CHECK(bob_.ice->set_remote_credentials(alice_.ice->local_credentials()).has_value());
    answer();
  });
  alice_.ice->gather();
}

void Encounter::answer() {
  world_.after(kSignaling, [this] {
    FLOE_CHECK(alice_.ice->set_remote_credentials(bob_.ice->local_credentials()).has_value());
  });
  bob_.ice->gather();
}

/// Both have nominated the same path and will look no further.
bool Encounter::settled() const {
  return alice_.ice->state() == ice::State::kCompleted &&
         bob_.ice->state() == ice::State::kCompleted;
}

Seen Encounter::run() {
  const Time begun = world_.now();
  offer();
  Seen seen;
  const bool came = world_.run_until([this] { return connected(); }, kPatience);
  if (came) {
    seen.to_connect = world_.now() - begun;
    seen.packets = packets_sent(topology_.alice) + packets_sent(topology_.bob);
    static_cast<void>(world_.run_until([this] { return settled(); }, seconds(20)));
    exchange_packets();
    seen.path = path();
  }
  seen.complaint = complain(seen.path);
  return seen;
}

void Encounter::exchange_packets() {
  for (std::uint32_t i = 0; i < kPackets; ++i) {
    std::array<std::uint8_t, 4> bytes{};
    ByteWriter(bytes).u32(i);
    static_cast<void>(alice_.ice->send(bytes));
    static_cast<void>(bob_.ice->send(bytes));
    world_.run_for(kBetweenPackets);
  }
  world_.run_for(seconds(1));
}

Path Encounter::path() const {
  const auto ends = [](const End& end, const End& peer) {
    const ice::Agent& agent = end.ice->agent();
    const ice::CandidatePair* pair = agent.selected_pair();
    if (pair == nullptr) return Path::kNone;
    return path_between(
        type_of(agent.local_candidates()[pair->valid_local].candidate, end.gathered),
        type_of(agent.remote_candidates()[pair->remote].candidate, peer.gathered));
  };
  const Path ours = ends(alice_, bob_);
  return ours == ends(bob_, alice_) ? ours : Path::kNone;
}

std::string Encounter::complain(Path path) const {
  for (const auto& [name, end] : {std::pair("alice", &alice_), std::pair("bob", &bob_)}) {
    const std::string who = name;
    if (end->was_connected && !end->is_connected()) return who + " lost the connection";
    if (path == Path::kNone) {
      if (end->was_connected) return who + " claimed to be connected";
      if (end->ice->state() != ice::State::kFailed) return who + " did not end in failed";
      continue;
    }
    if (!std::ranges::is_sorted(end->received)) return who + " got packets out of order";
    // At 5 % loss more than a quarter is lost once in ten thousand times.
    const std::size_t least = cell_.loss == 0 ? kPackets : kPackets * 3 / 4;
    if (end->received.size() < least || end->received.size() > kPackets) {
      return who + " got " + std::to_string(end->received.size()) + " of " +
             std::to_string(kPackets) + " packets";
    }
  }
  return {};
}

std::string Encounter::describe() const {
  std::string out;
  nat_matrix::describe("alice", alice_, out);
  nat_matrix::describe("bob", bob_, out);
  return out;
}

}  // namespace floe::nat_matrix
