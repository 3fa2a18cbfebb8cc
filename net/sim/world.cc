#include "floe/net/sim/world.h"

#include <algorithm>
#include <utility>

#include "floe/core/check.h"

namespace floe::net::sim {
namespace {

// Blocks of inside subnets are numbered by their third (or second and third) byte.
constexpr std::size_t kMaxPrivateBlocks = 65'536;  // 10.0.0.0/16 to 10.255.0.0/16, by /24.
constexpr std::size_t kMaxPublicBlocks = 256;      // 198.18.0.0/16, by /24.
constexpr std::size_t kMaxIpv6Blocks = 65'535;     // 2001:db8:0:1::/64 and on; 0 is the internet's.

}  // namespace

World::World(std::uint64_t seed)
    : fabric_(seed),
      clock_(fabric_.now()),
      random_(fabric_.seed_for("world")),
      internet_(new Subnet(Subnet::internet())) {
  fabric_.now_ = kStart;
}

World::~World() {
  FLOE_CHECK(!is_running_);
}

void World::run_for(Duration duration) {
  const Time end = now() + duration;
  run(end, nullptr);
  fabric_.now_ = std::max(now(), end);
}

bool World::run_until(const std::function<bool()>& done, Duration deadline) {
  const Time end = now() + deadline;
  if (run(end, &done)) return true;
  fabric_.now_ = std::max(now(), end);
  return false;
}

bool World::run_until_idle(Duration bound) {
  const Time end = now() + bound;
  run(end, nullptr);
  if (fabric_.events().empty()) return true;
  fabric_.now_ = std::max(now(), end);
  return false;
}

bool World::run(Time end, const std::function<bool()>* done) {
  FLOE_CHECK(!is_running_);  // A callback must not run the world that calls it.
  const VirtualClock::Running shown(clock_);
  is_running_ = true;
  take_posted();
  bool is_done = done != nullptr && (*done)();
  EventQueue& events = fabric_.events();
  while (!is_done && !events.empty() && events.next() <= end) {
    if (events.next() > now()) {
      fabric_.now_ = events.next();
      events_at_instant_ = 0;
    }
    FLOE_CHECK(++events_at_instant_ <= kMaxEventsPerInstant);
    events.fire_next();
    ++events_run_;
    if (any_posted_.load(std::memory_order_acquire)) take_posted();
    is_done = done != nullptr && (*done)();
  }
  is_running_ = false;
  return is_done;
}

void World::at(Time when, std::function<void()> task) {
  fabric_.schedule(when, std::move(task));
}

void World::post(Host& host, std::function<void()> task) {
  const std::lock_guard lock(posted_mutex_);
  posted_.push_back({&host, std::move(task)});
  any_posted_.store(true, std::memory_order_release);
}

void World::take_posted() {
  std::vector<Posted> taken;
  {
    const std::lock_guard lock(posted_mutex_);
    taken.swap(posted_);
    any_posted_.store(false, std::memory_order_relaxed);
  }
  for (Posted& posted : taken) {
    fabric_.schedule(posted.host->wakes_at(), std::move(posted.task));
  }
}

Subnet& World::add_subnet(const SubnetOptions& options) {
  subnets_.push_back(std::make_unique<Subnet>(options));
  return *subnets_.back();
}

Host& World::add_host(std::string_view name, const InterfaceOptions& first) {
  FLOE_CHECK(std::ranges::find(hosts_, name, &Host::name) == hosts_.end());
  hosts_.push_back(std::unique_ptr<Host>(new Host(*this, fabric_, std::string(name))));
  hosts_.back()->attach(first);
  return *hosts_.back();
}

Nat& World::add_nat(const NatOptions& options) {
  NatOptions resolved = options;
  if (resolved.name.empty()) resolved.name = "nat" + std::to_string(++nats_);
  Subnet& outside = subnet_inside(options.behind);
  if (resolved.external.empty()) resolved.external = {outside.allocate(Family::kIpv4)};
  const Family family = options.nat64 ? Family::kIpv6 : Family::kIpv4;
  Subnet& inside = options.inside_subnet != nullptr
                       ? *options.inside_subnet
                       : add_subnet({resolved.name + "'s inside", {}, {}});
  const auto present = inside.block(family);
  const AddressBlock block = present          ? *present
                             : options.inside ? *options.inside
                                              : next_block(family, false);
  auto nat = std::make_unique<Nat>(fabric_, resolved.name, inside, outside, resolved);
  if (options.nat64) {
    const AddressBlock prefix{options.nat64->base(), options.nat64->length()};
    inside.set_nat64_prefix(*options.nat64);
    inside.add_local_route(prefix, nat->inside_attachment());
  }
  if (!inside.has_gateway(family)) connect(inside, *nat, block);
  Nat& added = *nat;
  gateways_.push_back(std::move(nat));
  return added;
}

Firewall& World::add_firewall(const FirewallOptions& options) {
  const std::string name =
      options.name.empty() ? "firewall" + std::to_string(++firewalls_) : options.name;
  Subnet& outside = subnet_inside(options.behind);
  Subnet& inside =
      options.inside != nullptr ? *options.inside : add_subnet({name + "'s inside", {}, {}});
  auto firewall = std::make_unique<Firewall>(fabric_, name, inside, outside, options);
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    const bool wanted = family == Family::kIpv4 ? options.ipv4 : options.ipv6;
    if (!wanted || inside.has_gateway(family)) continue;
    const auto present = inside.block(family);
    connect(inside, *firewall, present ? *present : next_block(family, outside.is_internet()));
    outside.add_route(*inside.block(family), firewall->outside());
  }
  Firewall& added = *firewall;
  gateways_.push_back(std::move(firewall));
  return added;
}

