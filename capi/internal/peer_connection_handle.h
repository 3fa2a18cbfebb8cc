#pragma once

#include <memory>

#include "floe/capi/internal/handle.h"
#include "floe/capi/internal/ice_options.h"
#include "floe/capi/internal/ice_shown.h"
#include "floe/capi/internal/network_handle.h"
#include "floe/capi/peer_connection.h"
#include "floe/peer/peer_connection.h"

struct floe_peer_connection final : floe::c::Member {
  floe_peer_connection(floe_network& network, std::unique_ptr<floe::PeerConnection> of);

  void let_go() override { connection.reset(); }

  std::unique_ptr<floe::PeerConnection> connection;  ///< NULL when the network is gone.
  floe_peer_connection_handlers handlers{};
  floe::c::Link<floe_peer_connection> link{*this};
};

namespace floe::c {

floe_signaling_state shown(SignalingState state);
floe_peer_connection_state shown(PeerConnectionState state);
floe_dtls_transport_state shown(DtlsTransportState state);

}  // namespace floe::c
