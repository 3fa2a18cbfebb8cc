#pragma once

#include <string>

#include "floe/net/sim/subnet.h"

namespace floe::net::sim {

/// A node between an inside and an outside subnet: a NAT or a firewall. Gateways nest: the outside
/// of one may be the inside of another.
class Gateway : public Node {
 public:
  /// Attaches to both subnets; the addresses are the derived class's business.
  Gateway(Fabric& fabric, std::string name, Subnet& inside, Subnet& outside,
          const LinkOptions& link);

  const std::string& name() const override { return name_; }
  Subnet& inside() { return inside_.subnet(); }
  Attachment& inside_attachment() { return inside_; }
  /// Its cable to the outside is the access line: set loss, rate and latency here.
  Attachment& outside() { return outside_; }
  const Attachment& outside() const { return outside_; }
  const Tally& tally() const { return tally_; }

  /// True if packets keep their addresses, so that subnets outside need a route to those inside.
  virtual bool is_transparent(Family family) const = 0;

 protected:
  /// Forwarded packets live this many gateways long at most; real hosts start at 64.
  static constexpr std::uint8_t kMaxHops = 64;

  Fabric& fabric() { return fabric_; }
  /// Sends `packet` on, out of `to`.
  void pass(PacketPtr packet, Attachment& to);
  void drop(const Packet& packet, Attachment& at, Verdict verdict);

 private:
  Fabric& fabric_;
  std::string name_;
  Attachment inside_;
  Attachment outside_;
  Tally tally_;
};

}  // namespace floe::net::sim
