// What the servers' answers tell, and their silence.
#include <algorithm>
#include <utility>

#include "floe/ice/internal/rules.h"
#include "floe/stun_client/attribute.h"

namespace floe::ice {
namespace {

using Attempt = Evidence::Attempt;

std::vector<std::string> uris(const std::vector<Attempt>& attempts) {
  std::vector<std::string> names;
  for (const Attempt& of : attempts) names.push_back(of.server->uri);
  return names;
}

std::vector<Attempt> select(const Evidence& evidence, const auto& which) {
  std::vector<Attempt> found = evidence.attempts();
  std::erase_if(found, [&which](const Attempt& of) { return !which(of); });
  return found;
}

/// "turn:a:3478 says ..., turn:b:3478 says ...": the errors, each once.
std::string errors(const std::vector<Attempt>& attempts) {
  std::vector<std::string> texts;
  for (const Attempt& of : attempts) {
    const std::string code = of.attempt->code != 0 ? std::to_string(of.attempt->code) + ": " : "";
    texts.push_back(of.server->uri + " (" + code + printable(of.attempt->error->message) + ')');
  }
  return list(std::move(texts));
}

/// A server that fails explains a failure only if no other does its work.
bool leaves_nothing(const Evidence& evidence, const std::vector<Attempt>& failed) {
  return std::ranges::all_of(failed,
                             [&](const Attempt& of) { return !evidence.works(of.server->kind); });
}

bool has_failed(const Attempt& of) {
  return of.attempt->outcome == ServerAttempt::Outcome::kFailed && of.attempt->error.has_value();
}

bool is_credentials_error(const Attempt& of) {
  return of.attempt->code == stun::kUnauthenticated || of.attempt->code == stun::kWrongCredentials;
}

bool is_certificate_error(const Attempt& of) {
  return is_secure(of.server->transport) && of.attempt->code == 0 &&
         of.attempt->error->code == Errc::kVerificationFailed;
}

/// What became of TURN over the transports that need no UDP, a clause for each.
std::string fallbacks(const Evidence& evidence) {
  std::vector<std::string> clauses;
  for (const Attempt& of : evidence.attempts()) {
    if (Evidence::over_udp(*of.server)) continue;
    const std::string what = of.server->kind == Server::Kind::kTurn ? "TURN" : "STUN";
    const std::string subject = what + " over " + name_of(of.server->transport);
    if (of.attempt->outcome == ServerAttempt::Outcome::kAnswered) {
      clauses.push_back(subject + " works");
    } else if (has_failed(of)) {
      clauses.push_back(subject +
                        (Evidence::silent(of) ? " got no answer either" : " was refused: ") +
                        (Evidence::silent(of) ? "" : printable(of.attempt->error->message)));
    }
  }
  return clauses.empty() ? "" : "; " + list(std::move(clauses));
}

std::string advice_for_code(std::uint16_t code) {
  switch (code) {
    case stun::kTryAlternate:
      return "name the server it leads to in the configuration";
    case stun::kForbidden:
      return "ask who runs the server why it refuses this machine or user";
    case stun::kAllocationMismatch:
      return "try again: the server takes our port for somebody else's, which passes";
    case stun::kAllocationQuotaReached:
      return "this user has as many allocations as it may: close others, or raise its quota";
    case stun::kInsufficientCapacity:
      return "the server is full: give it more ports, or add another server";
    default:
      break;
  }
  if (code == 0) {
    return "check the server's host, port and transport, that it is running, and that a firewall "
           "before it lets the port in";
  }
  return code / 100 == 5 ? "the server is in trouble: look into its log"
                         : "check that the URI names a server of that kind and version";
}

}  // namespace

std::optional<Finding> udp_is_blocked(const Evidence& evidence) {
  const auto asked =
      select(evidence, [](const Attempt& of) { return Evidence::over_udp(*of.server); });
  if (asked.empty() || !std::ranges::all_of(asked, Evidence::silent)) return std::nullopt;
  if (evidence.heard_of_peer_over_udp()) return std::nullopt;
  std::vector<std::string> hosts;
  for (const Attempt& of : asked) hosts.push_back(of.server->host);
  std::ranges::sort(hosts);
  hosts.erase(std::unique(hosts.begin(), hosts.end()), hosts.end());

  const auto streams =
      select(evidence, [](const Attempt& of) { return !Evidence::over_udp(*of.server); });
  const bool streams_silent = !streams.empty() && std::ranges::all_of(streams, Evidence::silent);
  const std::string silence =
      "nothing answered on " + count(hosts.size(), "server") + " (" + list(uris(asked)) + ')';
  if (streams_silent) {
    return Finding{Cause::kEverythingBlocked,
                   "nothing gets out: " + silence + " over UDP, nor on " + list(uris(streams)),
                   "look whether this machine is online at all; behind a firewall that lets only "
                   "web traffic out, a TURN server on port 443 (turns:host:443) is what passes"};
  }
  if (hosts.size() == 1 && streams.empty()) {
    return Finding{Cause::kUdpBlocked, "UDP is blocked, or the only server is down: " + silence,
                   "configure a second server to tell the two apart, and a TURN server over TLS "
                   "(turns:host:443) for networks without UDP"};
  }
  const bool way_out = evidence.works(Server::Kind::kTurn);
  return Finding{Cause::kUdpBlocked, "UDP is blocked: " + silence + fallbacks(evidence),
                 streams.empty()
                     ? "configure a TURN server over TLS (turns:host:443), which passes where only "
                       "web traffic does, or have the firewall let UDP out"
                     : "mend the TURN server over TCP or TLS, or have the firewall let UDP out",
                 !way_out};
}

std::optional<Finding> lookup_failed(const Evidence& evidence) {
  std::vector<std::string> names;
  bool needed = false;
  for (const ServerRecord& server : evidence.report.servers) {
    if (!server.lookup_failure) continue;
    names.push_back(server.host + " (" + printable(server.lookup_failure->message) + ')');
    needed = needed || !evidence.works(server.kind);
  }
  if (names.empty()) return std::nullopt;
  const std::size_t failed = names.size();
  const std::string what = failed == 1 ? "the name of a server could not be looked up: "
                                       : "names of servers could not be looked up: ";
  const bool all = failed == evidence.report.servers.size();
  return Finding{Cause::kLookupFailed, what + list(std::move(names)),
                 all && failed > 1
                     ? "look whether this machine is online and its resolver works"
                     : "check the spelling; if it is right, the resolver of this machine or the "
                       "zone's server is at fault; an address in the place of the name avoids it",
                 needed};
}

std::optional<Finding> turn_credentials_refused(const Evidence& evidence) {
  const auto refused = select(
      evidence, [](const Attempt& of) { return has_failed(of) && is_credentials_error(of); });
  if (refused.empty()) return std::nullopt;
  return Finding{Cause::kTurnCredentialsRefused,
                 "the TURN server refuses the username or password: " + errors(refused),
                 "check username and credential of that server; those that a web service hands out "
                 "(TURN REST) end after a time: fetch new ones",
                 leaves_nothing(evidence, refused)};
}

std::optional<Finding> certificate_refused(const Evidence& evidence) {
  const auto refused = select(
      evidence, [](const Attempt& of) { return has_failed(of) && is_certificate_error(of); });
  if (refused.empty()) return std::nullopt;
  return Finding{Cause::kCertificateRefused,
                 "the server's certificate is not good: " + errors(refused),
                 "write the name that the certificate is for into the URI, or give the server one "
                 "for this name that is in date; an authority of your own goes into the "
                 "configuration's trust",
                 leaves_nothing(evidence, refused)};
}

std::optional<Finding> server_refused(const Evidence& evidence) {
  const auto refused = select(evidence, [](const Attempt& of) {
    return has_failed(of) && !Evidence::silent(of) && !is_credentials_error(of) &&
           !is_certificate_error(of) && of.attempt->error->code != Errc::kAddressNotAvailable;
  });
  if (refused.empty()) return std::nullopt;
  return Finding{Cause::kServerRefused, "a server could not be used: " + errors(refused),
                 advice_for_code(refused.front().attempt->code), leaves_nothing(evidence, refused)};
}

std::optional<Finding> server_is_silent(const Evidence& evidence) {
  const auto silent = select(evidence, Evidence::silent);
  if (silent.empty()) return std::nullopt;
  // If none answers over UDP, that is another rule's.
  const auto all = evidence.attempts();
  const bool udp_works =
      evidence.heard_of_peer_over_udp() || std::ranges::any_of(all, [](const Attempt& of) {
        return Evidence::over_udp(*of.server) && !Evidence::silent(of);
      });
  const bool one_over_udp =
      std::ranges::any_of(silent, [](const Attempt& of) { return Evidence::over_udp(*of.server); });
  if (one_over_udp && !udp_works) return std::nullopt;
  return Finding{Cause::kServerSilent,
                 count(uris(silent).size(), "question") + " to " + list(uris(silent)) +
                     " went unanswered, while others were not",
                 "check the host and the port, that the server is running and that a firewall "
                 "before it lets the port in",
                 leaves_nothing(evidence, silent)};
}

std::optional<Finding> server_has_other_family(const Evidence& evidence) {
  const bool relay_only = evidence.report.policy == Policy::kRelay;
  std::vector<std::string> names;
  bool needed = false;
  for (const ServerRecord& server : evidence.report.servers) {
    if (server.addresses.empty() || !server.attempts.empty()) continue;
    if (relay_only && server.kind == Server::Kind::kStun) continue;
    const bool reachable = std::ranges::any_of(server.addresses, [&](const net::Address& address) {
      return std::ranges::any_of(evidence.report.sockets, [&](const LocalSocket& socket) {
        return socket.local.family() == address.family();
      });
    });
    if (reachable) continue;
    names.push_back(server.uri + " (" + server.addresses.front().to_string() + ')');
    needed = needed || !evidence.works(server.kind);
  }
  if (names.empty() || evidence.report.sockets.empty()) return std::nullopt;
  return Finding{
      Cause::kServerFamily,
      "this machine has no address of the family that a server has: " + list(std::move(names)),
      "give the server's name an address of the other family, too", needed};
}

std::optional<Finding> no_relay_though_wanted(const Evidence& evidence) {
  const Report& report = evidence.report;
  const bool gathered = report.gathering == GatheringState::kComplete;
  if (report.policy != Policy::kRelay || !gathered || evidence.has_local(CandidateType::kRelayed)) {
    return std::nullopt;
  }
  const bool any = std::ranges::any_of(report.servers, [](const ServerRecord& server) {
    return server.kind == Server::Kind::kTurn;
  });
  return Finding{Cause::kNoRelay,
                 any ? "only relayed paths are allowed (policy relay), and no TURN server gives one"
                     : "only relayed paths are allowed (policy relay), and no TURN server is "
                       "configured",
                 any ? "mend what is said of the TURN servers, or allow other paths"
                     : "configure a TURN server, or allow other paths"};
}

std::optional<Finding> relay_refused_peer(const Evidence& evidence) {
  std::vector<std::string> peers;
  std::string why;
  for (const CandidatePair& pair : evidence.report.pairs) {
    if (!pair.refused_by_relay) continue;
    peers.push_back(pair.destination.address.to_string());
    why = printable(pair.failure);
  }
  if (peers.empty()) return std::nullopt;
  // The peer's address in its own network is refused by any good relay, and of no use there.
  const bool all = evidence.count_pairs([&](const CandidatePair& pair) {
    return evidence.is_relayed(pair) && !pair.refused_by_relay;
  }) == 0;
  return Finding{
      Cause::kRelayRefusedPeer,
      "the TURN server lets nothing pass to or from " + list(std::move(peers)) + " (" + why + ')',
      "have the server allow these addresses, or let the peer gather an address that it "
      "allows: a public one from a STUN server, or a relayed one",
      all};
}

}  // namespace floe::ice
