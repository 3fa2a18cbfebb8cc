#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/ice/address_rewrite.h"
#include "floe/ice/candidate_pair.h"
#include "floe/ice/local_socket.h"
#include "floe/ice/nat64.h"
#include "floe/ice/network_request.h"
#include "floe/ice/relay.h"
#include "floe/ice/server.h"
#include "floe/ice/server_record.h"
#include "floe/ice/tcp_streams.h"
#include "floe/net/datagram.h"
#include "floe/net/pacer.h"
#include "floe/net/send_batch.h"
#include "floe/stun_client/binding_client.h"

namespace floe::ice {

/// Finds the candidates of our side (RFC 8445 section 5.1): the sockets' own addresses at once, the
/// address each STUN server sees, and the addresses that TURN servers relay for. Every server is
/// asked from every socket of its family, all in parallel, each with its own deadline, new
/// transactions at most one every Ta.
///
/// Its code stands in files by subject: gatherer.cc (servers and time), gatherer_candidates.cc
/// (what is found), gatherer_relays.cc (TURN), gatherer_surroundings.cc (names, mapped ports,
/// NAT64), gatherer_records.cc (what there is to report).
class Gatherer {
 public:
  struct Config {
    std::vector<Server> servers;
    /// Only relayed candidates are looked for; the agent sets it for its own policy.
    bool relay_only = false;
    /// Announced in the place of local addresses, or beside them. The first rule that fits counts.
    std::vector<AddressRewrite> rewrites;
    /// Seven requests in seven seconds, where RFC 8489's defaults would take 39.5 s to find a
    /// server dead: a user waits for that. At 20 % loss each way one query in a thousand goes
    /// unanswered.
    stun::TransactionTimes times{std::chrono::milliseconds(100), 7, 8};
    /// How long a server's name may take to be looked up.
    Duration lookup_timeout = std::chrono::seconds(5);
    /// RFC 8445 section 5.1.1.4 and 11: bindings are kept alive until ICE has concluded.
    Duration keepalive = std::chrono::seconds(15);
    /// From a TURN server's first packet to the allocation: a connection, a TLS handshake and two
    /// requests, each of which may be lost a few times.
    Duration relay_timeout = std::chrono::seconds(10);
    /// How long gathering waits for a router to map a port; one that answers later still gives its
    /// candidate. UPnP takes about two seconds.
    Duration mapping_timeout = std::chrono::seconds(3);
  };
  /// Queries at most, over all sockets and servers; 32 addresses with four servers.
  static constexpr std::size_t kMaxQueries = 128;
  /// Allocations at most, over all sockets and servers: each one costs the server a port and us
  /// traffic for as long as the connection lives.
  static constexpr std::size_t kMaxRelays = 32;
  /// Allocations on one server of the configuration: on a machine with dozens of virtual interfaces
  /// the best four lead to the server, or none does.
  static constexpr std::size_t kMaxRelaysPerServer = 4;
  /// W3C: the errorCode of a server that could not be reached or did not answer.
  static constexpr std::uint16_t kUnreachable = 701;

  /// One server could not be used from one address (W3C RTCPeerConnectionIceErrorEvent).
  struct ServerFailed {
    std::string url;
    std::optional<net::Endpoint> local;  ///< Not there when the name could not be looked up.
    std::uint16_t code = kUnreachable;   ///< A STUN error code, or kUnreachable.
    std::string text;
  };
  /// A base is gone, and with it every candidate on it.
  struct BaseGone {
    net::SocketId socket = net::kNoSocket;
    std::string why;
  };
  /// A router maps this external endpoint to the socket no more.
  struct Unmapped {
    net::SocketId socket = net::kNoSocket;
    net::Endpoint external;
  };
  /// A relay lets the peer in, or a connection to it was made: packets from `base` arrive now.
  struct WayOpened {
    net::SocketId base = net::kNoSocket;
    net::Endpoint peer;  ///< Port 0: any port of the address.
  };
  /// They do not, and will not.
  struct WayClosed {
    net::SocketId base = net::kNoSocket;
    net::Endpoint peer;
    std::string why;
  };
  using Event =
      std::variant<LocalCandidate, ServerFailed, BaseGone, Unmapped, WayOpened, WayClosed>;

  struct Stats {
    std::uint64_t redundant_candidates = 0;
    std::uint64_t queries_skipped = 0;  ///< Beyond kMaxQueries.
    std::uint64_t relays_skipped = 0;   ///< Beyond kMaxRelays or kMaxRelaysPerServer.
  };

