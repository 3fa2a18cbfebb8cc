#include "floe/tls/datagram_server.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "floe/tls/internal/cookie_jar.h"
#include "floe/tls/internal/sealed_batch.h"
#include "floe/tls/internal/server_authenticator.h"

namespace floe::tls {
namespace {

/// A ClientHello outside any association: a client that may have started anew.
bool begins_handshake(Bytes datagram) {
  const auto record = dtls::next_record(datagram);
  constexpr std::uint8_t kClientHello = 1;  // RFC 5246 section 7.4
  return record && !record->encrypted() && record->is(dtls::ContentType::kHandshake) &&
         record->body[0] == kClientHello;
}

}  // namespace

Result<std::unique_ptr<DatagramServer>> DatagramServer::create(net::Network& network,
                                                               const Options& options,
                                                               DatagramServerHandler& handler) {
  if (options.max_clients == 0 || options.idle_timeout <= Duration::zero()) {
    return fail(Errc::kInvalidArgument,
                "DatagramServer::Options: max_clients and idle_timeout must be above 0");
  }
  std::unique_ptr<DatagramServer> server(new DatagramServer(network, options, handler));
  if (auto opened = server->open(); !opened) return forward(opened);
  return server;
}

DatagramServer::DatagramServer(net::Network& network, const Options& options,
                               DatagramServerHandler& handler)
    : network_(network),
      options_(options),
      handler_(handler),
      cookies_(std::make_unique<CookieJar>(network.random())),
      now_(network.now()),
      sealed_(std::make_unique<SealedBatch>(network)),
      registration_(network.add_sink(*this)),
      timer_(network.create_timer([this] { on_timer(); })) {}

DatagramServer::~DatagramServer() {
  // The network may have gone before.
  if (!registration_.is_active() || socket_ == nullptr) return;
  for (auto& [address, client] : clients_) {
    client.connection->close(now_);
    sealed_->collect(now_, address, *client.connection);
  }
  sealed_->flush();
}

Result<> DatagramServer::open() {
  auto authenticator =
      ServerAuthenticator::create(Medium::kDatagrams, options_.server, cookies_.get());
  if (!authenticator) return forward(authenticator);
  authenticator_ = std::move(*authenticator);
  auto listener = new_listener();
  if (!listener) return forward(listener);
  listener_ = std::move(*listener);
  auto socket = network_.open_udp(options_.udp, *this);
  if (!socket) return forward(socket);
  socket_ = std::move(*socket);
  sealed_->set_ids(socket_->id(), id());
  return {};
}

Result<std::unique_ptr<dtls::Connection>> DatagramServer::new_listener() const {
  return dtls::Connection::create(
      {.role = dtls::Role::kServer, .identity = nullptr, .authenticator = authenticator_});
}

void DatagramServer::on_datagrams(std::span<net::Datagram> datagrams) {
  const std::weak_ptr<char> life = life_;
  now_ = network_.now();
  for (net::Datagram& datagram : datagrams) {
    take(datagram);
    if (life.expired()) return;
  }
  sealed_->flush();
  arm();
}

void DatagramServer::take(net::Datagram& datagram) {
  const auto found = clients_.find(datagram.source);
  if (found == clients_.end()) return listen(datagram);
  Client& client = found->second;
  // RFC 6347 section 4.2.8: the old association stays until the new one's cookie is good.
  if (client.announced && begins_handshake(datagram.payload)) return listen(datagram);
  client.last_heard = now_;
  client.connection->handle_packet(now_, datagram.payload);
  report(datagram.source);
}

void DatagramServer::listen(net::Datagram& datagram) {
  const std::weak_ptr<char> life = life_;
  const net::Endpoint source = datagram.source;
  const auto known = clients_.find(source);
  cookies_->set_client(now_, source, known == clients_.end() ? 0 : known->second.number);
  const bool accepted = listener_->listen(now_, datagram.payload);
  if (!accepted) {
    if (!begins_handshake(datagram.payload)) ++stats_.dropped;
    return sealed_->collect(now_, source, *listener_);
  }
  auto next = new_listener();
  if (!next) {
    // The old one is taken; without another the server is deaf. OpenSSL is out of memory.
    return network_.log(LogLevel::kError, "tls", next.error().message);
  }
  std::unique_ptr<dtls::Connection> connection = std::exchange(listener_, std::move(*next));
  if (known != clients_.end()) {
    remove(source, {Errc::kClosed, "the client began anew from its port"});
    if (life.expired()) return;
  }
  if (clients_.size() >= options_.max_clients) {
    ++stats_.clients_refused;
    return;
  }
  ++stats_.clients_accepted;
  Client& client = clients_[source];
  client.number = stats_.clients_accepted;
  client.connection = std::move(connection);
  client.started = now_;
  client.last_heard = now_;
  report(source);
}

void DatagramServer::report(const net::Endpoint& address) {
  const std::weak_ptr<char> life = life_;
  // A handler cannot remove a client; only the end of the server takes this one away.
  Client& client = clients_.at(address);
  sealed_->collect(now_, address, *client.connection);
  set_wake(address, client);
  while (true) {
    const auto event = client.connection->poll_event();
    if (event && std::holds_alternative<dtls::Connected>(*event)) {
      client.announced = true;
      set_wake(address, client);
      handler_.on_client(address);
      if (life.expired()) return;
      continue;
    }
    // What came before the end comes before the news of it.
    while (const auto payload = client.connection->poll_plaintext()) {
      net::Datagram datagram{*payload, address, id()};
      handler_.on_datagrams({&datagram, 1});
      if (life.expired()) return;
    }
    if (!event) return;
    if (const auto* failed = std::get_if<dtls::Failed>(&*event)) {
      if (!client.announced) ++stats_.clients_failed;
      return remove(address, failed->error);
    }
    return remove(address, {Errc::kClosed, address.to_string() + " closed the DTLS association"});
  }
}

void DatagramServer::remove(const net::Endpoint& address, const Error& error) {
  const auto found = clients_.find(address);
  const bool announced = found->second.announced;
  wakes_.erase({found->second.wake, address});
  clients_.erase(found);
  if (announced) handler_.on_client_closed(address, error);
}

Time DatagramServer::wanted_wake(const Client& client) const {
  if (client.announced) return client.last_heard + options_.idle_timeout;
  return std::min(client.started + kHandshakePatience, client.connection->next_timeout());
}

void DatagramServer::set_wake(const net::Endpoint& address, Client& client) {
  const Time wanted = wanted_wake(client);
  // A client that goes on talking is looked at when its old time comes, not at every packet.
  if (client.announced && client.wake <= wanted) return;
  wakes_.erase({client.wake, address});
  client.wake = wanted;
  wakes_.emplace(wanted, address);
}

void DatagramServer::on_timer() {
  const std::weak_ptr<char> life = life_;
  now_ = network_.now();
  while (!wakes_.empty() && wakes_.begin()->first <= now_) {
    const net::Endpoint address = wakes_.begin()->second;
    Client& client = clients_.at(address);
    wakes_.erase(wakes_.begin());
    client.wake = kNever;
    if (client.announced && client.last_heard + options_.idle_timeout <= now_) {
      ++stats_.clients_idle;
      client.connection->close(now_);
      sealed_->collect(now_, address, *client.connection);
      remove(address, {Errc::kTimedOut, address.to_string() + " was idle"});
    } else if (!client.announced && client.started + kHandshakePatience <= now_) {
      ++stats_.clients_failed;
      remove(address, {Errc::kTimedOut, address.to_string() + " did not finish its handshake"});
    } else {
      client.connection->handle_timeout(now_);
      report(address);
    }
    if (life.expired()) return;
  }
  sealed_->flush();
  arm();
}

void DatagramServer::arm() {
  timer_->arm(wakes_.empty() ? kNever : wakes_.begin()->first);
}

void DatagramServer::send(net::SendBatch& batch, std::span<const net::SendBatch::Run> runs) {
  for (const net::SendBatch::Run& run : runs) {
    const net::Endpoint& to = run.route.destination;
    const auto client = clients_.find(to);
    if (client == clients_.end()) {
      batch.failures().push_back(
          {run.route, {Errc::kUnreachable, to.to_string() + " is not a DTLS client"}});
      continue;
    }
    sealed_->seal(batch, run, to, *client->second.connection);
  }
  sealed_->flush(&batch.failures());
}

}  // namespace floe::tls
