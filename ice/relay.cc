#include "floe/ice/relay.h"

#include <algorithm>
#include <utility>

namespace floe::ice {
namespace {

/// What nobody can be reached at is no relayed address, whatever the server says.
bool is_usable(const net::Endpoint& relayed) {
  const net::Address& address = relayed.address;
  return relayed.port != 0 && !address.is_unspecified() && !address.is_multicast() &&
         !address.is_broadcast();
}

}  // namespace

Relay::Relay(Config config, Random& random, VirtualSockets& virtual_sockets,
             std::uint32_t& last_dial)
    : config_(std::move(config)),
      random_(random),
      virtual_sockets_(virtual_sockets),
      last_dial_(last_dial),
      address_(config_.address),
      certificate_name_(config_.server.host) {}

// --------------------------------------------------------------------------------- connections

void Relay::start(Time now) {
  started_at_ = now;
  deadline_ = now + config_.deadline;
  if (config_.server.transport == ServerTransport::kUdp && !config_.own_socket) {
    begin(now, config_.base.id);
  } else {
    dial(now);
  }
  drain(now);
}

void Relay::dial(Time now) {
  own_socket_ = true;
  // The first connection has until the deadline.
  redial_at_ = settled_ ? now + kRedialPatience : kNever;
  dialed_ = DialId{++last_dial_};
  state_ = State::kDialing;
  Dial dial;
  dial.id = *dialed_;
  dial.transport = config_.server.transport;
  dial.local.address = config_.base.local.address;
  dial.remote = address_;
  dial.name = certificate_name_;
  requests_.push_back(std::move(dial));
}

void Relay::hang_up() {
  silent_at_ = kNever;
  if (dialed_) requests_.push_back(HangUp{*dialed_});
  dialed_.reset();
}

void Relay::redial(Time now, const Error& error) {
  hang_up();
  if (redials_ >= kMaxRedials) {
    fail(now, error);
    return;
  }
  if (redials_++ == 0) {
    dial(now);
    return;
  }
  state_ = State::kRedialWait;
  redial_at_ = now + std::chrono::seconds(1) * (1u << (redials_ - 2));
}

bool Relay::handle_dialed(Time now, DialId id, net::SocketId socket) {
  if (dialed_ != id) return false;
  if (state_ == State::kDialing) begin(now, socket);
  drain(now);
  return true;
}

bool Relay::handle_dial_failed(Time now, DialId id, const Error& error) {
  if (dialed_ != id) return false;
  dialed_.reset();
  if (state_ == State::kDialing) {
    // A first connection that is refused would be refused again; one that has worked may come back.
    if (addresses_.empty()) {
      fail(now, error);
    } else {
      redial(now, error);
    }
  } else if (client_) {
    client_->handle_closed(now, error);
  }
  drain(now);
  return true;
}

void Relay::begin(Time now, net::SocketId socket) {
  state_ = State::kAllocating;
  redial_at_ = kNever;
  if (client_ && redirected_) {
    redirected_ = false;
    if (auto ok = client_->follow_redirect(now, socket); !ok) fail(now, ok.error());
    return;
  }
  if (client_) {
    client_->use_socket(now, socket);
    return;
  }
  auto credential =
      stun::LongTermCredential::create(config_.server.username, config_.server.credential);
  if (!credential) {
    fail(now, credential.error());
    return;
  }
  turn::Client::Configuration client;
  client.socket = socket;
  client.server = address_;
  client.transport =
      is_stream(config_.server.transport) ? stun::Transport::kStream : stun::Transport::kDatagrams;
  client.credential = std::move(*credential);
  client.both_families = true;
  client.times = config_.times;
  auto created = turn::Client::create(std::move(client), random_);
  if (!created) {
    fail(now, created.error());
    return;
  }
  client_.emplace(std::move(*created));
  client_->start(now);
}

void Relay::follow(Time now, const turn::Client::Redirected& redirected) {
  // RFC 8489 section 14.8: a redirection counts only if it is protected, be it by the credentials
  // or by the connection.
  if (!redirected.authenticated && !is_secure(config_.server.transport)) {
    fail(now,
         {Errc::kVerificationFailed, "the server named " + redirected.server.to_string() +
                                         " instead, in an answer that anybody may have written"},
         stun::kTryAlternate);
    return;
  }
  if (redirected.server.family() != config_.base.local.family()) {
    fail(now,
         {Errc::kUnreachable, "the server named " + redirected.server.to_string() +
                                  " instead, which this address cannot reach"},
         stun::kTryAlternate);
    return;
  }
  address_ = redirected.server;
  if (!redirected.domain.empty()) certificate_name_ = redirected.domain;
  if (config_.server.transport == ServerTransport::kUdp) {
    if (auto ok = client_->follow_redirect(now, client_->socket()); !ok) {
      fail(now, ok.error());
    }
    return;
  }
  redirected_ = true;
  hang_up();
  dial(now);
}

std::optional<NetworkRequest> Relay::poll_network_request() {
  if (requests_.empty()) return std::nullopt;
  NetworkRequest next = std::move(requests_.front());
  requests_.pop_front();
  return next;
}

// ----------------------------------------------------------------------------------- addresses

const Relay::Address* Relay::find(net::SocketId socket) const {
  const auto it = std::find_if(addresses_.begin(), addresses_.end(),
                               [socket](const Address& known) { return known.socket == socket; });
  return it == addresses_.end() ? nullptr : &*it;
}

const Relay::Address* Relay::find(net::Family family) const {
  const auto it = std::find_if(addresses_.begin(), addresses_.end(), [family](const auto& known) {
    return known.relayed.family() == family;
  });
  return it == addresses_.end() ? nullptr : &*it;
}

/// After a loss the server may give the same addresses again: then nothing has changed for the
/// agent and its peer. Others are other candidates.
void Relay::take(Time now, const turn::Client::Allocated& allocated) {
  state_ = State::kUp;
  if (!settled_) ended_at_ = now;
  settled_ = true;
  deadline_ = kNever;
  redials_ = 0;
  mapped_ = allocated.mapped;
  for (std::size_t i = addresses_.size(); i-- > 0;) {
    const bool kept = std::find(allocated.relayed.begin(), allocated.relayed.end(),
                                addresses_[i].relayed) != allocated.relayed.end();
    if (!kept) drop_address(i, "the TURN server gave another relayed address");
  }
  for (const net::Endpoint& relayed : allocated.relayed) {
    if (find(relayed.family()) != nullptr || !is_usable(relayed)) continue;
    addresses_.push_back({virtual_sockets_.next(), relayed});
    events_.push_back(Opened{addresses_.back().socket, relayed, mapped_});
  }
}

void Relay::drop_address(std::size_t index, const std::string& why) {
  events_.push_back(Gone{addresses_[index].socket, why});
  addresses_.erase(addresses_.begin() + static_cast<std::ptrdiff_t>(index));
}

void Relay::end(const std::string& why) {
  state_ = State::kFailed;
  deadline_ = kNever;
  redial_at_ = kNever;
  hang_up();
  while (!addresses_.empty()) drop_address(addresses_.size() - 1, why);
}

void Relay::fail(Time now, const Error& error, std::uint16_t code) {
  end(error.message);
  ended_at_ = now;
  failure_ = turn::Failure{error, code};
  events_.push_back(Failed{code, error.message});
}

void Relay::abandon(const std::string& why) {
  if (state_ != State::kFailed) end(why);
}

std::vector<Relay::Opened> Relay::addresses() const {
  std::vector<Opened> all;
  for (const Address& address : addresses_) {
    all.push_back({address.socket, address.relayed, mapped_});
  }
  return all;
}

ServerAttempt Relay::attempt() const {
  using Outcome = ServerAttempt::Outcome;
  ServerAttempt attempt;
  attempt.local = config_.base.local;
  attempt.address = address_;
  attempt.outcome = state_ == State::kIdle     ? Outcome::kWaiting
                    : state_ == State::kUp     ? Outcome::kAnswered
                    : state_ == State::kFailed ? Outcome::kFailed
                                               : Outcome::kUnderWay;
  attempt.started = started_at_;
  attempt.ended = ended_at_;
  attempt.mapped = mapped_;
  for (const Address& address : addresses_) attempt.relayed.push_back(address.relayed);
  if (client_) {
    const turn::Client::Stats stats = client_->stats();
    attempt.requests_sent = stats.requests_sent;
    attempt.responses = stats.responses;
  }
  if (failure_) {
    attempt.error = failure_->error;
    attempt.code = failure_->code;
  }
  return attempt;
}

void Relay::close(Time now) {
  if (state_ == State::kFailed || !client_) return;
  client_->close(now);
}

// ------------------------------------------------------------------------------------- packets

turn::Received::Kind Relay::unwrap(Time now, net::Datagram& datagram) {
  using Kind = turn::Received::Kind;
  if (state_ == State::kFailed || !client_ || client_->socket() != datagram.socket) {
    return Kind::kNotOurs;
  }
  const turn::Received received = client_->handle_packet(now, datagram);
  if (received.kind != Kind::kNotOurs) silent_at_ = kNever;
  if (received.kind == Kind::kConsumed) drain(now);
  if (received.kind != Kind::kRelayed) return received.kind;
  const Address* address = find(received.peer.family());
  if (address == nullptr) return Kind::kConsumed;
  datagram.payload = received.payload;
  datagram.source = received.peer;
  datagram.socket = address->socket;
  return Kind::kRelayed;
}

void Relay::permit(Time now, net::SocketId socket, const net::Address& peer) {
  if (!client_ || state_ == State::kFailed) return;
  if (auto ok = client_->permit(now, peer); !ok) {
    events_.push_back(Refused{socket, peer, ok.error().message});
  }
}

void Relay::bind(Time now, const net::Endpoint& peer) {
  if (!client_ || state_ == State::kFailed) return;
  // Without a channel packets keep going in Send indications, which is dearer, not wrong.
  static_cast<void>(client_->bind(now, peer));
}

void Relay::suspect(Time now) {
  if (!client_ || state_ == State::kFailed) return;
  client_->refresh(now);
  const bool connected = state_ == State::kUp || state_ == State::kAllocating;
  if (connected && silent_at_ == kNever && is_stream(config_.server.transport)) {
    silent_at_ = now + kStreamPatience;
  }
}

std::optional<net::Route> Relay::route(const net::Endpoint& peer) const {
  if (!client_ || state_ == State::kFailed) return std::nullopt;
  return client_->route(peer);
}

bool Relay::uses(const net::Route& route) const {
  return client_ && state_ != State::kFailed && client_->socket() == route.socket &&
         client_->server() == route.destination;
}

void Relay::handle_send_failure(Time now, const Error& error) {
  client_->handle_unreachable(now, error);
  drain(now);
}

// ---------------------------------------------------------------------------------------- time

void Relay::poll_transmit(Time now, net::SendBatch& batch) {
  if (client_ && state_ != State::kFailed) client_->poll_transmit(now, batch);
}

Time Relay::next_timeout() const {
  Time next = std::min({deadline_, redial_at_, silent_at_});
  if (client_ && state_ != State::kFailed) next = std::min(next, client_->next_timeout());
  return next;
}

void Relay::handle_timeout(Time now) {
  if (now >= deadline_) {
    const std::string what = state_ == State::kAllocating ? "no answer to an Allocate request from "
                                                          : "no connection to ";
    fail(now, {Errc::kTimedOut, what + address_.to_string() + " over " +
                                    std::string(to_string(config_.server.transport)) + " within " +
                                    std::to_string(to_ms(config_.deadline) / 1000) + " s"});
    return;
  }
  if (now >= redial_at_) {
    if (state_ == State::kDialing) {
      redial(now, {Errc::kTimedOut, "no connection to " + address_.to_string() + " within " +
                                        std::to_string(to_ms(kRedialPatience) / 1000) + " s"});
    } else {
      dial(now);
    }
  }
  if (now >= silent_at_) {
    hang_up();
    client_->handle_closed(
        now,
        {Errc::kTimedOut, "nothing came from " + address_.to_string() + " over a connection for " +
                              std::to_string(to_ms(kStreamPatience) / 1000) + " s"});
  }
  if (client_ && state_ != State::kFailed) {
    client_->handle_timeout(now);
    drain(now);
  }
}

void Relay::drain(Time now) {
  using Client = turn::Client;
  while (client_ && state_ != State::kFailed) {
    const auto event = client_->poll_event();
    if (!event) return;
    if (const auto* allocated = std::get_if<Client::Allocated>(&*event)) {
      take(now, *allocated);
    } else if (const auto* needed = std::get_if<Client::SocketNeeded>(&*event)) {
      redial(now, needed->failure.error);
    } else if (const auto* redirected = std::get_if<Client::Redirected>(&*event)) {
      follow(now, *redirected);
    } else if (const auto* failed = std::get_if<Client::Failed>(&*event)) {
      fail(now, failed->failure.error, failed->failure.code);
    } else if (const auto* granted = std::get_if<Client::PermissionGranted>(&*event)) {
      if (const Address* address = find(granted->peer.family())) {
        events_.push_back(Permitted{address->socket, granted->peer});
      }
    } else if (const auto* refused = std::get_if<Client::PermissionFailed>(&*event)) {
      if (const Address* address = find(refused->peer.family())) {
        events_.push_back(Refused{address->socket, refused->peer, refused->failure.error.message});
      }
    }
  }
}

std::optional<Relay::Event> Relay::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event next = std::move(events_.front());
  events_.pop_front();
  return next;
}

}  // namespace floe::ice
