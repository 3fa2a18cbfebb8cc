#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "floe/ice/server.h"
#include "floe/net/sim/world.h"
#include "floe/servers/stun/stun_server.h"
#include "floe/servers/turn/turn_server.h"
#include "floe/tls/trust.h"
#include "tests/nat_matrix/side.h"

namespace floe::nat_matrix {

class LyingServer;

/// How a server answers what it is asked.
enum class Conduct {
  kHonest,
  kSilent,
  kWrongAddress,  ///< Says that everybody has an address that nobody has.
  kOtherRealms,   ///< 401 with another realm and nonce to each request.
  kStaleForEver,  ///< 438 with a new nonce to each request.
  kServerError,   ///< 500 to each request.
  kOtherRequest,  ///< A success that answers a request nobody made.
  kEcho,          ///< What it got, unchanged.
};

std::string_view to_string(Conduct conduct);

/// The servers on the simulated internet, over both families: "stun.example", and "turn.example"
/// where there is TURN. They may be ended and begun again like processes: then they know nothing of
/// before.
class Servers {
 public:
  /// `latency` is the way to the internet's middle.
  Servers(net::sim::World& world, Duration latency, Turn turn);
  ~Servers();

  void stop();
  void start(Conduct conduct = Conduct::kHonest);
  /// What the two sides are told: the servers, and whose certificates are good.
  std::vector<ice::ServerConfig> configuration() const;
  /// The first call issues the certificates: before OpenSSL's random numbers are seeded otherwise.
  static std::shared_ptr<const tls::Trust> trust();

 private:
  net::sim::Host& add_host(net::sim::World& world, std::string_view name, Duration latency);
  void start_stun();
  void start_turn();

  Turn turn_;
  net::sim::Host& stun_host_;
  net::sim::Host* turn_host_ = nullptr;
  std::vector<std::unique_ptr<server::StunServer>> stun_servers_;
  std::unique_ptr<server::TurnServer> turn_server_;
  std::vector<std::unique_ptr<LyingServer>> liars_;
};

}  // namespace floe::nat_matrix
