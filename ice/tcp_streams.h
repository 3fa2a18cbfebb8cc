#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/ice/candidate.h"
#include "floe/ice/network_request.h"
#include "floe/ice/virtual_sockets.h"
#include "floe/net/datagram.h"
#include "floe/net/send_batch.h"

namespace floe::ice {

/// The TCP connections of one agent (RFC 6544). Each of its TCP candidates is a base with a socket
/// id of its own, whatever number of streams there is behind it: a stream is found by its base and
/// its remote end, and packets on it look as if they had come to the base as datagrams.
class TcpStreams {
 public:
  /// Streams at one time; as many as a checklist has pairs. More are refused.
  static constexpr std::size_t kMaxStreams = 128;
  /// Times a connection that has worked is made anew after it ended, at once and then after 1, 2,
  /// 4... seconds, for about as long as ICE keeps a connection without a path.
  static constexpr unsigned kMaxRedials = 6;
  /// A connection that lived this long ended for a reason of its own: counting begins anew.
  static constexpr Duration kStable = std::chrono::seconds(30);

  /// Packets can go to `remote` from now on.
  struct Opened {
    net::SocketId base = net::kNoSocket;
    net::Endpoint remote;
  };
  /// There is no connection to `remote`, and none will be made unless it is asked for again.
  struct Ended {
    net::SocketId base = net::kNoSocket;
    net::Endpoint remote;
    std::string why;
  };
  using Event = std::variant<Opened, Ended>;

  /// Both must outlive it.
  TcpStreams(VirtualSockets& virtual_sockets, std::uint32_t& last_dial)
      : virtual_sockets_(virtual_sockets), last_dial_(last_dial) {}

  /// `local` is where it listens; for an active one only the address counts.
  net::SocketId add_base(const net::Endpoint& local, TcpType type);
  /// Forgets the bases on `address` with their streams, and says which they were.
  std::vector<net::SocketId> remove_bases(const net::Address& address);
  bool owns(net::SocketId base) const { return find_base(base) != nullptr; }

  /// Makes sure that there is, or will be, a connection.
  void connect(net::SocketId base, const net::Endpoint& remote);
  std::optional<NetworkRequest> poll_network_request();
  /// True if the dial was for one of these streams.
  bool handle_dialed(Time now, DialId id, net::SocketId stream);
  bool handle_dial_failed(Time now, DialId id, const Error& error);
  /// A peer has connected to the base that listens on `local`. False if it is to be closed.
  bool handle_accepted(const net::Endpoint& local, net::SocketId stream,
                       const net::Endpoint& remote);
  /// A stream that was accepted has ended.
  void handle_closed(net::SocketId stream, const Error& error);

  /// True if `datagram` came on a stream: it is the base's now.
  bool unwrap(net::Datagram& datagram) const;
  std::optional<net::Route> route(net::SocketId base, const net::Endpoint& remote) const;

  Time next_timeout() const;
  void handle_timeout(Time now);
  std::optional<Event> poll_event();

 private:
  struct Base {
    net::SocketId id;
    net::Endpoint local;
    TcpType type;
  };
  struct Stream {
    net::SocketId base;
    net::Endpoint remote;
    net::SocketId socket = net::kNoSocket;  ///< Once it is connected.
    std::optional<DialId> dial{};           ///< Of one that we opened.
    unsigned redials = 0;
    Time connected_at{};
    bool was_connected = false;
    Time redial_at = kNever;
  };

  const Base* find_base(net::SocketId id) const;
  Stream* find(net::SocketId base, const net::Endpoint& remote);
  const Stream* find(net::SocketId base, const net::Endpoint& remote) const;
  void dial(Stream& stream);
  void end(const Stream& stream, const std::string& why);

  VirtualSockets& virtual_sockets_;
  std::uint32_t& last_dial_;
  std::vector<Base> bases_;
  std::vector<Stream> streams_;
  std::deque<NetworkRequest> requests_;
  std::deque<Event> events_;
};

}  // namespace floe::ice
