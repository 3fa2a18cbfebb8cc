#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/net/network.h"

namespace floe::ice {

/// UDP ports that any number of agents share: a server with thousands of connections needs one port
/// open. What arrives finds its agent in a look-up or two, however many there are:
///
///  - a check by the username fragment it names,
///  - an answer by its transaction id, of which the first bytes are the agent's (`TaggedRandom`),
///  - everything else by the address it comes from, once that has sent one of the two.
///
/// Two agents that talk to one and the same remote address and port (two of these against each
/// other) get their own checks and answers; data from there goes to the one whose check came last.
///
/// To share one between connections put it into `LocalPolicy::udp_mux`. It must not outlive the
/// network. A TURN server takes all that leaves a port for one client, so relays use ports of their
/// own.
class UdpMux final : private net::UdpHandler {
 public:
  /// Addresses that one agent may have heard from. A peer has a handful; the oldest is forgotten.
  static constexpr std::size_t kMaxRemotes = 64;
  /// A generation and the one before the restart.
  static constexpr std::size_t kMaxUfrags = 2;

  using Tag = std::array<std::uint8_t, 4>;
  class Member {
   public:
    virtual ~Member() = default;
    /// Packets for it, in order. May do anything.
    virtual void on_packets(std::span<net::Datagram> datagrams) = 0;
  };

  struct Stats {
    std::uint64_t dropped_unknown_ufrag = 0;
    std::uint64_t dropped_unknown_transaction = 0;
    std::uint64_t dropped_unknown_source = 0;
  };

  explicit UdpMux(net::Network& network) : network_(network) {}
  ~UdpMux() override;
  UdpMux(const UdpMux&) = delete;
  UdpMux& operator=(const UdpMux&) = delete;

  /// One more address and port; the endpoint it got. Errors: those of `Network::open_udp`.
  [[nodiscard]] Result<net::Endpoint> open(const net::UdpOptions& options);
  const std::vector<std::unique_ptr<net::UdpSocket>>& sockets() const { return sockets_; }

  /// A place for an agent: the tag that its transaction ids must begin with.
  Tag add(Member& member);
  /// Checks for `ufrag` are for `member` from now on; its oldest goes when there are too many.
  /// False if another member has it.
  bool add_ufrag(const Member& member, const std::string& ufrag);
  void remove(const Member& member);
  std::size_t members() const { return seats_.size(); }

  const Stats& stats() const { return stats_; }

 private:
  struct Seat {
    Member* member;
    Tag tag;
    std::deque<std::string> ufrags;
    std::deque<net::Endpoint> remotes;
  };

  void on_datagrams(std::span<net::Datagram> datagrams) override;
  Seat* find(const net::Datagram& datagram);
  void remember(Seat& seat, const net::Endpoint& remote);
  static std::uint32_t key(const Tag& tag);

  net::Network& network_;
  std::vector<std::unique_ptr<net::UdpSocket>> sockets_;
  std::unordered_map<const Member*, std::unique_ptr<Seat>> seats_;
  std::unordered_map<std::uint32_t, Seat*> by_tag_;
  std::unordered_map<std::string, Seat*> by_ufrag_;
  std::unordered_map<net::Endpoint, Seat*> by_remote_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
  Stats stats_;
};

/// Randomness whose draws of twelve bytes, which are STUN transaction ids (RFC 8489 section 5),
/// begin with a tag. The 64 bits that are left are as hard to guess as ICE needs: an answer is also
/// authenticated.
class TaggedRandom final : public Random {
 public:
  explicit TaggedRandom(Random& random) : random_(random) {}
  void set_tag(const UdpMux::Tag& tag) { tag_ = tag; }
  void fill(MutableBytes out) override;

 private:
  Random& random_;
  std::optional<UdpMux::Tag> tag_;
};

}  // namespace floe::ice
