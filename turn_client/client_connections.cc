#include <algorithm>

#include "floe/turn_client/client.h"

// TCP connections to and from peers (RFC 6062).
namespace floe::turn {
namespace {

/// RFC 6062 section 4.3: the same peer may be tried again 10 s after a 447.
constexpr Duration kConnectRest = std::chrono::seconds(10);

}  // namespace

Result<> Client::connect(Time now, const net::Endpoint& peer) {
  if (state_ != State::kAllocated || configuration_.relay != RelayTransport::kTcp) {
    return fail(Errc::kInvalidState, "connect needs a TCP relay that is allocated");
  }
  if (peer.port == 0 || !has_family(peer.family())) {
    return fail(Errc::kInvalidArgument,
                "this TURN allocation cannot connect to " + peer.to_string());
  }
  std::erase_if(connects_, [&](const Connect& connect) { return connect.rests_until <= now; });
  const bool busy = std::any_of(connects_.begin(), connects_.end(),
                                [&](const Connect& connect) { return connect.peer == peer; });
  if (busy) {
    return fail(Errc::kInvalidState, "a connection to " + peer.to_string() +
                                         " is under way, or failed less than 10 s ago");
  }
  if (connects_.size() == kMaxConnects) {
    return fail(Errc::kLimitExceeded, "one TURN allocation has at most " +
                                          std::to_string(kMaxConnects) + " Connect requests");
  }
  connects_.push_back({peer});
  connects_.back().request = std::make_unique<Request>(Request{stun::Method::kConnect});
  send_connect(now, connects_.back());
  return {};
}

void Client::send_connect(Time now, Connect& connect) {
  const Result<> sent = session_.send(now, *connect.request, [&](stun::MessageBuilder& b) {
    b.add_xor_address(stun::AttributeType::kXorPeerAddress, connect.peer);
  });
  // It can only be too long for good; as with a 447 the entry goes away later.
  if (sent) return;
  connect.request.reset();
  connect.rests_until = now + kConnectRest;
  emit(ConnectionFailed{connect.peer, {sent.error(), 0}});
}

void Client::handle_connect(Time now, std::size_t index, Session::Outcome outcome,
                            const stun::Message& response, const Failure& failure) {
  using Outcome = Session::Outcome;
  Connect& connect = connects_[index];
  if (outcome == Outcome::kDropped || outcome == Outcome::kWait) return;
  if (outcome == Outcome::kSendAgain) return send_connect(now, connect);
  if (failure.code == stun::kAllocationMismatch) return lose(now, failure.error);
  const net::Endpoint peer = connect.peer;
  if (failure.code == stun::kConnectionTimeoutOrFailure) {
    connect.request.reset();
    connect.rests_until = now + kConnectRest;
  } else {
    connects_.erase(connects_.begin() + static_cast<std::ptrdiff_t>(index));
  }
  if (outcome == Outcome::kFailed) {
    emit(ConnectionFailed{peer, failure});
  } else if (const auto id = response.connection_id()) {
    emit(ConnectionReady{*id, peer});
  } else {
    emit(ConnectionFailed{
        peer, {{Errc::kMalformed, "the TURN server's Connect response has no CONNECTION-ID"}, 0}});
  }
}

void Client::handle_connect_timeouts(Time now) {
  bool unanswered = false;
  for (std::size_t i = 0; i < connects_.size();) {
    Connect& connect = connects_[i];
    Failure failure;
    const Session::Tick tick = connect.request
                                   ? session_.handle_timeout(now, *connect.request, failure)
                                   : Session::Tick::kNothing;
    if (tick == Session::Tick::kSendAgain) send_connect(now, connect);
    if (tick != Session::Tick::kTimedOut) {
      ++i;
      continue;
    }
    emit(ConnectionFailed{connect.peer, failure});
    connects_.erase(connects_.begin() + static_cast<std::ptrdiff_t>(i));
    unanswered = true;
  }
  if (unanswered) refresh(now);
}

void Client::handle_connection_attempt(const stun::Message& message) {
  const std::optional<net::Endpoint> peer = message.xor_peer_address();
  const std::optional<std::uint32_t> id = message.connection_id();
  if (!peer || !id) {
    ++stats_.dropped_malformed;
  } else if (state_ != State::kAllocated || find_permission(peer->address) == nullptr) {
    ++stats_.dropped_no_permission;
  } else {
    emit(ConnectionAttempt{*id, *peer});
  }
}

}  // namespace floe::turn