Clat& World::add_clat(const ClatOptions& options) {
  Subnet& outside = options.on != nullptr ? *options.on : subnet_inside(options.behind);
  FLOE_CHECK(outside.nat64_prefix());  // A CLAT needs a NAT64 on the far side.
  const std::string name = options.name.empty() ? "clat" + std::to_string(++clats_) : options.name;
  // RFC 7335: the block for the inside of CLATs.
  const AddressBlock block{Address::v4(192, 0, 0, 0), 29};
  Subnet& inside = add_subnet({name + "'s inside", block, {}});
  auto clat = std::make_unique<Clat>(fabric_, name, inside, outside, options);
  connect(inside, *clat, block);
  Clat& added = *clat;
  gateways_.push_back(std::move(clat));
  return added;
}

Router& World::add_router(Nat& nat, const RouterOptions& options) {
  Subnet& inside = nat.inside();
  FLOE_CHECK(inside.gateway_address(Family::kIpv4));  // A NAT64 has no router.
  const Address address = *inside.gateway_address(Family::kIpv4);
  nat.inside_attachment().remove_address(address);
  Host& host = add_host(nat.name() + "/router",
                        {.on = &inside, .addresses = {address}, .link = {.latency = {}}});
  routers_.push_back(std::make_unique<Router>(host, nat, options));
  return *routers_.back();
}

void World::connect(Subnet& inside, Gateway& gateway, const AddressBlock& block) {
  if (!inside.block(block.family())) inside.set_block(block);
  const Address address = inside.allocate(block.family());
  inside.set_gateway(block.family(), gateway, address);
  gateway.inside_attachment().add_address(address);
}

AddressBlock World::next_block(Family family, bool is_public) {
  std::array<std::uint8_t, 16> bytes{};
  if (family == Family::kIpv6) {
    FLOE_CHECK(++ipv6_blocks_ <= kMaxIpv6Blocks);
    bytes = {0x20, 0x01, 0x0d, 0xb8};
    bytes[6] = static_cast<std::uint8_t>(ipv6_blocks_ >> 8);
    bytes[7] = static_cast<std::uint8_t>(ipv6_blocks_);
    return {Address::v6(std::span<const std::uint8_t, 16>(bytes)), 64};
  }
  if (is_public) {
    FLOE_CHECK(public_blocks_ < kMaxPublicBlocks);
    return {Address::v4(198, 18, static_cast<std::uint8_t>(public_blocks_++), 0), 24};
  }
  FLOE_CHECK(private_blocks_ < kMaxPrivateBlocks);
  const std::size_t number = private_blocks_++;
  return {
      Address::v4(10, static_cast<std::uint8_t>(number >> 8), static_cast<std::uint8_t>(number), 0),
      24};
}

}  // namespace floe::net::sim
