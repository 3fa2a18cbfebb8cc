#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/ice/server.h"
#include "floe/net/endpoint.h"

namespace floe::ice {

/// What became of asking one server from one local address.
struct ServerAttempt {
  enum class Outcome : std::uint8_t {
    kWaiting,   ///< It has not begun: new questions leave one at a time.
    kUnderWay,  ///< No answer yet.
    kAnswered,
    kFailed,
  };
  static std::string_view to_string(Outcome outcome);

  net::Endpoint local;    ///< Where it was asked from; of a stream, only the address counts.
  net::Endpoint address;  ///< The server's, the one a redirection led to if there was one.
  Outcome outcome = Outcome::kWaiting;
  Time started = kNever;
  Time ended = kNever;              ///< When the first answer came or it was given up.
  std::uint64_t requests_sent = 0;  ///< Retransmissions and keepalives included.
  std::uint64_t responses = 0;
  /// What the server sees as our address; not with every answer.
  std::optional<net::Endpoint> mapped{};
  std::vector<net::Endpoint> relayed{};  ///< What the server relays for.
  std::optional<Error> error{};          ///< Why it failed.
  std::uint16_t code = 0;                ///< The STUN error code, or 0 if there was none.
};

/// A server of the configuration, without its credentials, and what became of it.
struct ServerRecord {
  std::string uri;
  std::string host;
  Server::Kind kind = Server::Kind::kStun;
  ServerTransport transport = ServerTransport::kUdp;
  std::vector<net::Address> addresses;    ///< Empty until its name was looked up.
  std::optional<Error> lookup_failure{};  ///< Why its name could not be looked up.
  std::vector<ServerAttempt> attempts{};
};

}  // namespace floe::ice
