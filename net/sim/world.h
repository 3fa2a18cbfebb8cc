#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/time.h"
#include "floe/net/sim/clat.h"
#include "floe/net/sim/dns.h"
#include "floe/net/sim/fabric.h"
#include "floe/net/sim/firewall.h"
#include "floe/net/sim/host.h"
#include "floe/net/sim/nat.h"
#include "floe/net/sim/router.h"
#include "floe/net/sim/subnet.h"
#include "floe/net/sim/trace.h"
#include "floe/net/sim/virtual_clock.h"

namespace floe::net::sim {

/// A simulated network in virtual time.
///
///     World world(seed);
///     Nat& nat = world.add_nat({.mapping = Behavior::kAddressAndPortDependent});
///     Host& alice = world.add_host("alice", {.behind = &nat});
///     Host& bob = world.add_host("bob");  // On the public internet.
///     ... sockets and timers on alice and bob, which are `net::Network`s ...
///     world.run_for(std::chrono::minutes(10));
///
/// The same seed and the same calls give the same packets at the same times. The world owns all it
/// adds; references stay valid as long as it lives. Sockets, streams, timers and lookups must be
/// destroyed before it. A topology that contradicts itself (two owners of one address) is a mistake
/// in the program and stops it.
///
/// Everything belongs to the thread that uses the world, except `Host::post`.
class World {
 public:
  /// What the clock shows at first. Not 0, so that code which takes 0 for "unset" is found out.
  static constexpr Time kStart{std::chrono::hours(1)};
  /// More events than this at one instant are a loop that would never end: the program stops.
  static constexpr std::uint64_t kMaxEventsPerInstant = 1'000'000;

  explicit World(std::uint64_t seed);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Time now() const { return fabric_.now(); }
  /// A stream of numbers for the test itself.
  Random& random() { return random_; }

  void run_for(Duration duration);
  /// Runs until `done()`, asked after each event, is true, for `deadline` at most. Says whether it
  /// became true. Time stops at the event that made it so, else at the deadline.
  [[nodiscard]] bool run_until(const std::function<bool()>& done, Duration deadline);
  /// Runs until nothing is going to happen any more, for `bound` at most. Says whether it came to
  /// that; time stops at the last event, else at the bound.
  [[nodiscard]] bool run_until_idle(Duration bound);

  /// Runs `task` at `when` (a time in the past means now), or after `delay`.
  void at(Time when, std::function<void()> task);
  void after(Duration delay, std::function<void()> task) { at(now() + delay, std::move(task)); }

  /// Where everything lives that is not behind a gateway.
  Subnet& internet() { return *internet_; }
  Subnet& add_subnet(const SubnetOptions& options);
  /// `name` must be new. More interfaces: `Host::attach`.
  Host& add_host(std::string_view name, const InterfaceOptions& first = {});
  Nat& add_nat(const NatOptions& options = {});
  Firewall& add_firewall(const FirewallOptions& options = {});
  Clat& add_clat(const ClatOptions& options);
  /// Lets hosts behind `nat` ask it for port mappings. Its machine is called "<the NAT>/router".
  Router& add_router(Nat& nat, const RouterOptions& options = {});

  Dns& dns() { return dns_; }
  Trace& trace() { return fabric_.trace(); }
  std::uint64_t events_run() const { return events_run_; }

 private:
  friend class Host;
  void post(Host& host, std::function<void()> task);
  void take_posted();
  /// Fires the events up to `end`; false as soon as `done` (if given) is true.
  bool run(Time end, const std::function<bool()>* done);
  Subnet& subnet_inside(Gateway* gateway) {
    return gateway != nullptr ? gateway->inside() : *internet_;
  }
  /// Gives `inside` a block, if it has none, and `gateway` as its way out.
  void connect(Subnet& inside, Gateway& gateway, const AddressBlock& block);
  /// A block of addresses that no subnet got yet.
  AddressBlock next_block(Family family, bool is_public);

  Fabric fabric_;
  VirtualClock clock_;
  SeededRandom random_;
  Dns dns_;
  std::unique_ptr<Subnet> internet_;
  std::vector<std::unique_ptr<Subnet>> subnets_;
  std::vector<std::unique_ptr<Gateway>> gateways_;
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<std::unique_ptr<Router>> routers_;  // They run on hosts.
  std::size_t nats_ = 0;
  std::size_t firewalls_ = 0;
  std::size_t clats_ = 0;
  std::size_t private_blocks_ = 0;
  std::size_t public_blocks_ = 0;
  std::size_t ipv6_blocks_ = 0;

  bool is_running_ = false;
  std::uint64_t events_at_instant_ = 0;
  std::uint64_t events_run_ = 0;

  struct Posted {
    Host* host;
    std::function<void()> task;
  };
  std::mutex posted_mutex_;
  std::vector<Posted> posted_;
  std::atomic<bool> any_posted_ = false;
};

}  // namespace floe::net::sim
