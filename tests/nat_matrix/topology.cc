#include "tests/nat_matrix/topology.h"

#include <utility>

#include "floe/core/check.h"

namespace floe::nat_matrix {
namespace {

using net::Family;
using net::sim::Firewall;
using net::sim::Gateway;
using net::sim::Host;
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

Topology::Topology(const Cell& cell, std::uint64_t seed) : world(seed) {
  add_stun_server();
  if (cell.placement == Placement::kApart) {
    alice = &add_apart(cell.alice, "alice", alice_gateways);
    bob = &add_apart(cell.bob, "bob", bob_gateways);
  } else {
    add_behind_one_nat(cell);
  }
  LinkOptions link = alice->interface().uplink().options();
  link.loss = cell.loss / 100.0;
  alice->interface().set_link(link);
}

Host& Topology::add_apart(const Side& side, std::string_view name,
                          std::vector<Gateway*>& gateways) {
  const bool filters = side.access != Access::kAll;
  const auto boxes =
      static_cast<int>(side.nats.size()) + (side.one_to_one ? 1 : 0) + (filters ? 1 : 0);
  const Duration step = boxes == 0 ? Duration{} : (kToInternet - kLan) / boxes;

  // From the outside in.
  Gateway* innermost = nullptr;
  if (filters) {
    innermost =
        &world.add_firewall({.rules = rules_for(side.access), .ipv6 = false, .link = cable(step)});
    gateways.insert(gateways.begin(), innermost);
  }
  for (auto nat = side.nats.rbegin(); nat != side.nats.rend(); ++nat) {
    innermost = &world.add_nat(options_for(*nat, innermost, step));
    gateways.insert(gateways.begin(), innermost);
  }
  Nat* one_to_one = nullptr;
  if (side.one_to_one) {
    innermost = one_to_one = &world.add_nat(options_for({}, innermost, step));
    gateways.insert(gateways.begin(), innermost);
  }

  InterfaceOptions interface;
  interface.stack = !side.ipv6 ? Stack::kIpv4 : side.ipv4 ? Stack::kDual : Stack::kIpv6;
  interface.behind = innermost;
  if (side.ipv6) {
    net::sim::FirewallOptions firewall;
    firewall.inside = innermost != nullptr ? &innermost->inside() : nullptr;
    firewall.ipv4 = false;
    firewall.link = cable(kToInternet - kLan);
    gateways.push_back(&world.add_firewall(firewall));
    if (innermost == nullptr) interface.behind = gateways.back();
  }
  interface.link = cable(interface.behind != nullptr ? kLan : kToInternet);
  Host& host = world.add_host(name, interface);
  if (one_to_one != nullptr) {
    one_to_one->map_static(host.address(), world.internet().allocate(Family::kIpv4));
  }
  return host;
}

void Topology::add_behind_one_nat(const Cell& cell) {
  NatOptions options = options_for(cell.alice.nats.front(), nullptr, kToInternet - 2 * kLan);
  options.hairpin = cell.hairpin;
  Nat& shared = world.add_nat(options);
  const auto add = [&](std::string_view name, std::vector<Gateway*>& gateways) -> Host& {
    Gateway* behind = &shared;
    if (cell.placement == Placement::kIsolatedLans) {
      // The LAN's own box, which adds nothing to what the shared NAT does.
      behind = &world.add_nat(options_for({}, &shared, kLan));
    } else if (cell.placement == Placement::kRoutedLans) {
      net::sim::FirewallOptions router;
      router.rules.stateful = false;
      router.behind = &shared;
      router.ipv6 = false;
      router.link = cable(kLan);
      behind = &world.add_firewall(router);
    }
    if (behind != &shared) gateways.push_back(behind);
    gateways.push_back(&shared);
    return world.add_host(name, {.behind = behind, .link = cable(kLan)});
  };
  alice = &add("alice", alice_gateways);
  bob = &add("bob", bob_gateways);
}

void Topology::add_stun_server() {
  Host& host = world.add_host("stun", {.stack = Stack::kDual, .link = cable(kServerToInternet)});
  for (const Family family : {Family::kIpv4, Family::kIpv6}) {
    server::StunServer::Configuration configuration;
    configuration.bind = {host.address(family), server::StunServer::kPort};
    auto server = server::StunServer::create(host, configuration);
    FLOE_CHECK(server.has_value());
    stun_servers_.push_back(std::move(*server));
  }
  world.dns().add("stun.example", {host.address(Family::kIpv6), host.address(Family::kIpv4)});
  servers.push_back({.urls = {"stun:stun.example"}});
}

}  // namespace floe::nat_matrix
