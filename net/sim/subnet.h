#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "floe/net/endpoint.h"
#include "floe/net/sim/address_block.h"
#include "floe/net/sim/fabric.h"
#include "floe/net/sim/link.h"
#include "floe/net/sim/packet.h"
#include "floe/net/sim/verdict.h"

namespace floe::net::sim {

class Gateway;
class Subnet;

/// Anything that packets arrive at: a host or a gateway.
class Node {
 public:
  virtual ~Node() = default;
  virtual const std::string& name() const = 0;

 private:
  friend class Attachment;
  virtual void receive(PacketPtr packet, Attachment& at) = 0;
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
  /// The first address of `family`, without which the caller's test makes no sense.
  const Address& address(Family family = Family::kIpv4) const;
  bool has(const Address& address) const;
  bool has(Family family) const;
  void add_address(const Address& address);
  void remove_address(const Address& address);
  /// Replaces every address. Sockets bound to those that went can neither send nor receive.
  void set_addresses(const std::vector<Address>& addresses);

  bool up() const { return up_; }
  /// Down: nothing is sent, packets under way are dropped, and interfaces() does not list it.
  void set_up(bool up) { up_ = up; }

  /// From the node to the subnet, and from the subnet to the node.
  Link& uplink() { return uplink_; }
  Link& downlink() { return downlink_; }
  const Link& uplink() const { return uplink_; }
  void set_link(const LinkOptions& both) { set_link(both, both); }
  void set_link(const LinkOptions& up, const LinkOptions& down) {
    uplink_.set_options(up);
    downlink_.set_options(down);
  }

  // What the simulation itself calls:
  /// Sends `packet` up the cable.
  void transmit(PacketPtr packet);
  /// Sends `packet` down the cable; the subnet has chosen this attachment.
  void deliver(PacketPtr packet);
  /// Notes that `packet` ended here.
  void drop(const Packet& packet, Verdict verdict) { fabric_.record(place_, packet, verdict); }

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

/// The addresses a subnet hands out. Without either, it only has the attachments it is given.
struct SubnetOptions {
  std::string name;
  std::optional<AddressBlock> ipv4;
  std::optional<AddressBlock> ipv6;
};

/// A network segment that carries packets between its attachments at once (the time passes on their
/// cables). What is not for one of them goes by the routes, then to the gateway.
class Subnet {
 public:
  Subnet(std::string name, bool is_internet) : name_(std::move(name)), is_internet_(is_internet) {}

  const std::string& name() const { return name_; }
  const std::optional<AddressBlock>& block(Family family) const {
    return family == Family::kIpv4 ? ipv4_ : ipv6_;
  }
  /// Packets that no attachment and no route wanted.
  const Tally& tally() const { return tally_; }

  // What the simulation itself calls:
  void add_block(const AddressBlock& block);
  /// An address of the subnet's block that nobody has.
  Address allocate(Family family);
  void add_route(const AddressBlock& block, Attachment& via);
  void set_gateway(Family family, Gateway& gateway, Attachment& inside);
  void claim(const Address& address, Attachment& attachment);
  void release(const Address& address, Attachment& attachment);
  void forward(PacketPtr packet, Attachment& from);

 private:
  struct Route {
    AddressBlock block;
    Attachment* via;
  };
  struct Uplink {
    Gateway* gateway = nullptr;
    Attachment* attachment = nullptr;
  };
  Attachment* next_hop(const Address& destination, const Attachment& from) const;
  Uplink& uplink(Family family) { return family == Family::kIpv4 ? gateway_v4_ : gateway_v6_; }

  std::string name_;
  bool is_internet_;
  std::optional<AddressBlock> ipv4_;
  std::optional<AddressBlock> ipv6_;
  std::uint32_t next_v4_ = 1;
  std::uint32_t next_v6_ = 1;
  std::unordered_map<Address, Attachment*> attachments_;
  std::vector<Route> routes_;
  Uplink gateway_v4_;
  Uplink gateway_v6_;
  Tally tally_;
};

}  // namespace floe::net::sim
