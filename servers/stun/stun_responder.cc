#include "floe/servers/stun/stun_responder.h"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

namespace floe::server {
namespace {

using stun::AttributeType;

/// The comprehension-required attributes of RFC 8489. Those that do not belong in a Binding request
/// are ignored (section 6.3), among them the credentials: this server asks for none.
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
                                      AttributeType::kPasswordAlgorithm};

constexpr std::size_t kAttributeHeaderSize = 4;
constexpr std::size_t kFingerprintAttributeSize = 8;
constexpr std::string_view kUnknownAttributeReason = "Unknown Attribute";

constexpr std::size_t padded(std::size_t size) {
  return (size + 3) / 4 * 4;
}

bool can_be_source(const net::Endpoint& endpoint) {
  return endpoint.port != 0 && !endpoint.address.is_unspecified() &&
         !endpoint.address.is_multicast() && !endpoint.address.is_broadcast();
}

/// Of an RFC 5780 server.
constexpr std::array kDiscoveryAttributes{AttributeType::kChangeRequest, AttributeType::kPadding,
                                          AttributeType::kResponsePort};

/// The bits of an origin's index.
constexpr std::size_t kOtherPort = 1;
constexpr std::size_t kOtherAddress = 2;

/// The index of the origin that the answer leaves by, if the request came to `received`.
std::size_t origin_for(const stun::Message& request, std::size_t received) {
  const stun::ChangeRequest change = request.change_request().value_or(stun::ChangeRequest{});
  return received ^ (change.address ? kOtherAddress : 0) ^ (change.port ? kOtherPort : 0);
}

}  // namespace

stun::AttributeTypes StunResponder::unknown_in(const stun::Message& request,
                                               bool serves_discovery) {
  std::array<AttributeType, kKnownAttributes.size() + kDiscoveryAttributes.size()> known{};
  auto end = std::copy(kKnownAttributes.begin(), kKnownAttributes.end(), known.begin());
  const std::optional<stun::ChangeRequest> change = request.change_request();
  if (serves_discovery) {
    end = std::copy(kDiscoveryAttributes.begin(), kDiscoveryAttributes.end(), end);
  } else if (change && !change->address && !change->port) {
    // Many RFC 3489 clients send a CHANGE-REQUEST that asks for no change; that can be obeyed.
    *end++ = AttributeType::kChangeRequest;
  }
  return request.unknown_required(
      std::span(known).first(static_cast<std::size_t>(end - known.begin())));
}

std::optional<std::size_t> StunResponder::origin_at(net::SocketId socket) const {
  if (!origins_) return std::nullopt;
  const auto found = std::find_if(origins_->begin(), origins_->end(),
                                  [&](const Origin& origin) { return origin.socket == socket; });
  if (found == origins_->end()) return std::nullopt;
  return static_cast<std::size_t>(found - origins_->begin());
}

StunResponder::StunResponder(Configuration configuration, Random& random)
    : configuration_(std::move(configuration)), limiter_(configuration_.rate, random) {}

void StunResponder::handle_packet(Time now, const net::Datagram& datagram, net::SendBatch& batch) {
  const Result<stun::Message> message = stun::Message::parse_classic(datagram.payload);
  if (!message) {
    ++stats_.dropped_malformed;
    return;
  }
  if (is_answerable(now, *message, datagram.source)) answer(*message, datagram, batch);
}

bool StunResponder::is_answerable(Time now, const stun::Message& message,
                                  const net::Endpoint& source) {
  if (message.method() != stun::Method::kBinding) {
    ++stats_.dropped_method;
  } else if (message.is_response()) {
    ++stats_.dropped_response;
  } else if (message.check_fingerprint() == stun::Message::Fingerprint::kBad) {
    ++stats_.dropped_fingerprint;  // RFC 8489 section 6.3
  } else if (message.cls() == stun::Class::kIndication) {
    ++stats_.indications;
  } else if (!can_be_source(source)) {
    ++stats_.dropped_source;
  } else if (!limiter_.admit(now, source.address)) {
    ++stats_.dropped_rate_limited;
  } else {
    return true;
  }
  return false;
}

