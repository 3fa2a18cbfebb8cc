#pragma once

// How `TurnRelay` writes its answers; only for its own sources.
#include "floe/servers/turn/turn_relay.h"

namespace floe::server {

/// Writes one response; `write` adds what stands between the header and the
/// fingerprint, which goes to those who use it (RFC 8489 section 7).
template <typename Write>
void TurnRelay::answer(Request& request, stun::Class cls, Write write) {
  const net::Route route{request.client.socket, request.client.endpoint, {}};
  const MutableBytes space = request.batch.open(route, kMaxResponse);
  if (space.empty()) {
    ++stats_.dropped_batch_full;
    return;
  }
  stun::MessageBuilder response(space, cls, request.message);
  write(response);
  if (request.message.has(stun::AttributeType::kFingerprint)) response.add_fingerprint();
  request.batch.commit(response.bytes().size());
}

/// A signed success response, which `write` adds the method's own attributes
/// to.
template <typename Write>
void TurnRelay::succeed(Request& request, Write write) {
  ++stats_.succeeded;
  answer(request, stun::Class::kSuccess, [&](stun::MessageBuilder& response) {
    write(response);
    sign(response, request.caller);
  });
}

/// RFC 8656 section 5: Allocate and Refresh responses SHOULD name the software.
inline void add_software(stun::MessageBuilder& response, const stun::Message& request,
                         std::string_view software) {
  const bool wanted =
      request.method() == stun::Method::kAllocate || request.method() == stun::Method::kRefresh;
  if (wanted && !software.empty()) response.add_text(stun::AttributeType::kSoftware, software);
}

}  // namespace floe::server
