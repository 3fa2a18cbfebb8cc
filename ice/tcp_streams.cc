#include "floe/ice/tcp_streams.h"

#include <algorithm>
#include <utility>

namespace floe::ice {

net::SocketId TcpStreams::add_base(const net::Endpoint& local, TcpType type) {
  bases_.push_back({virtual_sockets_.next(), local, type});
  return bases_.back().id;
}

std::vector<net::SocketId> TcpStreams::remove_bases(const net::Address& address) {
  std::vector<net::SocketId> gone;
  for (const Base& base : bases_) {
    if (base.local.address == address) gone.push_back(base.id);
  }
  const auto is_gone = [&gone](net::SocketId id) {
    return std::find(gone.begin(), gone.end(), id) != gone.end();
  };
  for (const Stream& stream : streams_) {
    if (is_gone(stream.base) && stream.dial) requests_.push_back(HangUp{*stream.dial});
  }
  std::erase_if(streams_, [&](const Stream& stream) { return is_gone(stream.base); });
  std::erase_if(bases_, [&](const Base& base) { return is_gone(base.id); });
  return gone;
}

const TcpStreams::Base* TcpStreams::find_base(net::SocketId id) const {
  const auto it =
      std::find_if(bases_.begin(), bases_.end(), [id](const Base& base) { return base.id == id; });
  return it == bases_.end() ? nullptr : &*it;
}

const TcpStreams::Stream* TcpStreams::find(net::SocketId base, const net::Endpoint& remote) const {
  const auto it = std::find_if(streams_.begin(), streams_.end(), [&](const Stream& stream) {
    return stream.base == base && stream.remote == remote;
  });
  return it == streams_.end() ? nullptr : &*it;
}

TcpStreams::Stream* TcpStreams::find(net::SocketId base, const net::Endpoint& remote) {
  return const_cast<Stream*>(std::as_const(*this).find(base, remote));
}

// --------------------------------------------------------------------------------- connections

void TcpStreams::connect(net::SocketId base, const net::Endpoint& remote) {
  const Base* from = find_base(base);
  if (from == nullptr || from->type == TcpType::kPassive || find(base, remote) != nullptr) return;
  if (streams_.size() >= kMaxStreams) {
    events_.push_back(Ended{base, remote, "there are too many connections already"});
    return;
  }
  dial(streams_.emplace_back(Stream{base, remote}));
}

void TcpStreams::dial(Stream& stream) {
  const Base& base = *find_base(stream.base);
  stream.redial_at = kNever;
  stream.dial = DialId{++last_dial_};
  Dial dial;
  dial.id = *stream.dial;
  dial.transport = ServerTransport::kTcp;
  dial.framing = Dial::Framing::kRfc4571;
  dial.local = base.local;
  // RFC 6544 section 4.5: an active candidate's port is but a word for "any".
  if (base.type == TcpType::kActive) dial.local.port = 0;
  dial.remote = stream.remote;
  requests_.push_back(std::move(dial));
}

std::optional<NetworkRequest> TcpStreams::poll_network_request() {
  if (requests_.empty()) return std::nullopt;
  NetworkRequest next = std::move(requests_.front());
  requests_.pop_front();
  return next;
}

bool TcpStreams::handle_dialed(Time now, DialId id, net::SocketId socket) {
  const auto it = std::find_if(streams_.begin(), streams_.end(),
                               [id](const Stream& stream) { return stream.dial == id; });
  if (it == streams_.end()) return false;
  it->socket = socket;
  it->connected_at = now;
  it->was_connected = true;
  events_.push_back(Opened{it->base, it->remote});
  return true;
}

bool TcpStreams::handle_dial_failed(Time now, DialId id, const Error& error) {
  const auto it = std::find_if(streams_.begin(), streams_.end(),
                               [id](const Stream& stream) { return stream.dial == id; });
  if (it == streams_.end()) return false;
  const bool worked = it->socket != net::kNoSocket;
  it->socket = net::kNoSocket;
  it->dial.reset();
  if (worked && now - it->connected_at >= kStable) it->redials = 0;
  if (!it->was_connected || it->redials >= kMaxRedials) {
    end(*it, error.message);
    streams_.erase(it);
  } else if (it->redials++ == 0) {
    dial(*it);
  } else {
    it->redial_at = now + std::chrono::seconds(1) * (1u << (it->redials - 2));
  }
  return true;
}

bool TcpStreams::handle_accepted(const net::Endpoint& local, net::SocketId socket,
                                 const net::Endpoint& remote) {
  const auto base = std::find_if(bases_.begin(), bases_.end(), [&local](const Base& known) {
    return known.local == local && known.type != TcpType::kActive;
  });
  if (base == bases_.end() || streams_.size() >= kMaxStreams) return false;
  if (Stream* known = find(base->id, remote)) {
    // Both sides opened at once and the peer's connection came to be, not ours.
    if (known->socket != net::kNoSocket) return false;
    if (known->dial) requests_.push_back(HangUp{*known->dial});
    known->dial.reset();
    known->redial_at = kNever;
    known->socket = socket;
  } else {
    streams_.push_back(Stream{base->id, remote, socket});
  }
  events_.push_back(Opened{base->id, remote});
  return true;
}

void TcpStreams::handle_closed(net::SocketId socket, const Error& error) {
  const auto it = std::find_if(streams_.begin(), streams_.end(),
                               [socket](const Stream& stream) { return stream.socket == socket; });
  if (it == streams_.end()) return;
  end(*it, error.message);
  streams_.erase(it);
}

void TcpStreams::end(const Stream& stream, const std::string& why) {
  events_.push_back(Ended{stream.base, stream.remote, why});
}

// ------------------------------------------------------------------------------------- packets

bool TcpStreams::unwrap(net::Datagram& datagram) const {
  for (const Stream& stream : streams_) {
    if (stream.socket != datagram.socket) continue;
    datagram.socket = stream.base;
    datagram.source = stream.remote;
    return true;
  }
  return false;
}

std::optional<net::Route> TcpStreams::route(net::SocketId base, const net::Endpoint& remote) const {
  const Stream* stream = find(base, remote);
  if (stream == nullptr || stream->socket == net::kNoSocket) return std::nullopt;
  return net::Route{stream->socket, remote, net::Prefix::rfc4571()};
}

// ---------------------------------------------------------------------------------------- time

Time TcpStreams::next_timeout() const {
  Time next = kNever;
  for (const Stream& stream : streams_) next = std::min(next, stream.redial_at);
  return next;
}

void TcpStreams::handle_timeout(Time now) {
  for (Stream& stream : streams_) {
    if (now >= stream.redial_at) dial(stream);
  }
}

std::optional<TcpStreams::Event> TcpStreams::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event next = std::move(events_.front());
  events_.pop_front();
  return next;
}

}  // namespace floe::ice
