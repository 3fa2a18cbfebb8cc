// The report for people.
#include <algorithm>
#include <utility>

#include "floe/core/text.h"
#include "floe/ice/internal/evidence.h"
#include "floe/ice/report.h"

namespace floe::ice {
namespace {

/// A time of the story, counted from its beginning.
std::string moment(const Report& report, Time at) {
  return "at " + seconds(at - (report.timeline.empty() ? at : report.timeline.front().at));
}

std::string outcome(const Report& report) {
  std::string out = "ICE is " + std::string(to_string(report.state));
  if (report.state == State::kFailed) out = "ICE failed";
  const auto path = std::ranges::find_if(
      report.pairs, [&report](const CandidatePair& pair) { return report.selected == pair.id; });
  if (path != report.pairs.end()) {
    out += " over " + path->base.to_string() + " -> " + path->destination.to_string();
  }
  return out + " after " + seconds(report.age());
}

/// Breaks a sentence at blanks, so that no line is longer than a terminal is wide.
void write_wrapped(std::string_view text, std::size_t indent, std::string& out) {
  constexpr std::size_t kWidth = 100;
  std::size_t column = 0;
  for (const std::string_view word : split(text, ' ')) {
    if (column > 0 && column + 1 + word.size() > kWidth) {
      out += '\n';
      column = 0;
    }
    out += column == 0 ? std::string(indent, ' ') : " ";
    out += word;
    column += (column == 0 ? indent : 1) + word.size();
  }
  out += '\n';
}

void write_attempt(const Report& report, const ServerRecord& server, const ServerAttempt& attempt,
                   std::string& out) {
  using Outcome = ServerAttempt::Outcome;
  const bool stream = is_stream(server.transport);
  out += "    from " + (stream ? attempt.local.address.to_string() : attempt.local.to_string()) +
         " to " + attempt.address.to_string() + " over " + name_of(server.transport) + ": ";
  if (attempt.outcome == Outcome::kWaiting) {
    out += "not asked yet\n";
    return;
  }
  out += count(attempt.requests_sent, "request") + " sent, " + count(attempt.responses, "answer");
  if (attempt.started != kNever) out += ", begun " + moment(report, attempt.started);
  out += "; " + std::string(ServerAttempt::to_string(attempt.outcome));
  if (attempt.ended != kNever && attempt.started != kNever) {
    out += " after " + seconds(attempt.ended - attempt.started);
  }
  if (attempt.mapped) out += ", sees us as " + attempt.mapped->to_string();
  for (const net::Endpoint& relayed : attempt.relayed) out += ", relays " + relayed.to_string();
  if (attempt.error) {
    out += ": " + (attempt.code != 0 ? std::to_string(attempt.code) + ", " : std::string()) +
           printable(attempt.error->message);
  }
  out += '\n';
}

void write_servers(const Report& report, std::string& out) {
  out += "\nServers\n";
  if (report.servers.empty()) out += "  none is configured\n";
  for (const ServerRecord& server : report.servers) {
    out += "  " + server.uri + '\n';
    if (server.lookup_failure) {
      out += "    its name could not be looked up: " + printable(server.lookup_failure->message) +
             '\n';
    } else if (server.addresses.empty()) {
      out += "    its name is being looked up\n";
    } else if (server.attempts.empty()) {
      out += "    it was not asked\n";
    }
    for (const ServerAttempt& attempt : server.attempts) {
      write_attempt(report, server, attempt, out);
    }
  }
}

void write_candidates(const Report& report, std::string& out) {
  out += "\nOur candidates\n";
  if (report.local_candidates.empty()) out += "  none\n";
  for (const LocalCandidate& local : report.local_candidates) {
    out += "  " + printable(local.candidate.to_string());
    if (!local.candidate.url.empty()) out += ", from " + local.candidate.url;
    if (local.withdrawn) out += ", withdrawn";
    if (!local.announced) out += ", not announced";
    out += '\n';
  }
  out += "\nThe peer's candidates";
  out += report.remote_end_of_candidates ? "\n" : " (more may come)\n";
  if (report.remote_candidates.empty()) out += "  none\n";
  for (const RemoteCandidate& remote : report.remote_candidates) {
    out += "  " + printable(remote.candidate.to_string()) +
           (remote.learned ? ", learned from a check\n" : "\n");
  }
  for (const UnusedCandidate& unused : report.unused_remote_candidates) {
    out += "  not used: " + printable(unused.candidate.to_string() + ": " + unused.why) + '\n';
  }
}

bool is_tcp(const Report& report, const CandidatePair& pair) {
  return pair.local < report.local_candidates.size() &&
         report.local_candidates[pair.local].candidate.protocol == Protocol::kTcp;
}

void write_pair(const Report& report, const CandidatePair& pair, std::string& out) {
  out += "  " + pair.base.to_string() + " -> " + pair.destination.to_string();
  if (is_tcp(report, pair)) out += " over TCP";
  out += ": " + std::string(to_string(pair.state));
  if (report.selected == pair.id) out += ", selected";
  if (pair.nominated) out += ", nominated";
  out += "; " + count(pair.requests_sent, "request") + " sent, " +
         count(pair.responses_received, "answer");
  if (pair.errors_received > 0) {
    out += ", " + count(pair.errors_received, "error") +
           " (the last: " + std::to_string(pair.last_error) + ' ' +
           printable(pair.last_error_reason) + ')';
  }
  if (pair.send_failures > 0) out += ", " + count(pair.send_failures, "packet") + " not sent";
  out += "; " + count(pair.requests_received, "check") + " of the peer's";
  if (pair.responses_received > 0) out += "; round trip " + seconds(pair.round_trip);
  if (!pair.failure.empty()) out += "; " + printable(pair.failure);
  out += '\n';
}

}  // namespace

std::string Report::headline() const {
  std::string out = outcome(*this);
  // With a path, or when all may yet turn out well, a finding is a remark.
  if (!findings.empty() && findings.front().decisive) out += ": " + findings.front().what;
  return out;
}

std::string Report::explanation() const {
  if (findings.empty()) {
    return is_connected() ? "nothing is amiss" : "nothing stands out yet";
  }
  std::string out;
  for (const Finding& finding : findings) {
    if (!out.empty()) out += "\n";
    out += finding.what + "\n  what would help: " + finding.advice;
  }
  return out;
}

std::string Report::to_string() const {
  std::string out = outcome(*this) + "\n";
  if (findings.empty()) out += "\nNothing stands out\n";
  std::string_view heading;
  for (const Finding& finding : findings) {
    const std::string_view next = !finding.decisive               ? "Worth mending"
                                  : &finding == &findings.front() ? "Most likely cause"
                                                                  : "Other causes";
    if (next != heading) out += '\n' + std::string(next) + '\n';
    heading = next;
    write_wrapped(finding.what, 2, out);
    write_wrapped("What would help: " + finding.advice, 4, out);
  }
  out += "\nThis side\n  " + std::string(ice::to_string(role)) + ", policy " +
         std::string(ice::to_string(policy)) + ", gathering " +
         std::string(ice::to_string(gathering)) + ", ufrag " + local_ufrag + ", the peer's " +
         remote_ufrag.value_or("not known") + '\n';
  for (const LocalSocket& socket : sockets) {
    out += "  socket " + socket.local.to_string();
    out += socket.tcp_type ? ", TCP " + std::string(ice::to_string(*socket.tcp_type)) + '\n' : "\n";
  }
  for (const std::string& problem : problems) out += "  problem: " + printable(problem) + '\n';
  write_servers(*this, out);
  write_candidates(*this, out);
  out += "\nPairs\n";
  if (pairs.empty()) out += "  none\n";
  for (const CandidatePair& pair : pairs) write_pair(*this, pair, out);
  if (const auto counters = counted(stats); !counters.empty()) {
    out += "\nCounted\n";
    for (const auto& [name, value] : counters) {
      out += "  " + std::string(name) + ' ' + std::to_string(value) + '\n';
    }
  }
  return out;
}

}  // namespace floe::ice
