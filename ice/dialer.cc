#include "floe/ice/dialer.h"

#include <array>
#include <optional>
#include <utility>
#include <variant>

#include "floe/ice/tcp_framer.h"
#include "floe/stun_client/stream_framer.h"
#include "floe/tls/datagram_client.h"
#include "floe/tls/stream.h"

namespace floe::ice {

class Dialer::Connection {
 public:
  explicit Connection(Dialer& dialer, DialId id = DialId{0}) : dialer_(dialer), id_(id) {}
  virtual ~Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  /// Where packets leave from if that is clear already.
  virtual std::optional<net::SocketId> socket() const { return std::nullopt; }

 protected:
  void connected(net::SocketId socket) {
    const auto handlers = dialer_.handlers_;
    handlers->connected(id_, socket);
  }
  /// Ends this object.
  virtual void failed(const Error& error) { dialer_.fail(id_, error); }
  void receive(std::span<net::Datagram> datagrams) {
    const auto handlers = dialer_.handlers_;
    handlers->receive(datagrams);
  }

  Dialer& dialer_;

 private:
  DialId id_;
};

class Dialer::Socket final : public Connection, private net::UdpHandler {
 public:
  using Connection::Connection;
  static Result<std::unique_ptr<Connection>> open(Dialer& dialer, const Dial& dial) {
    auto made = std::make_unique<Socket>(dialer, dial.id);
    net::UdpOptions options;
    options.bind = dial.local;
    auto socket = dialer.network_.open_udp(options, *made);
    if (!socket) return forward(socket);
    made->socket_ = std::move(*socket);
    return made;
  }
  std::optional<net::SocketId> socket() const override { return socket_->id(); }

 private:
  void on_datagrams(std::span<net::Datagram> datagrams) override { receive(datagrams); }
  std::unique_ptr<net::UdpSocket> socket_;
};

class Dialer::DtlsConnection final : public Connection, private tls::DatagramClientHandler {
 public:
  using Connection::Connection;
  static Result<std::unique_ptr<Connection>> open(Dialer& dialer, const Dial& dial,
                                                  const tls::ClientOptions& options) {
    auto made = std::make_unique<DtlsConnection>(dialer, dial.id);
    auto client =
        tls::DatagramClient::connect(dialer.network_, dial.remote, dial.local, options, *made);
    if (!client) return forward(client);
    made->client_ = std::move(*client);
    return made;
  }

 private:
  void on_connected() override { connected(client_->id()); }
  void on_closed(const Error& error) override { failed(error); }
  void on_datagrams(std::span<net::Datagram> datagrams) override { receive(datagrams); }
  std::unique_ptr<tls::DatagramClient> client_;
};

/// A TCP or TLS stream, which the agent sees as a socket that packets arrive on.
class Dialer::StreamConnection : public Connection, protected net::StreamHandler {
 public:
  StreamConnection(Dialer& dialer, const Dial& dial) : Connection(dialer, dial.id) {
    if (dial.framing == Dial::Framing::kRfc4571) framer_.emplace<TcpFramer>();
  }
  StreamConnection(Dialer& dialer, std::unique_ptr<net::Stream> stream, TcpFramer framer)
      : Connection(dialer), stream_(std::move(stream)), framer_(std::move(framer)) {}
  ~StreamConnection() override { *alive_ = false; }

  static Result<std::unique_ptr<Connection>> open(Dialer& dialer, const Dial& dial,
                                                  const tls::ClientOptions& options) {
    auto made = std::make_unique<StreamConnection>(dialer, dial);
    auto stream = dial.transport == ServerTransport::kTls
                      ? tls::connect(dialer.network_, dial.remote, dial.local, options, *made)
                      : dialer.network_.connect(dial.remote, dial.local, *made);
    if (!stream) return forward(stream);
    made->stream_ = std::move(*stream);
    return made;
  }

 protected:
  /// Packets handed on together; what one read of a stream holds of small packets.
  static constexpr std::size_t kTrain = 64;

  void on_connected() override { connected(stream_->id()); }
  void on_closed(const Error& error) override { failed(error); }

