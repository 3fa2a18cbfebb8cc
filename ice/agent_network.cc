#include "floe/ice/agent_network.h"

#include <algorithm>
#include <array>

namespace floe::ice {
namespace {

int rank(net::InterfaceKind kind) {
  switch (kind) {
    case net::InterfaceKind::kEthernet:
      return 0;
    case net::InterfaceKind::kWifi:
      return 1;
    case net::InterfaceKind::kUnknown:
      return 2;
    case net::InterfaceKind::kCellular:
      return 3;
    case net::InterfaceKind::kVpn:
      return 4;  // RFC 8445 section 5.1.2.1: below the real interfaces
    case net::InterfaceKind::kLoopback:
      return 5;
  }
  return 6;
}

bool admits(const LocalPolicy& policy, const net::Interface& interface) {
  const net::Address& address = interface.address;
  if (address.is_unspecified() || address.is_multicast() || address.is_v4_mapped()) return false;
  if (address.is_v4() ? !policy.ipv4 : !policy.ipv6) return false;
  if (address.is_loopback() && !policy.loopback) return false;
  if (address.is_link_local() && !policy.link_local) return false;
  return !policy.filter || policy.filter(interface);
}

}  // namespace

std::vector<net::Interface> usable_addresses(std::vector<net::Interface> interfaces,
                                             const LocalPolicy& policy) {
  std::array<std::vector<net::Interface>, 2> families;  // IPv6, IPv4
  std::stable_sort(interfaces.begin(), interfaces.end(),
                   [](const auto& a, const auto& b) { return rank(a.kind) < rank(b.kind); });
  for (net::Interface& interface : interfaces) {
    if (admits(policy, interface)) {
      families[interface.address.is_v6() ? 0 : 1].push_back(std::move(interface));
    }
  }
  std::vector<net::Interface> usable;
  for (std::size_t i = 0; i < std::max(families[0].size(), families[1].size()); ++i) {
    for (const auto& family : families) {
      if (i < family.size()) usable.push_back(family[i]);
    }
  }
  return usable;
}

AgentNetwork::AgentNetwork(net::Network& network, Agent& agent, Receive receive, Changed changed)
    : network_(network),
      agent_(agent),
      receive_(std::move(receive)),
      changed_(std::move(changed)) {}

void AgentNetwork::gather(const LocalPolicy& policy, const std::vector<Server>& servers) {
  std::vector<LocalSocket> opened;
  for (const net::Interface& interface : usable_addresses(network_.interfaces(), policy)) {
    if (sockets_.size() >= kMaxSockets) {
      problems_.push_back("more than " + std::to_string(kMaxSockets) +
                          " local addresses: the rest is not used");
      break;
    }
    net::UdpOptions options;
    options.bind = {interface.address, 0};
    options.port_min = policy.port_min;
    options.port_max = policy.port_max;
    auto socket = network_.open_udp(options, *this);
    if (!socket) {
      problems_.push_back(interface.name + " " + interface.address.to_string() + ": " +
                          socket.error().message);
      network_.log(LogLevel::kWarning, "ice", problems_.back());
      continue;
    }
    LocalSocket local;
    local.id = (*socket)->id();
    local.local = (*socket)->local();
    local.preference = static_cast<std::uint16_t>(65535 - opened.size());
    opened.push_back(local);
    sockets_.push_back(std::move(*socket));
  }
  agent_.gather(network_.now(), opened);
  lookups_.resize(servers.size());
  for (std::size_t i = 0; i < servers.size(); ++i) look_up(i, servers[i]);
}

void AgentNetwork::look_up(std::size_t index, const Server& server) {
  if (const auto literal = net::Address::parse(server.host)) {
    agent_.set_server_addresses(network_.now(), index, std::span(&*literal, 1));
    return;
  }
  lookups_[index] =
      network_.lookup(server.host, [this, index](Result<std::vector<net::Address>> addresses) {
        if (addresses) {
          agent_.set_server_addresses(network_.now(), index, *addresses);
        } else {
          agent_.set_server_failed(network_.now(), index, addresses.error());
        }
        changed_();
      });
}

void AgentNetwork::close() {
  lookups_.clear();
  sockets_.clear();
}

}  // namespace floe::ice
