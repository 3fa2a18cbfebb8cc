#include "floe/net/uv/network.h"

#include <chrono>
#include <utility>

#include "floe/net/uv/internal/interface_monitor.h"
#include "floe/net/uv/internal/interfaces.h"
#include "floe/net/uv/internal/reactor.h"
#include "floe/net/uv/internal/routes.h"
#include "floe/net/uv/internal/system_lookup.h"
#include "floe/net/uv/internal/tcp_listener.h"
#include "floe/net/uv/internal/tcp_stream.h"
#include "floe/net/uv/internal/udp_socket.h"

namespace floe::net::uv {

Network::Network(const Options& options) : options_(options) {}

Result<std::unique_ptr<Network>> Network::create(uv_loop_s* loop, const Options& options) {
  std::unique_ptr<Network> network(new Network(options));
  Result<std::shared_ptr<Reactor>> reactor = Reactor::create(loop, *network);
  if (!reactor) return forward(reactor);
  network->reactor_ = std::move(*reactor);
  return network;
}

Network::~Network() {
  if (reactor_) reactor_->close();
}

// The network may end within: nothing after these calls may touch it.
void Network::run() {
  Reactor::run(reactor_, false);
}

void Network::run_once() {
  Reactor::run(reactor_, true);
}

void Network::stop() {
  reactor_->stop();
}

const Stats& Network::stats() const {
  return reactor_->stats();
}

Time Network::now() const {
  return reactor_->now();
}

std::chrono::sys_seconds Network::wall_clock() const {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

Random& Network::random() {
  return reactor_->random();
}

std::vector<Interface> Network::interfaces() {
  Result<std::vector<Interface>> interfaces = list_interfaces();
  if (interfaces) return std::move(*interfaces);
  log(LogLevel::kError, "uv", interfaces.error().message);
  return {};
}

std::unique_ptr<InterfaceWatch> Network::watch_interfaces(std::function<void()> changed) {
  std::shared_ptr<InterfaceMonitor> monitor = monitor_.lock();
  if (!monitor) monitor_ = monitor = InterfaceMonitor::create(reactor_);
  return monitor->watch(std::move(changed));
}

std::vector<DefaultRoute> Network::gateways() {
  return list_default_routes();
}

Result<std::unique_ptr<UdpSocket>> Network::open_udp(const UdpOptions& options,
                                                     UdpHandler& handler) {
#ifdef __linux__
  if (options_.batched) return open_linux_udp(reactor_, options_, options, handler);
#endif
  return open_portable_udp(reactor_, options_, options, handler);
}

void Network::send_packets(SendBatch& batch) {
  reactor_->send(batch);
}

std::size_t Network::send_backlog() const {
  return reactor_->backlog();
}

Result<std::unique_ptr<Stream>> Network::connect(const Endpoint& remote,
                                                 std::optional<Endpoint> local,
                                                 StreamHandler& handler) {
  return TcpStream::connect(reactor_, remote, local, handler);
}

Result<std::unique_ptr<Listener>> Network::listen(const Endpoint& local, ListenerHandler& handler) {
  return TcpListener::create(reactor_, local, handler);
}

std::unique_ptr<Timer> Network::create_timer(std::function<void()> callback) {
  return TimerQueue::create(reactor_, std::move(callback));
}

std::unique_ptr<Lookup> Network::lookup(std::string_view name, LookupCallback callback) {
  return start_lookup(reactor_, name, std::move(callback));
}

void Network::post(std::function<void()> task) {
  // The task may end the network on its thread before this call returns on the caller's.
  const std::shared_ptr<Reactor> reactor = reactor_;
  reactor->post(std::move(task));
}

}  // namespace floe::net::uv
