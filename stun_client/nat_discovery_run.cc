#include "floe/stun_client/nat_discovery_run.h"

#include <utility>

namespace floe::stun {

Result<std::unique_ptr<NatDiscoveryRun>> NatDiscoveryRun::start(net::Network& network,
                                                                Configuration configuration) {
  const NatDiscovery::Configuration& discovery = configuration.discovery;
  if (discovery.server.port == 0 || discovery.server.address.is_unspecified()) {
    return fail(Errc::kInvalidArgument, "the STUN server needs an address and a port");
  }
  if (discovery.second_server && discovery.second_server->family() != discovery.server.family()) {
    return fail(Errc::kInvalidArgument, "the second STUN server, " +
                                            discovery.second_server->to_string() +
                                            ", is not of the first one's family");
  }
  std::unique_ptr<NatDiscoveryRun> run(new NatDiscoveryRun(network, std::move(configuration)));
  if (Result<> opened = run->open(); !opened) return forward(opened);
  run->discovery_->start(network.now());
  run->timer_->arm(network.now());
  return run;
}

NatDiscoveryRun::NatDiscoveryRun(net::Network& network, Configuration configuration)
    : network_(network), configuration_(std::move(configuration)) {
  timer_ = network_.create_timer([this] { turn(); });
}

NatDiscoveryRun::~NatDiscoveryRun() {
  *alive_ = false;
}

Result<> NatDiscoveryRun::open() {
  const net::Family family = configuration_.discovery.server.family();
  std::array<NatDiscovery::LocalSocket, NatDiscovery::kSockets> sockets;
  for (std::size_t i = 0; i < sockets.size(); ++i) {
    net::UdpOptions options;
    options.bind.address = configuration_.local.value_or(net::Address::unspecified(family));
    options.port_min = kFirstPort;
    options.port_max = kLastPort;
    options.dont_fragment = false;  // Else the test of fragments would test nothing.
    Result<std::unique_ptr<net::UdpSocket>> socket = network_.open_udp(options, *this);
    if (!socket) return forward(socket);
    sockets[i] = {(*socket)->id(), (*socket)->local()};
    sockets_[i] = std::move(*socket);
  }
  if (configuration_.discovery.own_addresses.empty()) {
    for (const net::Interface& interface : network_.interfaces()) {
      configuration_.discovery.own_addresses.push_back(interface.address);
    }
  }
  discovery_ = std::make_unique<NatDiscovery>(configuration_.discovery, sockets, network_.random());
  return {};
}

void NatDiscoveryRun::on_datagrams(std::span<net::Datagram> datagrams) {
  if (done_) return;
  for (const net::Datagram& datagram : datagrams) {
    discovery_->handle_packet(network_.now(), datagram);
  }
  turn();
}

void NatDiscoveryRun::turn() {
  if (done_) return;
  const Time now = network_.now();
  discovery_->handle_timeout(now);
  net::SendBatch& batch = network_.batch();
  discovery_->poll_transmit(now, batch);
  if (!batch.empty()) {
    network_.send(batch);
    for (const net::SendBatch::Failure& failure : batch.failures()) {
      discovery_->handle_send_failure(now, failure.route, failure.error);
    }
    batch.clear();
  }
  timer_->arm(discovery_->next_timeout());
  const std::shared_ptr<bool> alive = alive_;
  while (const std::optional<NatDiscovery::Concluded> event = discovery_->poll_event()) {
    // A copy: the callback may destroy the run, and itself with it.
    const auto on_concluded = configuration_.on_concluded;
    if (on_concluded) on_concluded(event->test, report());
    if (!*alive) return;
  }
  if (!discovery_->done()) return;
  done_ = true;
  timer_->arm(kNever);
  const auto on_done = configuration_.on_done;
  if (on_done) on_done(report());
}

}  // namespace floe::stun
