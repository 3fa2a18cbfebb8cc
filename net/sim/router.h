#pragma once

#include <array>
#include <map>
#include <memory>
#include <utility>

#include "floe/net/sim/host.h"
#include "floe/net/sim/nat.h"

namespace floe::net::sim {

/// Which port mapping protocols a router speaks, and how willingly.
struct RouterOptions {
  bool nat_pmp = true;  ///< RFC 6886, on UDP port 5351.
  bool pcp = true;      ///< RFC 6887, on the same port.
  bool upnp = true;     ///< UPnP IGD 1: SSDP on UDP port 1900, then SOAP over HTTP.
  /// Longer lifetimes are cut to this one (RFC 6887 section 15 recommends 24 hours).
  Duration max_lifetime = std::chrono::hours(24);
  std::size_t max_mappings = 64;
  /// Every request for a mapping is answered with "not authorized".
  bool refuses = false;
  /// As with many cheap ones, UPnP mappings must be permanent (error 725).
  bool upnp_permanent_only = false;
};

/// The machine within a NAT, at the address that hosts inside have as their gateway: what asks it
/// for port mappings gets them. `host()` may run other services as well.
class Router final : private UdpHandler {
 public:
  static constexpr std::uint16_t kPort = 5351;
  /// Where hosts listen for word of a restart, at 224.0.0.1 (RFC 6886 section 3.2.1).
  static constexpr std::uint16_t kAnnouncementPort = 5350;
  static constexpr std::uint16_t kHttpPort = 5000;

  Router(Host& host, Nat& nat, const RouterOptions& options);
  ~Router() override;

  Host& host() { return host_; }
  const RouterOptions& options() const { return options_; }
  /// Takes effect with the next request.
  void set_options(const RouterOptions& options) { options_ = options; }

 private:
  class Upnp;
  using Nonce = std::array<std::uint8_t, 12>;
  struct PcpRequest;

  void on_datagrams(std::span<Datagram> datagrams) override;
  void answer(const Endpoint& client, Bytes payload);
  void announce();
  bool is_full() const { return nat_.dynamic_mappings().size() >= options_.max_mappings; }
  bool is_mapped(Protocol protocol, const Endpoint& internal) const;
  std::uint32_t epoch() const;

  // NAT-PMP; the whole answer.
  void handle_nat_pmp(const Endpoint& client, Bytes packet);
  void handle_nat_pmp_map(const Endpoint& client, std::uint8_t opcode, ByteReader& reader);
  // PCP: router_pcp.cc.
  void handle_pcp(const Endpoint& client, Bytes packet);
  std::uint8_t map_for_pcp(const Endpoint& client, PcpRequest& request);
  std::uint8_t unmap_for_pcp(Protocol protocol, const Endpoint& internal, PcpRequest& request);
  void answer_pcp(const Endpoint& client, const PcpRequest& request, std::uint8_t result);

  Host& host_;
  Nat& nat_;
  RouterOptions options_;
  std::unique_ptr<UdpSocket> socket_;
  std::unique_ptr<Timer> announcement_;
  int announcements_ = 0;
  /// Who asked by PCP: others may not change the mapping (RFC 6887 section 11.3).
  std::map<std::pair<Protocol, Endpoint>, Nonce> nonces_;
  std::unique_ptr<Upnp> upnp_;
};

}  // namespace floe::net::sim
