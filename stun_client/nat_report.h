#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "floe/core/time.h"
#include "floe/net/endpoint.h"

namespace floe::stun {

/// What of the other end a NAT looks at, for mapping (RFC 4787 section 4.1) or filtering
/// (section 5).
enum class NatBehavior : std::uint8_t {
  kUnknown,              ///< Not asked, or the server could not tell: see `NatReport::notes`.
  kNone,                 ///< There is no NAT: the address outside is the socket's own.
  kEndpointIndependent,  ///< Nothing: the best there is.
  kAddressDependent,
  kAddressAndPortDependent,
  /// One of the latter two; servers with one address each cannot tell which.
  kDependent,
};

/// "endpoint independent", "address dependent", ...
std::string_view to_string(NatBehavior behavior);

/// The parts of the discovery, each of which can be left out.
enum class NatTest : std::uint8_t {
  kMapping,      ///< RFC 5780 section 4.3
  kFiltering,    ///< section 4.4
  kHairpinning,  ///< section 3.4
  kFragments,    ///< section 3.5
  kLifetime,     ///< section 4.6; takes minutes
};

std::string_view to_string(NatTest test);

/// What is known about the NATs and firewalls between one machine and one server, at this moment:
/// a NAT may behave worse under load, or from another port (RFC 5780 section 4).
struct NatReport {
  net::Endpoint local;                         ///< The socket that asked.
  net::Endpoint server;                        ///< Whom it asked.
  std::optional<net::Endpoint> mapped;         ///< `local` as the server sees it.
  std::optional<net::Endpoint> other_address;  ///< The server's second address and port.
  NatBehavior mapping = NatBehavior::kUnknown;
  NatBehavior filtering = NatBehavior::kUnknown;  ///< Never kNone: firewalls filter too.
  std::optional<bool> hairpinning;  ///< Two hosts inside reach each other from outside.
  /// The hairpinned packet bore an external source, as RFC 4787 REQ-9 wants.
  std::optional<bool> hairpins_external_source;
  std::optional<bool> fragments;  ///< Datagrams larger than the MTU arrive, both ways.
  /// Something on the way rewrites addresses inside packets (RFC 5780 section 3.6).
  bool rewrites_addresses = false;
  /// A binding without traffic lived this long, ...
  std::optional<Duration> lifetime_at_least;
  /// ... and was gone after this long; nullopt if it outlived every test.
  std::optional<Duration> lifetime_below;
  /// Why something is not known, one sentence each.
  std::vector<std::string> notes;

  /// UDP to the server works at all.
  bool reachable() const { return mapped.has_value(); }
  /// What it means for connections between peers, in one sentence.
  std::string verdict() const;
  /// All of it, one line each.
  std::string to_string() const;
};

}  // namespace floe::stun
