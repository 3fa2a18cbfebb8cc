#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/net/datagram.h"
#include "floe/net/send_batch.h"
#include "floe/servers/stun/source_limiter.h"
#include "floe/servers/stun/stun_responder.h"
#include "floe/servers/turn/accounts.h"
#include "floe/servers/turn/allocation.h"
#include "floe/servers/turn/authenticator.h"
#include "floe/servers/turn/peer_policy.h"
#include "floe/servers/turn/port_pool.h"
#include "floe/stun_client/message.h"

namespace floe::server {

/// What `TurnRelay` asks of whoever drives it. None of these calls back.
class RelayHost {
 public:
  virtual ~RelayHost() = default;
  /// Opens a UDP socket on exactly this address and port, whose packets come to
  /// `TurnRelay::handle_packet`. `dont_fragment`: it sets the DF bit on all it
  /// sends.
  [[nodiscard]] virtual Result<net::SocketId> open_relay(const net::Endpoint& local,
                                                         bool dont_fragment) = 0;
  /// Listens for TCP connections on exactly this address and port, and hands
  /// them to `TurnRelay::handle_peer_connection` with the id this returns: the
  /// host's own, no socket's.
  [[nodiscard]] virtual Result<net::SocketId> listen_relay(const net::Endpoint& local) = 0;
  /// Closes what either of the above opened.
  virtual void close_relay(net::SocketId socket) = 0;
  /// Begins a TCP connection from a relay's address and port; tells
  /// `TurnRelay::handle_connected` or `handle_disconnected` how it ended. What
  /// the peer sends waits.
  [[nodiscard]] virtual Result<> connect_peer(ConnectionId id, const net::Endpoint& local,
                                              const net::Endpoint& peer) = 0;
  /// Once what is in the batch has left: passes everything between the
  /// connection with the peer and a client's stream, and closes either when the
  /// other ends.
  virtual void join(ConnectionId id, net::SocketId client) = 0;
  /// Closes the connection with the peer and the client's stream that was
  /// joined to it.
  virtual void close_connection(ConnectionId id) = 0;
  virtual std::chrono::sys_seconds wall_clock() const = 0;
};

/// An address that relay sockets are opened on.
struct RelayAddress {
  net::Address local;
  /// What clients are told instead, where a 1:1 NAT stands before the server;
  /// ports stay the same.
  std::optional<net::Address> external;
};

/// A TURN relay (RFC 8656), as the engine of `TurnServer`: allocations,
/// permissions and channels, and the packets through them. It also answers
/// Binding requests.
///
/// Packets in either direction are copied once, into the batch, and equal sizes
/// stay one run; a train of packets on one channel costs one table look-up.
class TurnRelay {
 public:
  /// Tried when the system refuses ports that should be free (somebody else has
  /// them).
  static constexpr int kMaxPortTries = 16;
  /// RFC 8656 section 7.2: at least 30 seconds.
  static constexpr Duration kReservationLifetime = std::chrono::seconds(30);
  /// Each holds a socket that nobody uses; RTP's pairs are rare.
  static constexpr std::size_t kMaxReservations = 256;
  /// RFC 6062 sections 5.2 and 5.3: for a peer to answer, and then for a client
  /// to take the connection.
  static constexpr Duration kConnectTimeout = std::chrono::seconds(30);
  static constexpr Duration kBindTimeout = std::chrono::seconds(30);
  /// Header, two relayed addresses, mapped address, SOFTWARE, realm, nonce, a
  /// list of unknown attributes, integrity and fingerprint, and room to spare.
  static constexpr std::size_t kMaxResponse = 2048;

