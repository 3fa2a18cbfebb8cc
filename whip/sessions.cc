#include "floe/whip/sessions.h"

#include <algorithm>

#include "floe/core/text.h"
#include "floe/http/problem.h"
#include "floe/sdp/parser.h"
#include "floe/whip/ice_server_links.h"

namespace floe::whip {
namespace {

// 130 bits: a session's name is all that protects it where there are no tokens (RFC 9725
// section 5).
constexpr std::size_t kNameLength = 26;
constexpr std::size_t kEtagLength = 16;
constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz234567";
constexpr std::string_view kPreflightMaxAge = "3600";  // Seconds; browsers cap it themselves.

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    if (text.front() != '%') {
      out += text.front();
      text.remove_prefix(1);
      continue;
    }
    const auto byte = from_hex(text.substr(1, 2));
    if (!byte || byte->size() != 1) return std::nullopt;
    out += static_cast<char>(byte->front());
    text.remove_prefix(3);
  }
  return out;
}

/// What follows `base` in `path`, without the slash between; nothing if it is not below it.
std::optional<std::string_view> below(std::string_view path, std::string_view base) {
  if (base.empty() || !path.starts_with(base)) return std::nullopt;
  path.remove_prefix(base.size());
  if (path.empty()) return path;
  if (!path.starts_with('/')) return std::nullopt;
  return path.substr(1);
}

/// RFC 6750 section 2.1; empty without one.
std::string_view bearer_token(const http::Headers& headers) {
  const std::string_view value = headers.find("authorization").value_or("");
  constexpr std::string_view kScheme = "Bearer ";
  if (!equals_ignoring_case(value.substr(0, kScheme.size()), kScheme)) return {};
  return trim(value.substr(kScheme.size()));
}

/// In a time that does not tell how much of it fits.
bool same_secret(std::string_view a, std::string_view b) {
  unsigned difference = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    difference |= static_cast<unsigned>(a[i] ^ b[i]);
  }
  return difference == 0;
}

/// RFC 9725 section 4.2: the publisher sends; draft-ietf-wish-whep section 4.2: the player
/// receives. Data sections go both ways.
std::optional<std::string> wrong_direction(const sdp::Description& offer, Protocol protocol) {
  const sdp::Direction wanted =
      protocol == Protocol::kWhip ? sdp::Direction::kSendonly : sdp::Direction::kRecvonly;
  for (std::size_t i = 0; i < offer.media.size(); ++i) {
    const sdp::Media& media = offer.media[i];
    if (media.rejected() || media.is_data()) continue;
    const sdp::Direction direction = sdp::effective_direction(offer, media);
    if (direction == wanted || direction == sdp::Direction::kSendrecv) continue;
    return sdp::section_name(offer, i) + " is " + std::string(to_string(direction)) +
           "; the client of " + std::string(to_string(protocol)) + " offers " +
           std::string(to_string(wanted)) + " or sendrecv";
  }
  return std::nullopt;
}

std::string first_ufrag(const sdp::Description& description) {
  return sdp::Fragment::of(description).ice_ufrag;
}

}  // namespace

Result<> validate(const SessionsOptions& options) {
  const auto is_path = [](const std::string& path) {
    return path.size() > 1 && path.starts_with('/') && !path.ends_with('/') &&
           path.find_first_of("?# ") == std::string::npos;
  };
  for (const std::string* path : {&options.whip_path, &options.whep_path, &options.session_path}) {
    if (is_path(*path) || (path->empty() && path != &options.session_path)) continue;
    return fail(Errc::kInvalidArgument,
                "a path must be like \"/whip\", without a slash at its end: " + quoted(*path));
  }
  const std::array<const std::string*, 3> paths = {&options.whip_path, &options.whep_path,
                                                   &options.session_path};
  for (const std::string* one : paths) {
    for (const std::string* other : paths) {
      if (one != other && below(*one, *other)) {
        return fail(Errc::kInvalidArgument,
                    "the path " + *one + " is below the path " + *other + ": give another one");
      }
    }
  }
  const Limits& limits = options.limits;
  if (limits.max_sessions == 0 || limits.burst == 0 || limits.sessions_per_second <= 0 ||
      limits.restarts_per_second <= 0 || limits.setup_timeout <= Duration::zero()) {
    return fail(Errc::kInvalidArgument, "with these limits no session could begin, or restart ICE");
  }
  return {};
}

Sessions::Sessions(SessionsOptions options, Random& random)
    : options_(std::move(options)), random_(random) {}

