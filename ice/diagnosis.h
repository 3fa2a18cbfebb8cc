#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace floe::ice {

struct Report;

/// What keeps two peers apart. docs/why-it-failed.md tells of each.
enum class Cause : std::uint8_t {
  kConsentRevoked,          ///< By our own application.
  kNoLocalAddress,          ///< This machine has none that may be used, or none any more.
  kNoRemoteCredentials,     ///< Signalling has not brought them.
  kPeerRevokedConsent,      ///< It answered 403 (RFC 7675 section 5.2).
  kPathLost,                ///< It worked, and went silent.
  kWrongCredentials,        ///< The sides do not have each other's.
  kNoRemoteCandidates,      ///< Signalling has brought none.
  kUnusableCandidates,      ///< It has brought only names, TCP and the like.
  kFamiliesDiffer,          ///< One side has only IPv4, the other only IPv6.
  kNothingPairs,            ///< There are candidates, but no two that fit.
  kUdpBlocked,              ///< No server answers over UDP.
  kEverythingBlocked,       ///< Nor over TCP.
  kLookupFailed,            ///< Of a server's name.
  kTurnCredentialsRefused,  ///< 401 or 441.
  kCertificateRefused,      ///< Of a server, by us.
  kServerRefused,           ///< It answered with another error, or not on that port.
  kServerSilent,            ///< Others answer.
  kServerFamily,            ///< It has no address of a family that this machine has.
  kNoRelay,                 ///< Only relayed paths are allowed, and there is no relay.
  kRelayRefusedPeer,        ///< 403: the TURN server lets nothing pass to or from the peer.
  kSendFailed,              ///< The operating system knows no way to the peer.
  kSymmetricNat,            ///< Ours gives each destination another port.
  kOneWay,                  ///< The peer's checks arrive, its answers do not.
  kNoWayIn,                 ///< Both sides let nothing in, and there is no relay.
  kPeerSilent,              ///< Not even through a relay.
};

/// "udp-blocked" and so on; these words stay as they are.
std::string_view to_string(Cause cause);

/// One thing that a report has found out.
struct Finding {
  Cause cause{};
  std::string what;    ///< With the names, the addresses and the numbers that show it.
  std::string advice;  ///< What would help.
  /// It alone explains that there is no connection. The others are worth mending, too.
  bool decisive = true;
};

/// What `report` shows, the most likely cause first; nothing when all is well. `report.findings`
/// is not looked at.
std::vector<Finding> diagnose(const Report& report);

}  // namespace floe::ice
