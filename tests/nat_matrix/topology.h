#pragma once

#include <string_view>
#include <vector>

#include "floe/ice/address_rewrite.h"
#include "floe/net/sim/world.h"
#include "tests/nat_matrix/servers.h"
#include "tests/nat_matrix/side.h"

namespace floe::nat_matrix {

/// One side as it was built.
struct Place {
  net::sim::Host* host = nullptr;
  /// The machine's ends of its cables.
  std::vector<net::sim::Attachment*> cables{};
  /// What a 1:1 NAT makes of the machine's address.
  std::vector<ice::AddressRewrite> rewrites{};
  /// From the inside out; shared ones are in both places.
  std::vector<net::sim::Nat*> nats{};
  std::vector<net::sim::Firewall*> firewalls{};
};

/// A cell as a simulated network: two machines behind what their sides say, and the servers.
///
/// The machines are 10 ms from the internet's middle each way and the servers 5 ms, whatever stands
/// between, so that times compare: 40 ms are a round trip of the two sides, 30 ms one to a server.
class Topology {
 public:
  static constexpr Duration kToInternet = std::chrono::milliseconds(10);
  static constexpr Duration kServerToInternet = std::chrono::milliseconds(5);
  static constexpr Duration kRoundTrip = 4 * kToInternet;

  Topology(const Cell& cell, std::uint64_t seed);

  net::sim::World world;
  Servers servers;
  Place alice;
  Place bob;

 private:
  Place add_apart(const Side& side, std::string_view name);
  net::sim::Gateway* add_gateways(const Side& side, Place& place);
  net::sim::Gateway* add_nat64(const Side& side, Place& place);
  void add_behind_one_nat(const Cell& cell);
};

}  // namespace floe::nat_matrix