  Gatherer(Config config, Random& random, net::Pacer& pacer);

  void start(Time now, std::span<const LocalSocket> sockets);
  /// Sockets on addresses that came later; the servers are asked from them too.
  void add_sockets(Time now, std::span<const LocalSocket> sockets);
  /// Takes back all that was found on a socket.
  void remove_socket(net::SocketId socket);
  /// Other servers and another policy; to be called right before `start` or `restart`. A server
  /// that was there before stays what it is. Relays on one that is there no more carry packets on,
  /// but give no candidates.
  void reconfigure(const std::vector<Server>& servers, bool relay_only);
  /// Gathers anew for an ICE restart: queries under way and candidates nobody took yet are
  /// forgotten, host candidates come again, STUN servers are asked again, TURN servers keep their
  /// allocations.
  void restart(Time now);
  /// Deletes the allocations on servers that are there no more, except those behind bases for which
  /// `in_use` holds.
  void release_replaced(Time now, const std::function<bool(net::SocketId)>& in_use);
  void set_server_addresses(Time now, ServerId id, std::span<const net::Address> addresses);
  void set_server_failed(ServerId id, const Error& error);
  /// See `Agent::set_name`, `set_mapping` and `set_nat64_prefix`.
  void set_name(net::SocketId socket, const std::string& name);
  void set_mapping(Time now, net::SocketId socket, const std::optional<net::Endpoint>& external);
  void set_nat64_prefix(Time now, const std::optional<net::Nat64Prefix>& prefix);
  const Nat64& nat64() const { return nat64_; }
  /// The bindings found so far need no more keepalives.
  void stop_keepalives();
  void stop();
  /// Deletes the allocations; the requests for it are written into `batch`.
  void close(Time now, net::SendBatch& batch);

  /// Every server has answered or failed, for every socket.
  bool done() const;

  // --- What its driver does for it ---
  std::optional<NetworkRequest> poll_network_request();
  void handle_dialed(Time now, DialId id, net::SocketId socket);
  /// It could not be made, or has ended.
  void handle_dial_failed(Time now, DialId id, const Error& error);
  /// A peer has connected to the TCP candidate on `local`. False if it is to be closed.
  bool handle_accepted(const net::Endpoint& local, net::SocketId stream,
                       const net::Endpoint& remote);
  void handle_stream_closed(net::SocketId stream, const Error& error);

  // --- Packets ---
  /// kRelayed: `datagram` was a relay's or a stream's and is now the peer's. kNotOurs: it is as it
  /// was.
  turn::Received::Kind unwrap(Time now, net::Datagram& datagram);
  /// True if it was an answer to a query.
  bool handle_packet(Time now, const net::Datagram& datagram);
  /// How a packet gets from a base to `destination`.
  std::optional<net::Route> route(net::SocketId base, const net::Endpoint& destination) const;
  /// Lets packets from and to `peer` pass the relay behind `base`, if there is one.
  void permit(Time now, net::SocketId base, const net::Address& peer);
  /// A packet is about to leave from `base` to `peer`: makes the connection if it takes one.
  void connect(net::SocketId base, const net::Endpoint& peer);
  /// The pair is in use: packets take the shortest form there is.
  void bind(Time now, net::SocketId base, const net::Endpoint& peer);
  /// Nothing comes through `base` any more: if it is a relay's, is the relay still there?
  void suspect(Time now, net::SocketId base);
  void handle_send_failure(Time now, const net::Route& route, const Error& error);

  void poll_transmit(Time now, net::SendBatch& batch);
  Time next_timeout() const;
  void handle_timeout(Time now);
  std::optional<Event> poll_event();
  const Stats& stats() const { return stats_; }

  // --- For reports ---
  const std::vector<LocalSocket>& sockets() const { return sockets_; }
  /// What became of each server of the configuration, in its order.
  std::vector<ServerRecord> servers() const;

 private:
  /// A server of the configuration.
  struct AskedServer {
    enum class State : std::uint8_t { kNew, kLookingUp, kAsking, kFailed };

