#include "floe/tls/datagram_client.h"

#include <utility>
#include <variant>

#include "floe/tls/internal/client_authenticator.h"
#include "floe/tls/internal/sealed_batch.h"

namespace floe::tls {

Result<std::unique_ptr<DatagramClient>> DatagramClient::connect(net::Network& network,
                                                                const net::Endpoint& remote,
                                                                std::optional<net::Endpoint> local,
                                                                const ClientOptions& options,
                                                                DatagramClientHandler& handler) {
  auto authenticator =
      ClientAuthenticator::create(Medium::kDatagrams, options, network.wall_clock());
  if (!authenticator) return forward(authenticator);
  auto connection = dtls::Connection::create({.role = dtls::Role::kClient,
                                              .identity = nullptr,
                                              .authenticator = std::move(*authenticator),
                                              .initial_rto = kInitialRto});
  if (!connection) return forward(connection);
  std::unique_ptr<DatagramClient> client(
      new DatagramClient(network, remote, options.server_name, std::move(*connection), handler));
  net::UdpOptions udp;
  udp.bind = local.value_or(net::Endpoint{net::Address::unspecified(remote.family()), 0});
  auto socket = network.open_udp(udp, *client);
  if (!socket) return forward(socket);
  client->socket_ = std::move(*socket);
  client->sealed_->set_ids(client->socket_->id(), client->id());
  client->connection_->start(client->now_);
  client->transmit();
  return client;
}

DatagramClient::DatagramClient(net::Network& network, const net::Endpoint& remote, std::string name,
                               std::unique_ptr<dtls::Connection> connection,
                               DatagramClientHandler& handler)
    : network_(network),
      remote_(remote),
      name_(name + " (" + remote.to_string() + ")"),
      handler_(handler),
      connection_(std::move(connection)),
      now_(network.now()),
      sealed_(std::make_unique<SealedBatch>(network)),
      registration_(network.add_sink(*this)),
      timer_(network.create_timer([this] { on_timer(); })) {}

DatagramClient::~DatagramClient() {
  // The network may have gone before.
  if (!registration_.is_active() || socket_ == nullptr) return;
  connection_->close(now_);
  transmit();
}

void DatagramClient::on_datagrams(std::span<net::Datagram> datagrams) {
  now_ = network_.now();
  for (const net::Datagram& datagram : datagrams) {
    if (datagram.source == remote_) connection_->handle_packet(now_, datagram.payload);
  }
  transmit();
  report();
}

void DatagramClient::on_timer() {
  now_ = network_.now();
  connection_->handle_timeout(now_);
  transmit();
  report();
}

void DatagramClient::transmit() {
  // What the system refuses is lost like any datagram: the timer sends it again.
  sealed_->collect(now_, remote_, *connection_);
  sealed_->flush();
  timer_->arm(connection_->next_timeout());
}

void DatagramClient::report() {
  const std::weak_ptr<char> life = life_;
  while (!finished_) {
    const auto event = connection_->poll_event();
    if (event && std::holds_alternative<dtls::Connected>(*event)) {
      handler_.on_connected();
      if (life.expired()) return;
      continue;
    }
    // What came before the end comes before the news of it.
    while (const auto payload = connection_->poll_plaintext()) {
      net::Datagram datagram{*payload, remote_, id()};
      handler_.on_datagrams({&datagram, 1});
      if (life.expired()) return;
    }
    if (!event) return;
    if (const auto* failed = std::get_if<dtls::Failed>(&*event)) {
      return finish({failed->error.code, "DTLS with " + name_ + ": " + failed->error.message});
    }
    return finish({Errc::kClosed, name_ + " closed the DTLS association"});
  }
}

void DatagramClient::finish(const Error& error) {
  finished_ = true;
  handler_.on_closed(error);
}

void DatagramClient::send(net::SendBatch& batch, std::span<const net::SendBatch::Run> runs) {
  for (const net::SendBatch::Run& run : runs) sealed_->seal(batch, run, remote_, *connection_);
  sealed_->flush(&batch.failures());
}

}  // namespace floe::tls
