#pragma once

#include <memory>
#include <vector>

#include "floe/ice/server.h"
#include "floe/net/sim/world.h"
#include "floe/servers/stun/stun_server.h"
#include "tests/nat_matrix/side.h"

namespace floe::nat_matrix {

class LyingServer;

/// How a server answers what it is asked.
enum class Conduct {
  kHonest,
  kSilent,
  kWrongAddress,  ///< Says that everybody has an address that nobody has.
  kStaleForEver,  ///< 438 with a new nonce to each request.
  kServerError,   ///< 500 to each request.
  kOtherRequest,  ///< A success that answers a request nobody made.
  kEcho,          ///< What it got, unchanged.
};

std::string_view to_string(Conduct conduct);

/// The STUN server on the simulated internet, "stun.example", over both families. It may be ended
/// and begun again like a process: then it knows nothing of before.
class Servers {
 public:
  /// `latency` is the way to the internet's middle.
  Servers(net::sim::World& world, Duration latency);
  ~Servers();

  void stop();
  void start(Conduct conduct = Conduct::kHonest);
  /// For `ice::Transport::Config::servers`.
  std::vector<ice::ServerConfig> configuration() const;

 private:
  net::sim::World& world_;
  net::sim::Host& stun_;
  std::vector<std::unique_ptr<server::StunServer>> stun_servers_;
  std::vector<std::unique_ptr<LyingServer>> liars_;
};

}  // namespace floe::nat_matrix
