#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/net/datagram.h"
#include "floe/net/send_batch.h"
#include "floe/stun_client/attempt.h"
#include "floe/stun_client/long_term_credential.h"
#include "floe/stun_client/message.h"
#include "floe/stun_client/round_trip_estimate.h"
#include "floe/stun_client/transaction.h"

namespace floe::turn {

/// Why a request came to nothing.
struct Failure {
  Error error;
  std::uint16_t code = 0;  ///< The STUN error code, or 0 if it was no error response.
};

/// One request on its way through challenges, stale nonces and server errors.
struct Request {
  stun::Method method{};
  std::optional<stun::Transaction> transaction{};
  stun::Attempt attempt{};
  unsigned server_errors = 0;
  Time retry_at = kNever;  ///< When to send it anew after a server error.

  bool has(const stun::TransactionId& id) const { return transaction && transaction->id() == id; }
  Time next_timeout() const { return transaction ? transaction->next_timeout() : retry_at; }
};

/// What all requests to one server have in common: the way there, the credentials and what the
/// server said about them, the round trip.
class Session {
 public:
  /// RFC 8489 section 6.3.4: how often one request is sent anew after a 5xx answer.
  static constexpr unsigned kMaxServerErrors = 4;

  struct Configuration {
    net::SocketId socket = net::kNoSocket;
    net::Endpoint server{};
    stun::Transport transport = stun::Transport::kDatagrams;
    std::optional<stun::LongTermCredential> credential{};
    stun::TransactionTimes times{};
    std::string software{};
    bool fingerprint = false;
  };
  struct Stats {
    std::uint64_t requests_sent = 0;  ///< Retransmissions included.
    std::uint64_t responses = 0;      ///< Taken as the answer to a request.
    std::uint64_t challenges = 0;     ///< 401 and 438 that were answered with a new request.
    std::uint64_t timeouts = 0;
    std::uint64_t dropped_unauthentic = 0;  ///< Message integrity wrong, missing or bid down.
  };

  /// `random` must outlive the session.
  Session(Configuration configuration, Random& random);

  using Write = std::function<void(stun::MessageBuilder&)>;
  /// Sends `request` in a new transaction, with the attributes that `write` adds. Errors:
  /// `kLimitExceeded` if it does not fit, which only credentials and tokens can cause.
  [[nodiscard]] Result<> send(Time now, Request& request, const Write& write);

  enum class Outcome : std::uint8_t {
    kSuccess,
    kFailed,     ///< An error response, or credentials that were refused: see `Failure`.
    kSendAgain,  ///< At once, with the server's new realm or nonce.
    kWait,       ///< A server error: the request has a time to be sent again.
    kDropped,    ///< As if the response had never arrived.
  };
  Outcome handle_response(Time now, Request& request, const stun::Message& response,
                          Failure& failure);

  enum class Tick : std::uint8_t { kNothing, kSendAgain, kTimedOut };
  Tick handle_timeout(Time now, Request& request, Failure& failure);
  void poll_transmit(Time now, Request& request, net::SendBatch& batch);

  /// Another local port, perhaps another server too.
  void use_socket(net::SocketId socket) { configuration_.socket = socket; }
  void use_server(const net::Endpoint& server);
  /// The next request is sent without credentials, so that the server asks for them anew.
  void forget_challenge();

  bool over_stream() const { return configuration_.transport == stun::Transport::kStream; }
  net::Route route() const { return {configuration_.socket, configuration_.server, {}}; }
  const Configuration& configuration() const { return configuration_; }
  const Stats& stats() const { return stats_; }

 private:
  Failure error_of(const Request& request, const stun::Message& response) const;

  Configuration configuration_;
  Random* random_;
  stun::RoundTripEstimate round_trips_;
  Stats stats_;
};

}  // namespace floe::turn
