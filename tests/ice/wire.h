#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "floe/ice/agent.h"
#include "floe/net/pacer.h"

// Agents on a wire in virtual time, without any network below: what they send is delivered after a
// latency, unless a filter drops or rewrites it.
namespace floe::ice {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

inline net::Endpoint endpoint(std::string_view text) {
  return *net::Endpoint::parse(text);
}

struct Packet {
  Time sent{};
  net::Endpoint source;
  net::Endpoint destination;
  std::vector<std::uint8_t> bytes;

  std::optional<stun::Message> stun() const;
  bool is_request() const;
  bool is_success() const;
};

/// One agent with its sockets and all it said.
struct Peer {
  Peer(Agent::Config config, std::uint64_t seed);

  std::vector<LocalSocket> sockets;
  net::Pacer own_pacer;
  SeededRandom random;
  Agent agent;
  std::vector<State> states;
  std::vector<Candidate> candidates;  ///< Of the present generation.
  std::vector<Candidate> removed;
  std::vector<Agent::SelectedPairChanged> paths;
  std::vector<Gatherer::ServerFailed> server_failures;
  std::vector<Role> roles;
  std::vector<std::string> data;
  bool gathered = false;

  /// The candidate pair with this remote address, or null.
  const CandidatePair* pair_to(std::string_view remote) const;
};

class Wire {
 public:
  /// Sees every packet before it travels; false drops it. It may rewrite addresses, as a NAT does.
  std::function<bool(Packet&)> filter;
  /// Answers what is sent to addresses that are no peer's, e.g. as a STUN server.
  std::function<void(const Packet&)> elsewhere;
  Duration latency = milliseconds(10);
  Time now{seconds(1000)};
  std::vector<Packet> log;

  /// An agent with a socket on each address, which has gathered them.
  Peer& add(Agent::Config config, const std::vector<std::string>& addresses);
  /// A peer as `add` makes it that has not gathered.
  Peer& add_idle(Agent::Config config, const std::vector<std::string>& addresses);
  void gather(Peer& peer);

  /// Tells `to` all that signalling would: credentials, host candidates, and their end.
  void signal(const Peer& from, Peer& to);
  void signal_both(Peer& a, Peer& b) {
    signal(a, b);
    signal(b, a);
  }

  /// Restarts `peer`'s ICE; what it signals from here on is the new generation's.
  void restart(Peer& peer);
  /// What `from`'s restart does to `to`: it restarts too, and both learn of the other.
  void restart_both(Peer& from, Peer& to) {
    restart(from);
    restart(to);
    signal_both(from, to);
  }

  /// Puts a packet on the wire as if somebody at `source` had sent it.
  void inject(std::string_view source, std::string_view destination, Bytes bytes);
  void run_for(Duration duration);
  bool run_until(const std::function<bool()>& done, Duration bound);
  /// Sends `text` over the agent's path, if it has one.
  bool send_data(Peer& peer, std::string_view text);

  std::size_t count(const std::function<bool(const Packet&)>& matches) const;

 private:
  void step(Time until);
  void flush();
  void deliver(Packet packet);
  void travel(Packet packet);

  std::vector<std::unique_ptr<Peer>> peers_;
  std::multimap<Time, Packet> travelling_;  // by arrival; equal times keep their order
  std::uint32_t next_socket_ = 1;
};

/// Signs like `from` would when it checks `to`; `edit` may add attributes before the integrity.
std::vector<std::uint8_t> binding_request(
    const Credentials& from, const Credentials& to, Role role, std::uint64_t tie_breaker,
    const std::function<void(stun::MessageBuilder&)>& edit = {}, std::uint32_t priority = 1);

Agent::Config config(Role role);
/// Connected or completed.
bool connected(const Peer& peer);
/// Both ended on the same pair, nominated.
bool agree(const Peer& a, const Peer& b);

Candidate host_candidate(std::string_view address, std::uint32_t priority = 2130706431);

}  // namespace floe::ice
