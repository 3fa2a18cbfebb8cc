#include "floe/servers/stun/stun_server.h"

#include <utility>

#include "floe/core/text.h"

namespace floe::server {
namespace {

/// RFC 8489 section 14.14: fewer than 128 characters of at most 4 bytes.
constexpr std::size_t kMaxSoftware = 508;

}  // namespace

Result<std::unique_ptr<StunServer>> StunServer::create(net::Network& network,
                                                       Configuration configuration) {
  const std::string& software = configuration.responder.software;
  if (software.size() > kMaxSoftware || !is_utf8(as_bytes(software))) {
    return fail(Errc::kInvalidArgument,
                "the STUN server's software text must be UTF-8 of at most " +
                    std::to_string(kMaxSoftware) + " bytes");
  }
  std::unique_ptr<StunServer> server(new StunServer(network, std::move(configuration.responder)));
  net::UdpOptions options;
  options.bind = configuration.bind;
  options.reuse_port = configuration.reuse_port;
  Result<std::unique_ptr<net::UdpSocket>> socket = network.open_udp(options, *server);
  if (!socket) return forward(socket);
  server->socket_ = std::move(*socket);
  return server;
}

StunServer::StunServer(net::Network& network, StunResponder::Configuration configuration)
    : network_(network), responder_(std::move(configuration), network.random()) {}

StunServer::Stats StunServer::stats() const {
  return {received_, send_failures_, responder_.stats()};
}

void StunServer::on_datagrams(std::span<net::Datagram> datagrams) {
  received_ += datagrams.size();
  net::SendBatch& batch = network_.batch();
  const Time now = network_.now();
  for (const net::Datagram& datagram : datagrams) {
    // Long before the batch is full, so that an answer always finds room.
    if (batch.size() > net::SendBatch::kCapacity / 2) send(batch);
    responder_.handle_packet(now, datagram, batch);
  }
  send(batch);
}

void StunServer::send(net::SendBatch& batch) {
  if (batch.empty()) return;
  network_.send(batch);
  send_failures_ += batch.failures().size();
  batch.clear();
}

}  // namespace floe::server
