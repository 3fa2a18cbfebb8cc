#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "floe/core/time.h"
#include "floe/net/datagram.h"
#include "floe/net/endpoint.h"
#include "floe/servers/turn/authenticator.h"
#include "floe/stun_client/message.h"

namespace floe::server {

/// How clients reach the server.
enum class TurnTransport : std::uint8_t { kUdp, kTcp, kTls, kDtls };
constexpr bool is_stream(TurnTransport transport) {
  return transport == TurnTransport::kTcp || transport == TurnTransport::kTls;
}

/// A client's 5-tuple (RFC 8656 section 3.2): the socket stands for the
/// server's address, port and transport.
struct TurnClient {
  net::SocketId socket = net::kNoSocket;
  net::Endpoint endpoint;
  friend bool operator==(const TurnClient&, const TurnClient&) = default;
};
struct TurnClientHash {
  std::size_t operator()(const TurnClient& client) const {
    return client.endpoint.hash() * 31 + static_cast<std::size_t>(client.socket);
  }
};

/// A relayed transport address of one family.
struct Relay {
  net::SocketId socket = net::kNoSocket;
  net::Endpoint local;     ///< What the socket is bound to.
  net::Endpoint external;  ///< What the client is told: behind a 1:1 NAT another address.
  Time expires{};
};

/// A channel number and the peer it stands for (RFC 8656 section 12).
struct Binding {
  std::uint16_t channel = 0;
  net::Endpoint peer;
  Time expires{};
};

/// CONNECTION-ID: names a TCP connection with a peer (RFC 6062 section 6.2.1).
enum class ConnectionId : std::uint32_t {};

using ReservationToken = std::array<std::uint8_t, 8>;

/// What a TURN server keeps for one client (RFC 8656 section 6).
class Allocation {
 public:
  static constexpr Duration kPermissionLifetime = std::chrono::minutes(5);  // RFC 8656 section 9
  static constexpr Duration kChannelLifetime = std::chrono::minutes(10);    // RFC 8656 section 12
  /// One for each address of each candidate of each peer; an ICE agent has at
  /// most a few dozen.
  static constexpr std::size_t kMaxPermissions = 256;
  static constexpr std::size_t kMaxChannels = 256;
  /// Each costs two connections and up to a megabyte of what one end does not
  /// read.
  static constexpr std::size_t kMaxConnections = 32;

  TurnClient client;
  TurnTransport transport = TurnTransport::kUdp;
  Caller caller;
  stun::TransactionId created_by{};  ///< Recognizes the Allocate request when it comes again.
  std::optional<ReservationToken> token;
  /// The DF bit is set on what goes to peers. It is a property of the socket,
  /// so an allocation that asks for it has it always, and one that does not
  /// cannot have it for single packets.
  bool dont_fragment = false;
  /// Its relay is a TCP port (RFC 6062), and `connections` are those with
  /// peers.
  bool is_tcp = false;
  std::unordered_map<net::Endpoint, ConnectionId> connections;
  /// Why the other family of a dual allocation is missing: 440 or 508.
  std::uint16_t additional_error = 0;
  std::array<std::optional<Relay>, 2> relays;  ///< By `net::Family`.

  std::optional<Relay>& relay(net::Family family) {
    return relays[static_cast<std::size_t>(family)];
  }
  const std::optional<Relay>& relay(net::Family family) const {
    return relays[static_cast<std::size_t>(family)];
  }
  /// When the first of its relays ends; kNever without relays.
  Time expires() const;

  /// False when there is no room.
  bool permit(Time now, const net::Address& peer);
  /// When the permission for `peer` ends; `now` if there is none.
  Time permitted_until(Time now, const net::Address& peer) const;
  /// Whether `permit` would succeed for this many new addresses.
  std::size_t room_for_permissions(Time now);
  std::size_t permissions() const { return permissions_.size(); }

  enum class Bound : std::uint8_t { kYes, kConflict, kFull };
  Bound bind(Time now, std::uint16_t channel, const net::Endpoint& peer);
  /// nullptr unless bound now.
  const Binding* find_channel(Time now, std::uint16_t channel) const;
  const Binding* find_peer(Time now, const net::Endpoint& peer) const;

  /// Ends what belongs to `family` (RFC 8656 section 8.1).
  void forget(net::Family family);

 private:
  void remove_expired(Time now);

  std::unordered_map<net::Address, Time> permissions_;
  std::unordered_map<std::uint16_t, Binding> channels_;
  std::unordered_map<net::Endpoint, std::uint16_t> peers_;  ///< Peer to channel.
};

}  // namespace floe::server
