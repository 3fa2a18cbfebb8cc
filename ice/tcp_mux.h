#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/ice/tcp_framer.h"
#include "floe/net/network.h"

namespace floe::ice {

/// Listeners for ICE-TCP that any number of agents share (RFC 6544): each connection belongs to the
/// agent whose username fragment stands in its first packet. Whoever connects and does not send a
/// check for one of them, soon, is not kept.
///
/// To share one between connections put it into `LocalPolicy::tcp_mux`. It must not outlive the
/// network.
class TcpMux final : private net::ListenerHandler {
 public:
  /// A check is 720 bytes long at most. What begins with more is no check: an HTTP request reads as
  /// 18,245 bytes.
  static constexpr std::size_t kMaxFirstPacket = 1'280;
  /// What a peer may take from its SYN to its whole first packet. It is a round trip or two away.
  static constexpr Duration kPatience = std::chrono::seconds(10);
  /// Connections that have not yet said whom they are for. One more ends the oldest.
  static constexpr std::size_t kMaxGuests = 256;

  /// A connection whose first packet was a check for somebody.
  struct Accepted {
    std::unique_ptr<net::Stream> stream;
    TcpFramer framer;
    MutableBytes first;  ///< The check, valid during the call.
    MutableBytes rest;   ///< What came behind it, likewise.
  };
  class Member {
   public:
    virtual ~Member() = default;
    /// May do anything.
    virtual void on_stream(Accepted accepted) = 0;
  };

  struct Stats {
    std::uint64_t accepted = 0;
    std::uint64_t dropped_not_a_check = 0;
    std::uint64_t dropped_unknown_ufrag = 0;
    std::uint64_t dropped_slow = 0;
    std::uint64_t dropped_too_many = 0;
  };

  explicit TcpMux(net::Network& network);
  ~TcpMux() override;
  TcpMux(const TcpMux&) = delete;
  TcpMux& operator=(const TcpMux&) = delete;

  /// One more address to listen on; the endpoint it got. Errors: those of `Network::listen`.
  [[nodiscard]] Result<net::Endpoint> listen(const net::Endpoint& local);
  void stop_listening(const net::Address& address);
  /// Where it listens.
  std::vector<net::Endpoint> locals() const;

  /// Connections for `ufrag` are `member`'s from now on. False if somebody else has it.
  bool add(const std::string& ufrag, Member& member);
  void remove(const Member& member);

  const Stats& stats() const { return stats_; }

 private:
  class Guest;

  void on_accept(std::unique_ptr<net::Stream> stream) override;
  Member* find(Bytes first);
  std::unique_ptr<Guest> take(const Guest& guest);
  void on_timer();
  void arm();

  net::Network& network_;
  std::unique_ptr<net::Timer> timer_;
  std::vector<std::unique_ptr<net::Listener>> listeners_;
  std::deque<std::unique_ptr<Guest>> guests_;  ///< Oldest first.
  std::unordered_map<std::string, Member*> members_;
  Stats stats_;
};

/// The fragment of the receiver that USERNAME of a check begins with (RFC 8445 section 7.3); empty
/// if `packet` is no Binding request.
std::string_view checked_ufrag(Bytes packet);

}  // namespace floe::ice
