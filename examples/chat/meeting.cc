#include "meeting.h"

#include <utility>
#include <variant>

namespace chat {

using floe::server::Candidate;
using floe::server::Description;
using floe::server::Joined;
using floe::server::Peer;
using floe::server::Refusal;
using floe::server::Refused;
using floe::server::Signal;
using floe::server::SignalingClient;

Meeting::Meeting(floe::net::Network& network, uv_loop_t& loop, MeetingHandler& handler)
    : network_(network), loop_(loop), handler_(handler) {}

floe::Result<> Meeting::join(const std::string& url, const std::string& room,
                             const std::string& name) {
  url_ = url;
  room_ = room;
  auto client = SignalingClient::connect(network_, loop_, url, *this);
  if (!client) return floe::forward(client);
  client_ = std::move(*client);
  return client_->join(room, name);
}

void Meeting::send(const Signal& signal) {
  if (over_ || !peer_) return;
  // It fails when the connection has ended, and on_closed will say so; the client's queue holds
  // far more than two peers have to tell each other.
  static_cast<void>(client_->send(peer_->id, signal));
}

void Meeting::leave() {
  if (over_) return;
  // Closing leaves the room as well; this only says so first.
  static_cast<void>(client_->leave());
  client_->close();
}

void Meeting::on_joined(const Joined& joined) {
  handler_.on_joined(joined);
  // These conversations are between two.
  if (joined.peers.size() > 1) {
    return end(ExitCode::kRoomFull, "room " + room_ +
                                        " is full: two are talking there already; take another "
                                        "--room");
  }
  if (!joined.peers.empty()) meet(joined.peers.front(), true);
}

void Meeting::on_peer_joined(const Peer& peer) {
  // A third one finds two there, and goes again.
  if (!peer_) meet(peer, false);
}

void Meeting::meet(const Peer& peer, bool we_offer) {
  peer_ = peer;
  handler_.on_peer(peer, we_offer);
}

void Meeting::on_peer_left(const std::string& id) {
  if (!peer_ || peer_->id != id) return;
  peer_.reset();
  handler_.on_peer_left();
}

void Meeting::on_signal(const std::string& from, const Signal& signal) {
  if (!peer_ || peer_->id != from) return;
  if (const auto* description = std::get_if<Description>(&signal)) {
    handler_.on_description(*description);
  } else if (const auto* candidate = std::get_if<Candidate>(&signal)) {
    handler_.on_candidate(*candidate);
  }
}

void Meeting::on_error(const Refusal& refusal) {
  // The peer left while something was on its way to it; on_peer_left says so too.
  if (refusal.code == Refused::kNoSuchPeer) return;
  const bool full = refusal.code == Refused::kRoomFull || refusal.code == Refused::kTooManyRooms ||
                    refusal.code == Refused::kServerFull;
  end(full ? ExitCode::kRoomFull : ExitCode::kSignaling,
      "the signalling server refuses room " + room_ + " (" + std::string(to_string(refusal.code)) +
          "): " + refusal.message);
}

void Meeting::on_closed(const floe::Error& error) {
  end(ExitCode::kSignaling,
      "signalling with " + url_ + " failed: " + error.message + " (is floe-signal running there?)");
}

void Meeting::end(ExitCode code, std::string message) {
  if (std::exchange(over_, true)) return;
  handler_.on_meeting_over({code, std::move(message)});
}

}  // namespace chat
