#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "floe/core/random.h"
#include "floe/net/sim/gateway.h"

namespace floe::net::sim {

/// RFC 4787 sections 4.1 (mapping) and 5 (filtering): which part of the remote endpoint matters.
enum class Behavior : std::uint8_t {
  kEndpointIndependent,
  kAddressDependent,
  kAddressAndPortDependent,
};

/// RFC 4787 section 4.1: the external address a new mapping of an internal host gets.
enum class Pooling : std::uint8_t {
  kPaired,     ///< Always the same one for one internal address.
  kArbitrary,  ///< Any.
};

struct NatOptions {
  Behavior mapping = Behavior::kEndpointIndependent;
  Behavior filtering = Behavior::kAddressAndPortDependent;
  /// The gateway it stands behind; nullptr: on the public internet.
  Gateway* behind = nullptr;
  /// Its external addresses, several make a pool. Empty: one is assigned.
  std::vector<Address> external{};
  Pooling pooling = Pooling::kPaired;
  /// The block of the subnet it makes inside; nullopt: one nobody else got. Two NATs may use the
  /// same block.
  std::optional<AddressBlock> inside{};
  /// Stand on this subnet (say, a firewall's inside that has IPv6) instead of making a new one.
  Subnet* inside_subnet = nullptr;
  /// Set: a NAT64 (RFC 6146). Inside is IPv6; what goes there to an address under the prefix
  /// leaves as IPv4. The inside's DNS is a DNS64 (RFC 6147).
  std::optional<Nat64Prefix> nat64{};
  /// Keep the internal port as the external one if it is free; else, and otherwise, random ports.
  bool port_preservation = false;
  /// Keep the internal port always: internal hosts that use the same one share it, and what comes
  /// from outside goes to the one whose filter it passes, the last one heard of if to several
  /// ("port overloading", RFC 4787 section 4.2.1).
  bool port_overloading = false;
  /// The external ports it has; fewer stand for a carrier that shares addresses out.
  std::uint16_t first_port = 1024;
  std::uint16_t last_port = 65'535;
  /// RFC 4787 section 6, with "external source IP address and port".
  bool hairpin = true;
  Duration udp_timeout = std::chrono::minutes(2);                          ///< RFC 4787 REQ-5.
  Duration tcp_timeout = std::chrono::hours(2) + std::chrono::minutes(4);  ///< RFC 5382 REQ-5.
  /// Packets from outside also refresh a mapping (RFC 4787 section 4.3).
  bool inbound_refresh = false;
  /// The cable to the outside, both directions.
  LinkOptions link{};
  std::string name{};  ///< Empty: "nat1", "nat2", ...

  // What people call them (RFC 3489's words):
  static NatOptions full_cone();
  static NatOptions address_restricted();
  static NatOptions port_restricted();
  static NatOptions symmetric();
  /// Maps like a symmetric NAT and filters by address.
  static NatOptions symmetric_address_restricted();
  /// What most people have at home: port restricted, keeps ports, hairpins.
  static NatOptions home_router();
  /// A carrier's (RFC 6888): endpoint-independent mapping, one of `addresses` for each customer;
  /// allocated if empty. Put NATs behind it.
  static NatOptions carrier_grade(std::vector<Address> addresses = {});
  /// A mobile carrier's gateway from IPv6 (RFC 6146) with the well-known prefix.
  static NatOptions nat64_gateway();
};

/// An IPv4 NAT, or a NAT64, for UDP and TCP. IPv6 beside IPv4 wants a `Firewall` on the same inside
/// subnet.
class Nat final : public Gateway {
 public:
  Nat(Fabric& fabric, std::string name, Subnet& inside, Subnet& outside, const NatOptions& options);

  const std::vector<Address>& external() const { return external_; }
  /// The first external address.
  const Address& address() const { return external_.front(); }

  /// Maps every port of `internal` to the same port of `external` (1:1 NAT), which is added to the
  /// outside if it is new. Nothing is filtered.
  void map_static(const Address& internal, const Address& external);
  /// Maps one endpoint (a port forwarding); the ports may differ. Nothing is filtered.
  void map_static(Protocol protocol, const Endpoint& internal, const Endpoint& external);

