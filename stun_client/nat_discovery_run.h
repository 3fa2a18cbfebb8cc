#pragma once

#include <array>
#include <functional>
#include <memory>

#include "floe/core/result.h"
#include "floe/net/network.h"
#include "floe/stun_client/nat_discovery.h"

namespace floe::stun {

/// Runs `NatDiscovery` once on a network, over sockets of its own. Destroying it ends it; so may
/// its callbacks.
class NatDiscoveryRun final : private net::UdpHandler {
 public:
  /// The dynamic ports (RFC 5780 section 4.1), of which some random ones are taken: a NAT may
  /// remember what the system's next port did a moment ago.
  static constexpr std::uint16_t kFirstPort = 49'152;
  static constexpr std::uint16_t kLastPort = 65'535;

  struct Configuration {
    NatDiscovery::Configuration discovery;
    /// The address to ask from; nullopt: the system's choice.
    std::optional<net::Address> local{};
    /// Each time a test has ended, with what is known by then.
    std::function<void(NatTest, const NatReport&)> on_concluded{};
    /// Once, at the end.
    std::function<void(const NatReport&)> on_done;
  };

  /// `network` must outlive it. Errors: those of `Network::open_udp`, and `kInvalidArgument` for a
  /// server without a port or a second server of another family.
  [[nodiscard]] static Result<std::unique_ptr<NatDiscoveryRun>> start(net::Network& network,
                                                                      Configuration configuration);
  ~NatDiscoveryRun() override;

  const NatReport& report() const { return discovery_->report(); }
  const NatDiscovery::Stats& stats() const { return discovery_->stats(); }

 private:
  NatDiscoveryRun(net::Network& network, Configuration configuration);
  Result<> open();
  void on_datagrams(std::span<net::Datagram> datagrams) override;
  void turn();

  net::Network& network_;
  Configuration configuration_;
  std::array<std::unique_ptr<net::UdpSocket>, NatDiscovery::kSockets> sockets_;
  std::unique_ptr<NatDiscovery> discovery_;
  std::unique_ptr<net::Timer> timer_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  bool done_ = false;
};

}  // namespace floe::stun
