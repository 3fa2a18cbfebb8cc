#include "floe/turn_client/session.h"

#include <array>
#include <utility>

#include "floe/core/text.h"

namespace floe::turn {
namespace {

using stun::AttributeType;

/// What a response may carry without our objection (RFC 8489 section 6.3.3).
constexpr std::array kKnownAttributes{AttributeType::kMappedAddress,
                                      AttributeType::kXorMappedAddress,
                                      AttributeType::kErrorCode,
                                      AttributeType::kUnknownAttributes,
                                      AttributeType::kUsername,
                                      AttributeType::kUserhash,
                                      AttributeType::kRealm,
                                      AttributeType::kNonce,
                                      AttributeType::kMessageIntegrity,
                                      AttributeType::kMessageIntegritySha256,
                                      AttributeType::kPasswordAlgorithm,
                                      AttributeType::kChannelNumber,
                                      AttributeType::kLifetime,
                                      AttributeType::kXorPeerAddress,
                                      AttributeType::kXorRelayedAddress,
                                      AttributeType::kRequestedAddressFamily,
                                      AttributeType::kEvenPort,
                                      AttributeType::kRequestedTransport,
                                      AttributeType::kDontFragment,
                                      AttributeType::kReservationToken,
                                      AttributeType::kConnectionId};

std::string_view method_name(stun::Method method) {
  switch (method) {
    case stun::Method::kAllocate:
      return "Allocate";
    case stun::Method::kRefresh:
      return "Refresh";
    case stun::Method::kCreatePermission:
      return "CreatePermission";
    case stun::Method::kChannelBind:
      return "ChannelBind";
    case stun::Method::kConnect:
      return "Connect";
    case stun::Method::kConnectionBind:
      return "ConnectionBind";
    default:
      return "the";
  }
}

Errc kind_of(std::uint16_t code) {
  switch (code) {
    case stun::kUnauthenticated:
    case stun::kForbidden:
    case stun::kWrongCredentials:
      return Errc::kPermissionDenied;
    case stun::kAllocationQuotaReached:
    case stun::kInsufficientCapacity:
      return Errc::kLimitExceeded;
    case stun::kAddressFamilyNotSupported:
    case stun::kUnsupportedTransport:
    case stun::kPeerAddressFamilyMismatch:
      return Errc::kUnsupported;
    case stun::kConnectionTimeoutOrFailure:
      return Errc::kUnreachable;
    default:
      return Errc::kRefused;
  }
}

}  // namespace

Session::Session(Configuration configuration, Random& random)
    : configuration_(std::move(configuration)),
      random_(&random),
      round_trips_(configuration_.times.rto) {}

Result<> Session::send(Time now, Request& request, const Write& write) {
  std::array<std::uint8_t, stun::Transaction::kMaxRequest> space;
  stun::MessageBuilder builder(space, stun::Class::kRequest, request.method,
                               stun::random_transaction_id(*random_));
  write(builder);
  // RFC 8656 section 5 wants SOFTWARE, and RFC 7635 section 9 allows ACCESS-TOKEN, in these two.
  if (request.method == stun::Method::kAllocate || request.method == stun::Method::kRefresh) {
    if (!configuration_.software.empty()) {
      builder.add_text(AttributeType::kSoftware, configuration_.software);
    }
    if (configuration_.credential && !configuration_.credential->access_token().empty()) {
      builder.add(AttributeType::kAccessToken, configuration_.credential->access_token());
    }
  }
  if (configuration_.credential) configuration_.credential->authenticate(builder, request.attempt);
  if (configuration_.fingerprint) builder.add_fingerprint();
  if (!builder.ok()) {
    return fail(Errc::kLimitExceeded, std::string(method_name(request.method)) +
                                          " request: username, realm, nonce and token together do "
                                          "not fit in " +
                                          std::to_string(space.size()) + " bytes");
  }
  stun::TransactionTimes times = configuration_.times;
  times.rto = round_trips_.rto(now);
  Result<stun::Transaction> started =
      stun::Transaction::start(now, builder.bytes(), configuration_.transport, times);
  if (!started) return forward(started);
  request.transaction = std::move(*started);
  request.retry_at = kNever;
  return {};
}

Session::Outcome Session::handle_response(Time now, Request& request, const stun::Message& response,
                                          Failure& failure) {
  const auto error = response.cls() == stun::Class::kError ? response.error_code() : std::nullopt;
  const stun::Verdict verdict =
      configuration_.credential
          ? configuration_.credential->handle_response(response, request.attempt)
          : stun::Verdict::kUnprotected;
  if (verdict == stun::Verdict::kDiscard) {
    ++stats_.dropped_unauthentic;
    return Outcome::kDropped;
  }
  if (verdict == stun::Verdict::kIntegrityViolated) {
    ++stats_.dropped_unauthentic;
    // RFC 8489 section 9.2.5: over datagrams the right response may still come.
    if (!over_stream()) return Outcome::kDropped;
    failure = {{Errc::kVerificationFailed, "the TURN server's response fails its integrity check"},
               0};
    request.transaction.reset();
    return Outcome::kFailed;
  }
  ++stats_.responses;
  if (const auto sample = request.transaction->round_trip(now)) round_trips_.add(now, *sample);
  if (verdict == stun::Verdict::kRetry) {
    ++stats_.challenges;
    request.transaction.reset();
    return Outcome::kSendAgain;
  }
  if (verdict == stun::Verdict::kRefused) {
    request.transaction.reset();
    failure = {request.attempt.error(), error ? error->code : std::uint16_t{0}};
    return Outcome::kFailed;
  }
  if (response.cls() == stun::Class::kSuccess &&
      response.unknown_required(kKnownAttributes).empty()) {
    request.transaction.reset();
    return Outcome::kSuccess;
  }
  if (error && error->code / 100 == 5 && error->code != stun::kInsufficientCapacity &&
      request.server_errors < kMaxServerErrors) {
    // RFC 8489 section 6.3.4 allows to send again; waiting longer each time spares the server.
    request.retry_at = now + round_trips_.rto(now) * (1 << request.server_errors++);
    request.transaction.reset();
    return Outcome::kWait;
  }
  failure = error_of(request, response);
  request.transaction.reset();
  return Outcome::kFailed;
}

Failure Session::error_of(const Request& request, const stun::Message& response) const {
  const std::string to = " " + std::string(method_name(request.method)) + " request";
  if (!response.unknown_required(kKnownAttributes).empty()) {
    return {{Errc::kUnsupported,
             "the TURN server's response to" + to + " requires attributes that are not understood"},
            0};
  }
  const std::optional<stun::ErrorCode> error = response.error_code();
  if (!error) {
    return {{Errc::kMalformed, "the TURN server's error response to" + to + " has no error code"},
            0};
  }
  if (error->code == stun::kUnauthenticated && !configuration_.credential) {
    return {{Errc::kPermissionDenied,
             "the TURN server asks for a username and password, and none were given"},
            error->code};
  }
  std::string message = "the TURN server answered " + std::to_string(error->code) + " " +
                        quoted(error->reason) + " to" + to;
  if (error->code == stun::kUnknownAttribute) {
    for (const stun::AttributeType type : response.unknown_attributes()) {
      message += ", not understood: " + std::string(stun::name(type));
    }
  }
  return {{kind_of(error->code), std::move(message)}, error->code};
}

Session::Tick Session::handle_timeout(Time now, Request& request, Failure& failure) {
  if (request.retry_at <= now) {
    request.retry_at = kNever;
    return Tick::kSendAgain;
  }
  if (!request.transaction) return Tick::kNothing;
  request.transaction->handle_timeout(now);
  if (!request.transaction->timed_out()) return Tick::kNothing;
  ++stats_.timeouts;
  request.transaction.reset();
  const std::string server = configuration_.server.to_string();
  if (request.attempt.integrity_violated()) {
    failure = {{Errc::kVerificationFailed,
                "all responses of the TURN server " + server + " fail their integrity check"},
               0};
  } else {
    failure = {{Errc::kTimedOut, "the TURN server " + server + " does not answer " +
                                     std::string(method_name(request.method)) + " requests"},
               0};
  }
  return Tick::kTimedOut;
}

void Session::poll_transmit(Time now, Request& request, net::SendBatch& batch) {
  if (!request.transaction) return;
  const unsigned before = request.transaction->sends();
  request.transaction->poll_transmit(now, route(), batch);
  stats_.requests_sent += request.transaction->sends() - before;
}

void Session::use_server(const net::Endpoint& server) {
  configuration_.server = server;
  round_trips_ = stun::RoundTripEstimate(configuration_.times.rto);
  forget_challenge();
}

void Session::forget_challenge() {
  if (configuration_.credential) configuration_.credential->forget_server();
}

}  // namespace floe::turn
