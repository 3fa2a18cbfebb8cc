#pragma once

#include <string>
#include <unordered_map>

#include "floe/net/sim/gateway.h"

namespace floe::net::sim {

struct ClatOptions {
  /// The gateway behind which it stands, or the subnet on which: one that has a NAT64.
  Gateway* behind = nullptr;
  Subnet* on = nullptr;
  LinkOptions link{.latency = {}};  ///< The cable to the outside, both directions.
  std::string name{};               ///< Empty: "clat1", "clat2", ...
};

/// The customer's side of 464XLAT (RFC 6877 section 6.3): gives IPv4 to programs on a network that
/// has IPv6 only. Stateless: each IPv4 address inside has an IPv6 address outside of its own, and
/// the NAT64's prefix stands for all others. In a telephone it is an interface of the host itself:
///
///     Clat& clat = world.add_clat({.behind = &carrier});
///     host.attach({.behind = &clat, .link = Clat::host_link(), .name = "clat4"});
class Clat final : public Gateway {
 public:
  Clat(Fabric& fabric, std::string name, Subnet& inside, Subnet& outside,
       const ClatOptions& options);

  /// For an interface of the host that the CLAT runs on: no way to go, and an MTU that leaves room
  /// for the longer header.
  static LinkOptions host_link() { return {.latency = {}, .mtu = 1480}; }
  bool is_transparent() const override { return false; }

 private:
  void receive(PacketPtr packet, Attachment& at) override;
  const Address& outside_address(const Address& inside);

  const Nat64Prefix prefix_;
  std::unordered_map<Address, Address> out_;
  std::unordered_map<Address, Address> in_;
};

}  // namespace floe::net::sim
