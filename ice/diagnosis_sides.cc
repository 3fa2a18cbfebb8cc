// What this machine, the peer's description and the checks tell.
#include <algorithm>
#include <utility>

#include "floe/ice/internal/rules.h"
#include "floe/stun_client/attribute.h"

namespace floe::ice {
namespace {

bool has_no_path(const Report& report) {
  return !report.is_connected() && report.state != State::kClosed;
}

/// Both sides' candidates were there and every check of them has come to nothing.
bool checks_came_to_nothing(const Evidence& evidence) {
  const Report& report = evidence.report;
  return has_no_path(report) && !report.was_connected && !report.pairs.empty() &&
         evidence.all_pairs_failed();
}

std::string show(const CandidatePair& pair) {
  return pair.base.to_string() + " -> " + pair.destination.to_string();
}

std::string family_name(net::Family family) {
  return family == net::Family::kIpv4 ? "IPv4" : "IPv6";
}

/// The candidate says that it belongs to credentials other than the peer's.
bool is_of_another_session(const Report& report, const UnusedCandidate& of) {
  return !of.candidate.ufrag.empty() && report.remote_ufrag &&
         of.candidate.ufrag != *report.remote_ufrag;
}

/// The pair that carried data last, if it is still known.
const CandidatePair* last_path(const Report& report) {
  for (auto entry = report.timeline.rbegin(); entry != report.timeline.rend(); ++entry) {
    if (entry->topic != Timeline::Topic::kPath) continue;
    const auto pair = std::ranges::find(report.pairs, entry->pair, &CandidatePair::id);
    if (pair != report.pairs.end()) return &*pair;
  }
  return nullptr;
}

}  // namespace

std::optional<Finding> we_revoked_consent(const Evidence& evidence) {
  if (!evidence.report.revoked) return std::nullopt;
  return Finding{Cause::kConsentRevoked, "this application has revoked its consent",
                 "an ICE restart gives it again"};
}

std::optional<Finding> no_local_address(const Evidence& evidence) {
  const Report& report = evidence.report;
  const bool gathered = report.gathering != GatheringState::kNew && report.state != State::kClosed;
  if (!gathered || !report.sockets.empty()) return std::nullopt;
  std::string what = report.was_connected ? "every local address is gone"
                                          : "this machine has no address that may be used";
  if (!report.problems.empty()) {
    std::vector<std::string> problems;
    for (const std::string& problem : report.problems) problems.push_back(printable(problem));
    what += ": " + list(std::move(problems));
  }
  return Finding{Cause::kNoLocalAddress, std::move(what),
                 "connect the machine to a network, or allow more of its addresses: loopback for "
                 "two programs on one machine, link-local ones, those that a filter left out"};
}

std::optional<Finding> no_remote_credentials(const Evidence& evidence) {
  const Report& report = evidence.report;
  if (report.remote_ufrag || !has_no_path(report)) return std::nullopt;
  const std::string checks =
      report.stats.early_checks > 0
          ? ", though " + count(report.stats.early_checks, "check") + " of somebody's came"
          : "";
  return Finding{Cause::kNoRemoteCredentials,
                 "signalling has not brought the peer's description" + checks,
                 "look whether offer and answer both arrive, and are set"};
}

std::optional<Finding> peer_revoked_consent(const Evidence& evidence) {
  const Report& report = evidence.report;
  const auto refused =
      std::ranges::find(report.pairs, stun::kForbidden, &CandidatePair::last_error);
  if (refused == report.pairs.end() || !has_no_path(report)) return std::nullopt;
  return Finding{Cause::kPeerRevokedConsent,
                 "the peer wants no more packets: it answered 403 on " + show(*refused),
                 "nothing on this side: the peer has ended it; an ICE restart asks it anew"};
}

std::optional<Finding> path_was_lost(const Evidence& evidence) {
  const Report& report = evidence.report;
  if (!report.was_connected || !has_no_path(report)) return std::nullopt;
  std::string what = "a path worked and was lost";
  const CandidatePair* pair = last_path(report);
  if (pair != nullptr) {
    what +=
        ": " + show(*pair) + ", last answer " + seconds(report.at - pair->last_success) + " ago";
    if (!pair->failure.empty()) what += ", " + printable(pair->failure);
  }
  const bool relayed = pair != nullptr && evidence.is_relayed(*pair);
  return Finding{Cause::kPathLost, std::move(what),
                 relayed ? "an ICE restart finds another path if the peer is still there; look "
                           "whether the TURN server is"
                         : "an ICE restart finds another path if the peer is still there: a NAT "
                           "that forgot the way, or a network that changed, does no harm then"};
}

std::optional<Finding> credentials_do_not_fit(const Evidence& evidence) {
  const Report& report = evidence.report;
  if (!has_no_path(report) || report.was_connected) return std::nullopt;
  const Agent::Stats& stats = report.stats;
  const bool checks_accepted = evidence.count_pairs([](const CandidatePair& pair) {
    return pair.requests_received > 0;
  }) > 0;
  std::vector<std::string> signs;
  if (stats.dropped_bad_integrity > 0) {
    signs.push_back(count(stats.dropped_bad_integrity, "check") +
                    " of the peer's came with another password than ours");
  }
  if (stats.dropped_wrong_username > 0 && !checks_accepted) {
    signs.push_back(count(stats.dropped_wrong_username, "check") +
                    " came for another username than ours, " + report.local_ufrag);
  }
  if (stats.dropped_unauthenticated_response > 0) {
    signs.push_back(count(stats.dropped_unauthenticated_response, "answer") +
                    " to ours came with another password than the one that is set");
  }
  for (const CandidatePair& pair : report.pairs) {
    if (pair.last_error != stun::kUnauthenticated && pair.last_error != stun::kBadRequest) continue;
    signs.push_back("the peer answered " + std::to_string(pair.last_error) + " on " + show(pair));
  }
  // After an ICE restart stragglers are no wonder; if nothing else came, they are the matter.
  const auto strangers = std::ranges::count_if(
      report.unused_remote_candidates,
      [&report](const UnusedCandidate& of) { return is_of_another_session(report, of); });
  if (strangers > 0 && report.remote_candidates.empty()) {
    signs.push_back(count(static_cast<std::uint64_t>(strangers), "candidate") +
                    " of the peer's came for another ufrag than " + *report.remote_ufrag);
  }
  if (signs.empty()) return std::nullopt;
  return Finding{
      Cause::kWrongCredentials,
      "the two sides do not have each other's ICE credentials: " + list(std::move(signs)),
      "set the ufrag and password of this very session on both sides: most often a "
      "description is an old one, from before an ICE restart or of another connection"};
}

std::optional<Finding> no_remote_candidates(const Evidence& evidence) {
  const Report& report = evidence.report;
  if (!has_no_path(report) || !report.remote_ufrag) return std::nullopt;
  if (!report.remote_candidates.empty() || !report.unused_remote_candidates.empty()) {
    return std::nullopt;
  }
  return Finding{Cause::kNoRemoteCandidates,
                 std::string("the peer has sent no candidates") +
                     (report.remote_end_of_candidates ? ", and said that none will come" : ""),
                 "look whether the peer's candidates reach add_remote_candidate (trickle ICE sends "
                 "them after the description), and whether it finds any: its own report tells"};
}

std::optional<Finding> only_unusable_candidates(const Evidence& evidence) {
  const Report& report = evidence.report;
  std::vector<UnusedCandidate> unused = report.unused_remote_candidates;
  std::erase_if(unused,
                [&report](const UnusedCandidate& of) { return is_of_another_session(report, of); });
  if (!has_no_path(report) || unused.empty()) return std::nullopt;
  std::vector<std::string> reasons;
  for (const UnusedCandidate& of : unused) {
    const Candidate& candidate = of.candidate;
    const std::string where =
        candidate.hostname.empty() ? candidate.endpoint.to_string() : candidate.hostname;
    reasons.push_back(printable(where + " (" + of.why + ')'));
  }
  const bool names = std::ranges::all_of(
      unused, [](const UnusedCandidate& of) { return !of.candidate.hostname.empty(); });
  return Finding{Cause::kUnusableCandidates,
                 (names ? "the peer hides addresses behind names: "
                        : "candidates of the peer's are of no use here: ") +
                     list(std::move(reasons)),
                 names ? "names ending in .local are for peers in one network; a STUN or TURN "
                         "server on the peer's side gives candidates with addresses"
                       : "let the peer gather UDP candidates, with a STUN or TURN server",
                 report.remote_candidates.empty()};
}

std::optional<Finding> families_differ(const Evidence& evidence) {
  const Report& report = evidence.report;
  if (!has_no_path(report) || report.remote_candidates.empty() || !report.pairs.empty()) {
    return std::nullopt;
  }
  for (const net::Family ours : {net::Family::kIpv4, net::Family::kIpv6}) {
    const net::Family theirs = ours == net::Family::kIpv4 ? net::Family::kIpv6 : net::Family::kIpv4;
    const bool apart = evidence.local_family(ours) && !evidence.local_family(theirs) &&
                       evidence.remote_family(theirs) && !evidence.remote_family(ours);
    if (!apart) continue;
    return Finding{Cause::kFamiliesDiffer,
                   "we have only " + family_name(ours) + ", the peer only " + family_name(theirs),
                   "a TURN server with addresses of both families, on either side, leads from one "
                   "to the other"};
  }
  return std::nullopt;
}

std::optional<Finding> nothing_pairs(const Evidence& evidence) {
  const Report& report = evidence.report;
  const bool has_bases =
      evidence.local_family(net::Family::kIpv4) || evidence.local_family(net::Family::kIpv6);
  if (!has_no_path(report) || report.remote_candidates.empty() || !report.pairs.empty() ||
      !has_bases || families_differ(evidence)) {
    return std::nullopt;
  }
  if (report.stats.own_addresses > 0) {
    return Finding{Cause::kNothingPairs,
                   "the peer's candidates are our own addresses: signalling gives our description "
                   "back",
                   "bring each side the other's description"};
  }
  return Finding{
      Cause::kNothingPairs,
      "no candidate of ours fits one of the peer's: loopback addresses pair only with "
      "loopback ones, link-local only with link-local, UDP only with UDP, and of TCP one that "
      "connects with one that waits",
      "allow the same kinds of addresses on both sides"};
}

std::optional<Finding> system_refuses_to_send(const Evidence& evidence) {
  const Report& report = evidence.report;
  if (!has_no_path(report) || report.was_connected || report.pairs.empty()) return std::nullopt;
  std::vector<std::string> refusals;
  for (const CandidatePair& pair : report.pairs) {
    if (pair.send_failures == 0) continue;
    refusals.push_back(show(pair) + " (" + printable(pair.failure) + ')');
  }
  if (refusals.empty()) return std::nullopt;
  const bool all =
      evidence.count_pairs([](const CandidatePair& pair) { return pair.send_failures == 0; }) == 0;
  return Finding{Cause::kSendFailed,
                 "the operating system does not send to the peer: " + list(std::move(refusals)),
                 "look at this machine's routes and firewall", all};
}

std::optional<Finding> nat_is_symmetric(const Evidence& evidence) {
  const auto mapping = evidence.varying_mapping();
  if (!mapping || !checks_came_to_nothing(evidence) || evidence.has_relay()) return std::nullopt;
  return Finding{Cause::kSymmetricNat,
                 "our NAT gives each destination another port (" + mapping->local.to_string() +
                     " was seen as " + mapping->first.to_string() + " and as " +
                     mapping->second.to_string() +
                     "), so the peer cannot know where to send, and neither side has a relay",
                 "a TURN server on either side"};
}

std::optional<Finding> only_one_way_works(const Evidence& evidence) {
  if (!checks_came_to_nothing(evidence)) return std::nullopt;
  const auto& pairs = evidence.report.pairs;
  const auto heard = std::ranges::find_if(
      pairs, [](const CandidatePair& pair) { return pair.requests_received > 0; });
  const bool answered = std::ranges::any_of(
      pairs, [](const CandidatePair& pair) { return pair.responses_received > 0; });
  if (heard == pairs.end() || answered) return std::nullopt;
  return Finding{Cause::kOneWay,
                 count(heard->requests_received, "check") + " of the peer's arrived over " +
                     show(*heard) + ", but none of our " + count(heard->requests_sent, "request") +
                     " there was answered",
                 "either the peer's username or password that is set here is wrong, which a peer "
                 "does not answer, or a firewall on the way lets packets through in one direction "
                 "only"};
}

std::optional<Finding> no_way_in(const Evidence& evidence) {
  if (!checks_came_to_nothing(evidence) || evidence.heard_of_peer() || evidence.has_relay()) {
    return std::nullopt;
  }
  std::string what = "no check was answered on any of " +
                     count(evidence.report.pairs.size(), "pair") +
                     ", and neither side has a relay: NATs or firewalls let nothing in";
  if (const auto steady = evidence.steady_mapping(); steady && steady->first != steady->local) {
    what += "; our own NAT keeps one port for all (" + steady->first.to_string() +
            "), so it is rather the peer's side";
  }
  const bool reflexive = evidence.has_local(CandidateType::kServerReflexive);
  return Finding{Cause::kNoWayIn, std::move(what),
                 reflexive || evidence.works(Server::Kind::kStun)
                     ? "a TURN server on either side; and look whether the peer is still there"
                     : "a STUN server on both sides helps behind most NATs, a TURN server behind "
                       "all; and look whether the peer is still there"};
}

std::optional<Finding> peer_is_silent(const Evidence& evidence) {
  if (!checks_came_to_nothing(evidence) || evidence.heard_of_peer() || !evidence.has_relay()) {
    return std::nullopt;
  }
  return Finding{Cause::kPeerSilent,
                 "the peer never answered on any of " +
                     count(evidence.report.pairs.size(), "pair") + ", not even through a relay",
                 "look whether the peer is still there and got our candidates; if its own report "
                 "says that UDP is blocked, it needs a TURN server over TLS itself"};
}

}  // namespace floe::ice
