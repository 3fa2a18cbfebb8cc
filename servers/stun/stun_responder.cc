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

stun::AttributeTypes unknown_in(const stun::Message& request) {
  // Many RFC 3489 clients send a CHANGE-REQUEST that asks for no change; that can be obeyed.
  const std::optional<stun::ChangeRequest> change = request.change_request();
  if (change && !change->address && !change->port) {
    std::array<AttributeType, kKnownAttributes.size() + 1> known;
    std::copy(kKnownAttributes.begin(), kKnownAttributes.end(), known.begin());
    known.back() = AttributeType::kChangeRequest;
    return request.unknown_required(known);
  }
  return request.unknown_required(kKnownAttributes);
}

}  // namespace

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
  const MutableBytes space = batch.open({datagram.socket, datagram.source, {}}, kMaxResponse);
  if (space.empty()) {
    ++stats_.dropped_batch_full;
    return;
  }
  const stun::AttributeTypes unknown = unknown_in(request);
  stun::MessageBuilder response(
      space, unknown.empty() ? stun::Class::kSuccess : stun::Class::kError, request);
  if (unknown.empty()) {
    write_success(response, request, datagram.source);
  } else {
    write_unknown_attributes(response, request, unknown);
  }
  // FINGERPRINT goes to those who use it, and costs them as much as us (RFC 8489 section 7).
  if (request.has(AttributeType::kFingerprint)) response.add_fingerprint();
  batch.commit(response.bytes().size());

  if (!unknown.empty()) {
    ++stats_.unknown_attributes;
    return;
  }
  ++stats_.answered;
  if (!request.has_magic_cookie()) ++stats_.answered_classic;
}

void StunResponder::write_success(stun::MessageBuilder& response, const stun::Message& request,
                                  const net::Endpoint& source) const {
  if (!request.has_magic_cookie()) {
    // RFC 5389 section 12.2: an RFC 3489 client gets MAPPED-ADDRESS, and nothing it may not know.
    response.add_address(AttributeType::kMappedAddress, source);
    return;
  }
  response.add_xor_address(AttributeType::kXorMappedAddress, source);
  const std::size_t fingerprint =
      request.has(AttributeType::kFingerprint) ? kFingerprintAttributeSize : 0;
  const std::size_t software = kAttributeHeaderSize + padded(configuration_.software.size());
  if (!configuration_.software.empty() &&
      response.size() + software + fingerprint <= request.bytes().size()) {
    response.add_text(AttributeType::kSoftware, configuration_.software);
  }
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
