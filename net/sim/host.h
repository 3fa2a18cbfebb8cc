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
#include "floe/net/sim/virtual_clock.h"

namespace floe::net::sim {

class HostEvent;
class HostWatch;
class TcpStack;
class UdpStack;
class World;

/// The families an address is assigned of.
enum class Stack : std::uint8_t { kIpv4, kIpv6, kDual };

struct InterfaceOptions {
  Gateway* behind = nullptr;         ///< Inside this NAT or firewall.
  Subnet* on = nullptr;              ///< On this subnet. Neither: on the public internet.
  std::vector<Address> addresses{};  ///< Empty: assigned, as `stack` says.
  Stack stack = Stack::kIpv4;
  LinkOptions link{};  ///< The cable, both directions.
  InterfaceKind kind = InterfaceKind::kEthernet;
  std::string name = "eth0";
};

/// One simulated machine; it is the `Network` of whatever runs on it. A packet leaves by the
/// interface that owns the socket's address, from the wildcard address by the first interface that
/// reaches the destination. IPv6 wildcard sockets are for IPv6 only.
class Host final : public Network, public Node {
 public:
  const std::string& name() const override { return name_; }

  // Its interfaces. Without a name the first one is meant.
  Attachment& attach(const InterfaceOptions& options);
  Attachment& interface(std::string_view name = {});
  /// Removes the interface for good, its packets under way included.
  void detach(std::string_view interface_name = {});
  /// The interface's first address.
  const Address& address(Family family = Family::kIpv4, std::string_view interface_name = {}) {
    return interface(interface_name).address(family);
  }
  void set_up(bool up, std::string_view interface_name = {}) {
    interface(interface_name).set_up(up);
  }

  /// The machine sleeps (a closed laptop): what arrives is lost, timers, tasks and lookups wait
  /// until it wakes.
  void sleep_for(Duration duration);
  bool asleep() const { return fabric_.now() < wakes_at_; }

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
  /// The same as `time()` says in programs with `floe::sim_clock`.
  std::chrono::sys_seconds wall_clock() const override {
    return std::chrono::sys_seconds(VirtualClock::kEpoch) +
           std::chrono::duration_cast<std::chrono::seconds>(now().time_since_epoch());
  }
  std::vector<Interface> interfaces() override;
  [[nodiscard]] std::unique_ptr<InterfaceWatch> watch_interfaces(
      std::function<void()> changed) override;
  std::vector<DefaultRoute> gateways() override;
  [[nodiscard]] Result<std::unique_ptr<UdpSocket>> open_udp(const UdpOptions& options,
                                                            UdpHandler& handler) override;
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

  // What the simulation itself calls:
  /// When it wakes; past or now if it is awake.
  Time wakes_at() const { return wakes_at_; }
  void receive_loopback(PacketPtr packet);

 private:
  friend class World;
  friend class HostEvent;
  friend class TcpConnection;
  friend class TcpListener;
  friend class TcpStack;
  friend class UdpPort;
  friend class UdpStack;
  friend class HostWatch;

  /// The way for packets from `source` to a destination.
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
  static constexpr std::uint32_t kLoopbackIndex = 1;
  static constexpr std::size_t kLoopbackMtu = 65'536;
  /// The dynamic ports (RFC 6335 section 6).
  static constexpr std::uint16_t kFirstDynamicPort = 49'152;
  static constexpr std::uint16_t kLastDynamicPort = 65'535;

  Host(World& world, Fabric& fabric, std::string name);
  void send_packets(SendBatch& batch) override;
  void receive(PacketPtr packet, Attachment& at) override;
  void attachment_changed(Attachment&) override { tell_watches(); }
  void tell_watches();
  /// What the resolver of its first interface that has one says.
  Dns::Answer resolve(std::string_view name) const;
  void dispatch(PacketPtr packet);
  /// The source as an application sees it: with the scope id of a link-local address.
  Endpoint seen_source(const Packet& packet) const;
  /// Counts and traces what the packet met that is arriving.
  void note(const Packet& packet, Verdict verdict);
  /// `local` may be a wildcard. nullopt: there is no way.
  std::optional<Path> path(const Address& local, const Address& destination) const;
  std::optional<Path> path_from(Attachment& attachment, const Address& source,
                                const Address& destination) const;
  /// The way for packets to `group` from the interface of that index; nullopt if it is gone.
  std::optional<Path> path_to_group(std::uint32_t index, const Address& local,
                                    const Address& group) const;
  void transmit(PacketPtr packet, const Path& path);
  /// The interface that multicast of a socket at `local` uses; an empty name leaves it to us.
  const Nic* multicast_nic(std::string_view interface_name, const Address& local) const;
  /// 0: loopback.
  std::uint32_t arriving_index() const;
  Nic& nic(std::string_view interface_name);
  /// An address of an interface that is up, or loopback.
  bool owns(const Address& address) const;
  /// Owned, or a wildcard.
  bool can_bind(const Address& address) const;
  /// A port in [min, max] that `is_free`, looked for from a random start; nullopt if none is.
  std::optional<std::uint16_t> choose_port(std::uint16_t min, std::uint16_t max,
                                           const std::function<bool(std::uint16_t)>& is_free);
  SocketId next_id() { return SocketId{++last_id_}; }

  World& world_;
  Fabric& fabric_;
  std::string name_;
  SeededRandom random_;         // The application's.
  SeededRandom system_random_;  // Ports and the like.
  std::vector<Nic> nics_;
  std::vector<std::shared_ptr<HostEvent>> watches_;
  std::vector<std::unique_ptr<Attachment>> detached_;  // Packets under way still refer to them.
  std::uint32_t last_index_ = kLoopbackIndex;
  std::uint32_t last_id_ = 0;
  std::uint32_t loopback_place_;
  Attachment* arriving_at_ = nullptr;  // nullptr: over loopback.
  Time wakes_at_{};
  Tally tally_;
  std::function<std::optional<Error>(const Route&)> send_failure_;
  std::unique_ptr<UdpStack> udp_;
  std::unique_ptr<TcpStack> tcp_;
};

}  // namespace floe::net::sim
