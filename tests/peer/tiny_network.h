#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "floe/crypto/crypto.h"
#include "floe/net/network.h"

// A third implementation of net::Network, as small as one can be: hosts in one process that hand
// each other packets through a queue. It shows what somebody has to write who runs floe on a
// transport of their own.
namespace floe {

class TinyHost;

/// All hosts, their common clock, and the packets between them.
class TinyWire {
 public:
  Time now{std::chrono::hours(5)};

  /// Delivers everything that is due up to `now + duration`, moving the clock from event to event.
  void run_for(Duration duration);

 private:
  friend class TinyHost;
  struct Packet {
    net::Endpoint source;
    net::Endpoint destination;
    std::vector<std::uint8_t> payload;
  };
  std::vector<TinyHost*> hosts_;
  std::multimap<Time, Packet> packets_;
};

class TinyHost final : public net::Network {
 public:
  TinyHost(TinyWire& wire, net::Address address);
  ~TinyHost() override;

  Time now() const override { return wire_.now; }
  Random& random() override { return random_; }
  std::vector<net::Interface> interfaces() override;
  Result<std::unique_ptr<net::UdpSocket>> open_udp(const net::UdpOptions& options,
                                                   net::UdpHandler& handler) override;
  Result<std::unique_ptr<net::Stream>> connect(const net::Endpoint& remote,
                                               std::optional<net::Endpoint> local,
                                               net::StreamHandler& handler) override;
  Result<std::unique_ptr<net::Listener>> listen(const net::Endpoint& local,
                                                net::ListenerHandler& handler) override;
  std::unique_ptr<net::Timer> create_timer(std::function<void()> callback) override;
  std::unique_ptr<net::Lookup> lookup(std::string_view name, net::LookupCallback callback) override;
  void post(std::function<void()> task) override { posted_.push_back(std::move(task)); }

 private:
  friend class TinyWire;
  class Socket;
  class Timer;

  void send_packets(net::SendBatch& batch) override;

  TinyWire& wire_;
  net::Address address_;
  crypto::SystemRandom random_;
  std::uint32_t next_id_ = 1;
  std::uint16_t next_port_ = 40'000;
  std::vector<Socket*> sockets_;
  std::vector<Timer*> timers_;
  std::deque<std::function<void()>> posted_;
};

}  // namespace floe
