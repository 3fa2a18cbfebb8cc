#include "floe/net/sim/internal/tcp_stack.h"

#include <algorithm>
#include <string>
#include <utility>

#include "floe/net/sim/host.h"

namespace floe::net::sim {
namespace {

// What packets for a listener at `local` carry as their destination.
Endpoint wire_key(const Endpoint& local) {
  return {without_scope(local.address), local.port};
}

class OpenStream final : public Stream {
 public:
  explicit OpenStream(std::shared_ptr<TcpConnection> connection)
      : connection_(std::move(connection)) {}
  ~OpenStream() override { connection_->release(); }
  SocketId id() const override { return connection_->id(); }
  Endpoint local() const override { return connection_->local(); }
  Endpoint remote() const override { return connection_->remote(); }
  void set_handler(StreamHandler& handler) override { connection_->set_handler(handler); }
  Result<> write(Bytes data) override { return connection_->write(data); }
  std::size_t buffered() const override { return connection_->buffered(); }
  void pause_reading() override { connection_->set_reading(false); }
  void resume_reading() override { connection_->set_reading(true); }
  void shutdown() override { connection_->shutdown(); }

 private:
  std::shared_ptr<TcpConnection> connection_;
};

class OpenListener final : public Listener {
 public:
  OpenListener(TcpStack& stack, std::shared_ptr<TcpListener> listener)
      : stack_(stack), listener_(std::move(listener)) {}
  ~OpenListener() override { stack_.close(*listener_); }
  Endpoint local() const override { return listener_->local(); }