  void on_data(MutableBytes data) override {
    const std::shared_ptr<bool> alive = alive_;
    const Bytes read = data;
    std::array<net::Datagram, kTrain> train;
    std::size_t size = 0;
    const auto flush = [&] {
      if (size > 0) receive(std::span(train).first(std::exchange(size, 0)));
      return *alive;
    };
    while (const auto packet = next(data)) {
      // What was torn apart is only there until the next packet is asked for.
      const bool whole =
          packet->data() >= read.data() && packet->data() < read.data() + read.size();
      train[size++] = {*packet, stream_->remote(), stream_->id()};
      if ((!whole || size == kTrain) && !flush()) return;
    }
    if (!flush()) return;
    const auto* turn = std::get_if<stun::StreamFramer>(&framer_);
    if (turn != nullptr && turn->broken()) {
      failed({Errc::kMalformed, "the server sent something that is neither STUN nor ChannelData"});
    }
  }

  std::optional<MutableBytes> next(MutableBytes& data) {
    return std::visit([&data](auto& framer) { return framer.next(data); }, framer_);
  }

  std::unique_ptr<net::Stream> stream_;
  std::variant<stun::StreamFramer, TcpFramer> framer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// A stream that a listener accepted.
class Dialer::AdoptedStream final : public StreamConnection {
 public:
  using StreamConnection::StreamConnection;
  void begin(MutableBytes first, MutableBytes rest) {
    const std::shared_ptr<bool> alive = alive_;
    stream_->set_handler(*this);
    net::Datagram datagram{first, stream_->remote(), stream_->id()};
    receive({&datagram, 1});
    if (*alive && !rest.empty()) on_data(rest);
  }

 private:
  void failed(const Error& error) override { dialer_.end_adopted(stream_->id(), error); }
};

Dialer::Dialer(net::Network& network, std::shared_ptr<const tls::Trust> trust, Handlers handlers)
    : network_(network),
      trust_(std::move(trust)),
      handlers_(std::make_shared<const Handlers>(std::move(handlers))) {}

Dialer::~Dialer() = default;

void Dialer::hang_up(DialId id) {
  connections_.erase(id);
}

void Dialer::close() {
  connections_.clear();
  adopted_.clear();
}

Result<std::unique_ptr<Dialer::Connection>> Dialer::open(const Dial& dial) {
  tls::ClientOptions options;
  options.server_name = dial.name;
  options.trust = trust_;
  options.alpn = {tls::kAlpnTurn};
  switch (dial.transport) {
    case ServerTransport::kUdp:
      return Socket::open(*this, dial);
    case ServerTransport::kDtls:
      return DtlsConnection::open(*this, dial, options);
    case ServerTransport::kTcp:
    case ServerTransport::kTls:
      return StreamConnection::open(*this, dial, options);
  }
  return floe::fail(Errc::kInternal, "no such transport");
}

void Dialer::dial(const Dial& dial) {
  auto connection = open(dial);
  const auto handlers = handlers_;
  if (!connection) {
    handlers->failed(dial.id, connection.error());
    return;
  }
  const auto socket = (*connection)->socket();
  connections_.insert_or_assign(dial.id, std::move(*connection));
  if (socket) handlers->connected(dial.id, *socket);
}

void Dialer::adopt(TcpMux::Accepted accepted) {
  const net::SocketId socket = accepted.stream->id();
  auto made = std::make_unique<AdoptedStream>(*this, std::move(accepted.stream),
                                              std::move(accepted.framer));
  AdoptedStream& stream = *made;
  adopted_.insert_or_assign(socket, std::move(made));
  stream.begin(accepted.first, accepted.rest);
}

void Dialer::end_adopted(net::SocketId socket, const Error& error) {
  const Error reason = error;
  const auto handlers = handlers_;
  adopted_.erase(socket);
  handlers->closed(socket, reason);
}

void Dialer::fail(DialId id, const Error& error) {
  const Error reason = error;  // it may be the connection's own
  const auto handlers = handlers_;
  connections_.erase(id);
  handlers->failed(id, reason);
}

}  // namespace floe::ice
