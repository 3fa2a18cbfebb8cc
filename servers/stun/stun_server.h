#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "floe/core/result.h"
#include "floe/net/network.h"
#include "floe/servers/stun/stun_responder.h"

namespace floe::server {

/// A STUN server (RFC 8489 section 12) on one UDP address of any network: tells whoever asks which
/// address the question came from. For several addresses create several servers, and bind each to
/// one address rather than to "any" on a host that has more: a response must come from where the
/// request went (section 6.3.1.2).
class StunServer final : private net::UdpHandler {
 public:
  static constexpr std::uint16_t kPort = 3478;  // RFC 8489 section 18.6

  struct Configuration {
    net::Endpoint bind{{}, kPort};  ///< Port 0 lets the system choose.
    bool reuse_port = false;        ///< One server per loop on the same port.
    /// A second address of this machine and a second port, both used with both: then clients can
    /// find out how their NATs behave (RFC 5780). Of the family of `bind`, neither "any"; the port
    /// may be 0.
    std::optional<net::Endpoint> alternate{};
    StunResponder::Configuration responder{};
  };

  struct Stats {
    std::uint64_t received = 0;       ///< Datagrams of any kind.
    std::uint64_t send_failures = 0;  ///< Answers that the system refused to send.
    StunResponder::Stats responder;
  };

  /// `network` must outlive the server. Errors: those of `Network::open_udp`, and
  /// `kInvalidArgument` for a SOFTWARE text that is too long or not UTF-8.
  [[nodiscard]] static Result<std::unique_ptr<StunServer>> create(net::Network& network,
                                                                  Configuration configuration);

  net::Endpoint local() const { return sockets_.front()->local(); }
  /// The other address and the other port; nullopt without `Configuration::alternate`.
  std::optional<net::Endpoint> alternate() const;
  Stats stats() const;

 private:
  StunServer(net::Network& network, StunResponder::Configuration configuration);
  Result<> open(const net::Endpoint& bind, bool reuse_port);
  Result<> open_alternates(const net::Endpoint& alternate, bool reuse_port);
  void on_datagrams(std::span<net::Datagram> datagrams) override;
  void send(net::SendBatch& batch);

  net::Network& network_;
  StunResponder responder_;
  std::uint64_t received_ = 0;
  std::uint64_t send_failures_ = 0;
  std::vector<std::unique_ptr<net::UdpSocket>> sockets_;  ///< One, or as `Origins` has them.
};

}  // namespace floe::server
