// What became of each server, for reports.
#include <utility>

#include "floe/ice/gatherer.h"

namespace floe::ice {

std::string_view ServerAttempt::to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::kWaiting:
      return "waiting";
    case Outcome::kUnderWay:
      return "under way";
    case Outcome::kAnswered:
      return "answered";
    case Outcome::kFailed:
      return "failed";
  }
  return "unknown";
}

ServerAttempt Gatherer::attempt(const Query& query) {
  using Outcome = ServerAttempt::Outcome;
  ServerAttempt attempt = query.record;
  attempt.address = query.client.server();
  attempt.outcome = query.answered   ? Outcome::kAnswered
                    : query.finished ? Outcome::kFailed
                    : query.started  ? Outcome::kUnderWay
                                     : Outcome::kWaiting;
  attempt.requests_sent = query.client.stats().requests_sent;
  attempt.responses = query.client.stats().responses;
  return attempt;
}

std::vector<ServerRecord> Gatherer::servers() const {
  std::vector<ServerRecord> records;
  for (const AskedServer& asked : servers_) {
    const Server& server = asked.server;
    ServerRecord& record =
        records.emplace_back(ServerRecord{server.to_string(), server.host, server.kind,
                                          server.transport, asked.addresses, asked.lookup_failure});
    for (const PastAttempt& past : past_attempts_) {
      if (past.server == asked.id) record.attempts.push_back(past.attempt);
    }
    for (const auto& query : queries_) {
      if (query->server == asked.id) record.attempts.push_back(attempt(*query));
    }
    for (const auto& relay : relays_) {
      if (relay->config().server_id == asked.id) record.attempts.push_back(relay->attempt());
    }
  }
  return records;
}

/// Keeps what is known of the attempts from the sockets for which `of` holds. `why` ends those that
/// were under way, unless it is empty.
void Gatherer::remember_attempts(const std::function<bool(net::SocketId)>& of,
                                 const std::string& why) {
  for (const auto& query : queries_) {
    if (of(query->socket.id)) remember_attempt(query->server, attempt(*query), why);
  }
  for (const auto& relay : relays_) {
    if (of(relay->config().base.id)) {
      remember_attempt(relay->config().server_id, relay->attempt(), why);
    }
  }
}

void Gatherer::remember_attempt(ServerId server, ServerAttempt attempt, const std::string& why) {
  using Outcome = ServerAttempt::Outcome;
  const bool over = attempt.outcome == Outcome::kAnswered || attempt.outcome == Outcome::kFailed;
  if (!why.empty() && !over) {
    attempt.outcome = Outcome::kFailed;
    attempt.error = Error{Errc::kAddressNotAvailable, why};
  }
  if (past_attempts_.size() >= kMaxPastAttempts) past_attempts_.pop_front();
  past_attempts_.push_back({server, std::move(attempt)});
}

}  // namespace floe::ice
