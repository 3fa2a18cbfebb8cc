#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "floe/net/sim/gateway.h"

namespace floe::net::sim {

struct FirewallRules {
  bool block_udp = false;
  bool block_tcp = false;
  /// If not empty, only these leave: protocol and remote port. What is blocked above stays blocked.
  struct Service {
    Protocol protocol = Protocol::kTcp;
    std::uint16_t port = 0;
  };
  std::vector<Service> allow{};
  /// What the rules refuse is answered at once with RST (TCP); else it vanishes without a word.
  bool reject = false;
  /// Packets from outside pass only if one of the same flow left before. False: all pass, which
  /// together with no other rule makes a plain router.
  bool stateful = true;
  Duration udp_timeout = std::chrono::minutes(2);
  Duration tcp_timeout = std::chrono::hours(2) + std::chrono::minutes(4);

  /// Lets everything through both ways: a router.
  static FirewallRules router();
  static FirewallRules no_udp();
  /// TCP to ports 80 and 443 alone.
  static FirewallRules only_web();
  /// TCP to port 443 alone.
  static FirewallRules only_https();
  /// Nothing at all.
  static FirewallRules nothing();
};

struct FirewallOptions {
  FirewallRules rules{};
  Gateway* behind = nullptr;  ///< nullptr: on the public internet.
  /// Stand on this subnet (say, a NAT's inside, to give it IPv6) instead of making a new one.
  Subnet* inside = nullptr;
  bool ipv4 = true;  ///< Ignored for a family whose gateway the inside subnet already has.
  bool ipv6 = true;
  LinkOptions link{};  ///< The cable to the outside, both directions.
  std::string name{};  ///< Empty: "firewall1", "firewall2", ...
};

/// A router that translates nothing and lets through what its rules allow; both families.
class Firewall final : public Gateway {
 public:
  Firewall(Fabric& fabric, std::string name, Subnet& inside, Subnet& outside,
           const FirewallOptions& options);

  const FirewallRules& rules() const { return rules_; }
  /// Takes effect with the next packet; flows that are open stay known.
  void set_rules(const FirewallRules& rules) { rules_ = rules; }
  /// Forgets every open flow, as a reboot does.
  void forget_flows() { flows_.clear(); }
  bool is_transparent() const override { return true; }

 private:
  struct Flow {
    Protocol protocol;
    Endpoint inside;
    Endpoint remote;
    friend bool operator==(const Flow&, const Flow&) = default;
  };
  struct FlowHash {
    std::size_t operator()(const Flow& flow) const {
      return flow.inside.hash() * 31 + flow.remote.hash() * 17 +
             static_cast<std::size_t>(flow.protocol);
    }
  };
  void receive(PacketPtr packet, Attachment& at) override;
  bool allows(Protocol protocol, std::uint16_t remote_port) const;
  /// Answers `packet`, which came in at `at`, with RST.
  void reject(const Packet& packet, Attachment& at);
  void open(const Flow& flow);
  bool is_open(const Flow& flow) const;

  FirewallRules rules_;
  std::unordered_map<Flow, Time, FlowHash> flows_;  // Until when.
  std::size_t sweep_at_;
};

}  // namespace floe::net::sim
