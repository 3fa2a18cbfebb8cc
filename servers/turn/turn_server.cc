#include "floe/servers/turn/turn_server.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "floe/servers/turn/internal/turn_streams.h"
#include "floe/tls/datagram_server.h"
#include "floe/tls/stream.h"

namespace floe::server {
namespace {

/// How often idle streams are looked for; they may live this much longer than
/// they should.
constexpr Duration kSweepInterval = std::chrono::seconds(5);

/// RFC 7443: what a client that uses ALPN may ask for here.
std::vector<std::string> protocols() {
  return {tls::kAlpnTurn, tls::kAlpnNatDiscovery};
}

net::UdpOptions client_side(const net::Endpoint& bind) {
  net::UdpOptions options;
  options.bind = bind;
  options.dont_fragment = false;  // A peer's packet may be as large as the client can take.
  return options;
}

}  // namespace

/// A listening socket of clients that come over streams.
class TurnServer::StreamListener final : public net::ListenerHandler {
 public:
  StreamListener(TurnServer& server, TurnTransport transport)
      : server_(server), transport_(transport) {}
  void on_accept(std::unique_ptr<net::Stream> stream) override {
    server_.accept(std::move(stream), transport_);
  }
  void start(std::unique_ptr<net::Listener> listener) { listener_ = std::move(listener); }

 private:
  TurnServer& server_;
  TurnTransport transport_;
  std::unique_ptr<net::Listener> listener_;
};

/// A port that speaks DTLS with its clients.
class TurnServer::DtlsListener final : public tls::DatagramServerHandler {
 public:
  explicit DtlsListener(TurnServer& server) : server_(server) {}
  void on_datagrams(std::span<net::Datagram> datagrams) override {
    server_.on_datagrams(datagrams);
  }
  void on_client_closed(const net::Endpoint& client, const Error&) override {
    server_.relay_->remove_client({socket_->id(), client});
  }
  void start(std::unique_ptr<tls::DatagramServer> socket) { socket_ = std::move(socket); }

