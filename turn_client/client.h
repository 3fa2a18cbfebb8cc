#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/net/datagram.h"
#include "floe/net/send_batch.h"
#include "floe/stun_client/attribute.h"
#include "floe/stun_client/message.h"
#include "floe/turn_client/session.h"

namespace floe::turn {

/// The protocol between the server and the peers.
enum class RelayTransport : std::uint8_t {
  kTcp = 6,   ///< RFC 6062; only over a stream to the server.
  kUdp = 17,  ///< RFC 8656.
};

using ReservationToken = std::array<std::uint8_t, 8>;

/// What a packet was to a client.
struct Received {
  enum class Kind : std::uint8_t {
    kNotOurs,   ///< From elsewhere, or no part of TURN.
    kConsumed,  ///< Part of the protocol, or dropped and counted.
    kRelayed,   ///< A peer's payload.
  };
  Kind kind = Kind::kNotOurs;
  net::Endpoint peer{};
  MutableBytes payload{};  ///< Within the packet that came in.
};

/// One allocation on one TURN server (RFC 8656) over one socket or stream: UDP, TCP, TLS and DTLS
/// differ for it in who retransmits and in padding only. An engine: its driver owns the socket and
/// hands it time, packets and randomness. Over a stream each packet is one message, as
/// `stun::StreamFramer` cuts them.
///
/// It keeps the allocation, the permissions and the channels alive until `close`. When the server
/// loses them it allocates again by itself, and asks for all permissions and channels again.
class Client {
 public:
  /// Peers that may send at one time. ICE has at most 100 remote candidates (RFC 8445
  /// section 6.1.2.5); the rest is for peer reflexive ones.
  static constexpr std::size_t kMaxPermissions = 128;
  /// Channels, those included whose number must rest before another peer gets it.
  static constexpr std::size_t kMaxChannels = 128;
  /// The numbers a channel may have (RFC 8656 section 12).
  static constexpr std::uint16_t kFirstChannel = 0x4000;
  static constexpr std::uint16_t kLastChannel = 0x4fff;
  /// Connect requests under way or resting after a 447.
  static constexpr std::size_t kMaxConnects = 32;
  /// Events that wait for `poll_event`, of the kinds a server can bring about without limit.
  static constexpr std::size_t kMaxEvents = 256;
  /// RFC 8656 section 7.4: local ports to try before a server that answers 437 is given up.
  static constexpr unsigned kMaxLocalPorts = 3;
  /// Redirections followed at most (RFC 8489 section 10 only forbids loops).
  static constexpr unsigned kMaxRedirects = 4;
  /// New allocations in a row, none of which the server kept for a minute.
  static constexpr unsigned kMaxRecoveries = 6;

  struct Configuration {
    net::SocketId socket = net::kNoSocket;
    net::Endpoint server{};
    stun::Transport transport = stun::Transport::kDatagrams;
    /// Name and password, or an access token; nullopt for a server that asks for none.
    std::optional<stun::LongTermCredential> credential{};
    RelayTransport relay = RelayTransport::kUdp;
    /// Of the relayed address; nullopt leaves it to the server, which takes IPv4.
    std::optional<net::Family> family{};
    /// An IPv4 and an IPv6 relayed address in one allocation (ADDITIONAL-ADDRESS-FAMILY).
    bool both_families = false;
    /// An even port, perhaps with the next one kept in reserve. A server that has none is asked
    /// again without (RFC 8656 section 7.4, code 508).
    std::optional<stun::EvenPort> even_port{};
    /// The port that an earlier `Allocated` reserved.
    std::optional<ReservationToken> reservation_token{};
    /// Send indications ask the server not to let packets be fragmented on their way to the peer,
    /// if the server knows how to; `Allocated` says whether it does.
    bool dont_fragment = false;
    /// The lifetime to ask for; servers take no less than their default, usually ten minutes.
    std::optional<std::chrono::seconds> lifetime{};
    /// Asks for a ticket that lets the allocation move to another local address (RFC 8016).
    bool mobility = false;
    stun::TransactionTimes times{};
    std::string software{};    ///< SOFTWARE in Allocate and Refresh requests; empty leaves it out.
    bool fingerprint = false;  ///< For sockets shared with other protocols.
  };