  /// What a port mapping protocol asks for: maps `internal` for `lifetime` from now on, to
  /// `wanted_port` if that is free (0: any). Nothing is filtered. An endpoint that is mapped
  /// already keeps its external endpoint. nullopt: no port is free.
  std::optional<Endpoint> map_dynamic(Protocol protocol, const Endpoint& internal,
                                      std::uint16_t wanted_port, Duration lifetime);
  /// Ends what `map_dynamic` began; false if there is nothing to end.
  bool unmap_dynamic(Protocol protocol, const Endpoint& internal);
  struct DynamicMapping {
    Protocol protocol;
    Endpoint internal;
    Endpoint external;
    Time expires;
  };
  /// Those that have not expired, by protocol and external endpoint.
  std::vector<DynamicMapping> dynamic_mappings() const;
  /// The external address that mappings of `internal` get.
  const Address& external_for(const Address& internal) { return choose_address(internal); }

  /// Forgets all mappings but the static ones: the next packets get new ports (except with port
  /// preservation).
  void rebind();
  /// The same with new external addresses; those of static mappings stay.
  void reboot(const std::vector<Address>& external);
  /// When its mappings began: at the start, or at the last `rebind` or `reboot`.
  Time up_since() const { return up_since_; }
  /// Calls `then` after each `rebind` and `reboot`.
  void on_restart(std::function<void()> then) { on_restart_ = std::move(then); }

  std::size_t mappings() const { return mappings_.size(); }
  bool is_transparent() const override { return false; }

 private:
  struct Flow {  // What a mapping is found by on its way out.
    Protocol protocol;
    Endpoint internal;
    Endpoint remote;  // With the parts the mapping behavior ignores left out.
    friend bool operator==(const Flow&, const Flow&) = default;
  };
  struct FlowHash {
    std::size_t operator()(const Flow& flow) const {
      return flow.internal.hash() * 31 + flow.remote.hash() * 17 +
             static_cast<std::size_t>(flow.protocol);
    }
  };
  struct Mapping {
    Flow flow;
    Endpoint external;
    Time expires;
    std::unordered_map<Endpoint, Time> permitted;  // By what filtering looks at; until when.
    std::size_t sweep_at;
  };
  /// More than one mapping has an endpoint only with port overloading.
  using Externals = std::unordered_map<Endpoint, std::vector<Mapping*>>;
  struct Explicit {  // Static for ever, dynamic until it expires.
    Endpoint to;
    Time expires = kNever;
  };
  struct Translations {
    std::unordered_map<Endpoint, Explicit> out;
    std::unordered_map<Endpoint, Explicit> in;
  };

  void receive(PacketPtr packet, Attachment& at) override;
  /// From IPv6 to IPv4 as far as a NAT64 is concerned; false if `packet` is not for it.
  bool enter(Packet& packet) const;
  Verdict translate_source(Packet& packet);
  Verdict translate_destination(Packet& packet);
  bool is_external(const Address& address) { return outside().has(address); }

  Mapping* find_or_create(const Packet& packet);
  /// Those at `external` that have not expired; forgets the others.
  const std::vector<Mapping*>& find_external(Protocol protocol, const Endpoint& external);
  std::optional<Endpoint> find_explicit(Protocol protocol, const Endpoint& internal) const;
  void refresh(Mapping& mapping, const Endpoint& remote);
  bool permits(const Mapping& mapping, const Endpoint& remote) const;
  std::optional<Endpoint> choose_external(Protocol protocol, const Endpoint& internal);
  const Address& choose_address(const Address& internal);
  bool is_free(Protocol protocol, const Endpoint& external);
  bool is_explicit(Protocol protocol, const Endpoint& external) const;
  void forget(Mapping& mapping);
  void forget_external(const Mapping& mapping);
  void forget_expired();
  Externals& externals(Protocol protocol) { return externals_[static_cast<std::size_t>(protocol)]; }
  Translations& explicit_for(Protocol protocol) {
    return explicit_[static_cast<std::size_t>(protocol)];
  }
  const Translations& explicit_for(Protocol protocol) const {
    return explicit_[static_cast<std::size_t>(protocol)];
  }

  NatOptions options_;
  SeededRandom random_;
  std::vector<Address> external_;
  std::unordered_map<Flow, std::unique_ptr<Mapping>, FlowHash> mappings_;
  std::array<Externals, 2> externals_;                // Per protocol.
  std::unordered_map<Address, std::size_t> pairing_;  // Internal address -> index in external_.
  std::size_t sweep_at_ = 0;
  std::unordered_map<Address, Address> static_addresses_out_;
  std::unordered_map<Address, Address> static_addresses_in_;
  std::array<Translations, 2> explicit_;  // Per protocol.
  Time up_since_;
  std::function<void()> on_restart_;
};

}  // namespace floe::net::sim
