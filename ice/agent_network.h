#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "floe/ice/agent.h"
#include "floe/ice/gatherer.h"
#include "floe/ice/server.h"
#include "floe/net/network.h"

namespace floe::ice {

/// Which of the machine's addresses an agent uses.
struct LocalPolicy {
  bool ipv4 = true;
  bool ipv6 = true;
  /// RFC 8445 section 5.1.1.1 leaves loopback out; two programs on one machine may want it.
  bool loopback = false;
  bool link_local = false;
  /// Ports to bind, [0, 0] for the system's choice.
  std::uint16_t port_min = 0;
  std::uint16_t port_max = 0;
  /// True for the addresses to use; all when empty.
  std::function<bool(const net::Interface&)> filter;
};

/// What an agent needs of a network: a socket on each local address, and its servers' addresses.
/// The agent itself never sees the network.
class AgentNetwork final : private net::UdpHandler {
 public:
  /// Addresses used at most. A machine with more has virtual interfaces by the dozen, whose
  /// candidates would only crowd out useful ones.
  static constexpr std::size_t kMaxSockets = 32;

  using Receive = std::function<void(std::span<net::Datagram>)>;
  /// Called after a lookup changed the agent.
  using Changed = std::function<void()>;

  /// `network` and `agent` must outlive it.
  AgentNetwork(net::Network& network, Agent& agent, Receive receive, Changed changed);

  /// Opens the sockets, starts the agent's gathering on them, and looks the servers up.
  void gather(const LocalPolicy& policy, const std::vector<Server>& servers);
  /// Closes the sockets and abandons the lookups; idempotent.
  void close();

  /// Why addresses could not be used, one sentence each.
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  void on_datagrams(std::span<net::Datagram> datagrams) override { receive_(datagrams); }
  void look_up(std::size_t index, const Server& server);

  net::Network& network_;
  Agent& agent_;
  Receive receive_;
  Changed changed_;
  std::vector<std::unique_ptr<net::UdpSocket>> sockets_;
  std::vector<std::unique_ptr<net::Lookup>> lookups_;
  std::vector<std::string> problems_;
};

/// The machine's addresses that `policy` admits, best first: by kind of interface, and IPv6 and
/// IPv4 in turn (RFC 8421 section 4), so that a broken family does not hold the other up.
std::vector<net::Interface> usable_addresses(std::vector<net::Interface> interfaces,
                                             const LocalPolicy& policy);

}  // namespace floe::ice
