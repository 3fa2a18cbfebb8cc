#include "floe/stun_client/binding_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "floe/core/text.h"

namespace floe::stun {
namespace {

constexpr Duration kLoopWindow = std::chrono::minutes(5);  // RFC 8489 section 10

/// Header, a SOFTWARE of 127 characters at its longest (RFC 8489 section 14.14) and FINGERPRINT.
constexpr std::size_t kMaxBindingRequest = kHeaderSize + 4 + 512 + 8;

/// What a Binding response may carry without our objection (RFC 8489 section 6.3.3).
constexpr std::array kKnownAttributes{AttributeType::kMappedAddress,
                                      AttributeType::kXorMappedAddress,
                                      AttributeType::kErrorCode,
                                      AttributeType::kUnknownAttributes,
                                      AttributeType::kUsername,
                                      AttributeType::kRealm,
                                      AttributeType::kNonce,
                                      AttributeType::kMessageIntegrity,
                                      AttributeType::kMessageIntegritySha256,
                                      AttributeType::kUserhash,
                                      AttributeType::kPasswordAlgorithm,
                                      AttributeType::kPadding};

std::string list(const AttributeTypes& types) {
  std::string text;
  for (const AttributeType type : types) {
    if (!text.empty()) text += ", ";
    const std::string_view known = name(type);
    text += known.empty() ? std::to_string(static_cast<unsigned>(type)) : std::string(known);
  }
  return text;
}

bool is_usable(const net::Endpoint& endpoint) {
  return endpoint.port != 0 && !endpoint.address.is_unspecified() &&
         !endpoint.address.is_multicast() && !endpoint.address.is_broadcast();
}

}  // namespace

BindingClient::BindingClient(net::SocketId socket, const net::Endpoint& server, Random& random,
                             Configuration configuration)
    : random_(random),
      configuration_(std::move(configuration)),
      route_{socket, server, {}},
      round_trips_(configuration_.times.rto) {}

void BindingClient::start(Time now) {
  event_.reset();
  alternate_.reset();
  server_errors_ = 0;
  visited_.clear();
  send_request(now);
}

Result<> BindingClient::follow_redirect(Time now) {
  if (!alternate_) {
    return fail(Errc::kInvalidState, "the STUN server has not named an alternate server");
  }
  route_.destination = *std::exchange(alternate_, std::nullopt);
  round_trips_ = RoundTripEstimate(configuration_.times.rto);
  server_errors_ = 0;
  send_request(now);
  return {};
}

void BindingClient::send_request(Time now) {
  retry_at_ = kNever;
  if (!was_visited(now, server())) visited_.push_back({server(), now});
  std::array<std::uint8_t, kMaxBindingRequest> space;
  MessageBuilder request(space, Class::kRequest, Method::kBinding, random_transaction_id(random_));
  if (!configuration_.software.empty()) {
    request.add_text(AttributeType::kSoftware, configuration_.software);
  }
  if (configuration_.fingerprint) request.add_fingerprint();
  TransactionTimes times = configuration_.times;
  times.rto = round_trips_.rto(now);
  Result<Transaction> started =
      Transaction::start(now, request.bytes(), Transport::kDatagrams, times);
  if (!started) {
    return fail_query(started.error().code, started.error().message);
  }
  transaction_ = std::move(*started);
}

bool BindingClient::handle_packet(Time now, const net::Datagram& datagram) {
  // The id alone tells whether the packet concerns this query: others share the socket.
  if (!transaction_ || datagram.socket != route_.socket || !looks_like_stun(datagram.payload)) {
    return false;
  }
  const TransactionId& id = transaction_->id();
  if (!std::equal(id.begin(), id.end(), datagram.payload.begin() + 8)) return false;

  // None of what is dropped here ends the query: anyone may have sent it.
  if (datagram.source != server()) {
    ++stats_.dropped_other_source;
    return true;
  }
  const Result<Message> response = Message::parse(datagram.payload);
  if (!response) {
    ++stats_.dropped_malformed;
  } else if (response->check_fingerprint() == Message::Fingerprint::kBad) {
    ++stats_.dropped_bad_fingerprint;
  } else if (!transaction_->matches(*response)) {
    ++stats_.dropped_not_a_response;
  } else {
    ++stats_.responses;
    if (const auto round_trip = transaction_->round_trip(now)) round_trips_.add(now, *round_trip);
    if (response->cls() == Class::kSuccess) {
      handle_success(now, *response);
    } else {
      handle_error(now, *response);
    }
  }
  return true;
}

void BindingClient::handle_success(Time now, const Message& response) {
  if (const AttributeTypes unknown = response.unknown_required(kKnownAttributes);
      !unknown.empty()) {
    return fail_query(
        Errc::kUnsupported,
        "the STUN server's response requires attributes that are not understood: " + list(unknown));
  }
  // MAPPED-ADDRESS is what RFC 3489 servers send; NATs may have rewritten it.
  std::optional<net::Endpoint> mapped = response.xor_mapped_address();
  if (!mapped) mapped = response.mapped_address();
  if (!mapped || !is_usable(*mapped)) {
    return fail_query(Errc::kMalformed, "the STUN server's response has no usable mapped address");
  }
  finish(Reflexive{*mapped, transaction_->round_trip(now), response.other_address()});
}

void BindingClient::handle_error(Time now, const Message& response) {
  const std::optional<ErrorCode> error = response.error_code();
  const AttributeTypes unknown = response.unknown_required(kKnownAttributes);
  if (!error || !unknown.empty()) {  // RFC 8489 section 6.3.4
    return fail_query(Errc::kMalformed,
                      !error ? "the STUN server's error response has no error code"
                             : "the STUN server's error response requires attributes that are not "
                               "understood: " +
                                   list(unknown));
  }
  if (error->code == kTryAlternate) return handle_redirect(now, response);
  if (error->code / 100 == 5 && server_errors_ < kMaxServerErrors) {
    // RFC 8489 section 6.3.4 allows to send again; waiting longer each time spares the server.
    retry_at_ = now + round_trips_.rto(now) * (1 << server_errors_);
    ++server_errors_;
    transaction_.reset();
    return;
  }
  const AttributeTypes refused =
      error->code == kUnknownAttribute ? response.unknown_attributes() : AttributeTypes();
  std::string message =
      "the STUN server answered " + std::to_string(error->code) + " " + quoted(error->reason);
  if (!refused.empty()) message += " to " + list(refused);
  fail_query(Errc::kRefused, std::move(message), error->code, refused);
}

void BindingClient::handle_redirect(Time now, const Message& response) {
  // RFC 8489 section 10: one for the request's own family comes first, perhaps one for the other.
  std::optional<net::Endpoint> alternate;
  for (std::size_t i = 0; i < 2 && !alternate; ++i) {
    const std::optional<net::Endpoint> named = response.alternate_server(i);
    if (named && named->family() == server().family() && is_usable(*named)) alternate = named;
  }
  if (!alternate) {
    return fail_query(Errc::kMalformed, "the STUN server redirects without a usable address",
                      kTryAlternate);
  }
  if (was_visited(now, *alternate)) {
    return fail_query(Errc::kRefused,
                      "the STUN servers redirect in a loop, back to " + alternate->to_string(),
                      kTryAlternate);
  }
  if (visited_.size() > kMaxRedirects) {
    return fail_query(
        Errc::kLimitExceeded,
        "the STUN servers redirected more than " + std::to_string(kMaxRedirects) + " times",
        kTryAlternate);
  }
  alternate_ = alternate;
  finish(Redirected{*alternate});
}

bool BindingClient::was_visited(Time now, const net::Endpoint& server) const {
  return std::any_of(visited_.begin(), visited_.end(), [&](const Visit& visit) {
    return visit.server == server && now - visit.at < kLoopWindow;
  });
}

void BindingClient::handle_unreachable(const Error& error) {
  if (running())
    fail_query(Errc::kUnreachable, "the STUN server cannot be reached: " + error.message);
}

void BindingClient::poll_transmit(Time now, net::SendBatch& batch) {
  if (!transaction_) return;
  const unsigned before = transaction_->sends();
  transaction_->poll_transmit(now, route_, batch);
  stats_.requests_sent += transaction_->sends() - before;
}

Time BindingClient::next_timeout() const {
  return transaction_ ? transaction_->next_timeout() : retry_at_;
}

void BindingClient::handle_timeout(Time now) {
  if (retry_at_ <= now) send_request(now);
  if (!transaction_) return;
  transaction_->handle_timeout(now);
  if (transaction_->timed_out()) {
    fail_query(Errc::kTimedOut, "the STUN server " + server().to_string() + " does not answer");
  }
}

std::optional<BindingClient::Event> BindingClient::poll_event() {
  return std::exchange(event_, std::nullopt);
}

void BindingClient::finish(Event event) {
  transaction_.reset();
  retry_at_ = kNever;
  event_ = std::move(event);
}

void BindingClient::fail_query(Errc errc, std::string message, std::uint16_t code,
                               const AttributeTypes& unknown) {
  finish(Failed{{errc, std::move(message)}, code, unknown});
}

}  // namespace floe::stun
