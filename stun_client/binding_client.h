#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "floe/core/random.h"
#include "floe/core/result.h"
#include "floe/core/time.h"
#include "floe/net/datagram.h"
#include "floe/net/send_batch.h"
#include "floe/stun_client/message.h"
#include "floe/stun_client/round_trip_estimate.h"
#include "floe/stun_client/transaction.h"

namespace floe::stun {

/// Asks one STUN server over UDP which address a socket has on the outside. An engine: its driver
/// owns the socket and hands it time, packets and randomness. One query runs at a time; it may be
/// asked again and again, which also keeps the NAT's binding alive.
class BindingClient {
 public:
  /// Redirections one query follows at most (RFC 8489 section 10 only forbids loops).
  static constexpr unsigned kMaxRedirects = 4;
  /// RFC 8489 section 6.3.4: how often a request is sent anew after a 5xx answer.
  static constexpr unsigned kMaxServerErrors = 4;

  struct Configuration {
    TransactionTimes times{};
    std::string software{};    ///< SOFTWARE in requests; empty leaves it out.
    bool fingerprint = false;  ///< For sockets shared with other protocols.
  };

  /// The server reflexive address.
  struct Reflexive {
    net::Endpoint address;
    std::optional<Duration> round_trip;          ///< Known if the first request was answered.
    std::optional<net::Endpoint> other_address;  ///< The server's second address (RFC 5780).
  };
  /// The server names another one (RFC 8489 section 10). Binding requests are not authenticated,
  /// so neither is this: following it (`follow_redirect`) is the driver's choice.
  struct Redirected {
    net::Endpoint server;
  };
  struct Failed {
    Error error;
    std::uint16_t code = 0;  ///< The STUN error code, or 0 if it was no error response.
    AttributeTypes unknown;  ///< What the server did not understand, with code 420.
  };
  using Event = std::variant<Reflexive, Redirected, Failed>;

  struct Stats {
    std::uint64_t requests_sent = 0;
    std::uint64_t responses = 0;  ///< Those that ended or redirected a query.
    std::uint64_t dropped_other_source = 0;
    std::uint64_t dropped_malformed = 0;
    std::uint64_t dropped_bad_fingerprint = 0;
    std::uint64_t dropped_not_a_response = 0;
  };

  /// `random` must outlive the client.
  BindingClient(net::SocketId socket, const net::Endpoint& server, Random& random,
                Configuration configuration);

  /// Begins a query; one under way is dropped without an event.
  void start(Time now);
  /// Goes on with the server of the last `Redirected`. `kInvalidState` when there was none.
  [[nodiscard]] Result<> follow_redirect(Time now);
  /// The system reported a hard ICMP error for the server (RFC 8489 section 6.2.1).
  void handle_unreachable(const Error& error);

  /// True if the packet bears the running query's transaction id, whether it was of use or not.
  bool handle_packet(Time now, const net::Datagram& datagram);
  void poll_transmit(Time now, net::SendBatch& batch);
  Time next_timeout() const;
  void handle_timeout(Time now);
  std::optional<Event> poll_event();

  bool running() const { return transaction_.has_value() || retry_at_ != kNever; }
  const net::Endpoint& server() const { return route_.destination; }
  const Stats& stats() const { return stats_; }

 private:
  struct Visit {
    net::Endpoint server;
    Time at;
  };

  void send_request(Time now);
  void handle_success(Time now, const Message& response);
  void handle_error(Time now, const Message& response);
  void handle_redirect(Time now, const Message& response);
  bool was_visited(Time now, const net::Endpoint& server) const;
  void finish(Event event);
  void fail_query(Errc errc, std::string message, std::uint16_t code = 0,
                  const AttributeTypes& unknown = {});

  Random& random_;
  Configuration configuration_;
  net::Route route_;
  RoundTripEstimate round_trips_;
  std::optional<Transaction> transaction_;
  Time retry_at_ = kNever;
  unsigned server_errors_ = 0;
  std::vector<Visit> visited_;  ///< At most kMaxRedirects + 1.
  std::optional<net::Endpoint> alternate_;
  std::optional<Event> event_;
  Stats stats_;
};

}  // namespace floe::stun