    ServerId id;
    Server server;
    State state = State::kNew;
    std::vector<net::Address> addresses{};  ///< Once they are known.
    std::optional<Error> lookup_failure{};
  };
  struct Query {
    ServerId server;
    LocalSocket socket;
    stun::BindingClient client;
    ServerAttempt record;  ///< Without what the client counts.
    bool started = false;
    bool answered = false;  ///< At least once; what follows are keepalives.
    bool finished = false;
    Time keepalive_due = kNever;
  };
  /// An attempt whose query or relay is no more: its local address is gone, or all has ended.
  struct PastAttempt {
    ServerId server;
    ServerAttempt attempt;
  };
  /// The latest tell enough about addresses that come and go.
  static constexpr std::size_t kMaxPastAttempts = 64;

  // gatherer.cc
  AskedServer* find_server(ServerId id);
  void look_up(Time now);
  void ask(Time now, const AskedServer& server, std::span<const LocalSocket> sockets);
  void add_query(const AskedServer& server, const LocalSocket& socket,
                 const net::Endpoint& address);
  bool any_unstarted() const;
  void start_next(Time now);
  void drain(Time now, Query& query);
  void fail_server(const Server& server, const std::optional<net::Endpoint>& local,
                   std::uint16_t code, std::string text);

  // gatherer_candidates.cc
  void add_socket(LocalSocket socket);
  void add_tcp_host(const LocalSocket& socket);
  void emit(LocalCandidate candidate);
  void add_host(const LocalSocket& socket);
  void add_reflexive(const LocalSocket& socket, const net::Endpoint& mapped,
                     const std::string& server, const std::string& url);
  void add_relayed(const Relay& relay, const Relay::Opened& opened);
  std::uint16_t relay_preference(const Relay& relay, net::Family family) const;
  void forget_base(net::SocketId socket, const std::string& why);
  std::string foundation(CandidateType type, const net::Address& base, std::string_view server);

  void drain_tcp();

  // gatherer_relays.cc
  void add_relay(const AskedServer& server, const LocalSocket& socket,
                 const net::Endpoint& address);
  bool is_replaced(const Relay& relay) const;
  void drop_relays(const std::function<bool(const Relay&)>& which, const std::string& why);
  Relay* relay_behind(net::SocketId base) const;
  void drain_relays();
  void handle_relay_event(const Relay& relay, const Relay::Opened& opened);
  void handle_relay_event(const Relay& relay, const Relay::Gone& gone);
  void handle_relay_event(const Relay& relay, const Relay::Failed& failed);
  void handle_relay_event(const Relay& relay, const Relay::Permitted& permitted);
  void handle_relay_event(const Relay& relay, const Relay::Refused& refused);

  // gatherer_surroundings.cc
  LocalSocket* find_socket(net::SocketId socket);
  bool awaits_mapping() const;
  void add_mapped(const LocalSocket& socket);
  void find_nat64(Time now);
  void ask_through_nat64(const AskedServer& server, const LocalSocket& socket);
  bool awaits_nat64() const;
  std::optional<net::Address> reachable(const AskedServer& server, const LocalSocket& socket) const;

  // gatherer_records.cc
  static ServerAttempt attempt(const Query& query);
  void remember_attempts(const std::function<bool(net::SocketId)>& of, const std::string& why);
  void remember_attempt(ServerId server, ServerAttempt attempt, const std::string& why);

  Config config_;
  Random& random_;
  net::Pacer& pacer_;
  std::vector<LocalSocket> sockets_;
  std::vector<AskedServer> servers_;  ///< In the order of the configuration.
  std::uint32_t next_server_ = 0;
  std::vector<std::unique_ptr<Query>> queries_;
  std::vector<std::unique_ptr<Relay>> relays_;
  std::vector<std::unique_ptr<Relay>> closing_;  ///< Their last words are still to be sent.
  VirtualSockets virtual_sockets_;
  std::uint32_t last_dial_ = 0;
  TcpStreams tcp_{virtual_sockets_, last_dial_};
  std::vector<LocalCandidate> candidates_;
  std::vector<std::string> foundations_;
  std::deque<PastAttempt> past_attempts_;
  std::deque<NetworkRequest> requests_;
  std::deque<Event> events_;
  std::map<net::SocketId, net::Endpoint> mappings_;  ///< The external endpoints.
  Time mapping_deadline_ = kNever;
  Nat64 nat64_;
  std::optional<Time> slot_;
  Time lookup_deadline_ = kNever;
  bool started_ = false;
  bool keepalives_ = true;
  Stats stats_;
};

}  // namespace floe::ice
