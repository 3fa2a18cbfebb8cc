#include "floe/net/sim/firewall.h"

#include <algorithm>
#include <utility>

namespace floe::net::sim {
namespace {

constexpr std::size_t kFirstSweep = 64;  // Flows; expired ones go when the table has doubled.

}  // namespace

FirewallRules FirewallRules::router() {
  return {.stateful = false};
}

FirewallRules FirewallRules::no_udp() {
  return {.block_udp = true};
}

FirewallRules FirewallRules::only_web() {
  return {.allow = {{Protocol::kTcp, 80}, {Protocol::kTcp, 443}}};
}

FirewallRules FirewallRules::only_https() {
  return {.allow = {{Protocol::kTcp, 443}}};
}

FirewallRules FirewallRules::nothing() {
  return {.block_udp = true, .block_tcp = true};
}

Firewall::Firewall(Fabric& fabric, std::string name, Subnet& inside, Subnet& outside,
                   const FirewallOptions& options)
    : Gateway(fabric, std::move(name), inside, outside, options.link),
      rules_(options.rules),
      sweep_at_(kFirstSweep) {}

void Firewall::receive(PacketPtr packet, Attachment& at) {
  const bool is_outgoing = &at == &inside_attachment();
  const Endpoint& inside = is_outgoing ? packet->source : packet->destination;
  const Endpoint& remote = is_outgoing ? packet->destination : packet->source;
  const Flow flow{packet->protocol, inside, remote};
  if (!allows(flow.protocol, remote.port)) {
    if (rules_.reject && is_outgoing) reject(*packet, at);
    return drop(*packet, at, Verdict::kBlocked);
  }
  if (is_outgoing) {
    open(flow);
  } else if (rules_.stateful && !is_open(flow)) {
    return drop(*packet, at, Verdict::kUnsolicited);
  }
  pass(std::move(packet), is_outgoing ? outside() : inside_attachment());
}

bool Firewall::allows(Protocol protocol, std::uint16_t remote_port) const {
  if (protocol == Protocol::kUdp ? rules_.block_udp : rules_.block_tcp) return false;
  return rules_.allow.empty() ||
         std::ranges::any_of(rules_.allow, [&](const FirewallRules::Service& service) {
           return service.protocol == protocol && service.port == remote_port;
         });
}

void Firewall::reject(const Packet& packet, Attachment& at) {
  if (packet.protocol != Protocol::kTcp || packet.tcp.has(TcpHeader::kRst)) return;
  PacketPtr reset = fabric().packets().make();
  answer_with_reset(packet, *reset);
  at.transmit(std::move(reset));
}

void Firewall::open(const Flow& flow) {
  if (flows_.size() >= sweep_at_) {
    std::erase_if(flows_, [this](const auto& entry) { return entry.second <= now(); });
    sweep_at_ = std::max(kFirstSweep, flows_.size() * 2);
  }
  flows_[flow] =
      now() + (flow.protocol == Protocol::kUdp ? rules_.udp_timeout : rules_.tcp_timeout);
}

bool Firewall::is_open(const Flow& flow) const {
  const auto found = flows_.find(flow);
  return found != flows_.end() && found->second > now();
}

}  // namespace floe::net::sim