  struct Allocated {
    std::vector<net::Endpoint> relayed;   ///< One, or two of different families.
    std::optional<net::Endpoint> mapped;  ///< The socket's own address on the outside.
    Duration lifetime{};
    std::optional<ReservationToken> reservation_token;
    /// Why the IPv4 or the IPv6 address of two is missing: 440 or 508.
    std::uint16_t refused_family_code = 0;
    bool dont_fragment = false;  ///< The server sets the DF bit if asked.
    bool can_move = false;       ///< `use_socket` keeps the allocation.
    bool again = false;          ///< After `Lost`; the relayed addresses may be others now.
  };
  /// The allocation is gone. What follows is `Allocated` again, `SocketNeeded` or `Failed`.
  struct Lost {
    Error error;
  };
  /// Nothing goes on until `use_socket`: the server takes this local port for somebody else's
  /// (437, RFC 8656 section 7.4), or the stream was closed.
  struct SocketNeeded {
    Failure failure;
  };
  /// The server names another one (RFC 8489 section 10). Nothing goes on until `follow_redirect`.
  struct Redirected {
    net::Endpoint server{};
    std::string domain;  ///< The name for its certificate (ALTERNATE-DOMAIN); often empty.
    /// The answer was protected by the credentials. If not, anyone on the way may have written it.
    bool authenticated = false;
  };
  /// There is no allocation and the client does not try further; `start` would.
  struct Failed {
    Failure failure;
    /// How long to leave the server alone before the next try (RFC 8656 section 7.4).
    Duration retry_after{};
  };
  /// `close` is done.
  struct Deallocated {};
  struct PermissionGranted {
    net::Address peer;
  };
  /// The server refuses packets from and to this address; it is as if it was never asked for.
  struct PermissionFailed {
    net::Address peer;
    Failure failure;
  };
  struct ChannelBound {
    net::Endpoint peer;
  };
  /// Packets to this peer keep the longer header of Send indications.
  struct ChannelFailed {
    net::Endpoint peer;
    Failure failure;
  };
  /// A packet to this peer came back (RFC 8656 section 11.6); port 0 if the server cannot tell.
  struct PeerUnreachable {
    net::Endpoint peer;
    stun::Icmp icmp;
  };
  /// The peer has accepted `connect`: open another stream to the same server within 30 s and run a
  /// `DataConnection` on it (RFC 6062 section 4.3).
  struct ConnectionReady {
    std::uint32_t connection_id = 0;
    net::Endpoint peer;
  };
  /// The peer wants a connection: as with `ConnectionReady` (RFC 6062 section 4.4).
  struct ConnectionAttempt {
    std::uint32_t connection_id = 0;
    net::Endpoint peer;
  };
  struct ConnectionFailed {
    net::Endpoint peer;
    Failure failure;
  };
  using Event = std::variant<Allocated, Lost, SocketNeeded, Redirected, Failed, Deallocated,
                             PermissionGranted, PermissionFailed, ChannelBound, ChannelFailed,
                             PeerUnreachable, ConnectionReady, ConnectionAttempt, ConnectionFailed>;

  struct Stats {
    std::uint64_t requests_sent = 0;
    std::uint64_t responses = 0;
    std::uint64_t challenges = 0;
    std::uint64_t timeouts = 0;
    std::uint64_t allocations = 0;
    std::uint64_t losses = 0;
    std::uint64_t redirects = 0;
    std::uint64_t relayed_packets = 0;  ///< From peers.
    std::uint64_t relayed_bytes = 0;
    std::uint64_t dropped_malformed = 0;
    std::uint64_t dropped_bad_fingerprint = 0;
    std::uint64_t dropped_unauthentic = 0;
    std::uint64_t dropped_unknown_transaction = 0;
    std::uint64_t dropped_unknown_channel = 0;
    std::uint64_t dropped_no_permission = 0;
    std::uint64_t dropped_events = 0;  ///< More than kMaxEvents at one time.
  };

  /// Errors: `kInvalidArgument` for combinations that RFC 8656 section 7.1 or RFC 6062 section 4.1
  /// forbids. `random` must outlive the client.
  [[nodiscard]] static Result<Client> create(Configuration configuration, Random& random);
  ~Client();
  Client(Client&&) noexcept;
  Client& operator=(Client&&) noexcept;