  struct Configuration {
    std::string realm = "floe";
    std::vector<Accounts::User> users;
    std::string secret;             ///< For time-limited names, see `Accounts`; empty: none.
    std::string software = "floe";  ///< At most 127 characters; empty leaves it out.
    /// One of a family at most, one in all at least.
    std::vector<RelayAddress> relay_addresses;
    /// Addresses of this machine that clients may not send to, beside the relay
    /// addresses.
    std::vector<net::Address> own_addresses;
    std::uint16_t min_port = 49'152;  ///< RFC 8656 section 7.2: the dynamic ports.
    std::uint16_t max_port = 65'535;
    PeerPolicy::Configuration peers;
    std::size_t max_allocations = 4'096;
    std::size_t max_allocations_per_user = 0;              ///< 0: no limit but the other.
    Duration default_lifetime = std::chrono::minutes(10);  ///< RFC 8656 section 3.2
    Duration max_lifetime = std::chrono::hours(1);         ///< RFC 8656 section 7.2
    Duration nonce_lifetime = std::chrono::minutes(10);    ///< Below an hour (section 5).
    /// Answers to a source address that has not authenticated itself. Such a
    /// request may be forged.
    SourceLimiter::Rate unauthenticated{};
    /// Where clients are sent when max_allocations is reached, the first of
    /// their family.
    std::vector<net::Endpoint> alternate_servers;
    bool always_redirect = false;  ///< Send every new client there: before maintenance.
  };

  struct Stats {
    std::uint64_t allocations = 0;  ///< At present.
    std::uint64_t allocated = 0;    ///< Ever.
    std::uint64_t expired = 0;
    std::uint64_t packets_to_peers = 0;
    std::uint64_t bytes_to_peers = 0;  ///< Payload.
    std::uint64_t packets_to_clients = 0;
    std::uint64_t bytes_to_clients = 0;  ///< Payload.
    std::uint64_t requests = 0;          ///< Well-formed TURN requests.
    std::uint64_t succeeded = 0;         ///< Success responses to them.
    // Error responses, by their code.
    std::uint64_t redirected = 0;         ///< 300
    std::uint64_t bad_request = 0;        ///< 400
    std::uint64_t unauthenticated = 0;    ///< 401; the first request of every client is.
    std::uint64_t forbidden_peer = 0;     ///< 403
    std::uint64_t unknown_attribute = 0;  ///< 420
    std::uint64_t mismatch = 0;           ///< 437
    std::uint64_t stale_nonce = 0;        ///< 438
    std::uint64_t wrong_credentials = 0;  ///< 441
    std::uint64_t peer_connections = 0;   ///< With TCP peers, at present (RFC 6062).
    std::uint64_t connected = 0;          ///< With TCP peers, ever.
    std::uint64_t connection_exists = 0;  ///< 446
    std::uint64_t connection_failed = 0;  ///< 447
    std::uint64_t unsupported = 0;        ///< 440, 442 and 443
    std::uint64_t quota = 0;              ///< 486
    std::uint64_t no_capacity = 0;        ///< 508
    // Packets that went nowhere.
    std::uint64_t dropped_malformed = 0;
    std::uint64_t dropped_method = 0;  ///< Of STUN, but nothing this server takes.
    std::uint64_t dropped_fingerprint = 0;
    std::uint64_t dropped_source = 0;  ///< Port 0.
    std::uint64_t dropped_rate_limited = 0;
    std::uint64_t dropped_no_allocation = 0;
    std::uint64_t dropped_no_channel = 0;
    std::uint64_t dropped_no_permission = 0;
    std::uint64_t dropped_dont_fragment = 0;
    std::uint64_t dropped_too_long = 0;  ///< No UDP packet holds it with its header.
    std::uint64_t dropped_batch_full = 0;
    StunResponder::Stats binding;
  };

  /// `host` and `random` must outlive the relay. Errors: `kInvalidArgument`,
  /// saying which part of the configuration is wrong.
  [[nodiscard]] static Result<std::unique_ptr<TurnRelay>> create(Configuration configuration,
                                                                 RelayHost& host, Random& random);
  ~TurnRelay();

  /// A socket or stream that clients reach the server by.
  void add_socket(net::SocketId socket, TurnTransport transport);
  void remove_socket(net::SocketId socket) { sockets_.erase(socket); }
  /// Begins to serve NAT behaviour discovery (RFC 5780) on four of its sockets.
  void set_origins(const StunResponder::Origins& origins) { responder_.set_origins(origins); }
  /// The client's connection (TCP, TLS, DTLS) is gone, and with it its
  /// allocation.
  void remove_client(const TurnClient& client);
  bool has_allocation(const TurnClient& client) const { return allocations_.contains(client); }