 private:
  TcpStack& stack_;
  std::shared_ptr<TcpListener> listener_;
};

}  // namespace

TcpListener::TcpListener(Host& host, const Endpoint& local, ListenerHandler& handler)
    : host_(host), local_(local), handler_(&handler), accept_(*this, &TcpListener::accept) {}

void TcpListener::hand_over(std::shared_ptr<TcpConnection> connection) {
  ready_.push_back(std::move(connection));
  if (!accept_.scheduled()) host_.fabric_.events().schedule(accept_, host_.now());
}

void TcpListener::close() {
  handler_ = nullptr;
  host_.fabric_.events().cancel(accept_);
  for (const auto& connection : std::exchange(ready_, {})) connection->abort();
}

void TcpListener::accept() {
  if (host_.asleep()) return host_.fabric_.events().schedule(accept_, host_.wakes_at());
  const auto self = shared_from_this();  // The handler may destroy the listener.
  while (!ready_.empty() && handler_ != nullptr) {
    auto stream = std::make_unique<OpenStream>(std::move(ready_.front()));
    ready_.pop_front();
    forget();
    handler_->on_accept(std::move(stream));
  }
}

TcpStack::TcpStack(Host& host)
    : host_(host), random_(host.fabric_.seed_for(host.name() + "/tcp")) {}

TcpStack::~TcpStack() = default;

bool TcpStack::is_listening(const Endpoint& local) const {
  return std::ranges::any_of(listeners_, [&](const auto& entry) {
    const Endpoint& other = entry.first;
    return other.port == local.port && other.family() == local.family() &&
           (other.address == without_scope(local.address) || other.address.is_unspecified() ||
            local.address.is_unspecified());
  });
}

Result<Endpoint> TcpStack::choose_local(const Endpoint& wanted) {
  if (!host_.can_bind(wanted.address) || wanted.address.is_multicast()) {
    return fail(Errc::kAddressNotAvailable,
                wanted.address.to_string() + " is not an address of " + host_.name());
  }
  if (wanted.port != 0) return wanted;
  const auto port = host_.choose_port(
      Host::kFirstDynamicPort, Host::kLastDynamicPort, [&](std::uint16_t candidate) {
        return !connecting_from_.contains(candidate) && !is_listening({wanted.address, candidate});
      });
  if (!port) return fail(Errc::kAddressInUse, "every dynamic TCP port is taken");
  return Endpoint{wanted.address, *port};
}

Result<std::unique_ptr<Stream>> TcpStack::connect(const Endpoint& remote,
                                                  std::optional<Endpoint> local,
                                                  StreamHandler& handler) {
  if (remote.port == 0) return fail(Errc::kInvalidArgument, "nobody can be reached at port 0");
  const Endpoint wanted = local.value_or(Endpoint{Address::unspecified(remote.family()), 0});
  if (wanted.family() != remote.family()) {
    return fail(Errc::kInvalidArgument, "no connection from " + wanted.to_string() + " to " +
                                            remote.to_string() + ": the families differ");
  }
  auto chosen = choose_local(wanted);
  if (!chosen) return forward(chosen);
  const auto path = host_.path(wanted.address, remote.address);
  if (!path) {
    return fail(Errc::kUnreachable,
                "no way from " + wanted.to_string() + " to " + remote.to_string());
  }
  chosen->address = path->source;
  const Endpoint far{without_scope(remote.address), remote.port};
  if (connections_.contains({*chosen, far})) {
    return fail(Errc::kAddressInUse, "there is a connection from " + chosen->to_string() + " to " +
                                         far.to_string() + " already");
  }
  auto connection =
      std::make_shared<TcpConnection>(host_, *this, *chosen, far, *path, host_.next_id());
  add(connection);
  connecting_from_.insert(chosen->port);
  connection->start_connecting(handler);
  return std::make_unique<OpenStream>(std::move(connection));
}

Result<std::unique_ptr<Listener>> TcpStack::listen(const Endpoint& local,
                                                   ListenerHandler& handler) {
  const auto chosen = choose_local(local);
  if (!chosen) return forward(chosen);
  if (is_listening(*chosen)) {
    return fail(Errc::kAddressInUse, "TCP " + chosen->to_string() + " is taken");
  }
  auto listener = std::make_shared<TcpListener>(host_, *chosen, handler);
  listeners_[wire_key(*chosen)] = listener;
  return std::make_unique<OpenListener>(*this, std::move(listener));
}

void TcpStack::close(TcpListener& listener) {
  listener.close();
  listeners_.erase(wire_key(listener.local()));
}

void TcpStack::add(const std::shared_ptr<TcpConnection>& connection) {
  connections_[ends_of(*connection)] = connection;
  by_id_[connection->id()] = connection.get();
}

void TcpStack::remove(TcpConnection& connection) {
  const auto found = connections_.find(ends_of(connection));
  if (found == connections_.end() || found->second.get() != &connection) return;
  const auto self = std::move(found->second);
  connections_.erase(found);
  by_id_.erase(connection.id());
  if (connection.is_outbound()) {
    const auto from = connecting_from_.find(connection.local().port);
    if (from != connecting_from_.end()) connecting_from_.erase(from);
  }
  if (const auto accepting = accepting_.extract(&connection)) {
    if (const auto listener = accepting.mapped().lock()) listener->forget();
  }
}

void TcpStack::accepted(TcpConnection& connection) {
  const auto accepting = accepting_.extract(&connection);
  const auto listener = accepting ? accepting.mapped().lock() : nullptr;
  if (listener == nullptr || find_listener(wire_key(listener->local())) != listener) {
    return connection.abort();
  }
  listener->hand_over(connection.shared_from_this());
}

std::optional<Error> TcpStack::send(const SendBatch& batch, const SendBatch::Run& run) {
  const auto found = by_id_.find(run.route.socket);
  if (found == by_id_.end()) return std::nullopt;
  const auto written = found->second->write(batch.bytes(run));
  if (written) return std::nullopt;
  return written.error();
}

void TcpStack::receive(const Packet& packet) {
  const auto found = connections_.find({packet.destination, packet.source});
  if (found != connections_.end()) {
    host_.note(packet, Verdict::kDelivered);
    const auto connection = found->second;
    return connection->receive(packet);
  }
  if (packet.tcp.has(TcpHeader::kSyn) && !packet.tcp.has(TcpHeader::kAck)) {
    return receive_syn(packet);
  }
  host_.note(packet, Verdict::kNoSuchPort);
  refuse(packet);
}

std::shared_ptr<TcpListener> TcpStack::find_listener(const Endpoint& local) const {
  for (const Address& address : {local.address, Address::unspecified(local.family())}) {
    const auto found = listeners_.find({address, local.port});
    if (found != listeners_.end()) return found->second;
  }
  return nullptr;
}

void TcpStack::receive_syn(const Packet& packet) {
  const auto listener = find_listener(packet.destination);
  if (listener == nullptr) {
    host_.note(packet, Verdict::kNoSuchPort);
    return refuse(packet);
  }
  const auto path = host_.path(packet.destination.address, packet.source.address);
  if (listener->is_full() || !path) return host_.note(packet, Verdict::kBufferFull);
  host_.note(packet, Verdict::kDelivered);
  auto connection = std::make_shared<TcpConnection>(host_, *this, packet.destination, packet.source,
                                                    *path, host_.next_id());
  listener->begin();
  accepting_[connection.get()] = listener;
  add(connection);
  connection->start_accepting(packet);
}

void TcpStack::refuse(const Packet& packet) {
  if (packet.tcp.has(TcpHeader::kRst)) return;
  const auto path = host_.path(packet.destination.address, packet.source.address);
  if (!path) return;
  PacketPtr reset = host_.fabric_.packets().make();
  answer_with_reset(packet, *reset);
  host_.transmit(std::move(reset), *path);
}

std::size_t TcpStack::choose_cut(std::size_t size) {
  if (size < 2 || split_ <= 0 || random_.unit() >= split_) return 0;
  return 1 + static_cast<std::size_t>(random_.below(size - 1));
}

}  // namespace floe::net::sim