  /// Asks for the allocation, once; or anew after `Failed` or `Deallocated`.
  void start(Time now);
  /// Goes on with the server of the last `Redirected`: over datagrams `socket` may be the same,
  /// over a stream it is the new one. `kInvalidState` when there was none.
  [[nodiscard]] Result<> follow_redirect(Time now, net::SocketId socket);
  /// Goes on over another socket or stream to the same server: after `SocketNeeded`, or because the
  /// machine has moved. The allocation stays if `Allocated::can_move` said so.
  void use_socket(Time now, net::SocketId socket);
  /// Refreshes the allocation now, which also finds out whether the server still has it.
  void refresh(Time now);
  /// The stream or the DTLS association was closed.
  void handle_closed(Time now, const Error& error);
  /// The system reported a hard ICMP error for the server (RFC 8489 section 6.2.1). It ends a first
  /// Allocate request; an allocation that was there is looked after, the server may be restarting.
  void handle_unreachable(Time now, const Error& error);
  /// Deletes the allocation; `Deallocated` follows after kGoodbye at the latest.
  void close(Time now);
  static constexpr Duration kGoodbye = std::chrono::seconds(3);

  /// Lets packets from and to `peer` pass, for as long as wanted. Before the allocation is there it
  /// is noted. Errors: `kInvalidArgument` for an address no peer can have or of a family that the
  /// allocation has not, `kLimitExceeded` above kMaxPermissions.
  [[nodiscard]] Result<> permit(Time now, const net::Address& peer);
  /// Binds a channel to `peer`, for as long as wanted, and permits its address. Errors: those of
  /// `permit`; `kLimitExceeded` above kMaxChannels; `kUnsupported` with a TCP relay.
  [[nodiscard]] Result<> bind(Time now, const net::Endpoint& peer);
  /// Ends the permission and the channels of `peer`. The server forgets them after some minutes,
  /// what still comes from there is dropped here.
  void release(const net::Address& peer);
  /// How a packet gets to `peer`: ChannelData if a channel is bound, else a Send indication;
  /// nullopt while there is no allocation or no permission.
  std::optional<net::Route> route(const net::Endpoint& peer) const;

  /// RFC 6062: has the server connect to `peer`; ends in `ConnectionReady` or `ConnectionFailed`.
  /// Errors: `kInvalidState` without a TCP allocation, while the same is under way or within 10 s
  /// of a 447 (section 4.3); `kLimitExceeded` above kMaxConnects.
  [[nodiscard]] Result<> connect(Time now, const net::Endpoint& peer);

  Received handle_packet(Time now, const net::Datagram& datagram);
  void poll_transmit(Time now, net::SendBatch& batch);
  Time next_timeout() const;
  void handle_timeout(Time now);
  std::optional<Event> poll_event();

  bool allocated() const { return state_ == State::kAllocated; }
  /// The relayed addresses; empty unless `allocated()`.
  const std::vector<net::Endpoint>& relayed() const { return relayed_; }
  const net::Endpoint& server() const { return session_.configuration().server; }
  net::SocketId socket() const { return session_.configuration().socket; }
  /// With the realm and nonce the server gave, for `DataConnection`.
  const std::optional<stun::LongTermCredential>& credential() const {
    return session_.configuration().credential;
  }
  Stats stats() const;

 private:
  enum class State : std::uint8_t {
    kIdle,          ///< Not started, failed or deallocated.
    kAllocating,    ///< An Allocate request is under way or waits for its time.
    kAllocated,     ///< There is an allocation; perhaps a Refresh request is under way.
    kSocketNeeded,  ///< Until `use_socket`.
    kRedirected,    ///< Until `follow_redirect`.
    kClosing,       ///< A last Refresh, or the end of an Allocate, is waited for.
  };
  struct Visit {
    net::Endpoint server{};
    Time at;
  };
  struct Permission {
    net::Address peer;
    bool granted = false;
    Time expires_at = kNever;
    Time request_at = kNever;  ///< When to ask for it, anew or for the first time.
    std::unique_ptr<Request> request{};
  };
  struct Channel {
    net::Endpoint peer;
    std::uint16_t number = 0;
    bool wanted = true;
    bool bound = false;
    bool renumber = false;     ///< The server knows this number or peer otherwise.
    Time expires_at = kNever;  ///< Of the binding that was confirmed.
    Time resting_until{};      ///< The number belongs to this peer until then, wanted or not.
    Time request_at = kNever;
    std::unique_ptr<Request> request{};
  };
  struct Connect {
    net::Endpoint peer;
    Time rests_until = kNever;  ///< After a 447; else kNever.
    std::unique_ptr<Request> request{};
  };