  /// A datagram, or one frame of a stream (`stun::StreamFramer`), from a client
  /// or from a peer. What leaves is written to `batch`, which should have room
  /// for the datagram and kMaxResponse.
  void handle_packet(Time now, const net::Datagram& datagram, net::SendBatch& batch);
  Time next_timeout() const;
  /// `batch` as in `handle_packet`.
  void handle_timeout(Time now, net::SendBatch& batch);

  // TCP connections with peers (RFC 6062):
  void handle_connected(Time now, ConnectionId id, net::SendBatch& batch);
  /// It failed or ended; the host has forgotten it.
  void handle_disconnected(Time now, ConnectionId id, net::SendBatch& batch);
  /// A peer has connected to a relay. nullopt: close the connection.
  std::optional<ConnectionId> handle_peer_connection(Time now, net::SocketId relay,
                                                     const net::Endpoint& peer,
                                                     net::SendBatch& batch);

  Stats stats() const;

 private:
  struct Pool {
    RelayAddress address;
    PortPool ports;
    const net::Address& external() const {
      return address.external ? *address.external : address.local;
    }
  };
  struct Reservation {
    Relay relay;
    std::string owner;
    bool dont_fragment = false;
  };
  /// A TCP connection with a peer.
  struct PeerConnection {
    enum class State : std::uint8_t { kConnecting, kWaiting, kJoined };
    TurnClient client;   ///< Of the allocation it belongs to.
    net::Endpoint peer;  ///< As the client knows it.
    State state = State::kConnecting;
    Time ends = kNever;  ///< If nothing happens.
    // What the answer to the Connect request takes.
    stun::TransactionId request{};
    bool sha256_integrity = false;
    bool fingerprint = false;
  };
  /// A request on its way to its answer.
  struct Request {
    Time now;
    const stun::Message& message;
    TurnClient client;
    TurnTransport transport;
    net::SendBatch& batch;
    Allocation* allocation = nullptr;
    Caller caller{};
  };
  /// How the packets of one sender go on; see `relay_to_peer` and
  /// `relay_to_client`.
  struct Course {
    TurnClient from;
    std::uint16_t channel = 0;
    net::Route route;
    Time until{};  ///< When the permission or the channel behind it ends.
  };
  struct ReservationTokenHash {
    std::size_t operator()(const ReservationToken& token) const;
  };

  TurnRelay(Configuration configuration, Accounts accounts, RelayHost& host, Random& random);

  // turn_relay.cc
  Allocation* find(const TurnClient& client);
  void end(Allocation& allocation);
  void end_family(Allocation& allocation, net::Family family);
  void close(const Relay& relay);
  void schedule(Allocation& allocation);
  void forget_courses();

  // turn_relay_requests.cc: from a message to a method, and the answers.
  void handle_message(Time now, const net::Datagram& datagram, net::SendBatch& batch);
  void handle_request(Request& request);
  bool authenticate(Request& request);
  template <typename Write>
  void answer(Request& request, stun::Class cls, Write write);
  template <typename Write>
  void succeed(Request& request, Write write);
  void refuse(Request& request, std::uint16_t code);
  void refuse_unauthenticated(Request& request, std::uint16_t code);
  void redirect(Request& request);
  void count(std::uint16_t code);

  // turn_relay_allocations.cc
  void handle_allocate(Request& request);
  /// 0, or the error that `request` must be refused with before anything is
  /// opened.
  std::uint16_t check_allocate(const Request& request) const;
  std::uint16_t check_limits(const Request& request) const;
  std::uint16_t open_relays(const Request& request, Allocation& allocation);
  std::uint16_t take_reservation(const Request& request, Allocation& allocation);
  std::uint16_t open_relay(net::Family family, PortPool::Want want, const Allocation& of,
                           Relay& relay, std::optional<Relay>& reserved);
  ReservationToken reserve(Time now, Reservation reservation);
  void answer_allocate(Request& request, const Allocation& allocation);
  void handle_refresh(Request& request);
  Duration lifetime_for(const stun::Message& message) const;
  Pool* pool(net::Family family);
  const Pool* pool(net::Family family) const;

