// From a STUN message to what it asks for, and how it is answered (RFC 8656
// section 5).
#include <algorithm>
#include <string_view>

#include "floe/servers/turn/internal/turn_relay_answers.h"
#include "floe/servers/turn/turn_relay.h"

namespace floe::server {

using stun::AttributeType;
using stun::Class;
using stun::Message;
using stun::Method;

namespace {

/// The comprehension-required attributes this server knows (RFC 8489
/// section 6.3).
constexpr std::array kKnownAttributes{AttributeType::kMappedAddress,
                                      AttributeType::kXorMappedAddress,
                                      AttributeType::kUsername,
                                      AttributeType::kUserhash,
                                      AttributeType::kRealm,
                                      AttributeType::kNonce,
                                      AttributeType::kMessageIntegrity,
                                      AttributeType::kMessageIntegritySha256,
                                      AttributeType::kErrorCode,
                                      AttributeType::kUnknownAttributes,
                                      AttributeType::kPasswordAlgorithm,
                                      AttributeType::kChannelNumber,
                                      AttributeType::kLifetime,
                                      AttributeType::kXorPeerAddress,
                                      AttributeType::kData,
                                      AttributeType::kXorRelayedAddress,
                                      AttributeType::kEvenPort,
                                      AttributeType::kRequestedAddressFamily,
                                      AttributeType::kReservationToken,
                                      AttributeType::kRequestedTransport,
                                      AttributeType::kDontFragment,
                                      AttributeType::kConnectionId};

constexpr std::string_view reason(std::uint16_t code) {
  switch (code) {
    case stun::kTryAlternate:
      return "Try Alternate";
    case stun::kBadRequest:
      return "Bad Request";
    case stun::kForbidden:
      return "Forbidden";
    case stun::kUnknownAttribute:
      return "Unknown Attribute";
    case stun::kAllocationMismatch:
      return "Allocation Mismatch";
    case stun::kAddressFamilyNotSupported:
      return "Address Family not Supported";
    case stun::kWrongCredentials:
      return "Wrong Credentials";
    case stun::kUnsupportedTransport:
      return "Unsupported Transport Protocol";
    case stun::kPeerAddressFamilyMismatch:
      return "Peer Address Family Mismatch";
    case stun::kConnectionAlreadyExists:
      return "Connection Already Exists";
    case stun::kConnectionTimeoutOrFailure:
      return "Connection Timeout or Failure";
    case stun::kAllocationQuotaReached:
      return "Allocation Quota Reached";
    case stun::kInsufficientCapacity:
      return "Insufficient Capacity";
    default:
      return "";
  }
}

/// Binding, of any class: bits 0 to 3, 5 to 7 and 9 to 13 of the type (RFC 8489
/// section 5).
bool is_binding(Bytes message) {
  const auto type = static_cast<std::uint16_t>(message[0] << 8 | message[1]);
  return (type & 0x3eef) == static_cast<std::uint16_t>(Method::kBinding);
}

bool is_request_method(Method method) {
  return method == Method::kAllocate || method == Method::kRefresh ||
         method == Method::kCreatePermission || method == Method::kChannelBind ||
         method == Method::kConnect || method == Method::kConnectionBind;
}

}  // namespace

void TurnRelay::handle_message(Time now, const net::Datagram& datagram, net::SendBatch& batch) {
  if (datagram.payload.size() >= stun::kHeaderSize && is_binding(datagram.payload)) {
    return responder_.handle_packet(now, datagram, batch);
  }
  const Result<Message> message = Message::parse(datagram.payload);
  const TurnClient client{datagram.socket, datagram.source};
  if (!message) {
    ++stats_.dropped_malformed;
  } else if (message->check_fingerprint() == Message::Fingerprint::kBad) {
    ++stats_.dropped_fingerprint;
  } else if (client.endpoint.port == 0) {
    ++stats_.dropped_source;
  } else if (message->cls() == Class::kIndication && message->method() == Method::kSend) {
    handle_send(now, *message, client, batch);
  } else if (message->cls() == Class::kRequest && is_request_method(message->method())) {
    const auto socket = sockets_.find(client.socket);
    if (socket == sockets_.end()) return;  // A datagram that was on its way as it was closed.
    Request request{now, *message, client, socket->second, batch, find(client)};
    handle_request(request);
  } else {
    ++stats_.dropped_method;
  }
}

void TurnRelay::handle_request(Request& request) {
  ++stats_.requests;
  const Method method = request.message.method();
  // RFC 8656 section 7.2, the note: the request that made the allocation, sent
  // again.
  if (method == Method::kAllocate && request.allocation != nullptr &&
      request.allocation->created_by == request.message.transaction_id()) {
    request.caller = request.allocation->caller;
    return answer_allocate(request, *request.allocation);
  }
  if (!authenticate(request)) return;
  // A ConnectionBind comes on a stream of its own (RFC 6062 section 4.3).
  if (method != Method::kAllocate && method != Method::kConnectionBind) {
    if (request.allocation == nullptr) return refuse(request, stun::kAllocationMismatch);
    if (request.allocation->caller.username != request.caller.username) {
      return refuse(request, stun::kWrongCredentials);
    }
  }
  if (!request.message.unknown_required(kKnownAttributes).empty()) {
    return refuse(request, stun::kUnknownAttribute);
  }
  // What any of these change may be what packets under way take for granted.
  forget_courses();
  switch (method) {
    case Method::kAllocate:
      return handle_allocate(request);
    case Method::kRefresh:
      return handle_refresh(request);
    case Method::kCreatePermission:
      return handle_create_permission(request);
    case Method::kConnect:
      return handle_connect(request);
    case Method::kConnectionBind:
      return handle_connection_bind(request);
    default:
      return handle_channel_bind(request);
  }
}

bool TurnRelay::authenticate(Request& request) {
  const Caller* known = request.allocation ? &request.allocation->caller : nullptr;
  Authenticator::Verdict verdict =
      authenticator_.check(request.now, host_.wall_clock(), request.message,
                           request.client.endpoint, control_of(request), known);
  if (verdict.error != 0) {
    refuse_unauthenticated(request, verdict.error);
    return false;
  }
  request.caller = std::move(verdict.caller);
  return true;
}

void TurnRelay::refuse(Request& request, std::uint16_t code) {
  count(code);
  answer(request, Class::kError, [&](stun::MessageBuilder& response) {
    response.add_error(code, reason(code));
    if (code == stun::kUnknownAttribute) {
      response.add_unknown_attributes(request.message.unknown_required(kKnownAttributes));
    }
    add_software(response, request.message, configuration_.software);
    sign(response, request.caller);
  });
}

/// The source may be forged: an answer of only what must be in it, and only so
/// many of them.
void TurnRelay::refuse_unauthenticated(Request& request, std::uint16_t code) {
  const bool may_be_forged = !is_stream(request.transport);
  if (may_be_forged && !limiter_.admit(request.now, request.client.endpoint.address)) {
    ++stats_.dropped_rate_limited;
    return;
  }
  count(code);
  answer(request, Class::kError, [&](stun::MessageBuilder& response) {
    response.add_error(code, {});
    if (code == stun::kBadRequest) return;
    authenticator_.add_challenge(response, request.now, request.client.endpoint);
  });
}

void TurnRelay::redirect(Request& request) {
  // RFC 8489 section 10: the alternate's family is that of the request's
  // source.
  const auto& alternates = configuration_.alternate_servers;
  const auto alternate =
      std::find_if(alternates.begin(), alternates.end(), [&](const net::Endpoint& candidate) {
        return candidate.family() == request.client.endpoint.family();
      });
  if (alternate == alternates.end()) return refuse(request, stun::kInsufficientCapacity);
  count(stun::kTryAlternate);
  answer(request, Class::kError, [&](stun::MessageBuilder& response) {
    response.add_error(stun::kTryAlternate, reason(stun::kTryAlternate));
    response.add_address(AttributeType::kAlternateServer, *alternate);
    sign(response, request.caller);
  });
}

void TurnRelay::count(std::uint16_t code) {
  switch (code) {
    case stun::kTryAlternate:
      ++stats_.redirected;
      return;
    case stun::kBadRequest:
      ++stats_.bad_request;
      return;
    case stun::kUnauthenticated:
      ++stats_.unauthenticated;
      return;
    case stun::kForbidden:
      ++stats_.forbidden_peer;
      return;
    case stun::kUnknownAttribute:
      ++stats_.unknown_attribute;
      return;
    case stun::kAllocationMismatch:
      ++stats_.mismatch;
      return;
    case stun::kStaleNonce:
      ++stats_.stale_nonce;
      return;
    case stun::kWrongCredentials:
      ++stats_.wrong_credentials;
      return;
    case stun::kConnectionAlreadyExists:
      ++stats_.connection_exists;
      return;
    case stun::kConnectionTimeoutOrFailure:
      ++stats_.connection_failed;
      return;
    case stun::kAllocationQuotaReached:
      ++stats_.quota;
      return;
    case stun::kInsufficientCapacity:
      ++stats_.no_capacity;
      return;
    default:
      ++stats_.unsupported;
      return;
  }
}

}  // namespace floe::server
