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
    : world(seed), servers(world, kServerToInternet, cell.turn) {
  if (cell.placement == Placement::kApart) {
    alice = add_apart(cell.alice, "alice");
    bob = add_apart(cell.bob, "bob");
  } else {
    add_behind_one_nat(cell);
  }
  for (net::sim::Attachment* end : alice.cables) {
    LinkOptions link = end->uplink().options();
    link.loss = cell.loss / 100.0;
    end->set_link(link);
  }
}

Place Topology::add_apart(const Side& side, std::string_view name) {
  Place place;
  InterfaceOptions interface;
  interface.behind = side.nat64 ? add_nat64(side, place) : add_gateways(side, place);
  interface.stack = !side.ipv6                 ? Stack::kIpv4
                    : side.ipv4 && !side.nat64 ? Stack::kDual
                                               : Stack::kIpv6;
  interface.link = cable(interface.behind != nullptr ? kLan : kToInternet);
  place.host = &world.add_host(name, interface);
  place.cables.push_back(&place.host->interface());
  if (side.one_to_one) {
    const net::Address external = world.internet().allocate(Family::kIpv4);
    place.nats.front()->map_static(place.host->address(), external);
    place.rewrites.push_back({.local = place.host->address(), .external = external});
  }
  if (side.clat) {
    // The customer's side of it, in the machine itself.
    net::sim::Clat& clat = world.add_clat({.behind = interface.behind, .link = cable(kLan)});
    place.host->attach({.behind = &clat, .link = net::sim::Clat::host_link(), .name = "clat4"});
    place.cables.push_back(&clat.outside());
  }
  return place;
}

/// The innermost of the boxes; nullptr if there are none.
Gateway* Topology::add_gateways(const Side& side, Place& place) {
  const bool filters = side.access != Access::kAll;
  const auto boxes =
      static_cast<int>(side.nats.size()) + (side.one_to_one ? 1 : 0) + (filters ? 1 : 0);
  const Duration step = boxes == 0 ? Duration{} : (kToInternet - kLan) / boxes;
  Gateway* innermost = nullptr;  // From the outside in.
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
  if (side.ipv6) {
    net::sim::FirewallOptions options;
    options.inside = innermost != nullptr ? &innermost->inside() : nullptr;
    options.ipv4 = false;
    options.link = cable(kToInternet - kLan);
    Firewall& firewall = world.add_firewall(options);
    place.firewalls.push_back(&firewall);
    if (innermost == nullptr) innermost = &firewall;
  }
  return innermost;
}

/// A network of IPv6 alone with a NAT64 beside its firewall.
Gateway* Topology::add_nat64(const Side& side, Place& place) {
  Firewall& firewall = world.add_firewall({.ipv4 = false, .link = cable(kToInternet - kLan)});
  place.firewalls.push_back(&firewall);
  NatOptions options = options_for(side.nats.front(), nullptr, kToInternet - kLan);
  options.nat64 = net::Nat64Prefix::well_known();
  options.inside_subnet = &firewall.inside();
  place.nats.push_back(&world.add_nat(options));
  return &firewall;
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
    place.cables.push_back(&place.host->interface());
    return place;
  };
  alice = add("alice");
  bob = add("bob");
}

}  // namespace floe::nat_matrix
