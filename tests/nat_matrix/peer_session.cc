#include "tests/nat_matrix/peer_session.h"

#include <array>
#include <utility>

#include "floe/core/bytes.h"
#include "floe/core/check.h"

namespace floe::nat_matrix {
namespace {

constexpr std::size_t kMessageSize = 16;  // Its number, and when it was sent.

}  // namespace

PeerSession::PeerSession(Topology& topology, Signaling& signaling, Note note)
    : Session(topology, signaling, std::move(note)) {
  create(alice_, bob_, topology_.alice);
  create(bob_, alice_, topology_.bob);
  auto channel = alice_.pc->create_data_channel("chat");
  FLOE_CHECK(channel.has_value());
  watch(alice_, std::move(*channel));
}

PeerSession::~PeerSession() {
  for (Party* party : {&alice_, &bob_}) {
    party->channel.reset();
    party->pc.reset();
  }
}

void PeerSession::create(Party& party, Party& peer, const Place& place) {
  Configuration configuration;
  configuration.ice_servers = topology_.servers.configuration();
  configuration.ice_server_trust = Servers::trust();
  configuration.address_rewrites = place.rewrites;
  auto created = PeerConnection::create(*place.host, configuration);
  FLOE_CHECK(created.has_value());
  party.pc = std::move(*created);
  PeerConnection& pc = *party.pc;
  pc.on_ice_candidate([this, &peer](const IceCandidate& candidate) {
    signaling_.send([&peer, candidate] {
      // One of an earlier generation is refused, and of no use.
      if (peer.pc->remote_description()) {
        static_cast<void>(peer.pc->add_ice_candidate(candidate));
      }
    });
  });
  pc.on_ice_connection_state_change([this, &party](IceConnectionState state) {
    note_(party.name + (" is " + std::string(to_string(state))));
    if (state == IceConnectionState::kConnected) party.was_connected = true;
    party.disconnected_since = state == IceConnectionState::kDisconnected ? world_.now() : kNever;
  });
  pc.on_dtls_state_change(
      [this, &party](DtlsTransportState state, const std::optional<Error>& why) {
        note_(party.name + (" has DTLS " + std::string(to_string(state))));
        if (why) complain(std::string(party.name) + "'s DTLS failed: " + why->message);
      });
  pc.on_data_channel(
      [this, &party](std::shared_ptr<DataChannel> channel) { watch(party, std::move(channel)); });
}

void PeerSession::watch(Party& party, std::shared_ptr<DataChannel> channel) {
  party.channel = std::move(channel);
  party.channel->on_open([this, &party] {
    note_(party.name + std::string("'s channel is open"));
    party.open = true;
  });
  party.channel->on_close(
      [this, &party] { complain(party.name + std::string("'s channel closed")); });
  party.channel->on_message([this, &party](const DataChannel::Message& message) {
    take_message(party, message.payload);
  });
}

void PeerSession::take_message(Party& party, Bytes payload) {
  ByteReader reader(payload);
  const std::uint64_t number = reader.u64();
  const Time sent{Duration(static_cast<Duration::rep>(reader.u64()))};
  if (payload.size() != kMessageSize || number != party.received) {
    complain(std::string(party.name) + " got message " + std::to_string(number) + " where " +
             std::to_string(party.received) + " was next");
  }
  ++party.received;
  party.heard_of = sent;
}

void PeerSession::start() {
  offer();
  look_after();
}

void PeerSession::offer() {
  awaits_answer_ = true;
  last_offer_ = world_.now();
  expect(alice_, alice_.pc->set_local_description(), "offer");
  signaling_.send([this, offer = *alice_.pc->local_description()] { take_offer(offer); });
}

void PeerSession::take_offer(const SessionDescription& offer) {
  expect(bob_, bob_.pc->set_remote_description(offer), "take an offer");
  expect(bob_, bob_.pc->set_local_description(), "answer");
  signaling_.send([this, answer = *bob_.pc->local_description()] {
    awaits_answer_ = false;
    expect(alice_, alice_.pc->set_remote_description(answer), "take an answer");
  });
}

void PeerSession::restart() {
  if (!may_restart()) return;
  note_("alice restarts ICE");
  alice_.pc->restart_ice();
  offer();
}

void PeerSession::expect(const Party& party, const Result<>& result, const char* what) {
  if (!result) {
    complain(std::string(party.name) + " could not " + what + ": " + result.error().message);
  }
}

bool PeerSession::is_in_trouble(const Party& party) const {
  return party.pc->ice_connection_state() == IceConnectionState::kFailed ||
         (party.disconnected_since != kNever &&
          world_.now() - party.disconnected_since >= kDisconnectedPatience);
}

/// What a good application does: it sends, and restarts ICE when that has ceased to work.
void PeerSession::look_after() {
  for (Party* party : {&alice_, &bob_}) {
    if (party->open) say_something(*party);
  }
  // Bob's word reaches Alice in time; what it costs is one way of signalling.
  if (is_in_trouble(bob_)) signaling_.send([this] { restart(); });
  if (is_in_trouble(alice_)) restart();
  world_.after(kTick, [this] { look_after(); });
}

void PeerSession::say_something(Party& party) {
  std::array<std::uint8_t, kMessageSize> bytes{};
  ByteWriter writer(bytes);
  writer.u64(party.sent);
  writer.u64(static_cast<std::uint64_t>(world_.now().time_since_epoch().count()));
  if (party.channel->send(Bytes(bytes))) ++party.sent;
}

bool PeerSession::flows(Time since) const {
  return alice_.heard_of > since && bob_.heard_of > since;
}

std::string PeerSession::describe() const {
  std::string out;
  for (const Party* party : {&alice_, &bob_}) {
    out += std::string(party->name) + ": " + std::string(to_string(party->pc->connection_state())) +
           ", sent " + std::to_string(party->sent) + ", received " +
           std::to_string(party->received) + '\n' + party->pc->ice_report().to_string();
  }
  return out;
}

}  // namespace floe::nat_matrix
