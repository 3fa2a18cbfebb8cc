#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "floe/net/sim/world.h"
#include "floe/peer/peer_connection.h"
#include "floe/servers/stun/stun_server.h"

// Two whole peers in a simulated world: PeerConnections behind whatever NATs a test sets up, a STUN
// server on the internet, and signalling that takes its time.
namespace floe {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// The seed of run `i` of a test: FLOE_SEED in the environment replays that one alone.
std::uint64_t test_seed(std::uint64_t i);
/// How many seeds to run instead of `standard`: 1 when FLOE_SEED is set, fewer in slow builds.
std::size_t test_seeds(std::size_t standard);
/// The command that repeats the present test with `seed`.
std::string replay(std::uint64_t seed);

/// One side of a call and what its application saw.
struct Caller {
  std::unique_ptr<PeerConnection> pc;
  std::shared_ptr<DataChannel> channel;
  std::vector<std::string> received;
  std::vector<std::string> log;  ///< States, in the words of the W3C.
  std::vector<IceCandidate> candidates;
  std::optional<Error> dtls_error;
  bool open = false;
  bool closed = false;
};

class Call {
 public:
  struct Options {
    std::uint64_t seed = 1;
    std::optional<net::sim::NatOptions> alice_nat;
    std::optional<net::sim::NatOptions> bob_nat;
    /// Alice's cable, both directions; Bob's is a good one, so that a loss here is the path's.
    net::sim::LinkOptions link{.latency = milliseconds(10)};
    Duration signaling_delay = milliseconds(20);
    bool trickle = true;
    Configuration configuration;
  };

  explicit Call(Options options);
  ~Call();

  net::sim::World world;
  net::sim::Host* stun_host;
  net::sim::Nat* alice_nat = nullptr;
  net::sim::Nat* bob_nat = nullptr;
  net::sim::Host* alice_host;
  net::sim::Host* bob_host;
  Caller alice;  ///< Offers.
  Caller bob;
  /// May change a description on its way.
  std::function<void(SessionDescription&)> on_signaling;

  /// Creates both connections and Alice's channel "chat", and offers.
  void start(const DataChannelInit& channel = {});
  /// Only creates the connections and wires their signalling up.
  void create();
  void offer();
  bool run_until(const std::function<bool()>& done, Duration bound) {
    return world.run_until(done, bound);
  }
  bool run_until_open(Duration bound = seconds(60)) {
    return run_until([this] { return alice.open && bob.open; }, bound);
  }
  /// Hooks a channel up to its side's records.
  static void watch(Caller& caller, std::shared_ptr<DataChannel> channel);
  /// What to print when the test fails.
  std::string describe() const;

 private:
  net::sim::Host& add_host(const char* name, const std::optional<net::sim::NatOptions>& nat,
                           const net::sim::LinkOptions& link, net::sim::Nat*& out);
  void create_side(Caller& side, Caller& other, net::sim::Host& host);
  void deliver(Caller& to, SessionDescription description);

  Options options_;
  std::unique_ptr<server::StunServer> stun_;
};

}  // namespace floe
