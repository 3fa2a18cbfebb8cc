#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "floe/ice/server.h"
#include "floe/net/network.h"
#include "floe/stun_client/nat_discovery_run.h"

namespace trickle_ice {

/// Finds out how the NAT between this machine and a STUN server behaves: looks the server's name
/// up, then runs `floe::stun::NatDiscoveryRun`.
class NatProbe {
 public:
  /// Called once, at a later turn.
  using Done = std::function<void(floe::Result<floe::stun::NatReport>)>;

  /// The first of `servers` is asked; the second, if there is one, when the first has no second
  /// address.
  NatProbe(floe::net::Network& network, std::vector<floe::ice::Server> servers, Done done);

 private:
  void look_up(std::size_t index);
  void begin();

  floe::net::Network& network_;
  std::vector<floe::ice::Server> servers_;
  Done done_;
  std::vector<floe::net::Endpoint> endpoints_;
  std::unique_ptr<floe::net::Lookup> lookup_;
  std::unique_ptr<floe::stun::NatDiscoveryRun> run_;
};

}  // namespace trickle_ice
