#include "floe/ice/report.h"

#include <utility>

namespace floe::ice {

Report make_report(const Agent& agent, Time now, std::vector<std::string> problems) {
  Report report;
  report.at = now;
  report.state = agent.state();
  report.gathering = agent.gathering_state();
  report.role = agent.role();
  report.policy = agent.policy();
  report.local_ufrag = agent.local_credentials().ufrag;
  if (const auto& remote = agent.remote_credentials()) report.remote_ufrag = remote->ufrag;
  report.was_connected = agent.was_connected();
  report.revoked = agent.has_revoked_consent();
  report.remote_end_of_candidates = agent.remote_end_of_candidates();
  report.problems = std::move(problems);
  report.sockets = agent.gatherer().sockets();
  report.servers = agent.gatherer().servers();
  report.local_candidates = agent.local_candidates();
  report.remote_candidates = agent.remote_candidates();
  report.unused_remote_candidates = agent.unused_remote_candidates();
  for (const auto& pair : agent.pairs()) report.pairs.push_back(*pair);
  if (const CandidatePair* path = agent.selected_pair()) report.selected = path->id;
  report.stats = agent.stats();
  report.timeline = agent.timeline().entries();
  report.timeline_forgotten = agent.timeline().forgotten();
  report.findings = diagnose(report);
  return report;
}

std::vector<std::pair<std::string_view, std::uint64_t>> counted(const Agent::Stats& stats) {
  const std::pair<std::string_view, std::uint64_t> all[] = {
      {"requests_received", stats.requests_received},
      {"responses_received", stats.responses_received},
      {"indications_received", stats.indications_received},
      {"dropped_malformed", stats.dropped_malformed},
      {"dropped_bad_fingerprint", stats.dropped_bad_fingerprint},
      {"dropped_wrong_username", stats.dropped_wrong_username},
      {"dropped_bad_integrity", stats.dropped_bad_integrity},
      {"dropped_unknown_transaction", stats.dropped_unknown_transaction},
      {"dropped_unauthenticated_response", stats.dropped_unauthenticated_response},
      {"dropped_unvalidated_data", stats.dropped_unvalidated_data},
      {"dropped_output_full", stats.dropped_output_full},
      {"early_checks", stats.early_checks},
      {"early_checks_dropped", stats.early_checks_dropped},
      {"role_conflicts", stats.role_conflicts},
      {"unknown_attributes", stats.unknown_attributes},
      {"asymmetric_responses", stats.asymmetric_responses},
      {"dropped_by_policy", stats.dropped_by_policy},
      {"own_checks", stats.own_checks},
      {"own_addresses", stats.own_addresses},
      {"old_generation", stats.old_generation},
      {"consent_refused", stats.consent_refused},
      {"consent_revoked", stats.consent_revoked},
      {"failovers", stats.failovers},
      {"nominations_ignored", stats.nominations_ignored},
      {"remote_candidates_refused", stats.remote_candidates_refused},
      {"events_dropped", stats.events_dropped},
      {"pairs_dropped", stats.pairs_dropped},
      {"pairs_pruned", stats.pairs_pruned},
      {"redundant_candidates", stats.gathering.redundant_candidates},
      {"queries_skipped", stats.gathering.queries_skipped},
      {"relays_skipped", stats.gathering.relays_skipped},
  };
  std::vector<std::pair<std::string_view, std::uint64_t>> some;
  for (const auto& counter : all) {
    if (counter.second > 0) some.push_back(counter);
  }
  return some;
}

}  // namespace floe::ice