  // turn_relay_peers.cc
  void handle_create_permission(Request& request);
  void handle_channel_bind(Request& request);
  /// 0, or why `peer` may not be one of the allocation's.
  std::uint16_t check_peer(const Allocation& allocation, const net::Address& peer) const;
  bool may_reach(const net::Address& peer) const;
  bool may_reach(const net::Endpoint& peer) const;
  const Pool* pool_of_external(const net::Address& address) const;
  net::Endpoint destination_of(const net::Endpoint& peer) const;
  net::Endpoint peer_at(const net::Endpoint& source) const;

  // turn_relay_tcp.cc
  std::uint16_t check_tcp_allocate(const Request& request) const;
  void handle_connect(Request& request);
  void handle_connection_bind(Request& request);
  /// The client's end of the control connection that a ConnectionBind belongs
  /// to, or nullptr.
  const net::Endpoint* control_of(const Request& request) const;
  /// A new connection of `allocation`, under an id nobody can guess.
  ConnectionId add_connection(Allocation& allocation, PeerConnection connection);
  /// Forgets it; the host is told by the caller.
  void forget_connection(ConnectionId id);
  void close_connections(Allocation& allocation);
  void expire_connections(Time now, net::SendBatch& batch);
  void answer_connect(const PeerConnection& connection, ConnectionId id, std::uint16_t code,
                      net::SendBatch& batch);
  void set_end(ConnectionId id, PeerConnection& connection, Time ends);

  // turn_relay_traffic.cc
  void handle_channel_data(Time now, const net::Datagram& datagram, net::SendBatch& batch);
  void handle_send(Time now, const stun::Message& message, const TurnClient& client,
                   net::SendBatch& batch);
  void relay_to_peer(const net::Route& route, Bytes payload, net::SendBatch& batch);
  void handle_peer_packet(Time now, Allocation& allocation, const net::Datagram& datagram,
                          net::SendBatch& batch);
  void relay_to_client(const net::Route& route, Bytes payload, net::SendBatch& batch);
  void write_data_indication(const Allocation& allocation, const net::Endpoint& peer, Bytes payload,
                             net::SendBatch& batch);

  Configuration configuration_;
  RelayHost& host_;
  Random& random_;
  Authenticator authenticator_;
  SourceLimiter limiter_;
  StunResponder responder_;
  PeerPolicy policy_;
  std::array<std::optional<Pool>, 2> pools_;  ///< By `net::Family`.

  std::unordered_map<net::SocketId, TurnTransport> sockets_;
  std::unordered_map<TurnClient, std::unique_ptr<Allocation>, TurnClientHash> allocations_;
  std::unordered_map<net::SocketId, Allocation*> relays_;  ///< By the relay's socket.
  std::unordered_map<std::string, std::size_t> owners_;    ///< Allocations of each.
  std::unordered_map<ReservationToken, Reservation, ReservationTokenHash> reservations_;
  /// All live equally long, so they end in the order they were made. May name
  /// some that are taken.
  std::deque<std::pair<Time, ReservationToken>> reservation_ends_;
  struct Deadline {
    Time when;
    TurnClient client;
    friend bool operator<(const Deadline& a, const Deadline& b) {
      return std::tie(a.when, a.client.socket, a.client.endpoint) <
             std::tie(b.when, b.client.socket, b.client.endpoint);
    }
  };
  std::set<Deadline> deadlines_;  ///< The next relay of each allocation to end.

  std::unordered_map<ConnectionId, PeerConnection> connections_;
  std::set<std::pair<Time, ConnectionId>> connection_ends_;  ///< Of those not joined.

  Course to_peer_;    ///< Of the last packet from a client on a channel.
  Course to_client_;  ///< Of the last packet from a peer to a channel.
  std::uint64_t indications_ = 0;
  Stats stats_;
};

}  // namespace floe::server
