#include "floe/capi/internal/peer_connection_handle.h"

#include <optional>
#include <utility>

#include "floe/capi/internal/data_channel_handle.h"
#include "floe/capi/internal/rtp_transceiver_handle.h"
#include "floe/capi/internal/session_types.h"
#include "floe/capi/internal/words.h"

namespace floe::c {
namespace {

constexpr const char* kSignalingStates[] = {"stable",
                                            "have-local-offer",
                                            "have-remote-offer",
                                            "have-local-pranswer",
                                            "have-remote-pranswer",
                                            "closed"};
constexpr const char* kConnectionStates[] = {"new",          "connecting", "connected",
                                             "disconnected", "failed",     "closed"};
constexpr const char* kDtlsStates[] = {"new", "connecting", "connected", "closed", "failed"};
constexpr const char* kSctpStates[] = {"connecting", "connected", "closed"};

using Handle = floe_peer_connection;

// The handle's handlers are looked up anew for each event: they may be replaced at any time.

void connect_ice_events(Handle& handle) {
  PeerConnection& connection = *handle.connection;
  connection.on_ice_candidate(
      while_linked(handle.link, [](Handle& self, const IceCandidate& candidate) {
        const floe_ice_candidate given = shown(candidate);
        const auto& to = self.handlers;
        if (to.ice_candidate != nullptr) to.ice_candidate(&self, &given, to.user);
      }));
  connection.on_ice_candidate_error(
      while_linked(handle.link, [](Handle& self, const ice::Gatherer::ServerFailed& failed) {
        const auto& to = self.handlers;
        if (to.ice_candidate_error == nullptr) return;
        const ShownCandidateError given(failed);
        to.ice_candidate_error(&self, given.get(), to.user);
      }));
  connection.on_ice_gathering_state_change(
      while_linked(handle.link, [](Handle& self, IceGatheringState state) {
        const auto& to = self.handlers;
        if (to.ice_gathering_state_change == nullptr) return;
        to.ice_gathering_state_change(&self, shown(state), to.user);
      }));
  connection.on_ice_connection_state_change(
      while_linked(handle.link, [](Handle& self, IceConnectionState state) {
        const auto& to = self.handlers;
        if (to.ice_connection_state_change == nullptr) return;
        to.ice_connection_state_change(&self, shown(state), to.user);
      }));
  connection.on_ice_failure(while_linked(handle.link, [](Handle& self, const ice::Report& report) {
    const auto& to = self.handlers;
    if (to.ice_failure == nullptr) return;
    const floe_ice_report given(report);
    to.ice_failure(&self, &given, to.user);
  }));
  connection.on_selected_candidate_pair_change(
      while_linked(handle.link, [](Handle& self, const ice::Agent::SelectedPairChanged& pair) {
        const auto& to = self.handlers;
        if (to.selected_candidate_pair_change == nullptr) return;
        const ShownPair given(pair);
        to.selected_candidate_pair_change(&self, given.get(), to.user);
      }));
}

void connect_other_events(Handle& handle) {
  PeerConnection& connection = *handle.connection;
  connection.on_negotiation_needed(while_linked(handle.link, [](Handle& self) {
    const auto& to = self.handlers;
    if (to.negotiation_needed != nullptr) to.negotiation_needed(&self, to.user);
  }));
  connection.on_signaling_state_change(
      while_linked(handle.link, [](Handle& self, SignalingState state) {
        const auto& to = self.handlers;
        if (to.signaling_state_change == nullptr) return;
        to.signaling_state_change(&self, shown(state), to.user);
      }));
  connection.on_connection_state_change(
      while_linked(handle.link, [](Handle& self, PeerConnectionState state) {
        const auto& to = self.handlers;
        if (to.connection_state_change == nullptr) return;
        to.connection_state_change(&self, shown(state), to.user);
      }));
  connection.on_dtls_state_change(while_linked(
      handle.link, [](Handle& self, DtlsTransportState state, const std::optional<Error>& error) {
        const auto& to = self.handlers;
        if (to.dtls_state_change == nullptr) return;
        const floe_error given = error ? shown(*error) : floe_error{FLOE_OK, ""};
        to.dtls_state_change(&self, shown(state), error ? &given : nullptr, to.user);
      }));
  connection.on_sctp_state_change(while_linked(handle.link, [](Handle& self, SctpTransportState s) {
    const auto& to = self.handlers;
    if (to.sctp_state_change != nullptr) to.sctp_state_change(&self, shown(s), to.user);
  }));
  connection.on_track(while_linked(handle.link, [](Handle& self, const TrackEvent& event) {
    const auto& to = self.handlers;
    if (to.track == nullptr) return;
    std::vector<const char*> streams;
    for (const std::string& stream : event.streams) streams.push_back(stream.c_str());
    const floe_track_event given{.size = sizeof given,
                                 .transceiver = new floe_rtp_transceiver(event.transceiver),
                                 .track_id = event.track->id().c_str(),
                                 .streams = streams.data(),
                                 .stream_count = streams.size()};
    to.track(&self, &given, to.user);
  }));
  connection.on_data_channel(
      while_linked(handle.link, [](Handle& self, std::shared_ptr<DataChannel> channel) {
        const auto& to = self.handlers;
        if (to.data_channel == nullptr) return;
        to.data_channel(&self, new floe_data_channel(std::move(channel)), to.user);
      }));
}

}  // namespace

floe_signaling_state shown(SignalingState state) {
  return enumerator(kSignalingStates, to_string(state), FLOE_SIGNALING_STATE_CLOSED);
}

floe_peer_connection_state shown(PeerConnectionState state) {
  return enumerator(kConnectionStates, to_string(state), FLOE_PEER_CONNECTION_STATE_CLOSED);
}

floe_dtls_transport_state shown(DtlsTransportState state) {
  return enumerator(kDtlsStates, to_string(state), FLOE_DTLS_TRANSPORT_STATE_CLOSED);
}

floe_sctp_transport_state shown(SctpTransportState state) {
  return enumerator(kSctpStates, to_string(state), FLOE_SCTP_TRANSPORT_STATE_CLOSED);
}

Result<PeerConnection*> behind(const floe_peer_connection* handle) {
  if (handle == nullptr) return is_null("connection");
  if (handle->connection == nullptr) {
    return fail(Errc::kInvalidState, "the network of this connection was freed");
  }
  return handle->connection.get();
}

}  // namespace floe::c

floe_peer_connection::floe_peer_connection(floe_network& of_network,
                                           std::unique_ptr<floe::PeerConnection> of,
                                           std::unique_ptr<floe::c::StoredConfiguration> given)
    : Member(of_network),
      network(of_network),
      connection(std::move(of)),
      configuration(std::move(given)) {
  floe::c::connect_ice_events(*this);
  floe::c::connect_other_events(*this);
}

const char* floe_signaling_state_text(floe_signaling_state state) {
  return floe::c::word(floe::c::kSignalingStates, state);
}

const char* floe_peer_connection_state_text(floe_peer_connection_state state) {
  return floe::c::word(floe::c::kConnectionStates, state);
}

const char* floe_dtls_transport_state_text(floe_dtls_transport_state state) {
  return floe::c::word(floe::c::kDtlsStates, state);
}

const char* floe_sctp_transport_state_text(floe_sctp_transport_state state) {
  return floe::c::word(floe::c::kSctpStates, state);
}