void StunResponder::answer(const stun::Message& request, const net::Datagram& datagram,
                           net::SendBatch& batch) {
  const std::optional<std::size_t> received = origin_at(datagram.socket);
  const stun::AttributeTypes unknown = unknown_in(request, received.has_value());
  // RFC 5780 section 6.1: padding may not be sent to another port than it came from.
  const bool is_bad =
      unknown.empty() && request.has(AttributeType::kResponsePort) &&
      (request.has(AttributeType::kPadding) || request.response_port().value_or(0) == 0);
  const bool succeeds = unknown.empty() && !is_bad;
  const std::optional<std::size_t> origin =
      succeeds && received ? std::optional(origin_for(request, *received)) : std::nullopt;

  net::Route route{datagram.socket, datagram.source, {}};
  if (origin) route.socket = (*origins_)[*origin].socket;
  if (origin) route.destination.port = request.response_port().value_or(datagram.source.port);
  const MutableBytes space =
      batch.open(route, std::max(kMaxResponse, succeeds ? datagram.payload.size() : 0));
  if (space.empty()) {
    ++stats_.dropped_batch_full;
    return;
  }
  stun::MessageBuilder response(space, succeeds ? stun::Class::kSuccess : stun::Class::kError,
                                request);
  if (succeeds) {
    write_success(response, request, datagram.source, origin);
  } else if (is_bad) {
    response.add_error(stun::kBadRequest, {});
  } else {
    write_unknown_attributes(response, request, unknown);
  }
  // FINGERPRINT goes to those who use it, and costs them as much as us (RFC 8489 section 7).
  if (request.has(AttributeType::kFingerprint)) response.add_fingerprint();
  batch.commit(response.bytes().size());

  if (is_bad) ++stats_.bad_requests;
  if (!unknown.empty()) ++stats_.unknown_attributes;
  if (!succeeds) return;
  ++stats_.answered;
  if (!request.has_magic_cookie()) ++stats_.answered_classic;
  if (route != net::Route{datagram.socket, datagram.source, {}}) ++stats_.answered_elsewhere;
}

void StunResponder::write_success(stun::MessageBuilder& response, const stun::Message& request,
                                  const net::Endpoint& source,
                                  std::optional<std::size_t> origin) const {
  if (!request.has_magic_cookie()) {
    // RFC 5389 section 12.2: an RFC 3489 client gets MAPPED-ADDRESS, and nothing it may not know.
    response.add_address(AttributeType::kMappedAddress, source);
    return;
  }
  response.add_xor_address(AttributeType::kXorMappedAddress, source);
  if (origin) write_discovery(response, request, source, *origin);
  const std::size_t fingerprint =
      request.has(AttributeType::kFingerprint) ? kFingerprintAttributeSize : 0;
  const std::size_t software = kAttributeHeaderSize + padded(configuration_.software.size());
  if (!configuration_.software.empty() &&
      response.size() + software + fingerprint <= request.bytes().size()) {
    response.add_text(AttributeType::kSoftware, configuration_.software);
  }
  if (!origin || !request.has(AttributeType::kPadding)) return;
  // RFC 5780 section 6.1 would have the MTU's size whatever the request's is, which would make the
  // server an amplifier. So the answer becomes as large as the request and no larger: a client
  // that wants fragments back sends fragments.
  const std::size_t taken = response.size() + fingerprint + kAttributeHeaderSize;
  const std::size_t size = request.bytes().size();
  const std::vector<std::uint8_t> padding(size > taken ? size - taken : 0);
  response.add(AttributeType::kPadding, padding);
}

/// RFC 5780 section 6.1.
void StunResponder::write_discovery(stun::MessageBuilder& response, const stun::Message& request,
                                    const net::Endpoint& source, std::size_t origin) const {
  const stun::ChangeRequest change = request.change_request().value_or(stun::ChangeRequest{});
  const std::size_t received =
      origin ^ (change.address ? kOtherAddress : 0) ^ (change.port ? kOtherPort : 0);
  response.add_address(AttributeType::kMappedAddress, source);
  response.add_address(AttributeType::kResponseOrigin, (*origins_)[origin].local);
  response.add_address(AttributeType::kOtherAddress,
                       (*origins_)[received ^ kOtherAddress ^ kOtherPort].local);
}

void StunResponder::write_unknown_attributes(stun::MessageBuilder& response,
                                             const stun::Message& request,
                                             const stun::AttributeTypes& unknown) const {
  std::vector<AttributeType> list(unknown.begin(), unknown.end());
  // RFC 3489 padded the list by saying its last entry twice (RFC 8489 section 14.13).
  if (!request.has_magic_cookie() && list.size() % 2 != 0) list.push_back(list.back());

  const std::size_t fingerprint =
      request.has(AttributeType::kFingerprint) ? kFingerprintAttributeSize : 0;
  const std::size_t bare = response.size() + 2 * kAttributeHeaderSize + kAttributeHeaderSize +
                           padded(2 * list.size()) + fingerprint;
  const bool has_room = bare + padded(kUnknownAttributeReason.size()) <= request.bytes().size();
  response.add_error(stun::kUnknownAttribute,
                     has_room ? kUnknownAttributeReason : std::string_view());
  response.add_unknown_attributes(list);
}

}  // namespace floe::server
