#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "floe/net/endpoint.h"
#include "floe/net/nat64_prefix.h"
#include "floe/net/sim/address_block.h"
#include "floe/net/sim/attachment.h"

namespace floe::net::sim {

class Gateway;

struct SubnetOptions {
  std::string name{};
  std::optional<AddressBlock> ipv4{};
  std::optional<AddressBlock> ipv6{};
};

/// A network segment. It carries packets between its attachments at once (time passes on their
/// cables); what is for none of them goes by its routes, then to its gateway.
class Subnet {
 public:
  explicit Subnet(const SubnetOptions& options)
      : name_(options.name), ipv4_{options.ipv4}, ipv6_{options.ipv6} {}
  /// The public internet: every address is on it.
  static Subnet internet();

  const std::string& name() const { return name_; }
  const std::optional<AddressBlock>& block(Family family) const { return of(family).block; }
  /// Packets that nobody here could take.
  const Tally& tally() const { return tally_; }

  // What the simulation itself calls:
  bool is_internet() const { return is_internet_; }
  void set_block(const AddressBlock& block) { of(block.family()).block = block; }
  /// `address` is what its hosts know the gateway by.
  void set_gateway(Family family, Gateway& gateway, const Address& address);
  bool has_gateway(Family family) const { return of(family).gateway != nullptr; }
  const std::optional<Address>& gateway_address(Family family) const {
    return of(family).gateway_address;
  }
  /// Leads packets for `block` to `via`, here and on every subnet outside of transparent gateways.
  void add_route(const AddressBlock& block, Attachment& via);
  /// Leads packets for `block` to `via` from this subnet alone.
  void add_local_route(const AddressBlock& block, Attachment& via) {
    routes_.push_back({block, &via});
  }
  /// What its NAT64 translates (RFC 6146), which its DNS64 tells its hosts (RFC 6147).
  const std::optional<Nat64Prefix>& nat64_prefix() const { return nat64_prefix_; }
  void set_nat64_prefix(const Nat64Prefix& prefix) { nat64_prefix_ = prefix; }
  /// An address that nobody has.
  Address allocate(Family family);
  void claim(const Address& address, Attachment& attachment);
  void release(const Address& address) { attachments_.erase(address); }
  bool is_on_link(const Address& address) const;
  /// True if packets for `address` can leave towards it.
  bool leads_to(const Address& address) const {
    return is_internet_ || is_on_link(address) || has_gateway(address.family());
  }
  void forward(PacketPtr packet, Attachment& from);

 private:
  struct Side {  // What there is once per family.
    std::optional<AddressBlock> block;
    Gateway* gateway = nullptr;
    std::optional<Address> gateway_address{};
    std::uint32_t last_allocated = 0;
  };
  struct Route {
    AddressBlock block;
    Attachment* via;
  };
  Subnet() = default;
  Side& of(Family family) { return family == Family::kIpv4 ? ipv4_ : ipv6_; }
  const Side& of(Family family) const { return family == Family::kIpv4 ? ipv4_ : ipv6_; }
  /// To everybody here but gateways, which pass nothing on that was sent to a group.
  void flood(PacketPtr packet, Attachment& from);
  Attachment* next_hop(const Address& destination, const Attachment& from) const;

  std::string name_;
  bool is_internet_ = false;
  Side ipv4_;
  Side ipv6_;
  std::unordered_map<Address, Attachment*> attachments_;
  std::vector<Route> routes_;
  std::optional<Nat64Prefix> nat64_prefix_;
  Tally tally_;
};

}  // namespace floe::net::sim
