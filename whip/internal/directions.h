#pragma once

#include <optional>
#include <string>

#include "floe/peer/peer_connection.h"
#include "floe/whip/protocol.h"

namespace floe::whip {

/// Which way media may go from this end.
enum class Flow : std::uint8_t { kOut, kIn };

/// The client of WHIP and the server of WHEP send, the others receive.
constexpr Flow flow_of(Protocol protocol, bool is_client) {
  return (protocol == Protocol::kWhip) == is_client ? Flow::kOut : Flow::kIn;
}

/// Takes the other direction from every transceiver.
void limit_directions(PeerConnection& connection, Flow flow);
/// The transceiver that could not do anything in an offer for this flow, in words.
std::optional<std::string> useless_transceiver(const PeerConnection& connection, Flow flow);

}  // namespace floe::whip
