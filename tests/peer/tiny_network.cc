#include "tests/peer/tiny_network.h"

#include <algorithm>

namespace floe {

class TinyHost::Socket final : public net::UdpSocket {
 public:
  Socket(TinyHost& host, net::SocketId id, net::Endpoint local, net::UdpHandler& handler)
      : host_(host), id_(id), local_(local), handler_(handler) {
    host_.sockets_.push_back(this);
  }
  ~Socket() override { std::erase(host_.sockets_, this); }
  net::SocketId id() const override { return id_; }
  net::Endpoint local() const override { return local_; }
  void deliver(TinyWire::Packet packet) {
    net::Datagram datagram{packet.payload, packet.source, id_};
    handler_.on_datagrams(std::span(&datagram, 1));
  }

 private:
  TinyHost& host_;
  net::SocketId id_;
  net::Endpoint local_;
  net::UdpHandler& handler_;
};

class TinyHost::Timer final : public net::Timer {
 public:
  Timer(TinyHost& host, std::function<void()> callback)
      : host_(host), callback_(std::move(callback)) {
    host_.timers_.push_back(this);
  }
  ~Timer() override { std::erase(host_.timers_, this); }
  void arm(Time when) override { when_ = when; }
  Time when() const { return when_; }
  void fire() {
    when_ = kNever;
    const auto callback = callback_;  // it may destroy the timer
    callback();
  }

 private:
  TinyHost& host_;
  std::function<void()> callback_;
  Time when_ = kNever;
};

void TinyWire::run_for(Duration duration) {
  const Time end = now + duration;
  while (true) {
    for (TinyHost* host : hosts_) {
      while (!host->posted_.empty()) {
        const auto task = std::move(host->posted_.front());
        host->posted_.pop_front();
        task();
      }
    }
    TinyHost::Timer* first = nullptr;
    for (TinyHost* host : hosts_) {
      for (TinyHost::Timer* timer : host->timers_) {
        if (first == nullptr || timer->when() < first->when()) first = timer;
      }
    }
    const Time timer_at = first == nullptr ? kNever : first->when();
    const Time packet_at = packets_.empty() ? kNever : packets_.begin()->first;
    const Time next = std::min(timer_at, packet_at);
    if (next > end) break;
    now = std::max(now, next);
    if (timer_at <= packet_at) {
      first->fire();
      continue;
    }
    Packet packet = std::move(packets_.begin()->second);
    packets_.erase(packets_.begin());
    for (TinyHost* host : hosts_) {
      for (TinyHost::Socket* socket : host->sockets_) {
        if (socket->local() != packet.destination) continue;
        socket->deliver(std::move(packet));
        goto delivered;  // the handler may have changed both lists
      }
    }
  delivered:;
  }
  now = end;
}

TinyHost::TinyHost(TinyWire& wire, net::Address address) : wire_(wire), address_(address) {
  wire_.hosts_.push_back(this);
}
TinyHost::~TinyHost() {
  std::erase(wire_.hosts_, this);
}

std::vector<net::Interface> TinyHost::interfaces() {
  return {{"tiny0", address_, 24, net::InterfaceKind::kEthernet}};
}

Result<std::unique_ptr<net::UdpSocket>> TinyHost::open_udp(const net::UdpOptions& options,
                                                           net::UdpHandler& handler) {
  if (options.bind.address != address_) {
    return fail(Errc::kAddressNotAvailable, options.bind.to_string() + " is not this host's");
  }
  const std::uint16_t port = options.bind.port != 0 ? options.bind.port : next_port_++;
  return std::make_unique<Socket>(*this, net::SocketId{next_id_++}, net::Endpoint{address_, port},
                                  handler);
}

void TinyHost::send_packets(net::SendBatch& batch) {
  for (const auto& run : batch.runs()) {
    const auto socket = std::find_if(sockets_.begin(), sockets_.end(), [&run](const Socket* s) {
      return s->id() == run.route.socket;
    });
    if (socket == sockets_.end()) continue;
    for (std::size_t i = 0; i < run.segments; ++i) {
      wire_.packets_.emplace(now() + std::chrono::milliseconds(5),
                             TinyWire::Packet{(*socket)->local(), run.route.destination,
                                              to_vector(batch.packet(run, i))});
    }
  }
}

Result<std::unique_ptr<net::Stream>> TinyHost::connect(const net::Endpoint&,
                                                       std::optional<net::Endpoint>,
                                                       net::StreamHandler&) {
  return fail(Errc::kUnsupported, "this network has no streams");
}
Result<std::unique_ptr<net::Listener>> TinyHost::listen(const net::Endpoint&,
                                                        net::ListenerHandler&) {
  return fail(Errc::kUnsupported, "this network has no streams");
}

std::unique_ptr<net::Timer> TinyHost::create_timer(std::function<void()> callback) {
  return std::make_unique<Timer>(*this, std::move(callback));
}

std::unique_ptr<net::Lookup> TinyHost::lookup(std::string_view, net::LookupCallback callback) {
  post([callback] { callback(fail(Errc::kNotFound, "this network has no names")); });
  return std::make_unique<net::Lookup>();
}

}  // namespace floe
