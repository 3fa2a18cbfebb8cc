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
  Result<> opened = server->open(configuration.bind, configuration.reuse_port);
  if (opened && configuration.alternate) {
    opened = server->open_alternates(*configuration.alternate, configuration.reuse_port);
  }
  if (!opened) return forward(opened);
  return server;
}

Result<> StunServer::open(const net::Endpoint& bind, bool reuse_port) {
  net::UdpOptions options;
  options.bind = bind;
  options.reuse_port = reuse_port;
  options.dont_fragment = false;  // Padded answers are meant to be fragmented (RFC 5780).
  Result<std::unique_ptr<net::UdpSocket>> socket = network_.open_udp(options, *this);
  if (!socket) return forward(socket);
  sockets_.push_back(std::move(*socket));
  return {};
}

Result<> StunServer::open_alternates(const net::Endpoint& alternate, bool reuse_port) {
  const net::Endpoint first = local();
  if (first.address.is_unspecified() || alternate.address.is_unspecified() ||
      first.family() != alternate.family() || first.address == alternate.address ||
      first.port == alternate.port) {
    return fail(Errc::kInvalidArgument,
                "to discover NAT behaviour, a STUN server needs two addresses of one family and "
                "two ports: " +
                    first.to_string() + " and " + alternate.to_string() + " are not that");
  }
  if (Result<> r = open({first.address, alternate.port}, reuse_port); !r) return r;
  const std::uint16_t second_port = sockets_.back()->local().port;
  for (const std::uint16_t port : {first.port, second_port}) {
    if (Result<> r = open({alternate.address, port}, reuse_port); !r) return r;
  }
  StunResponder::Origins origins;
  for (std::size_t i = 0; i < origins.size(); ++i) {
    origins[i] = {sockets_[i]->id(), sockets_[i]->local()};
  }
  responder_.set_origins(origins);
  return {};
}

std::optional<net::Endpoint> StunServer::alternate() const {
  if (sockets_.size() == 1) return std::nullopt;
  return sockets_.back()->local();
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
