#pragma once

#include <string>

#include "floe/net/sim/subnet.h"

namespace floe::net::sim {

/// A node between an inside and an outside subnet: a NAT or a firewall. Gateways nest: the outside
/// of one may be the inside of another.
class Gateway : public Node {
 public:
  const std::string& name() const override { return name_; }
  Subnet& inside() { return inside_.subnet(); }
  Attachment& inside_attachment() { return inside_; }
  /// Its cable to the outside is the access line: set loss, rate and latency here.
  Attachment& outside() { return outside_; }
  /// Packets by what it did with them.
  const Tally& tally() const { return tally_; }

  /// True if packets keep their addresses, so that subnets outside need routes to those inside.
  virtual bool is_transparent() const = 0;

 protected:
  Gateway(Fabric& fabric, std::string name, Subnet& inside, Subnet& outside,
          const LinkOptions& link);
  Fabric& fabric() { return fabric_; }
  Time now() const { return fabric_.now(); }
  /// Sends `packet` on, out of `to`.
  void pass(PacketPtr packet, Attachment& to);
  void drop(const Packet& packet, Attachment& at, Verdict verdict);

 private:
  /// The TTL that most systems start with: a packet that passed so many gateways runs in a circle.
  static constexpr std::uint8_t kMaxHops = 64;

  bool takes_multicast() const override { return false; }

  Fabric& fabric_;
  std::string name_;
  Attachment inside_;
  Attachment outside_;
  Tally tally_;
};

}  // namespace floe::net::sim