  Client(Configuration configuration, Random& random);

  // client_allocation.cc: Allocate and its answers.
  void allocate(Time now);
  void send_allocate(Time now);
  void handle_allocate(Time now, Session::Outcome outcome, const stun::Message& response,
                       const Failure& failure);
  void handle_allocated(Time now, const stun::Message& response);
  void handle_allocate_error(Time now, const stun::Message& response, const Failure& failure);
  void handle_allocate_failure(Time now, const Failure& failure);
  void handle_redirect(Time now, const stun::Message& response, const Failure& failure);
  bool was_visited(Time now, const net::Endpoint& server) const;
  bool ask_for_less(const stun::Message& response, std::uint16_t code);
  void need_socket(const Failure& failure);
  void give_up(const Failure& failure);

  // client_recovery.cc: when the allocation is gone.
  void lose(Time now, const Error& error);
  void allocate_again(Time now, const Failure& failure, Duration pause);
  void forget_allocation();

  // client_refresh.cc: keeping it, deleting it.
  void start_refresh(Time now);
  void send_refresh(Time now);
  void handle_refresh(Time now, Session::Outcome outcome, const stun::Message& response,
                      const Failure& failure);
  void take_lifetime(Time now, std::optional<std::uint32_t> seconds);
  void start_goodbye(Time now);
  void finish_closing();
  void handle_allocation_timeout(Time now);
  void keep_ticket(const stun::Message& response);

  // client_permissions.cc
  Permission* find_permission(const net::Address& peer);
  const Permission* find_permission(const net::Address& peer) const;
  void send_permission(Time now, Permission& permission);
  void handle_permission(Time now, std::size_t index, Session::Outcome outcome,
                         const Failure& failure);
  void handle_permission_timeouts(Time now);
  void restore_permissions(Time now);
  void grant(Time now, Permission& permission);

  // client_channels.cc
  const Channel* find_channel(const net::Endpoint& peer) const;
  const Channel* find_channel(std::uint16_t number) const;
  std::uint16_t free_channel_number();
  void send_channel(Time now, Channel& channel);
  void handle_channel(Time now, std::size_t index, Session::Outcome outcome,
                      const Failure& failure);
  void handle_channel_timeouts(Time now);
  void restore_channels(Time now);

  // client_connections.cc (RFC 6062)
  void send_connect(Time now, Connect& connect);
  void handle_connect(Time now, std::size_t index, Session::Outcome outcome,
                      const stun::Message& response, const Failure& failure);
  void handle_connect_timeouts(Time now);
  void fail_connects(const Failure& failure);

  // client.cc
  Received handle_channel_data(MutableBytes packet);
  Received handle_data_indication(const stun::Message& message, MutableBytes packet);
  void handle_connection_attempt(const stun::Message& message);
  bool has_family(net::Family family) const;
  void handle_response(Time now, const stun::Message& message);
  Received relayed(const net::Endpoint& peer, MutableBytes payload);
  void emit(Event event);

  Configuration configuration_;
  Session session_;
  State state_ = State::kIdle;
  std::deque<Event> events_;
  Stats stats_;

  std::unique_ptr<Request> allocation_request_;  ///< Allocate or Refresh.
  std::optional<Failure> goodbye_failure_;  ///< Why an allocation is deleted that nobody closed.
  bool moving_ = false;                     ///< The Refresh shows the ticket from a new address.
  Time allocate_at_ = kNever;
  Time refresh_at_ = kNever;
  Time expires_at_ = kNever;
  Time closed_at_ = kNever;  ///< The end of kClosing.
  Time allocated_since_{};
  bool recovering_ = false;  ///< There has been an allocation that was lost.
  unsigned recoveries_ = 0;
  unsigned local_ports_ = 0;
  std::vector<Visit> visited_;  ///< At most kMaxRedirects + 1.
  std::optional<net::Endpoint> alternate_;

  std::vector<net::Endpoint> relayed_;
  std::vector<std::uint8_t> ticket_;
  std::vector<Permission> permissions_;
  std::vector<Channel> channels_;
  std::vector<Connect> connects_;
  std::uint16_t next_channel_number_ = kFirstChannel;
};

}  // namespace floe::turn
