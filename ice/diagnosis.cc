#include "floe/ice/diagnosis.h"

#include <algorithm>
#include <array>
#include <utility>

#include "floe/ice/internal/rules.h"

namespace floe::ice {
namespace {

/// What stands first decides: without an address nothing else can work, without the peer's
/// description nothing is tried, and what the servers saw explains what the pairs met.
constexpr std::array<Rule, 21> kRules = {
    we_revoked_consent,     no_local_address,       no_remote_credentials, peer_revoked_consent,
    path_was_lost,          credentials_do_not_fit, no_remote_candidates,  only_unusable_candidates,
    families_differ,        udp_is_blocked,         lookup_failed,         turn_credentials_refused,
    certificate_refused,    server_refused,         server_is_silent,      server_has_other_family,
    no_relay_though_wanted, relay_refused_peer,     nothing_pairs,         system_refuses_to_send,
    nat_is_symmetric,
};

/// What is left to say when none of those explains it.
constexpr std::array<Rule, 3> kLastResorts = {
    only_one_way_works,
    no_way_in,
    peer_is_silent,
};

}  // namespace

std::vector<Finding> diagnose(const Report& report) {
  const Evidence evidence(report);
  std::vector<Finding> findings;
  for (const Rule rule : kRules) {
    if (auto finding = rule(evidence)) findings.push_back(std::move(*finding));
  }
  // With a path whatever is amiss has not stopped it.
  if (report.is_connected()) {
    for (Finding& finding : findings) finding.decisive = false;
  } else {
    for (const Rule rule : kLastResorts) {
      if (std::ranges::any_of(findings, &Finding::decisive)) break;
      if (auto finding = rule(evidence)) findings.push_back(std::move(*finding));
    }
  }
  // Not std::ranges::stable_partition: its result does not compile with clang 14 and libstdc++ 12.
  std::stable_partition(findings.begin(), findings.end(),
                        [](const Finding& finding) { return finding.decisive; });
  return findings;
}

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::kConsentRevoked:
      return "consent-revoked";
    case Cause::kNoLocalAddress:
      return "no-local-address";
    case Cause::kNoRemoteCredentials:
      return "no-remote-credentials";
    case Cause::kPeerRevokedConsent:
      return "peer-revoked-consent";
    case Cause::kPathLost:
      return "path-lost";
    case Cause::kWrongCredentials:
      return "wrong-credentials";
    case Cause::kNoRemoteCandidates:
      return "no-remote-candidates";
    case Cause::kUnusableCandidates:
      return "unusable-candidates";
    case Cause::kFamiliesDiffer:
      return "families-differ";
    case Cause::kNothingPairs:
      return "nothing-pairs";
    case Cause::kUdpBlocked:
      return "udp-blocked";
    case Cause::kEverythingBlocked:
      return "everything-blocked";
    case Cause::kLookupFailed:
      return "lookup-failed";
    case Cause::kTurnCredentialsRefused:
      return "turn-credentials-refused";
    case Cause::kCertificateRefused:
      return "certificate-refused";
    case Cause::kServerRefused:
      return "server-refused";
    case Cause::kServerSilent:
      return "server-silent";
    case Cause::kServerFamily:
      return "server-family";
    case Cause::kNoRelay:
      return "no-relay";
    case Cause::kRelayRefusedPeer:
      return "relay-refused-peer";
    case Cause::kSendFailed:
      return "send-failed";
    case Cause::kSymmetricNat:
      return "symmetric-nat";
    case Cause::kOneWay:
      return "one-way";
    case Cause::kNoWayIn:
      return "no-way-in";
    case Cause::kPeerSilent:
      return "peer-silent";
  }
  return "unknown";
}

}  // namespace floe::ice
