#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "floe/core/time.h"
#include "floe/ice/agent.h"
#include "floe/ice/candidate_pair.h"
#include "floe/ice/diagnosis.h"
#include "floe/ice/local_socket.h"
#include "floe/ice/server_record.h"
#include "floe/ice/timeline.h"

namespace floe::ice {

/// What an agent has tried and what came of it, why it has no path if it has none, and what would
/// help. A copy: it may outlive the agent. No password is in it, and no user name of a TURN server.
struct Report {
  Time at{};  ///< When it was made.
  State state = State::kNew;
  GatheringState gathering = GatheringState::kNew;
  Role role = Role::kControlling;
  Policy policy = Policy::kAll;
  std::string local_ufrag;
  std::optional<std::string> remote_ufrag;
  bool was_connected = false;  ///< Since the last restart.
  bool revoked = false;        ///< `Agent::revoke_consent` ended it.
  bool remote_end_of_candidates = false;

  /// Addresses of this machine that could not be used, and other trouble of the driver's.
  std::vector<std::string> problems;
  std::vector<LocalSocket> sockets;  ///< One on each address that is used.
  std::vector<ServerRecord> servers;
  std::vector<LocalCandidate> local_candidates;
  std::vector<RemoteCandidate> remote_candidates;
  std::vector<UnusedCandidate> unused_remote_candidates;
  std::vector<CandidatePair> pairs;  ///< Best first.
  std::optional<PairId> selected;    ///< The pair that carries data.
  Agent::Stats stats;
  std::vector<Timeline::Entry> timeline;
  std::size_t timeline_forgotten = 0;  ///< Entries between its beginning and its end.

  /// The most likely cause first.
  std::vector<Finding> findings;

  bool is_connected() const { return state == State::kConnected || state == State::kCompleted; }
  /// Since the first entry of the timeline.
  Duration age() const { return timeline.empty() ? Duration{} : at - timeline.front().at; }
  /// One line: the state and the most likely cause.
  std::string headline() const;
  /// Every finding with its advice: what a program should tell its user.
  std::string explanation() const;
  /// All of it, for people; ends in a line feed. Without the timeline, see `trace_json`.
  std::string to_string() const;
};

/// `problems` are what only the driver knows (`AgentNetwork::problems`).
Report make_report(const Agent& agent, Time now, std::vector<std::string> problems = {});

/// The counters that are not zero, by name; not those of bytes.
std::vector<std::pair<std::string_view, std::uint64_t>> counted(const Agent::Stats& stats);

}  // namespace floe::ice
