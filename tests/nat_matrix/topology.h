#pragma once

#include <memory>
#include <string>
#include <vector>

#include "floe/ice/server.h"
#include "floe/net/sim/world.h"
#include "floe/servers/stun/stun_server.h"
#include "tests/nat_matrix/side.h"

namespace floe::nat_matrix {

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
  net::sim::Host* alice = nullptr;
  net::sim::Host* bob = nullptr;
  /// The gateways of each side from the inside out; shared ones are in both.
  std::vector<net::sim::Gateway*> alice_gateways;
  std::vector<net::sim::Gateway*> bob_gateways;
  /// For `ice::Transport::Config::servers`.
  std::vector<ice::ServerConfig> servers;

 private:
  net::sim::Host& add_apart(const Side& side, std::string_view name,
                            std::vector<net::sim::Gateway*>& gateways);
  void add_behind_one_nat(const Cell& cell);
  void add_stun_server();

  std::vector<std::unique_ptr<server::StunServer>> stun_servers_;
};

}  // namespace floe::nat_matrix
