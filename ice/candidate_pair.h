#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "floe/core/time.h"
#include "floe/ice/candidate.h"
#include "floe/net/datagram.h"

namespace floe::ice {

enum class Role : std::uint8_t { kControlling, kControlled };

std::string_view to_string(Role role);
constexpr Role opposite(Role role) {
  return role == Role::kControlling ? Role::kControlled : Role::kControlling;
}

/// RFC 8445 section 6.1.2.6
enum class PairState : std::uint8_t { kFrozen, kWaiting, kInProgress, kSucceeded, kFailed };

std::string_view to_string(PairState state);

/// Names a pair within its agent; never used twice.
enum class PairId : std::uint32_t {};

/// A candidate of ours together with the socket its packets leave from (its base).
struct LocalCandidate {
  Candidate candidate;
  net::SocketId socket = net::kNoSocket;
  net::Endpoint base;
  /// It is its own base, so it forms pairs: a host candidate, also one whose announced address was
  /// rewritten, a relayed one, one end of TCP.
  bool is_base = false;
  /// Of no use any more: its interface or its server's mapping is gone.
  bool withdrawn = false;
  /// The peer is told of it. Peer-reflexive candidates are the peer's own discovery, and the
  /// no-host policy keeps host candidates to itself.
  bool announced = true;
  /// Its address is not to be told, and there is no name to tell instead.
  bool nameless = false;
};

/// A candidate of the peer's.
struct RemoteCandidate {
  Candidate candidate;
  /// Learned from a check, not (yet) from signalling.
  bool learned = false;
};

/// A candidate of the peer's that no pair was formed with.
struct UnusedCandidate {
  Candidate candidate;
  std::string why;
};

/// A base of ours with a candidate of theirs, and what is known about the path between them.
/// Reflexive candidates of ours form no pairs of their own: RFC 8445 section 6.1.2.4 replaces them
/// by their base, which makes them redundant.
struct CandidatePair {
  PairId id{};
  std::uint32_t local = 0;   ///< Index of the base's candidate in the agent's local candidates.
  std::uint32_t remote = 0;  ///< Index in the agent's remote candidates.
  net::SocketId socket = net::kNoSocket;
  net::Endpoint base;
  net::Endpoint destination;
  std::string foundation;  ///< Both foundations: pairs that probably fare alike (section 6.1.2.6).
  std::uint64_t priority = 0;
  PairState state = PairState::kFrozen;

  /// A check of ours succeeded: the pair is in the valid list (section 7.2.5.3.2).
  bool valid = false;
  /// The local candidate of the valid pair: the one whose address the peer saw.
  std::uint32_t valid_local = 0;
  bool nominated = false;
  /// Orders nominated pairs: the highest counts, then the priority. See Agent::nominate.
  std::uint32_t nomination = 0;
  /// Checked only to stand ready beside a nominated pair.
  bool spare = false;
  /// It stopped answering and gave way; it goes after all others until it answers.
  bool silent = false;
  /// The controlling peer sent USE-CANDIDATE before our own check succeeded (section 7.3.1.5).
  bool nominate_on_success = false;
  std::uint32_t nomination_on_success = 0;
  /// What the peer called us in its last check over this pair, if that was a former fragment: then
  /// it takes no other from us (see `Agent::handle_request`).
  std::string former_ufrag;
  /// The peer sent an authenticated check over it, so its address is validated.
  bool heard = false;
  bool triggered = false;  ///< Waits in the triggered-check queue.

  Time first_sent{};    ///< When our first request left.
  Time last_sent{};     ///< When our last request left.
  Time last_success{};  ///< When the last authenticated response came.
  Time last_heard{};    ///< When the peer's last check came.
  Time spare_due{};     ///< When the next request leaves that keeps it ready to take over.
  Duration round_trip{};
  Duration smoothed_round_trip{};  ///< 7/8 of what it was and 1/8 of each new one (RFC 6298).
  Duration total_round_trip{};
  std::uint32_t requests_sent = 0;
  std::uint32_t requests_received = 0;
  std::uint32_t responses_sent = 0;
  std::uint32_t responses_received = 0;
  std::uint32_t errors_received = 0;
  std::uint32_t consent_requests_sent = 0;
  std::uint32_t send_failures = 0;
  std::uint64_t packets_sent = 0;  ///< Of the layers above, as the next five.
  std::uint64_t packets_received = 0;
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  Time last_packet_sent{};
  Time last_packet_received{};
  std::uint16_t last_error = 0;  ///< The code of the last error response.
  std::string last_error_reason;
  /// Where a response came from that should have come from the destination.
  std::optional<net::Endpoint> answered_from;
  bool refused_by_relay = false;  ///< Our TURN server lets nothing pass to or from the peer.
  Time failed_at{};
  std::string failure;  ///< Why it is in `kFailed`, in words.
};

}  // namespace floe::ice