 private:
  TurnServer& server_;
  std::unique_ptr<tls::DatagramServer> socket_;
};

Result<std::unique_ptr<TurnServer>> TurnServer::create(net::Network& network,
                                                       Configuration configuration) {
  if (configuration.listeners.empty()) {
    return fail(Errc::kInvalidArgument, "a TURN server needs an address to listen on");
  }
  for (const net::Interface& interface : network.interfaces()) {
    configuration.relay.own_addresses.push_back(interface.address);
  }
  std::unique_ptr<TurnServer> server(new TurnServer(network, std::move(configuration)));
  auto relay = TurnRelay::create(server->configuration_.relay, *server, network.random());
  if (!relay) return forward(relay);
  server->relay_ = std::move(*relay);
  for (const Listener& listener : server->configuration_.listeners) {
    if (Result<> opened = server->open(listener); !opened) return forward(opened);
  }
  if (const auto& other = server->configuration_.other_address) {
    if (Result<> opened = server->open_other(*other); !opened) return forward(opened);
  }
  return server;
}

TurnServer::TurnServer(net::Network& network, Configuration configuration)
    : network_(network),
      configuration_(std::move(configuration)),
      timer_(network.create_timer([this] { on_timer(); })) {}

TurnServer::~TurnServer() = default;

Result<> TurnServer::open(const Listener& listener) {
  const bool is_secure =
      listener.transport == TurnTransport::kTls || listener.transport == TurnTransport::kDtls;
  if (is_secure && configuration_.identity == nullptr) {
    return fail(Errc::kInvalidArgument, "a TURN server needs a certificate to listen for TLS on " +
                                            listener.bind.to_string());
  }
  switch (listener.transport) {
    case TurnTransport::kUdp:
      return open_udp(listener);
    case TurnTransport::kDtls:
      return open_dtls(listener);
    default:
      return open_stream(listener);
  }
}

Result<> TurnServer::open_udp(const Listener& listener) {
  Result<std::unique_ptr<net::UdpSocket>> socket =
      network_.open_udp(client_side(listener.bind), *this);
  if (!socket) return forward(socket);
  bound_.push_back({listener.transport, (*socket)->local()});
  relay_->add_socket((*socket)->id(), listener.transport);
  sockets_.push_back(std::move(*socket));
  return {};
}

Result<> TurnServer::open_other(const net::Endpoint& other) {
  const auto fits = [&](const Listener& listener) {
    const net::Endpoint& bind = listener.bind;
    return listener.transport == TurnTransport::kUdp && !bind.address.is_unspecified() &&
           bind.family() == other.family() && bind.address != other.address &&
           bind.port != other.port;
  };
  const auto listener = std::find_if(bound_.begin(), bound_.end(), fits);
  if (other.address.is_unspecified() || listener == bound_.end()) {
    return fail(Errc::kInvalidArgument,
                "to discover NAT behaviour, a TURN server needs a UDP listener with another "
                "address of the same family and another port than " +
                    other.to_string());
  }
  const net::Endpoint first = listener->bind;
  StunResponder::Origins origins;
  std::uint16_t other_port = other.port;
  for (std::size_t i = 0; i < origins.size(); ++i) {
    const net::Address& address = i < 2 ? first.address : other.address;
    auto origin = open_origin({address, i % 2 == 0 ? first.port : other_port});
    if (!origin) return forward(origin);
    origins[i] = *origin;
    if (i == 1) other_port = origin->local.port;
  }
  relay_->set_origins(origins);
  return {};
}

/// The UDP listener there, or a new one.
Result<StunResponder::Origin> TurnServer::open_origin(const net::Endpoint& bind) {
  auto socket = std::find_if(sockets_.begin(), sockets_.end(),
                             [&](const auto& open) { return open->local() == bind; });
  if (socket == sockets_.end()) {
    if (Result<> opened = open_udp({TurnTransport::kUdp, bind}); !opened) return forward(opened);
    socket = std::prev(sockets_.end());
  }
  return StunResponder::Origin{(*socket)->id(), (*socket)->local()};
}

Result<> TurnServer::open_dtls(const Listener& listener) {
  auto acceptor = std::make_unique<DtlsListener>(*this);
  tls::DatagramServer::Options options;
  options.udp = client_side(listener.bind);
  options.server = {configuration_.identity, protocols()};
  options.max_clients = configuration_.max_dtls_clients;
  auto opened = tls::DatagramServer::create(network_, options, *acceptor);
  if (!opened) return forward(opened);
  bound_.push_back({listener.transport, (*opened)->local()});
  relay_->add_socket((*opened)->id(), listener.transport);
  acceptor->start(std::move(*opened));
  dtls_listeners_.push_back(std::move(acceptor));
  return {};
}

Result<> TurnServer::open_stream(const Listener& listener) {
  auto acceptor = std::make_unique<StreamListener>(*this, listener.transport);
  Result<std::unique_ptr<net::Listener>> opened =
      listener.transport == TurnTransport::kTls
          ? tls::listen(network_, listener.bind, {configuration_.identity, protocols()}, *acceptor)
          : network_.listen(listener.bind, *acceptor);
  if (!opened) return forward(opened);
  bound_.push_back({listener.transport, (*opened)->local()});
  acceptor->start(std::move(*opened));
  stream_listeners_.push_back(std::move(acceptor));
  return {};
}

TurnServer::Stats TurnServer::stats() const {
  Stats stats = stats_;
  stats.streams = streams_.size();
  stats.relay = relay_->stats();
  return stats;
}

void TurnServer::on_datagrams(std::span<net::Datagram> datagrams) {
  stats_.received += datagrams.size();
  net::SendBatch& batch = network_.batch();
  const Time now = network_.now();
  for (const net::Datagram& datagram : datagrams) {
    // Long before the batch is full, so that everything finds room.
    if (batch.size() > net::SendBatch::kCapacity / 2) send(batch);
    relay_->handle_packet(now, datagram, batch);
  }
  finish(batch);
}

Result<net::SocketId> TurnServer::open_relay(const net::Endpoint& local, bool dont_fragment) {
  net::UdpOptions options;
  options.bind = local;
  options.dont_fragment = dont_fragment;
  Result<std::unique_ptr<net::UdpSocket>> socket = network_.open_udp(options, *this);
  if (!socket) return forward(socket);
  const net::SocketId id = (*socket)->id();
  relays_.emplace(id, std::move(*socket));
  return id;
}

void TurnServer::close_relay(net::SocketId socket) {
  relays_.erase(socket);
  relay_listeners_.erase(socket);
}

void TurnServer::accept(std::unique_ptr<net::Stream> stream, TurnTransport transport) {
  if (streams_.size() >= configuration_.max_streams) {
    ++stats_.streams_refused;
    return;
  }
  const net::SocketId id = stream->id();
  auto client = std::make_unique<ClientStream>(*this, std::move(stream), network_.now());
  relay_->add_socket(id, transport);
  ClientStream& started = *streams_.emplace(id, std::move(client)).first->second;
  started.start();
  if (next_sweep_ == kNever) {
    next_sweep_ = network_.now() + kSweepInterval;
    finish(network_.batch());
  }
}

void TurnServer::handle_data(ClientStream& stream, MutableBytes data) {
  if (stream.peer != nullptr || stream.is_ending) return handle_client_data(stream, data);
  net::SendBatch& batch = network_.batch();
  const Time now = network_.now();
  while (const std::optional<MutableBytes> frame = stream.framer.next(data)) {
    ++stats_.received;
    if (batch.size() > net::SendBatch::kCapacity / 2) send(batch);
    relay_->handle_packet(now, {*frame, stream.client.endpoint, stream.client.socket}, batch);
    if (stream.peer != nullptr) break;  // It was a ConnectionBind: no frames from here on.
  }
  finish(batch);
  if (stream.peer != nullptr) {
    stream.peer->start();
    handle_client_data(stream, data);
  } else if (stream.framer.broken()) {
    ++stats_.streams_broken;
    close(stream);
  }
}

void TurnServer::close(ClientStream& stream) {
  const TurnClient client = stream.client;
  if (stream.peer != nullptr) end_peer(*stream.peer);
  // RFC 8656 section 3.1: when the connection goes, so does the allocation.
  relay_->remove_client(client);
  relay_->remove_socket(client.socket);
  streams_.erase(client.socket);
}

void TurnServer::send(net::SendBatch& batch) {
  if (batch.empty()) return;
  network_.send(batch);
  stats_.send_failures += batch.failures().size();
  batch.clear();
}

void TurnServer::finish(net::SendBatch& batch) {
  send(batch);
  const Time next = std::min(relay_->next_timeout(), next_sweep_);
  if (next == armed_) return;
  armed_ = next;
  timer_->arm(next);
}

void TurnServer::on_timer() {
  const Time now = network_.now();
  armed_ = kNever;
  net::SendBatch& batch = network_.batch();
  relay_->handle_timeout(now, batch);
  if (next_sweep_ <= now) close_idle_streams(now);
  finish(batch);
}

void TurnServer::close_idle_streams(Time now) {
  const auto is_over = [&](Time since) {
    return now - since >= configuration_.idle_stream_timeout;
  };
  stats_.streams_idle += std::erase_if(streams_, [&](const auto& entry) {
    const ClientStream& stream = *entry.second;
    const bool is_idle =
        is_over(stream.since) && stream.peer == nullptr && !relay_->has_allocation(stream.client);
    if (is_idle) relay_->remove_socket(stream.client.socket);
    return is_idle;
  });
  std::erase_if(peers_, [&](const auto& entry) {
    return entry.second->is_ending && is_over(entry.second->since);
  });
  next_sweep_ = streams_.empty() && peers_.empty() ? kNever : now + kSweepInterval;
}

}  // namespace floe::server
