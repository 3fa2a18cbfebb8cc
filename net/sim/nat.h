#pragma once

#include <array>
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
  /// Keep the internal port as the external one if it is free; else, and otherwise, random ports.
  bool port_preservation = false;
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
};

/// An IPv4 NAT for UDP and TCP. IPv6 wants a `Firewall` beside it, on the same inside subnet.
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

  /// Forgets all mappings but the static ones: the next packets get new ports (except with port
  /// preservation).
  void rebind();
  /// The same with new external addresses; those of static mappings stay.
  void reboot(const std::vector<Address>& external);

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
  using Externals = std::unordered_map<Endpoint, Mapping*>;
  struct Translations {
    std::unordered_map<Endpoint, Endpoint> out;
    std::unordered_map<Endpoint, Endpoint> in;
  };

  void receive(PacketPtr packet, Attachment& at) override;
  Verdict translate_source(Packet& packet);
  Verdict translate_destination(Packet& packet);
  bool is_external(const Address& address) { return outside().has(address); }

  Mapping* find_or_create(const Packet& packet);
  Mapping* find_external(Protocol protocol, const Endpoint& external);
  void refresh(Mapping& mapping, const Endpoint& remote);
  bool permits(const Mapping& mapping, const Endpoint& remote) const;
  std::optional<Endpoint> choose_external(Protocol protocol, const Endpoint& internal);
  const Address& choose_address(const Address& internal);
  bool is_free(Protocol protocol, const Endpoint& external);
  void forget(Mapping& mapping);
  void forget_expired();
  Externals& externals(Protocol protocol) { return externals_[static_cast<std::size_t>(protocol)]; }

  NatOptions options_;
  SeededRandom random_;
  std::vector<Address> external_;
  std::unordered_map<Flow, std::unique_ptr<Mapping>, FlowHash> mappings_;
  std::array<Externals, 2> externals_;                // Per protocol.
  std::unordered_map<Address, std::size_t> pairing_;  // Internal address -> index in external_.
  std::size_t sweep_at_ = 0;
  std::unordered_map<Address, Address> static_addresses_out_;
  std::unordered_map<Address, Address> static_addresses_in_;
  std::array<Translations, 2> static_endpoints_;  // Per protocol.
};

}  // namespace floe::net::sim
