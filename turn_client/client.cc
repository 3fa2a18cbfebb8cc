#include "floe/turn_client/client.h"

#include <algorithm>
#include <utility>

#include "floe/stun_client/stream_framer.h"

namespace floe::turn {
namespace {

constexpr std::size_t kChannelDataHeader = 4;  // RFC 8656 section 12.4

Result<> validate(const Client::Configuration& c) {
  const auto refuse = [](const char* what) { return fail(Errc::kInvalidArgument, what); };
  if (c.server.port == 0) return refuse("the TURN server's port is 0");
  if (c.relay == RelayTransport::kTcp) {
    if (c.transport != stun::Transport::kStream) {
      return refuse("a TCP relay needs a TCP or TLS connection to the TURN server");
    }
    if (c.even_port || c.reservation_token || c.dont_fragment) {
      return refuse("a TCP relay has no even_port, reservation_token or dont_fragment");
    }
  }
  if (c.both_families && c.family) {
    return refuse("family and both_families exclude each other");
  }
  if (c.both_families && c.even_port && c.even_port->reserve_next) {
    return refuse("both_families and a reserved next port exclude each other");
  }
  if (c.reservation_token && (c.family || c.both_families || c.even_port)) {
    return refuse("reservation_token excludes family, both_families and even_port");
  }
  // RFC 8656 section 8.1: zero would mean "delete".
  if (c.lifetime && (c.lifetime->count() <= 0 || c.lifetime->count() > 0x7fff'ffff)) {
    return refuse("the lifetime is not between 1 and 2147483647 seconds");
  }
  return {};
}

/// RFC 8656 sections 17, RFC 6062 section 6.1.
bool is_turn(stun::Method method) {
  return method >= stun::Method::kAllocate && method <= stun::Method::kConnectionAttempt;
}

}  // namespace

Result<Client> Client::create(Configuration configuration, Random& random) {
  if (const Result<> valid = validate(configuration); !valid) return forward(valid);
  return Client(std::move(configuration), random);
}

Client::Client(Configuration configuration, Random& random)
    : configuration_(std::move(configuration)),
      session_({configuration_.socket, configuration_.server, configuration_.transport,
                configuration_.credential, configuration_.times, configuration_.software,
                configuration_.fingerprint},
               random) {}

Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

Received Client::handle_packet(Time now, const net::Datagram& datagram) {
  if (datagram.socket != socket() || datagram.payload.empty()) return {};
  // A stream has one other end; what its driver writes as the source does not matter.
  if (!session_.over_stream() && datagram.source != server()) return {};
  if (stun::is_channel_data(datagram.payload[0])) return handle_channel_data(datagram.payload);
  if (!stun::looks_like_stun(datagram.payload)) return {};
  const Result<stun::Message> message = stun::Message::parse(datagram.payload);
  if (!message) {
    ++stats_.dropped_malformed;
    return {Received::Kind::kConsumed};
  }
  // The socket may ask the same server for Binding as well.
  if (!is_turn(message->method()) || message->cls() == stun::Class::kRequest) return {};
  if (message->check_fingerprint() == stun::Message::Fingerprint::kBad) {
    ++stats_.dropped_bad_fingerprint;
  } else if (message->is_response()) {
    handle_response(now, *message);
  } else if (message->method() == stun::Method::kData) {
    return handle_data_indication(*message, datagram.payload);
  } else if (message->method() == stun::Method::kConnectionAttempt) {
    handle_connection_attempt(*message);
  }
  return {Received::Kind::kConsumed};
}

Received Client::handle_channel_data(MutableBytes packet) {
  const std::size_t length =
      packet.size() < kChannelDataHeader ? packet.size() : std::size_t{packet[2]} << 8 | packet[3];
  if (packet.size() < kChannelDataHeader || length > packet.size() - kChannelDataHeader) {
    ++stats_.dropped_malformed;
    return {Received::Kind::kConsumed};
  }
  // RFC 8656 section 12: data may come as soon as the request was sent, before its response.
  const Channel* channel =
      find_channel(static_cast<std::uint16_t>(std::uint16_t{packet[0]} << 8 | packet[1]));
  if (channel == nullptr) {
    ++stats_.dropped_unknown_channel;
    return {Received::Kind::kConsumed};
  }
  return relayed(channel->peer, packet.subspan(kChannelDataHeader, length));
}

Received Client::handle_data_indication(const stun::Message& message, MutableBytes packet) {
  const std::optional<net::Endpoint> peer = message.xor_peer_address();
  const std::optional<Bytes> data = message.data();
  const std::optional<stun::Icmp> icmp = message.icmp();
  if (!peer || (!data && !icmp)) {  // RFC 8656 section 11.4
    ++stats_.dropped_malformed;
    return {Received::Kind::kConsumed};
  }
  if (data) {
    const auto at = static_cast<std::size_t>(data->data() - packet.data());
    return relayed(*peer, packet.subspan(at, data->size()));
  }
  if (find_permission(peer->address) == nullptr) {
    ++stats_.dropped_no_permission;
  } else {
    emit(PeerUnreachable{*peer, *icmp});
  }
  return {Received::Kind::kConsumed};
}

Received Client::relayed(const net::Endpoint& peer, MutableBytes payload) {
  // RFC 8656 sections 11.4 and 12.6. A permission that was asked for counts: the server may have
  // installed it although its response is late or lost.
  if (state_ != State::kAllocated || find_permission(peer.address) == nullptr) {
    ++stats_.dropped_no_permission;
    return {Received::Kind::kConsumed};
  }
  ++stats_.relayed_packets;
  stats_.relayed_bytes += payload.size();
  return {Received::Kind::kRelayed, peer, payload};
}

void Client::handle_response(Time now, const stun::Message& message) {
  Failure failure;
  const auto judge = [&](Request* request) -> std::optional<Session::Outcome> {
    if (request == nullptr || !request->transaction || !request->transaction->matches(message)) {
      return std::nullopt;
    }
    return session_.handle_response(now, *request, message, failure);
  };
  if (const auto outcome = judge(allocation_request_.get())) {
    if (message.method() == stun::Method::kAllocate) {
      return handle_allocate(now, *outcome, message, failure);
    }
    return handle_refresh(now, *outcome, message, failure);
  }
  for (std::size_t i = 0; i < permissions_.size(); ++i) {
    if (const auto outcome = judge(permissions_[i].request.get())) {
      return handle_permission(now, i, *outcome, failure);
    }
  }
  for (std::size_t i = 0; i < channels_.size(); ++i) {
    if (const auto outcome = judge(channels_[i].request.get())) {
      return handle_channel(now, i, *outcome, failure);
    }
  }
  for (std::size_t i = 0; i < connects_.size(); ++i) {
    if (const auto outcome = judge(connects_[i].request.get())) {
      return handle_connect(now, i, *outcome, message, failure);
    }
  }
  ++stats_.dropped_unknown_transaction;
}

std::optional<net::Route> Client::route(const net::Endpoint& peer) const {
  if (state_ != State::kAllocated || moving_ || configuration_.relay != RelayTransport::kUdp) {
    return std::nullopt;
  }
  const Permission* permission = find_permission(peer.address);
  if (permission == nullptr || !permission->granted) return std::nullopt;
  net::Route route = session_.route();
  const Channel* channel = find_channel(peer);
  if (channel != nullptr && channel->bound) {
    route.prefix = net::Prefix::channel_data(channel->number, session_.over_stream());
  } else {
    route.prefix = net::Prefix::send_indication(peer, configuration_.dont_fragment);
  }
  return route;
}

void Client::poll_transmit(Time now, net::SendBatch& batch) {
  const auto transmit = [&](const std::unique_ptr<Request>& request) {
    if (request) session_.poll_transmit(now, *request, batch);
  };
  transmit(allocation_request_);
  for (const Permission& permission : permissions_) transmit(permission.request);
  for (const Channel& channel : channels_) transmit(channel.request);
  for (const Connect& connect : connects_) transmit(connect.request);
}

Time Client::next_timeout() const {
  Time next = std::min({closed_at_, expires_at_, allocate_at_});
  const auto consider = [&](const std::unique_ptr<Request>& request, Time request_at) {
    next = std::min(next, request ? request->next_timeout() : request_at);
  };
  consider(allocation_request_, refresh_at_);
  for (const Permission& permission : permissions_) {
    consider(permission.request, permission.request_at);
    next = std::min(next, permission.expires_at);
  }
  for (const Channel& channel : channels_) {
    consider(channel.request, channel.request_at);
    next = std::min(next, channel.expires_at);
  }
  for (const Connect& connect : connects_) consider(connect.request, kNever);
  return next;
}

void Client::handle_timeout(Time now) {
  handle_allocation_timeout(now);
  handle_permission_timeouts(now);
  handle_channel_timeouts(now);
  handle_connect_timeouts(now);
}

std::optional<Client::Event> Client::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

void Client::emit(Event event) {
  const bool from_peers = std::holds_alternative<PeerUnreachable>(event) ||
                          std::holds_alternative<ConnectionAttempt>(event);
  if (from_peers && events_.size() >= kMaxEvents) {
    ++stats_.dropped_events;
    return;
  }
  events_.push_back(std::move(event));
}

bool Client::has_family(net::Family family) const {
  return std::any_of(relayed_.begin(), relayed_.end(),
                     [&](const net::Endpoint& relayed) { return relayed.family() == family; });
}

Client::Stats Client::stats() const {
  Stats stats = stats_;
  const Session::Stats& session = session_.stats();
  stats.requests_sent = session.requests_sent;
  stats.responses = session.responses;
  stats.challenges = session.challenges;
  stats.timeouts = session.timeouts;
  stats.dropped_unauthentic = session.dropped_unauthentic;
  return stats;
}

}  // namespace floe::turn