// ---------------------------------------------------------------------------------- requests

void Sessions::handle_request(Time now, http::RequestId id, const http::Request& request) {
  const std::optional<Endpoint> endpoint = find_endpoint(request.path());
  Session* const session = endpoint ? nullptr : find_session(request.path());
  if (!endpoint && !session) {
    return refuse_request(
        id, {404, "there is neither an endpoint nor a session at " + quoted(request.path())});
  }
  if (request.method == "OPTIONS") return answer_options(id, request, endpoint);
  // RFC 9725 section 4.1: there is nothing to show, and that is no error.
  if (request.method == "GET" || request.method == "HEAD") return respond(id, {204, {}, {}});
  if (endpoint) return handle_endpoint(now, id, request, *endpoint);
  handle_session(now, id, request, *session);
}

std::optional<Sessions::Endpoint> Sessions::find_endpoint(std::string_view path) const {
  for (const Protocol protocol : {Protocol::kWhip, Protocol::kWhep}) {
    const std::string& base = protocol == Protocol::kWhip ? options_.whip_path : options_.whep_path;
    const auto rest = below(path, base);
    if (!rest) continue;
    std::optional<std::string> stream = percent_decoded(*rest);
    if (!stream || stream->size() > options_.limits.max_stream_bytes ||
        !is_utf8(as_bytes(*stream)) || std::any_of(stream->begin(), stream->end(), [](char c) {
          return static_cast<unsigned char>(c) < ' ' || c == 0x7f;
        })) {
      return std::nullopt;
    }
    return Endpoint{protocol, std::move(*stream)};
  }
  return std::nullopt;
}

Sessions::Session* Sessions::find_session(std::string_view path) {
  const auto name = below(path, options_.session_path);
  const auto found = name ? names_.find(*name) : names_.end();
  return found == names_.end() ? nullptr : find(found->second);
}

Sessions::Session* Sessions::find(SessionId id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : &found->second;
}

// RFC 9725 section 4.2: CORS, and what may be posted. Section 4.6: ICE servers for clients that
// cannot use them later, but not in a preflight.
void Sessions::answer_options(http::RequestId id, const http::Request& request,
                              const std::optional<Endpoint>& endpoint) {
  http::Response response;
  const bool is_preflight = request.headers.find("access-control-request-method").has_value();
  response.headers.add("Allow",
                       endpoint ? "GET, HEAD, OPTIONS, POST" : "DELETE, GET, HEAD, OPTIONS, PATCH");
  if (endpoint) {
    response.headers.add("Accept-Post", std::string(kSdpType));
    // Who may not open the stream gets no TURN credentials either.
    if (!is_preflight &&
        (!options_.authorize ||
         options_.authorize(endpoint->protocol, endpoint->stream, bearer_token(request.headers)))) {
      add_links(options_.ice_servers, response.headers);
    }
  } else {
    response.headers.add("Accept-Patch", std::string(kFragmentType));
  }
  if (is_preflight && !options_.allow_origin.empty()) {
    response.headers.add("Access-Control-Allow-Methods", "DELETE, GET, HEAD, OPTIONS, PATCH, POST");
    response.headers.add("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match");
    response.headers.add("Access-Control-Max-Age", std::string(kPreflightMaxAge));
  }
  respond(id, std::move(response));
}

void Sessions::handle_endpoint(Time now, http::RequestId id, const http::Request& request,
                               const Endpoint& endpoint) {
  if (request.method == "POST") return post(now, id, request, endpoint);
  http::Response response =
      http::problem(405, "an endpoint takes POST with an offer, not " + quoted(request.method, 20));
  response.headers.add("Allow", "GET, HEAD, OPTIONS, POST");
  respond(id, std::move(response));
}

