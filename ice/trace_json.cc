#include "floe/ice/trace_json.h"

#include "floe/core/json_writer.h"

namespace floe::ice {
namespace {

/// Times are counted from the beginning of the timeline.
class Members : public JsonMembers {
 public:
  Members(JsonWriter& json, Time begin) : JsonMembers(json), begin_(begin) {}

  void duration(std::string_view name, Duration value) {
    json_.key(name);
    json_.milliseconds(value);
  }
  void time(std::string_view name, Time value) {
    if (value != kNever && value != Time{}) duration(name, value - begin_);
  }
  /// An array of objects, each written by `write`.
  template <typename Range, typename Write>
  void objects(std::string_view name, const Range& range, const Write& write) {
    json_.key(name);
    json_.begin_array();
    for (const auto& element : range) {
      json_.begin_object();
      write(element);
      json_.end_object();
    }
    json_.end_array();
  }
  template <typename Range, typename Text>
  void texts(std::string_view name, const Range& range, const Text& text_of) {
    json_.key(name);
    json_.begin_array();
    for (const auto& element : range) json_.text(text_of(element));
    json_.end_array();
  }

 private:
  Time begin_;
};

constexpr auto kShow = [](const auto& value) { return value.to_string(); };

void write(Members& to, const ServerAttempt& attempt) {
  to.text("local", attempt.local.to_string());
  to.text("address", attempt.address.to_string());
  to.text("outcome", ServerAttempt::to_string(attempt.outcome));
  to.time("started_ms", attempt.started);
  to.time("ended_ms", attempt.ended);
  to.number("requests_sent", attempt.requests_sent);
  to.number("responses", attempt.responses);
  if (attempt.mapped) to.text("mapped", attempt.mapped->to_string());
  to.texts("relayed", attempt.relayed, kShow);
  if (attempt.error) to.text("error", attempt.error->message);
  if (attempt.code != 0) to.number("code", attempt.code);
}

void write(Members& to, const ServerRecord& server) {
  to.text("uri", server.uri);
  to.texts("addresses", server.addresses, kShow);
  if (server.lookup_failure) to.text("lookup_error", server.lookup_failure->message);
  to.objects("attempts", server.attempts, [&to](const auto& attempt) { write(to, attempt); });
}

void write(Members& to, const CandidatePair& pair, const Report& report) {
  to.number("id", static_cast<std::uint64_t>(pair.id));
  to.number("local", pair.local);
  to.number("remote", pair.remote);
  to.text("base", pair.base.to_string());
  to.text("destination", pair.destination.to_string());
  to.text("state", to_string(pair.state));
  to.boolean("valid", pair.valid);
  to.boolean("nominated", pair.nominated);
  to.boolean("selected", report.selected == pair.id);
  to.time("first_sent_ms", pair.first_sent);
  to.time("last_sent_ms", pair.last_sent);
  to.time("last_success_ms", pair.last_success);
  to.time("last_heard_ms", pair.last_heard);
  to.number("requests_sent", pair.requests_sent);
  to.number("requests_received", pair.requests_received);
  to.number("responses_sent", pair.responses_sent);
  to.number("responses_received", pair.responses_received);
  to.number("errors_received", pair.errors_received);
  to.number("send_failures", pair.send_failures);
  if (pair.responses_received > 0) to.duration("round_trip_ms", pair.round_trip);
  if (pair.last_error != 0) {
    to.number("last_error", pair.last_error);
    to.text("last_error_reason", pair.last_error_reason);
  }
  to.text_if("failure", pair.failure);
}

void write_candidates(Members& to, const Report& report) {
  to.objects("local_candidates", report.local_candidates, [&to](const LocalCandidate& local) {
    to.text("candidate", local.candidate.to_string());
    to.text("base", local.base.to_string());
    to.text_if("server", local.candidate.url);
    to.boolean("announced", local.announced);
    to.boolean("withdrawn", local.withdrawn);
  });
  to.objects("remote_candidates", report.remote_candidates, [&to](const RemoteCandidate& remote) {
    to.text("candidate", remote.candidate.to_string());
    to.boolean("learned", remote.learned);
  });
  to.boolean("remote_end_of_candidates", report.remote_end_of_candidates);
  to.objects("unused_remote_candidates", report.unused_remote_candidates,
             [&to](const UnusedCandidate& unused) {
               to.text("candidate", unused.candidate.to_string());
               to.text("why", unused.why);
             });
}

}  // namespace

std::string trace_json(const Report& report) {
  const Time begin = report.at - report.age();
  JsonWriter json;
  Members to(json, begin);
  json.begin_object();
  to.text("format", "floe-ice-trace");
  to.number("version", kTraceVersion);
  to.duration("duration_ms", report.age());
  to.text("state", to_string(report.state));
  to.text("gathering", to_string(report.gathering));
  to.text("role", to_string(report.role));
  to.text("policy", to_string(report.policy));
  to.text("local_ufrag", report.local_ufrag);
  if (report.remote_ufrag) to.text("remote_ufrag", *report.remote_ufrag);
  to.text("headline", report.headline());
  to.objects("findings", report.findings, [&to](const Finding& finding) {
    to.text("cause", to_string(finding.cause));
    to.boolean("decisive", finding.decisive);
    to.text("what", finding.what);
    to.text("advice", finding.advice);
  });
  to.texts("sockets", report.sockets,
           [](const LocalSocket& socket) { return socket.local.to_string(); });
  to.texts("problems", report.problems, [](const std::string& problem) { return problem; });
  to.objects("servers", report.servers, [&to](const auto& server) { write(to, server); });
  write_candidates(to, report);
  to.objects("pairs", report.pairs, [&](const auto& pair) { write(to, pair, report); });
  json.key("counters");
  json.begin_object();
  for (const auto& [name, value] : counted(report.stats)) to.number(name, value);
  json.end_object();
  to.number("events_forgotten", report.timeline_forgotten);
  to.objects("events", report.timeline, [&](const Timeline::Entry& entry) {
    to.duration("at_ms", entry.at - begin);
    to.text("topic", Timeline::to_string(entry.topic));
    if (entry.pair != PairId{0}) to.number("pair", static_cast<std::uint64_t>(entry.pair));
    to.text("text", entry.text);
  });
  json.end_object();
  return json.take();
}

}  // namespace floe::ice
