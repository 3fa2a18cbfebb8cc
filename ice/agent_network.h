#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "floe/ice/agent.h"
#include "floe/ice/dialer.h"
#include "floe/ice/gatherer.h"
#include "floe/ice/surroundings.h"
#include "floe/ice/tcp_mux.h"
#include "floe/ice/udp_mux.h"
#include "floe/mdns/service.h"
#include "floe/net/network.h"
#include "floe/port_mapping/service.h"
#include "floe/tls/trust.h"

namespace floe::ice {

/// ICE-TCP (RFC 6544): which candidates an agent has beside those of UDP, which goes first wherever
/// it works.
enum class TcpPolicy : std::uint8_t {
  kOff,
  kActive,  ///< Connects to peers that listen.
  kAll,     ///< Listens too, and opens from both sides at once.
};

/// Which of the machine's addresses an agent uses, and how.
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
  /// Follow the machine: an address that comes is used, one that goes is withdrawn. Otherwise the
  /// addresses of the first moment are all.
  bool continual = true;
  /// Multicast DNS, for names in the place of addresses (as browsers have them): with it, names
  /// under ".local" that the peer signals are resolved. One service does for all connections on a
  /// network. nullptr: they are ignored.
  std::shared_ptr<mdns::Service> mdns{};
  /// Conceal local addresses as browsers do: host candidates have names that `mdns` answers for
  /// (without it, they are not signalled), and no related address is told. Whoever has a name can
  /// use it only on the same link. Each connection has its own names.
  bool hide_addresses = false;
  /// Has the default router map the port of each socket (PCP, NAT-PMP, UPnP): the external endpoint
  /// becomes a server-reflexive candidate, which no NAT behaviour of the router stands in the way
  /// of. Closing takes the mapping back, in the background: keep the service a few seconds longer.
  /// nullptr: no router is asked.
  std::shared_ptr<port_mapping::Service> port_mapping{};
  TcpPolicy tcp = TcpPolicy::kOff;
  /// Ports shared with other connections in the place of own ones; see there.
  std::shared_ptr<UdpMux> udp_mux{};
  /// Listeners shared with other connections; with `tcp` kAll in the place of own ones.
  std::shared_ptr<TcpMux> tcp_mux{};
};

/// What an agent needs of a network: a socket on each local address, its servers' addresses, the
/// connections it asks for. The agent itself never sees the network.
class AgentNetwork final : private net::UdpHandler, private UdpMux::Member, private TcpMux::Member {
 public:
  /// Addresses used at most. A machine with more has virtual interfaces by the dozen, whose
  /// candidates would only crowd out useful ones.
  static constexpr std::size_t kMaxSockets = 32;

  struct Config {
    LocalPolicy local;
    /// Whose signature under the certificates of TLS and DTLS servers is believed; nullptr: whom
    /// the system trusts.
    std::shared_ptr<const tls::Trust> trust;
  };
  using Receive = std::function<void(std::span<net::Datagram>)>;
  /// Called when something that is no packet changed the agent.
  using Changed = std::function<void()>;

  /// `random` is what `agent` draws from: on shared ports its transactions need a mark. All three
  /// must outlive it.
  AgentNetwork(net::Network& network, TaggedRandom& random, Agent& agent, Config config,
               Receive receive, Changed changed);
  ~AgentNetwork() override;

  /// `Agent::set_policy`, and what follows for the sockets that are open.
  void set_policy(Policy policy);
  /// `Config::trust` of the connections that are made from now on.
  void set_trust(std::shared_ptr<const tls::Trust> trust) { dialer_.set_trust(std::move(trust)); }
  /// Opens the sockets and starts the agent's gathering on them.
  void gather();
  /// Does what the agent asks for by now. To be called whenever its packets are polled.
  void serve();
  /// Closes the sockets and connections and abandons the lookups; idempotent.
  void close();

  /// Why addresses could not be used, one sentence each; the last kMaxProblems.
  const std::deque<std::string>& problems() const { return problems_; }
  static constexpr std::size_t kMaxProblems = 64;

 private:
  struct PendingLookup {
    std::unique_ptr<net::Lookup> lookup{};
    bool answered = false;
  };

  void on_datagrams(std::span<net::Datagram> datagrams) override { receive_(datagrams); }
  void on_packets(std::span<net::Datagram> datagrams) override { receive_(datagrams); }
  void on_stream(TcpMux::Accepted accepted) override;
  std::vector<LocalSocket> open_sockets();
  void open_tcp(const LocalSocket& udp, std::vector<LocalSocket>& opened);
  Result<net::Endpoint> listen(const net::Address& address);
  std::vector<LocalSocket> shared_sockets();
  void show_ufrag();
  void rescan();
  void look_up(const LookUp& request);
  void note_problem(std::string problem);

  net::Network& network_;
  TaggedRandom& random_;
  Agent& agent_;
  Config config_;
  Receive receive_;
  Changed changed_;
  std::vector<std::unique_ptr<net::UdpSocket>> sockets_;
  std::uint16_t next_preference_ = 65535;
  std::string shown_ufrag_;  ///< What the muxes know.
  std::map<ServerId, PendingLookup> lookups_;
  Dialer dialer_;
  Surroundings surroundings_;
  std::unique_ptr<net::InterfaceWatch> watch_;
  std::deque<std::string> problems_;
  bool own_tcp_mux_ = false;
  bool closed_ = false;
};

/// The machine's addresses that `policy` admits, best first: by kind of interface, and IPv6 and
/// IPv4 in turn (RFC 8421 section 4), so that a broken family does not hold the other up.
std::vector<net::Interface> usable_addresses(std::vector<net::Interface> interfaces,
                                             const LocalPolicy& policy);

}  // namespace floe::ice
