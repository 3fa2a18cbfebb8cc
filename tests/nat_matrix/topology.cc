#include "tests/nat_matrix/topology.h"

namespace floe::nat_matrix {
namespace {

using net::Family;
using net::sim::Firewall;
using net::sim::Gateway;
using net::sim::InterfaceOptions;
using net::sim::LinkOptions;
using net::sim::Nat;
using net::sim::NatOptions;
using net::sim::Protocol;
using net::sim::Stack;

constexpr Duration kLan = std::chrono::milliseconds(1);

LinkOptions cable(Duration latency) {
  return {.latency = latency};
}

NatOptions options_for(const NatKind& kind, Gateway* behind, Duration latency) {
  NatOptions options;
  options.mapping = kind.mapping;
  options.filtering = kind.filtering;
  options.behind = behind;
  options.link = cable(latency);
  return options;
}

net::sim::FirewallRules rules_for(Access access) {
  net::sim::FirewallRules rules;
  if (access == Access::kNoUdp) rules.block_udp = true;
  if (access == Access::kOnlyPort443) rules.allow = {{Protocol::kTcp, 443}};
  return rules;
}

}  // namespace

Topology::Topology(const Cell& cell, std::uint64_t seed)
    : world(seed), servers(world, kServerToInternet) {
  if (cell.placement == Placement::kApart) {
    alice = add_apart(cell.alice, "alice");
    bob = add_apart(cell.bob, "bob");
  } else {
    add_behind_one_nat(cell);
  }
  LinkOptions link = alice.host->interface().uplink().options();
  link.loss = cell.loss / 100.0;
  alice.host->interface().set_link(link);
}

Place Topology::add_apart(const Side& side, std::string_view name) {
  Place place;
  const bool filters = side.access != Access::kAll;
  const auto boxes =
      static_cast<int>(side.nats.size()) + (side.one_to_one ? 1 : 0) + (filters ? 1 : 0);
  const Duration step = boxes == 0 ? Duration{} : (kToInternet - kLan) / boxes;

  // From the outside in.
  Gateway* innermost = nullptr;
  if (filters) {
    Firewall& firewall =
        world.add_firewall({.rules = rules_for(side.access), .ipv6 = false, .link = cable(step)});
    place.firewalls.push_back(&firewall);
    innermost = &firewall;
  }
  const auto add_nat = [&](const NatKind& kind) {
    Nat& nat = world.add_nat(options_for(kind, innermost, step));
    place.nats.insert(place.nats.begin(), &nat);
    innermost = &nat;
  };
  for (auto kind = side.nats.rbegin(); kind != side.nats.rend(); ++kind) add_nat(*kind);
  if (side.one_to_one) add_nat({});

  InterfaceOptions interface;
  interface.stack = !side.ipv6 ? Stack::kIpv4 : side.ipv4 ? Stack::kDual : Stack::kIpv6;
  interface.behind = innermost;
  if (side.ipv6) {
    net::sim::FirewallOptions options;
    options.inside = innermost != nullptr ? &innermost->inside() : nullptr;
    options.ipv4 = false;
    options.link = cable(kToInternet - kLan);
    Firewall& firewall = world.add_firewall(options);
    place.firewalls.push_back(&firewall);
    if (innermost == nullptr) interface.behind = &firewall;
  }
  interface.link = cable(interface.behind != nullptr ? kLan : kToInternet);
  place.host = &world.add_host(name, interface);
  if (side.one_to_one) {
    place.nats.front()->map_static(place.host->address(), world.internet().allocate(Family::kIpv4));
  }
  return place;
}

void Topology::add_behind_one_nat(const Cell& cell) {
  NatOptions options = options_for(cell.alice.nats.front(), nullptr, kToInternet - 2 * kLan);
  options.hairpin = cell.hairpin;
  Nat& shared = world.add_nat(options);
  const auto add = [&](std::string_view name) {
    Place place;
    Gateway* behind = &shared;
    if (cell.placement == Placement::kIsolatedLans) {
      // The LAN's own box, which adds nothing to what the shared NAT does.
      Nat& own = world.add_nat(options_for({}, &shared, kLan));
      place.nats.push_back(&own);
      behind = &own;
    } else if (cell.placement == Placement::kRoutedLans) {
      net::sim::FirewallOptions router;
      router.rules.stateful = false;
      router.behind = &shared;
      router.ipv6 = false;
      router.link = cable(kLan);
      behind = &world.add_firewall(router);
    }
    place.nats.push_back(&shared);
    place.host = &world.add_host(name, {.behind = behind, .link = cable(kLan)});
    return place;
  };
  alice = add("alice");
  bob = add("bob");
}

}  // namespace floe::nat_matrix
