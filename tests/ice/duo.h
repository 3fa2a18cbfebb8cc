#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "floe/ice/transport.h"
#include "floe/net/sim/world.h"
#include "floe/servers/turn/turn_server.h"

// Two whole ICE transports in a simulated world with a TURN server, behind whatever gateways a test
// sets up; signalling takes 20 ms.
namespace floe::ice {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

struct Side {
  net::sim::Host* host = nullptr;
  Transport::Config config;
  std::unique_ptr<Transport> transport;
  std::vector<Candidate> candidates;
  std::vector<Gatherer::ServerFailed> failures;
  std::vector<State> states;
  std::vector<std::string> data;
  std::optional<Agent::SelectedPairChanged> path;
  std::optional<Report> failure;  ///< What came with the state failed.
  bool gathered = false;

  bool up() const {
    return transport &&
           (transport->state() == State::kConnected || transport->state() == State::kCompleted);
  }
  std::size_t count(CandidateType type) const;
};

class Duo {
 public:
  explicit Duo(std::uint64_t seed = 1) : world(seed) {}
  ~Duo();

  net::sim::World world;
  net::sim::Host* turn_host = nullptr;
  std::unique_ptr<server::TurnServer> turn;
  Side alice;
  Side bob;
  /// False loses a candidate on its way to the other side.
  std::function<bool(const Candidate&)> signals;

  /// A TURN server "turn.example" on port 3478 (UDP and TCP) and, with `turn_identity`, on 443 (TLS
  /// and DTLS); user "u", password "p".
  std::shared_ptr<const dtls::Identity> turn_identity;
  /// May change the server's configuration before it is made.
  std::function<void(server::TurnServer::Configuration&)> edit_turn;
  void add_turn_server(net::sim::InterfaceOptions options = {}, const std::string& name = "turn");
  /// The same one again, which knows nothing of what was before.
  void restart_turn_server();
  static ServerConfig server(std::string uri) { return {{std::move(uri)}, "u", "p"}; }

  void create(Side& side, Side& other, Role role);
  /// Both sides begin a new generation and tell each other.
  void restart();
  /// Creates both sides, exchanges credentials and gathers.
  void start();
  bool connect(Duration bound = seconds(20)) {
    start();
    return world.run_until([this] { return alice.up() && bob.up(); }, bound);
  }
  /// Sends both ways, once a 100 ms, until each side got one message that was sent from now on.
  bool talk(Duration bound = seconds(5));

 private:
  server::TurnServer::Configuration turn_configuration() const;
  int word_ = 0;
};

}  // namespace floe::ice
