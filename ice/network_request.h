#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "floe/ice/server.h"
#include "floe/net/endpoint.h"

namespace floe::ice {

// What an agent asks of the driver that owns its sockets: it opens nothing and looks nothing up
// itself.

/// Names one server that an agent asks; those of its configuration are numbered from 0 in their
/// order. Never used twice.
enum class ServerId : std::uint32_t {};

/// The addresses of a server.
struct LookUp {
  ServerId server{};
  std::string host;  ///< A name or an address literal.
};

/// Names one connection that an agent asked for; never used twice.
enum class DialId : std::uint32_t {};

/// A connection, or a UDP socket of its own for one server.
struct Dial {
  /// What the bytes of a stream are cut into.
  enum class Framing : std::uint8_t {
    kTurn,     ///< STUN messages and ChannelData (RFC 8656 section 12.5).
    kRfc4571,  ///< Packets behind their length, for ICE-TCP (RFC 6544 section 3).
  };

  DialId id{};
  ServerTransport transport = ServerTransport::kUdp;
  Framing framing = Framing::kTurn;
  net::Endpoint local;  ///< Where to dial from; port 0 is any.
  net::Endpoint remote;
  std::string name;  ///< TLS and DTLS: what the server's certificate must be for.
};

/// There is no more use for a connection.
struct HangUp {
  DialId id{};
};

/// Names one `Resolve` of an agent; never used twice.
enum class NameId : std::uint32_t {};

/// The address behind a name that the peer signalled in the place of an address.
struct Resolve {
  NameId id{};
  std::string name;  ///< "….local"
};

/// The prefix of the network's NAT64, if it has one (RFC 7050).
struct DiscoverNat64 {};

using NetworkRequest = std::variant<LookUp, Dial, HangUp, Resolve, DiscoverNat64>;

}  // namespace floe::ice
