#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/result.h"

namespace floe::ice {

/// What carries the requests to a server. The order is that of preference for relayed candidates.
enum class ServerTransport : std::uint8_t { kUdp, kDtls, kTcp, kTls };
std::string_view to_string(ServerTransport transport);

/// TCP and TLS; the others are datagrams.
constexpr bool is_stream(ServerTransport transport) {
  return transport == ServerTransport::kTcp || transport == ServerTransport::kTls;
}
/// TLS and DTLS: the server shows a certificate for the name in its URI.
constexpr bool is_secure(ServerTransport transport) {
  return transport == ServerTransport::kTls || transport == ServerTransport::kDtls;
}

/// One URI of a W3C RTCIceServer, read.
struct Server {
  enum class Kind : std::uint8_t { kStun, kTurn };

  std::string host;  ///< A name or an address literal, without brackets.
  std::uint16_t port = 3478;
  Kind kind = Kind::kStun;
  ServerTransport transport = ServerTransport::kUdp;
  std::string username{};    ///< Of a TURN server.
  std::string credential{};  ///< Its password.

  /// Reads a URI of RFC 7064 or RFC 7065, with the ports' defaults 3478 and, for the secure
  /// schemes, 5349:
  ///
  ///     stun:host[:port]                          UDP
  ///     stuns:host[:port]                         TLS, which gives no candidate; gathering says so
  ///     turn:host[:port][?transport=udp|tcp]      UDP unless it says otherwise, or TCP
  ///     turns:host[:port][?transport=tcp|udp]     TLS unless it says otherwise, or DTLS
  ///
  /// The error says what is wrong and what to write instead.
  [[nodiscard]] static Result<Server> parse(std::string_view uri);
  /// The URI, with the port and, for TURN, the transport; never the credentials.
  std::string to_string() const;
  friend bool operator==(const Server&, const Server&) = default;
};

/// W3C RTCIceServer: URIs that share one name and password.
struct ServerConfig {
  std::vector<std::string> urls;
  std::string username{};    ///< Must be there for turn: and turns:.
  std::string credential{};  ///< Likewise.
};

/// Every server of every entry, in order. Errors: kMalformed or kUnsupported for a URI, and
/// kInvalidArgument for an entry without URIs or a TURN server without usable credentials.
[[nodiscard]] Result<std::vector<Server>> parse_servers(std::span<const ServerConfig> entries);

}  // namespace floe::ice
