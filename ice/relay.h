#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/ice/local_socket.h"
#include "floe/ice/network_request.h"
#include "floe/ice/server.h"
#include "floe/ice/server_record.h"
#include "floe/ice/virtual_sockets.h"
#include "floe/net/datagram.h"
#include "floe/net/send_batch.h"
#include "floe/turn_client/client.h"

namespace floe::ice {

/// One allocation on a TURN server, as the agent uses it: each relayed address is a base with a
/// socket id of its own. Packets that come out of the relay are rewritten to look as if they had
/// arrived on that socket straight from the peer, and `route` does the reverse, so that checks,
/// consent and data need not know of relays.
class Relay {
 public:
  struct Config {
    ServerId server_id{};
    Server server;
    net::Endpoint address;  ///< The server's, before any redirection.
    LocalSocket base;       ///< Where its packets leave from; for streams, only the address counts.
    /// Over UDP, packets leave from a socket of its own: on the base's there is another client.
    bool own_socket = false;
    stun::TransactionTimes times;
    /// From its start to the allocation.
    Duration deadline{};
  };
  /// A relayed address came to be. `mapped` is the base's own address as the server sees it.
  struct Opened {
    net::SocketId socket = net::kNoSocket;
    net::Endpoint relayed;
    std::optional<net::Endpoint> mapped;
  };
  /// A relayed address is no more.
  struct Gone {
    net::SocketId socket = net::kNoSocket;
    std::string why;
  };
  /// There is no allocation and there will be none.
  struct Failed {
    std::uint16_t code = 0;  ///< A STUN error code, or 0.
    std::string text;
  };
  /// Packets to and from this peer pass from now on.
  struct Permitted {
    net::SocketId socket = net::kNoSocket;
    net::Address peer;
  };
  /// The server lets no packets to or from this peer pass.
  struct Refused {
    net::SocketId socket = net::kNoSocket;
    net::Address peer;
    std::string why;
  };
  using Event = std::variant<Opened, Gone, Failed, Permitted, Refused>;

  /// Times a lost connection to the server is made anew, each time after a longer wait: 1, 2, 4...
  /// seconds, in all about as long as ICE keeps a connection without a path.
  static constexpr unsigned kMaxRedials = 6;
  /// A stream over which nothing comes for this long, once something is amiss, is given up. After
  /// an outage TCP may wait a minute before it tries again, and a new connection works at once.
  static constexpr Duration kStreamPatience = std::chrono::seconds(5);
  /// The same for the new one's first packets.
  static constexpr Duration kRedialPatience = std::chrono::seconds(10);

  /// All but the configuration must outlive the relay.
  Relay(Config config, Random& random, VirtualSockets& virtual_sockets, std::uint32_t& last_dial);

  const Config& config() const { return config_; }
  void start(Time now);
  bool started() const { return state_ != State::kIdle; }
  /// The base's own socket carries the packets, so that `Opened::mapped` is a reflexive address.
  bool on_base() const { return !own_socket_; }
  /// It has an allocation or will never get one.
  bool settled() const { return state_ == State::kUp || state_ == State::kFailed || settled_; }
  bool failed() const { return state_ == State::kFailed; }
  /// Deletes the allocation: what is to be said stands in the next `poll_transmit`. It is said
  /// once; a server that does not hear it lets the allocation run out.
  void close(Time now);
  /// Ends it without a word: its local address is gone.
  void abandon(const std::string& why);

  // --- Connections ---
  std::optional<NetworkRequest> poll_network_request();
  /// True if the dial was this relay's.
  bool handle_dialed(Time now, DialId id, net::SocketId socket);
  bool handle_dial_failed(Time now, DialId id, const Error& error);

  // --- Packets ---
  /// Rewrites `datagram` if it is a peer's (kRelayed).
  turn::Received::Kind unwrap(Time now, net::Datagram& datagram);
  bool owns(net::SocketId socket) const { return find(socket) != nullptr; }
  void permit(Time now, net::SocketId socket, const net::Address& peer);
  void bind(Time now, const net::Endpoint& peer);
  /// Nothing comes through any more: asks the server whether the allocation is still there, and
  /// over a stream expects an answer within `kStreamPatience`.
  void suspect(Time now);
  /// Nothing while the server has not let the peer in.
  std::optional<net::Route> route(const net::Endpoint& peer) const;
  /// True if packets to the server go this way.
  bool uses(const net::Route& route) const;
  void handle_send_failure(Time now, const Error& error);

  /// The relayed addresses there are, for a new generation.
  std::vector<Opened> addresses() const;
  /// For reports.
  ServerAttempt attempt() const;

  void poll_transmit(Time now, net::SendBatch& batch);
  Time next_timeout() const;
  void handle_timeout(Time now);
  std::optional<Event> poll_event();

 private:
  enum class State : std::uint8_t {
    kIdle,
    kDialing,     ///< For the connection or socket that was asked for.
    kRedialWait,  ///< Until it is asked for again.
    kAllocating,
    kUp,
    kFailed,
  };
  struct Address {
    net::SocketId socket;
    net::Endpoint relayed;
  };

  const Address* find(net::SocketId socket) const;
  const Address* find(net::Family family) const;
  void dial(Time now);
  void hang_up();
  void redial(Time now, const Error& error);
  void begin(Time now, net::SocketId socket);
  void follow(Time now, const turn::Client::Redirected& redirected);
  void drain(Time now);
  void take(Time now, const turn::Client::Allocated& allocated);
  void drop_address(std::size_t index, const std::string& why);
  void end(const std::string& why);
  void fail(Time now, const Error& error, std::uint16_t code = 0);

  Config config_;
  Random& random_;
  VirtualSockets& virtual_sockets_;
  std::uint32_t& last_dial_;
  State state_ = State::kIdle;
  std::optional<turn::Client> client_;
  net::Endpoint address_;  ///< The server's; another one after a redirection.
  std::string certificate_name_;
  std::vector<Address> addresses_;
  std::optional<net::Endpoint> mapped_;
  std::optional<DialId> dialed_;  ///< Asked for or connected.
  bool settled_ = false;          ///< It once was.
  bool own_socket_ = false;       ///< The packets do not leave from the base's socket.
  bool redirected_ = false;       ///< The next connection is to another server.
  unsigned redials_ = 0;
  Time deadline_ = kNever;
  Time redial_at_ = kNever;
  Time silent_at_ = kNever;  ///< When the stream is given up.
  Time started_at_ = kNever;
  Time ended_at_ = kNever;  ///< When it first had an allocation, or failed.
  std::optional<turn::Failure> failure_;
  std::deque<NetworkRequest> requests_;
  std::deque<Event> events_;
};

}  // namespace floe::ice
