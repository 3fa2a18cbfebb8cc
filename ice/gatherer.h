#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/ice/candidate_pair.h"
#include "floe/ice/server.h"
#include "floe/net/datagram.h"
#include "floe/net/pacer.h"
#include "floe/net/send_batch.h"
#include "floe/stun_client/binding_client.h"

namespace floe::ice {

/// An open socket the agent may use.
struct LocalSocket {
  net::SocketId id = net::kNoSocket;
  net::Endpoint local;
  /// RFC 8445 section 5.1.2.1: 65535 for the best, different for each socket.
  std::uint16_t preference = 65535;
};

/// Finds the candidates of our side (RFC 8445 section 5.1): the sockets' own addresses at once, and
/// the address each STUN server sees. Every server is asked from every socket of its family, all in
/// parallel, each query with its own deadline, new ones at most one every Ta.
class Gatherer {
 public:
  struct Config {
    std::vector<Server> servers;
    /// Seven requests in seven seconds, where RFC 8489's defaults would take 39.5 s to find a
    /// server dead: a user waits for that. At 20 % loss each way one query in a thousand goes
    /// unanswered.
    stun::TransactionTimes times{std::chrono::milliseconds(100), 7, 8};
    /// How long a server's name may take to be looked up.
    Duration lookup_timeout = std::chrono::seconds(5);
    /// RFC 8445 section 5.1.1.4 and 11: bindings are kept alive until ICE has concluded.
    Duration keepalive = std::chrono::seconds(15);
  };
  /// Queries at most, over all sockets and servers; 32 addresses with four servers.
  static constexpr std::size_t kMaxQueries = 128;
  /// W3C: the errorCode of a server that could not be reached or did not answer.
  static constexpr std::uint16_t kUnreachable = 701;

  /// One server could not be used from one address (W3C RTCPeerConnectionIceErrorEvent).
  struct ServerFailed {
    std::string url;
    std::optional<net::Endpoint> local;  ///< Not there when the name could not be looked up.
    std::uint16_t code = kUnreachable;   ///< A STUN error code, or kUnreachable.
    std::string text;
  };

  struct Stats {
    std::uint64_t redundant_candidates = 0;
    std::uint64_t queries_skipped = 0;  ///< Beyond kMaxQueries.
  };

  Gatherer(Config config, Random& random, net::Pacer& pacer);

  void start(Time now, std::span<const LocalSocket> sockets);
  /// Gathers anew for an ICE restart: queries under way and candidates nobody took yet are
  /// forgotten, host candidates come again, and every server is asked again.
  void restart(Time now);
  void set_server_addresses(Time now, std::size_t index, std::span<const net::Address> addresses);
  void set_server_failed(std::size_t index, const Error& error);
  /// The bindings found so far need no more keepalives.
  void stop_keepalives();
  void stop();

  /// Every server has answered or failed, for every socket.
  bool done() const;

  /// True if it was an answer to a query.
  bool handle_packet(Time now, const net::Datagram& datagram);
  void handle_send_failure(Time now, const net::Route& route, const Error& error);
  void poll_transmit(Time now, net::SendBatch& batch);
  Time next_timeout() const;
  void handle_timeout(Time now);

  std::optional<LocalCandidate> poll_candidate();
  std::optional<ServerFailed> poll_failure();
  const Stats& stats() const { return stats_; }

 private:
  enum class ServerState : std::uint8_t { kLookingUp, kAsking, kFailed };

  struct Query {
    std::size_t server;
    LocalSocket socket;
    stun::BindingClient client;
    bool started = false;
    bool answered = false;  ///< At least once; what follows are keepalives.
    bool finished = false;
    Time keepalive_due = kNever;
  };

  void begin_query(Time now);
  void drain(Time now, Query& query);
  void add_reflexive(const Query& query, const net::Endpoint& mapped);
  std::string foundation(CandidateType type, const net::Address& base, const std::string& server);

  Config config_;
  Random& random_;
  net::Pacer& pacer_;
  std::vector<LocalSocket> sockets_;
  std::vector<ServerState> servers_;
  std::vector<std::vector<net::Address>> server_addresses_;  ///< Once they are known.
  std::vector<std::unique_ptr<Query>> queries_;
  std::vector<LocalCandidate> candidates_;
  std::vector<std::string> foundations_;
  std::deque<LocalCandidate> found_;
  std::deque<ServerFailed> failures_;
  std::optional<Time> slot_;
  Time lookup_deadline_ = kNever;
  bool started_ = false;
  bool keepalives_ = true;
  Stats stats_;
};

}  // namespace floe::ice
