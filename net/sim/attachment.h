#pragma once

#include <string>
#include <vector>

#include "floe/net/endpoint.h"
#include "floe/net/sim/fabric.h"
#include "floe/net/sim/link.h"
#include "floe/net/sim/packet.h"
#include "floe/net/sim/verdict.h"

namespace floe::net::sim {

class Attachment;
class Subnet;

/// Anything that packets arrive at: a host or a gateway.
class Node {
 public:
  virtual ~Node() = default;
  virtual const std::string& name() const = 0;

 private:
  friend class Attachment;
  virtual void receive(PacketPtr packet, Attachment& at) = 0;
  /// An address of `at` came or went, or it went up or down.
  virtual void attachment_changed(Attachment&) {}
  /// Routers do not pass on what is sent to a group, and want none of it.
  virtual bool takes_multicast() const { return true; }
};

/// One node's end on one subnet, with its addresses and its cable. The cable's two directions are
/// links of their own.
class Attachment {
 public:
  Attachment(Fabric& fabric, Node& node, Subnet& subnet, std::string name, const LinkOptions& link);

  /// "alice/eth0".
  const std::string& name() const { return name_; }
  Node& node() const { return node_; }
  Subnet& subnet() const { return subnet_; }

  const std::vector<Address>& addresses() const { return addresses_; }
  /// The first address of `family`; there must be one.
  const Address& address(Family family = Family::kIpv4) const;
  bool has(const Address& address) const;
  bool has(Family family) const;
  void add_address(const Address& address);
  void remove_address(const Address& address);
  /// Replaces every address. Sockets bound to those that went can neither send nor receive, until
  /// they are back.
  void set_addresses(const std::vector<Address>& addresses);

  bool up() const { return up_; }
  /// Down: nothing is sent, packets that arrive are dropped, and interfaces() does not list it.
  void set_up(bool up);

  /// From the node to the subnet, and from the subnet to the node.
  Link& uplink() { return uplink_; }
  Link& downlink() { return downlink_; }
  /// The largest IP packet the node itself may send.
  std::size_t mtu() const { return uplink_.options().mtu; }
  void set_link(const LinkOptions& both) { set_link(both, both); }
  void set_link(const LinkOptions& up, const LinkOptions& down) {
    uplink_.set_options(up);
    downlink_.set_options(down);
  }

  // What the simulation itself calls:
  /// Sends `packet` up the cable.
  void transmit(PacketPtr packet);
  /// Sends `packet` down the cable, since the subnet has chosen this attachment.
  void deliver(PacketPtr packet);
  PacketPtr copy(const Packet& packet) { return fabric_.packets().copy(packet); }
  /// Brings `packet`, sent to a group from here, back to the node itself.
  void echo(PacketPtr packet);
  bool takes_multicast() const { return node_.takes_multicast(); }
  /// Traces what `packet` met here.
  void note(const Packet& packet, Verdict verdict) { fabric_.record(place_, packet, verdict); }

 private:
  friend class Packet;
  void carry(Link& link, PacketPtr packet, Packet::Leg leg);
  void arrive(PacketPtr packet);

  Fabric& fabric_;
  Node& node_;
  Subnet& subnet_;
  std::string name_;
  std::uint32_t place_;
  Link uplink_;
  Link downlink_;
  std::vector<Address> addresses_;
  bool up_ = true;
};

}  // namespace floe::net::sim
