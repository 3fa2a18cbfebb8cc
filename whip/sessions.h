#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/http/message.h"
#include "floe/peer/configuration.h"
#include "floe/sdp/fragment.h"
#include "floe/whip/protocol.h"

namespace floe::whip {

/// Names one session; no value comes twice.
enum class SessionId : std::uint64_t {};

/// What a server lets its clients do.
struct Limits {
  /// At once, of both protocols. One costs a peer connection.
  std::size_t max_sessions = 500;
  /// A token bucket over all clients: so many new sessions a second, and `burst` at once, since
  /// each costs a key exchange (RFC 9725 section 5).
  double sessions_per_second = 20;
  std::size_t burst = 50;
  /// The same for the ICE restarts of one session, since each asks the STUN and TURN servers anew.
  double restarts_per_second = 0.5;
  std::size_t restart_burst = 5;
  /// How long a new session has to be connected, and a counter-offer to be answered: the time that
  /// draft-ietf-wish-whep section 4.2 gives for that.
  Duration setup_timeout = std::chrono::seconds(30);
  /// Bytes of a stream's name in the path, decoded.
  std::size_t max_stream_bytes = 128;
};

struct SessionsOptions {
  // Endpoints are at these paths and, for any number of streams, below them: "/whip/door". An empty
  // one switches its protocol off.
  std::string whip_path = "/whip";
  std::string whep_path = "/whep";
  std::string session_path = "/session";  ///< Sessions are below it, under names nobody can guess.
  /// Told to clients in Link fields.
  std::vector<IceServer> ice_servers{};
  /// Whose pages may use the server (Access-Control-Allow-Origin); empty: no other page's.
  std::string allow_origin = "*";
  /// Whether `token`, the client's bearer token or empty, opens the stream; none: everybody may.
  /// A session answers only to the token that opened it.
  std::function<bool(Protocol protocol, std::string_view stream, std::string_view token)>
      authorize{};
  Limits limits{};
};

/// Refuses paths that collide and limits under which no session could ever be.
[[nodiscard]] Result<> validate(const SessionsOptions& options);

/// The resources of WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep) without sockets and without
/// peer connections: what a request means, what may follow what, and what is answered. After each
/// call its driver takes the events.
class Sessions {
 public:
  struct Stats {
    std::size_t sessions = 0;  ///< Now.
    std::uint64_t created = 0;
    std::uint64_t ended = 0;
    std::uint64_t refused = 0;  ///< Requests answered with a status of 400 or more.
    std::uint64_t expired = 0;  ///< Sessions that were not connected within `setup_timeout`.
  };

  /// `random` must outlive the sessions; their names and entity-tags come from it.
  Sessions(SessionsOptions options, Random& random);

  void handle_request(Time now, http::RequestId id, const http::Request& request);
  /// The client hung up before its response was there.
  void handle_abandoned(http::RequestId id);

  // What the peer connection of a session says. Calls for a session that is gone do nothing.

  /// The answer to `Offered`, with all candidates.
  void accept(SessionId id, std::string answer);
  /// The offer in the place of an answer (WHEP only).
  void counter(SessionId id, std::string offer);
  /// Neither; the session is gone.
  void refuse(SessionId id, const Refusal& refusal);
  /// The answer to `Answered` is good, or why not (then another one may come).
  void handle_answered(SessionId id, const std::optional<Refusal>& refusal);
  /// The answer to `RestartWanted`: our side after the restart, with all candidates.
  void handle_restarted(SessionId id, const sdp::Fragment& local);
  /// The restart cannot be; the session goes on as it was.
  void refuse_restart(SessionId id, const Refusal& refusal);
  void handle_connected(SessionId id);
  /// The connection ended. `Ended` follows.
  void end(SessionId id, std::string reason);

  struct Respond {
    http::RequestId request;
    http::Response response;
  };
  /// A client wants to publish or watch `stream`.
  struct Offered {
    SessionId session;
    Protocol protocol;
    std::string stream;  ///< What followed the endpoint's path, decoded; often empty.
    std::string sdp;
  };
  /// The client answers the counter-offer.
  struct Answered {
    SessionId session;
    std::string sdp;
  };
  struct Trickled {
    SessionId session;
    sdp::Fragment fragment;
  };
  /// The client restarts ICE. If another restart is under way, this one takes its place.
  struct RestartWanted {
    SessionId session;
    sdp::Fragment fragment;
  };
  /// The last of a session that was `Offered` and not refused by `refuse`.
  struct Ended {
    SessionId session;
    std::string reason;
  };
  using Event = std::variant<Respond, Offered, Answered, Trickled, RestartWanted, Ended>;
  std::optional<Event> poll_event();

  Time next_timeout() const;
  void handle_timeout(Time now);

  Stats stats() const;
  const SessionsOptions& options() const { return options_; }

 private:
  enum class Phase : std::uint8_t {
    kOffered,    ///< The POST waits for its response.
    kCountered,  ///< The client's answer is to come.
    kAnswered,   ///< It came; the PATCH waits for its response.
    kOpen,
  };
  struct TokenBucket {
    double tokens = 0;
    Time filled;

    bool take(Time now, double per_second, std::size_t burst);
  };
  struct Session {
    SessionId id{};
    std::string name;   ///< The last part of its path.
    std::string token;  ///< That opened it.
    Protocol protocol = Protocol::kWhip;
    Phase phase = Phase::kOffered;
    bool connected = false;
    Time expires = kNever;
    std::string etag;  ///< Of the ICE session, without quotes.
    std::string remote_ufrag;
    std::optional<http::RequestId> waiting;  ///< The POST, or the PATCH of an answer or restart.
    bool restarting = false;                 ///< It is a restart.
    std::string restart_ufrag;               ///< The client's new one.
    TokenBucket restarts;
  };
  struct Endpoint {
    Protocol protocol;
    std::string stream;
  };

  std::optional<Endpoint> find_endpoint(std::string_view path) const;
  Session* find_session(std::string_view path);
  Session* find(SessionId id);

  void handle_endpoint(Time now, http::RequestId id, const http::Request& request,
                       const Endpoint& endpoint);
  void handle_session(Time now, http::RequestId id, const http::Request& request, Session& session);
  void answer_options(http::RequestId id, const http::Request& request,
                      const std::optional<Endpoint>& endpoint);
  void post(Time now, http::RequestId id, const http::Request& request, const Endpoint& endpoint);

  // sessions_patch.cc
  void patch(Time now, http::RequestId id, const http::Request& request, Session& session);
  void take_answer(http::RequestId id, const http::Request& request, Session& session);
  void take_fragment(Time now, http::RequestId id, const http::Request& request, Session& session);
  void restart(Time now, http::RequestId id, sdp::Fragment fragment, Session& session);

  void respond(http::RequestId id, http::Response response);
  void refuse_request(http::RequestId id, const Refusal& refusal);
  /// Answers what waits for a response of this session.
  void respond_waiting(Session& session, http::Response response);
  http::Response described(const Session& session, unsigned status, std::string sdp) const;
  void add_cors(http::Headers& headers) const;
  std::string new_etag();
  void forget(Session& session);

  const SessionsOptions options_;
  Random& random_;
  std::unordered_map<SessionId, Session> sessions_;
  std::map<std::string, SessionId, std::less<>> names_;
  std::unordered_map<http::RequestId, SessionId> waiting_;
  std::set<std::pair<Time, SessionId>> expiries_;
  std::deque<Event> events_;
  std::uint64_t last_id_ = 0;
  std::optional<TokenBucket> new_sessions_;  ///< From the first one on.
  Stats stats_;
};

}  // namespace floe::whip
