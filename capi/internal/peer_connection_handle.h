#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "floe/capi/internal/call.h"
#include "floe/capi/internal/handle.h"
#include "floe/capi/internal/ice_options.h"
#include "floe/capi/internal/ice_shown.h"
#include "floe/capi/internal/network_handle.h"
#include "floe/capi/internal/stored_configuration.h"
#include "floe/capi/peer_connection.h"
#include "floe/peer/peer_connection.h"

struct floe_peer_connection final : floe::c::Member {
  floe_peer_connection(floe_network& of_network, std::unique_ptr<floe::PeerConnection> of,
                       std::unique_ptr<floe::c::StoredConfiguration> given);

  void let_go() override { connection.reset(); }

  floe_network& network;                             ///< Gone when `connection` is NULL.
  std::unique_ptr<floe::PeerConnection> connection;  ///< NULL when the network is gone.
  std::unique_ptr<floe::c::StoredConfiguration> configuration;
  mutable std::vector<std::uint8_t> remote_certificate;  ///< What was returned stays.
  floe_peer_connection_handlers handlers{};
  floe::c::Link<floe_peer_connection> link{*this};
};

namespace floe::c {

floe_signaling_state shown(SignalingState state);
floe_peer_connection_state shown(PeerConnectionState state);
floe_dtls_transport_state shown(DtlsTransportState state);
floe_sctp_transport_state shown(SctpTransportState state);

/// The connection behind a handle.
Result<PeerConnection*> behind(const floe_peer_connection* handle);

/// A call that fails in ways of its own.
template <typename Body>
floe_error_code call_on(floe_peer_connection* handle, Body&& body) {
  return call([&]() -> Result<> {
    const auto connection = behind(handle);
    if (!connection) return forward(connection);
    return body(**connection);
  });
}

/// A question; `otherwise` when there is no answer.
template <typename Value, typename Body>
Value ask(const floe_peer_connection* handle, Value otherwise, Body&& body) {
  return call_for<Value>(otherwise, [&]() -> Result<Value> {
    const auto connection = behind(handle);
    if (!connection) return forward(connection);
    return body(**connection);
  });
}

}  // namespace floe::c
