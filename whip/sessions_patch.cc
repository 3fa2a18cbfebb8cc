// PATCH: trickled candidates, ICE restarts, and the answer to a counter-offer.
#include <chrono>
#include <utility>

#include "floe/core/text.h"
#include "floe/http/problem.h"
#include "floe/sdp/parser.h"
#include "floe/whip/sessions.h"

namespace floe::whip {
namespace {

struct Condition {
  bool anything = false;  ///< "*"
  bool matches = false;   ///< Names the entity-tag.
};

/// RFC 9110 section 13.1.1: strong comparison, so a weak entity-tag is never the one. Clients that
/// leave the quotes out are understood.
Condition read_condition(const http::Headers& headers, std::string_view etag) {
  Condition condition;
  for (const std::string_view value : headers.all("if-match")) {
    for (std::string_view one : split(value, ',')) {
      one = trim(one);
      if (one == "*" || one == "\"*\"") condition.anything = true;
      if (one.size() > 1 && one.starts_with('"') && one.ends_with('"')) {
        one = one.substr(1, one.size() - 2);
      }
      if (one == etag) condition.matches = true;
    }
  }
  return condition;
}

}  // namespace

void Sessions::patch(Time now, http::RequestId id, const http::Request& request, Session& session) {
  const std::string type = http::media_type(request.headers.find("content-type").value_or(""));
  if (type == kSdpType && session.phase != Phase::kOpen) return take_answer(id, request, session);
  if (type != kFragmentType) {
    http::Response response = http::problem(
        415, "a session takes the type " + std::string(kFragmentType) + ", not " + quoted(type));
    response.headers.add("Accept-Patch", std::string(kFragmentType));
    return respond(id, std::move(response));
  }
  take_fragment(now, id, request, session);
}

// draft-ietf-wish-whep section 4.2.2
void Sessions::take_answer(http::RequestId id, const http::Request& request, Session& session) {
  if (session.phase != Phase::kCountered) {
    return refuse_request(id, {409, "an answer is being looked at already"});
  }
  const Result<sdp::Description> answer = sdp::parse(request.body);
  if (!answer) return refuse_request(id, {400, answer.error().message});
  session.remote_ufrag = sdp::Fragment::of(*answer).ice_ufrag;
  session.phase = Phase::kAnswered;
  session.waiting = id;
  waiting_[id] = session.id;
  events_.push_back(Answered{session.id, request.body});
}

// RFC 9725 section 4.3
void Sessions::take_fragment(Time now, http::RequestId id, const http::Request& request,
                             Session& session) {
  if (session.phase != Phase::kOpen) {
    return refuse_request(id,
                          {409, "the session is not open yet: its counter-offer has no answer"});
  }
  if (!request.headers.find("if-match")) {
    return refuse_request(id, {428,
                               "If-Match must have the session's entity-tag or, to restart "
                               "ICE, \"*\""});
  }
  const Condition condition = read_condition(request.headers, session.etag);
  if (!condition.anything && !condition.matches) {
    return refuse_request(id, {412, "the entity-tag is of an ICE session that was before"});
  }
  Result<sdp::Fragment> fragment = sdp::Fragment::parse(request.body);
  if (!fragment) return refuse_request(id, {400, fragment.error().message});

  const std::string& ufrag = fragment->ice_ufrag;
  if (ufrag.empty() || ufrag == session.remote_ufrag) {
    // Section 4.3.2: the response has neither a body nor an ETag.
    respond(id, {204, {}, {}});
    events_.push_back(Trickled{session.id, std::move(*fragment)});
    return;
  }
  restart(now, id, std::move(*fragment), session);
}

// RFC 9725 section 4.3.3
void Sessions::restart(Time now, http::RequestId id, sdp::Fragment fragment, Session& session) {
  const Limits& limits = options_.limits;
  if (!session.restarts.take(now, limits.restarts_per_second, limits.restart_burst)) {
    const auto wait = std::chrono::duration<double>(1 / limits.restarts_per_second);
    return refuse_request(id, {429, "the session restarts ICE too often",
                               std::chrono::ceil<std::chrono::seconds>(wait)});
  }
  // The client that restarts once more ignores the response to the first try.
  if (session.restarting) {
    refuse_restart(session.id, {409, "a later ICE restart has taken the place of this one"});
  }
  session.restarting = true;
  session.restart_ufrag = fragment.ice_ufrag;
  session.waiting = id;
  waiting_[id] = session.id;
  events_.push_back(RestartWanted{session.id, std::move(fragment)});
}

}  // namespace floe::whip
