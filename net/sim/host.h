#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "floe/core/random.h"
#include "floe/net/network.h"
#include "floe/net/sim/dns.h"
#include "floe/net/sim/subnet.h"

namespace floe::net::sim {

class TcpStack;
class UdpStack;
class World;

/// The families an address is assigned of.
enum class Stack : std::uint8_t { kIpv4, kIpv6, kDual };

struct InterfaceOptions {
  Gateway* behind = nullptr;       ///< Inside this NAT or firewall.
  Subnet* on = nullptr;            ///< On this subnet. Neither: on the public internet.
  std::vector<Address> addresses;  ///< Empty: assigned, as `stack` says.
  Stack stack = Stack::kIpv4;
  LinkOptions link;  ///< The cable, both directions.
  InterfaceKind kind = InterfaceKind::kEthernet;
  std::string name = "eth0";
};

/// One simulated machine; it is the `Network` of whatever runs on it. A packet leaves by the
/// interface that owns the socket's address, from the wildcard address by the first interface that
/// reaches the destination. IPv6 wildcard sockets are for IPv6 only.
class Host final : public Network, public Node {
 public:
  const std::string& name() const override { return name_; }

  // Its interfaces. Without `interface` the first one is meant.
  Attachment& attach(const InterfaceOptions& options);
  Attachment& interface(std::string_view interface = {});
  /// Removes the interface for good, its packets under way included.
  void detach(std::string_view interface);
  /// The interface's first address.
  const Address& address(Family family = Family::kIpv4, std::string_view interface = {});
  void set_up(bool up, std::string_view interface = {}) { this->interface(interface).set_up(up); }

  /// The machine sleeps: what arrives is lost, timers and tasks wait until it wakes.
  void sleep_for(Duration duration);
  bool asleep() const;

  /// Makes `send` refuse routes as an operating system would: the error that `reason` gives for a
  /// route, none if nullopt. An empty function ends it.
  void fail_sends(std::function<std::optional<Error>(const Route&)> reason) {
    send_failure_ = std::move(reason);
  }
  /// Bytes each UDP socket keeps for its handler; more are dropped (Verdict::kBufferFull). Matters
  /// only for bursts, since handlers are called at once.
  void set_receive_buffer(std::size_t bytes);
  /// Probability that arrived stream data is handed over in two pieces; 0.25 at first.
  void set_stream_split(double probability);
  /// Packets that ended here.
  const Tally& tally() const { return tally_; }

  // Network:
  Time now() const override { return fabric_.now(); }
  Random& random() override { return random_; }
  std::vector<Interface> interfaces() override;
  [[nodiscard]] Result<std::unique_ptr<UdpSocket>> open_udp(const UdpOptions& options,
                                                            UdpHandler& handler) override;
  void send(SendBatch& batch) override;
  [[nodiscard]] Result<std::unique_ptr<Stream>> connect(const Endpoint& remote,
                                                        std::optional<Endpoint> local,
                                                        StreamHandler& handler) override;
  [[nodiscard]] Result<std::unique_ptr<Listener>> listen(const Endpoint& local,
                                                         ListenerHandler& handler) override;
  [[nodiscard]] std::unique_ptr<Timer> create_timer(std::function<void()> callback) override;
  [[nodiscard]] std::unique_ptr<Lookup> lookup(std::string_view name,
                                               LookupCallback callback) override;
  void post(std::function<void()> task) override;

  ~Host() override;

 private:
  friend class World;
  friend class Packet;
  friend class TcpStack;
  friend class UdpStack;
  friend class TcpConnection;
  friend class SimTimer;
  friend class SimLookup;

  /// The way out for packets from `local` (perhaps a wildcard) to `destination`.
  struct Path {
    Attachment* attachment = nullptr;  // nullptr: to this host itself.
    Address source;
    std::size_t mtu = 0;
  };
  struct Nic {
    std::string name;
    InterfaceKind kind;
    std::uint32_t index;
    std::unique_ptr<Attachment> attachment;
  };

  Host(World& world, Fabric& fabric, std::string name);
  void receive(PacketPtr packet, Attachment& at) override;
  void receive(PacketPtr packet);
  std::optional<Path> path(const Address& local, const Address& destination) const;
  void transmit(PacketPtr packet, const Path& path);
  void drop(const Packet& packet, Verdict verdict);
  Nic* find(std::string_view interface);
  /// One of the addresses of an interface that is up, or loopback.
  bool owns(const Address& address) const;
  bool can_bind(const Address& address) const;
  SocketId next_id() { return SocketId{++last_id_}; }
  /// When an event that belongs to now may run: later if the host sleeps.
  Time wake_time() const { return wake_; }

  World& world_;
  Fabric& fabric_;
  std::string name_;
  SeededRandom random_;         // The application's.
  SeededRandom system_random_;  // Ports and the like.
  std::vector<Nic> nics_;
  std::vector<std::unique_ptr<Attachment>> detached_;  // Packets under way still refer to them.
  std::uint32_t last_index_ = 1;                       // 1 is the loopback interface.
  std::uint32_t last_id_ = 0;
  std::uint32_t loopback_place_;
  Time wake_{};
  Tally tally_;
  std::function<std::optional<Error>(const Route&)> send_failure_;
  std::unique_ptr<UdpStack> udp_;
  std::unique_ptr<TcpStack> tcp_;
};

}  // namespace floe::net::sim