void Sessions::post(Time now, http::RequestId id, const http::Request& request,
                    const Endpoint& endpoint) {
  const std::string_view token = bearer_token(request.headers);
  if (options_.authorize && !options_.authorize(endpoint.protocol, endpoint.stream, token)) {
    return refuse_request(id, {401, token.empty() ? "a bearer token is needed"
                                                  : "the bearer token does not open this stream"});
  }
  const std::string type = http::media_type(request.headers.find("content-type").value_or(""));
  if (type != kSdpType) {
    http::Response response = http::problem(
        415, "an offer has the type " + std::string(kSdpType) + ", not " + quoted(type));
    response.headers.add("Accept-Post", std::string(kSdpType));
    return respond(id, std::move(response));
  }
  const Result<sdp::Description> offer = sdp::parse(request.body);
  if (!offer) return refuse_request(id, {400, offer.error().message});
  if (offer->media.empty()) return refuse_request(id, {400, "the offer has no section"});
  if (auto wrong = wrong_direction(*offer, endpoint.protocol))
    return refuse_request(id, {400, *wrong});
  const Limits& limits = options_.limits;
  if (sessions_.size() >= limits.max_sessions) {
    return refuse_request(
        id, {503, "the server has its " + std::to_string(limits.max_sessions) + " sessions",
             std::chrono::ceil<std::chrono::seconds>(limits.setup_timeout)});
  }
  if (!new_sessions_) new_sessions_ = TokenBucket{static_cast<double>(limits.burst), now};
  if (!new_sessions_->take(now, limits.sessions_per_second, limits.burst)) {
    return refuse_request(id, {429, "too many sessions begin at once", std::chrono::seconds(1)});
  }

  const auto key = static_cast<SessionId>(++last_id_);
  Session& session = sessions_[key];
  session.id = key;
  session.name = random_.text(kNameLength, kAlphabet);
  session.token = token;
  session.protocol = endpoint.protocol;
  session.expires = now + limits.setup_timeout;
  session.etag = new_etag();
  session.remote_ufrag = first_ufrag(*offer);
  session.restarts = {static_cast<double>(limits.restart_burst), now};
  session.waiting = id;
  names_[session.name] = key;
  waiting_[id] = key;
  expiries_.insert({session.expires, key});
  ++stats_.created;
  events_.push_back(Offered{key, endpoint.protocol, endpoint.stream, request.body});
}

bool Sessions::TokenBucket::take(Time now, double per_second, std::size_t burst) {
  const double waited = std::chrono::duration<double>(now - filled).count();
  tokens = std::min(static_cast<double>(burst), tokens + waited * per_second);
  filled = now;
  if (tokens < 1) return false;
  tokens -= 1;
  return true;
}

void Sessions::handle_session(Time now, http::RequestId id, const http::Request& request,
                              Session& session) {
  if (options_.authorize && !same_secret(bearer_token(request.headers), session.token)) {
    return refuse_request(id, {401, "the session needs the bearer token that opened it"});
  }
  if (request.method == "PATCH") return patch(now, id, request, session);
  if (request.method == "DELETE") {
    // RFC 9725 section 4.3.1: an entity-tag means nothing here.
    const SessionId key = session.id;
    respond(id, {200, {}, {}});
    return end(key, "the client ended the session");
  }
  http::Response response =
      http::problem(405, "a session takes PATCH and DELETE, not " + quoted(request.method, 20));
  response.headers.add("Allow", "DELETE, GET, HEAD, OPTIONS, PATCH");
  respond(id, std::move(response));
}

void Sessions::handle_abandoned(http::RequestId id) {
  const auto found = waiting_.find(id);
  if (found == waiting_.end()) return;
  Session& session = *find(found->second);
  waiting_.erase(found);
  session.waiting.reset();
  // Nobody will ever know the session's name.
  if (session.phase == Phase::kOffered) {
    end(session.id, "the client hung up before it was answered");
  }
}

// ------------------------------------------------------------------ what the connection says

void Sessions::accept(SessionId id, std::string answer) {
  Session* const session = find(id);
  if (!session || session->phase != Phase::kOffered) return;
  session->phase = Phase::kOpen;
  respond_waiting(*session, described(*session, 201, std::move(answer)));
}

// draft-ietf-wish-whep section 4.2.2
void Sessions::counter(SessionId id, std::string offer) {
  Session* const session = find(id);
  if (!session || session->phase != Phase::kOffered) return;
  session->phase = Phase::kCountered;
  respond_waiting(*session, described(*session, 406, std::move(offer)));
}

void Sessions::refuse(SessionId id, const Refusal& refusal) {
  Session* const session = find(id);
  if (!session) return;
  const std::optional<http::RequestId> request = session->waiting;
  forget(*session);
  if (request) refuse_request(*request, refusal);
}

void Sessions::handle_answered(SessionId id, const std::optional<Refusal>& refusal) {
  Session* const session = find(id);
  if (!session || session->phase != Phase::kAnswered) return;
  session->phase = refusal ? Phase::kCountered : Phase::kOpen;
  const std::optional<http::RequestId> request = std::exchange(session->waiting, std::nullopt);
  if (!request) return;
  waiting_.erase(*request);
  if (refusal) return refuse_request(*request, *refusal);
  respond(*request, {204, {}, {}});
}

// RFC 9725 section 4.3.3
void Sessions::handle_restarted(SessionId id, const sdp::Fragment& local) {
  Session* const session = find(id);
  if (!session || !std::exchange(session->restarting, false)) return;
  session->remote_ufrag = std::exchange(session->restart_ufrag, {});
  session->etag = new_etag();
  http::Response response{200, {{"Content-Type", std::string(kFragmentType)}}, local.to_string()};
  response.headers.add("ETag", "\"" + session->etag + "\"");
  respond_waiting(*session, std::move(response));
}

void Sessions::refuse_restart(SessionId id, const Refusal& refusal) {
  Session* const session = find(id);
  if (!session || !std::exchange(session->restarting, false)) return;
  session->restart_ufrag.clear();
  const std::optional<http::RequestId> request = std::exchange(session->waiting, std::nullopt);
  if (!request) return;
  waiting_.erase(*request);
  refuse_request(*request, refusal);
}

void Sessions::handle_connected(SessionId id) {
  Session* const session = find(id);
  if (!session || std::exchange(session->connected, true)) return;
  expiries_.erase({std::exchange(session->expires, kNever), id});
}

void Sessions::end(SessionId id, std::string reason) {
  Session* const session = find(id);
  if (!session) return;
  const std::optional<http::RequestId> request = session->waiting;
  forget(*session);
  if (request) refuse_request(*request, {503, reason});
  ++stats_.ended;
  events_.push_back(Ended{id, std::move(reason)});
}

void Sessions::forget(Session& session) {
  if (session.waiting) waiting_.erase(*session.waiting);
  expiries_.erase({session.expires, session.id});
  names_.erase(session.name);
  sessions_.erase(session.id);
}

// --------------------------------------------------------------------------------- responses

http::Response Sessions::described(const Session& session, unsigned status, std::string sdp) const {
  http::Response response{status, {{"Content-Type", std::string(kSdpType)}}, std::move(sdp)};
  // Relative, so that it is right behind a proxy too.
  response.headers.add("Location", options_.session_path + "/" + session.name);
  response.headers.add("ETag", "\"" + session.etag + "\"");
  response.headers.add("Accept-Patch", std::string(kFragmentType));
  add_links(options_.ice_servers, response.headers);
  return response;
}

void Sessions::respond_waiting(Session& session, http::Response response) {
  const std::optional<http::RequestId> request = std::exchange(session.waiting, std::nullopt);
  if (!request) return;
  waiting_.erase(*request);
  respond(*request, std::move(response));
}

void Sessions::refuse_request(http::RequestId id, const Refusal& refusal) {
  http::Response response = http::problem(refusal.status, refusal.detail);
  if (refusal.retry_after) {
    response.headers.add("Retry-After", std::to_string(refusal.retry_after->count()));
  }
  // RFC 6750 section 3
  if (refusal.status == 401) response.headers.add("WWW-Authenticate", "Bearer");
  respond(id, std::move(response));
}

void Sessions::respond(http::RequestId id, http::Response response) {
  if (response.status >= 400) ++stats_.refused;
  add_cors(response.headers);
  events_.push_back(Respond{id, std::move(response)});
}

void Sessions::add_cors(http::Headers& headers) const {
  if (options_.allow_origin.empty()) return;
  headers.add("Access-Control-Allow-Origin", options_.allow_origin);
  headers.add("Access-Control-Expose-Headers",
              "Accept-Patch, Accept-Post, ETag, Link, Location, Retry-After");
}

std::string Sessions::new_etag() {
  return random_.text(kEtagLength, kAlphabet);
}

// ------------------------------------------------------------------------------------ driving

std::optional<Sessions::Event> Sessions::poll_event() {
  if (events_.empty()) return std::nullopt;
  Event event = std::move(events_.front());
  events_.pop_front();
  return event;
}

Time Sessions::next_timeout() const {
  return expiries_.empty() ? kNever : expiries_.begin()->first;
}

void Sessions::handle_timeout(Time now) {
  while (!expiries_.empty() && expiries_.begin()->first <= now) {
    ++stats_.expired;
    end(expiries_.begin()->second,
        "no connection within " + std::to_string(to_ms(options_.limits.setup_timeout)) + " ms");
  }
}

Sessions::Stats Sessions::stats() const {
  Stats stats = stats_;
  stats.sessions = sessions_.size();
  return stats;
}

}  // namespace floe::whip
