#include "floe/capi/peer_connection.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "floe/capi/internal/call.h"
#include "floe/capi/internal/data_channel_handle.h"
#include "floe/capi/internal/peer_connection_handle.h"
#include "floe/capi/internal/session_types.h"
#include "floe/capi/internal/sized_struct.h"
#include "floe/capi/internal/texts_handle.h"

using floe::PeerConnection;
using floe::Result;
using floe::SessionDescription;

namespace floe::c {
namespace {

template <typename Create>
char* created(floe_peer_connection* handle, Create&& create) {
  return ask<char*>(handle, nullptr, [&](PeerConnection& connection) -> Result<char*> {
    const Result<SessionDescription> description = create(connection);
    if (!description) return forward(description);
    return to_own(description->sdp);
  });
}

char* description(const floe_peer_connection* handle, floe_sdp_type* type, const char* name,
                  std::optional<SessionDescription> (PeerConnection::*get)() const) {
  return ask<char*>(handle, nullptr, [&](const PeerConnection& connection) -> Result<char*> {
    const auto found = (connection.*get)();
    if (!found) return fail(Errc::kNotFound, std::string("there is no ") + name + " description");
    if (type != nullptr) *type = shown(found->type);
    return to_own(found->sdp);
  });
}

Result<SessionDescription> read_description(floe_sdp_type type, const char* sdp) {
  const auto read_type = sdp_type_of(type);
  if (!read_type) return forward(read_type);
  if (type == FLOE_SDP_TYPE_ROLLBACK) return SessionDescription{*read_type, ""};
  const auto read_sdp = text(sdp, "sdp");
  if (!read_sdp) return forward(read_sdp);
  return SessionDescription{*read_type, std::string(*read_sdp)};
}

}  // namespace
}  // namespace floe::c

void floe_peer_connection_free(floe_peer_connection* connection) {
  delete connection;
}

floe_error_code floe_peer_connection_set_handlers(floe_peer_connection* connection,
                                                  const floe_peer_connection_handlers* handlers) {
  return floe::c::call_on(connection, [&](PeerConnection&) -> Result<> {
    const auto read = floe::c::read_struct(handlers, "floe_peer_connection_handlers",
                                           offsetof(floe_peer_connection_handlers, track));
    if (!read) return forward(read);
    connection->handlers = *read;
    return {};
  });
}

char* floe_peer_connection_create_offer(floe_peer_connection* connection) {
  return floe::c::created(connection, [](PeerConnection& of) { return of.create_offer(); });
}

char* floe_peer_connection_create_offer_with(floe_peer_connection* connection,
                                             const floe_offer_options* options) {
  return floe::c::created(connection, [&](PeerConnection& of) -> Result<SessionDescription> {
    const auto read = floe::c::read_struct_or_defaults(options, "floe_offer_options");
    if (!read) return forward(read);
    return of.create_offer({.ice_restart = read->ice_restart});
  });
}

char* floe_peer_connection_create_answer(floe_peer_connection* connection) {
  return floe::c::created(connection, [](PeerConnection& of) { return of.create_answer(); });
}

floe_error_code floe_peer_connection_set_local_description(floe_peer_connection* connection) {
  return floe::c::call_on(connection, [](PeerConnection& to) -> Result<> {
    if (auto ok = to.set_local_description(); !ok) return forward(ok);
    return {};
  });
}

floe_error_code floe_peer_connection_set_local_description_to(floe_peer_connection* connection,
                                                              floe_sdp_type type, const char* sdp) {
  return floe::c::call_on(connection, [&](PeerConnection& to) -> Result<> {
    const auto read = floe::c::read_description(type, sdp);
    if (!read) return forward(read);
    return to.set_local_description(*read);
  });
}

floe_error_code floe_peer_connection_set_remote_description(floe_peer_connection* connection,
                                                            floe_sdp_type type, const char* sdp) {
  return floe::c::call_on(connection, [&](PeerConnection& to) -> Result<> {
    const auto read = floe::c::read_description(type, sdp);
    if (!read) return forward(read);
    return to.set_remote_description(*read);
  });
}

floe_error_code floe_peer_connection_add_ice_candidate(floe_peer_connection* connection,
                                                       const floe_ice_candidate* candidate) {
  return floe::c::call_on(connection, [&](PeerConnection& to) -> Result<> {
    const auto read = floe::c::read_candidate(candidate);
    if (!read) return forward(read);
    return to.add_ice_candidate(*read);
  });
}

floe_error_code floe_peer_connection_restart_ice(floe_peer_connection* connection) {
  return floe::c::call_on(connection, [](PeerConnection& which) -> Result<> {
    which.restart_ice();
    return {};
  });
}

char* floe_peer_connection_local_description(const floe_peer_connection* connection,
                                             floe_sdp_type* type) {
  return floe::c::description(connection, type, "local", &PeerConnection::local_description);
}

char* floe_peer_connection_remote_description(const floe_peer_connection* connection,
                                              floe_sdp_type* type) {
  return floe::c::description(connection, type, "remote", &PeerConnection::remote_description);
}

char* floe_peer_connection_current_local_description(const floe_peer_connection* connection,
                                                     floe_sdp_type* type) {
  return floe::c::description(connection, type, "current local",
                              &PeerConnection::current_local_description);
}

char* floe_peer_connection_pending_local_description(const floe_peer_connection* connection,
                                                     floe_sdp_type* type) {
  return floe::c::description(connection, type, "pending local",
                              &PeerConnection::pending_local_description);
}

char* floe_peer_connection_current_remote_description(const floe_peer_connection* connection,
                                                      floe_sdp_type* type) {
  return floe::c::description(connection, type, "current remote",
                              &PeerConnection::current_remote_description);
}

char* floe_peer_connection_pending_remote_description(const floe_peer_connection* connection,
                                                      floe_sdp_type* type) {
  return floe::c::description(connection, type, "pending remote",
                              &PeerConnection::pending_remote_description);
}

floe_error_code floe_peer_connection_can_trickle_ice_candidates(
    const floe_peer_connection* connection, bool* can) {
  return floe::c::call([&]() -> Result<> {
    const auto of = floe::c::behind(connection);
    if (!of) return forward(of);
    if (can == nullptr) return floe::c::is_null("can");
    const auto known = (*of)->can_trickle_ice_candidates();
    if (!known) return fail(floe::Errc::kNotFound, "there is no remote description");
    *can = *known;
    return {};
  });
}

floe_texts* floe_peer_connection_refused_sections(const floe_peer_connection* connection) {
  return floe::c::ask<floe_texts*>(connection, nullptr, [](const PeerConnection& of) {
    return new floe_texts(of.refused_sections());
  });
}

floe_signaling_state floe_peer_connection_signaling_state(const floe_peer_connection* connection) {
  return floe::c::ask(connection, FLOE_SIGNALING_STATE_CLOSED, [](const PeerConnection& of) {
    return floe::c::shown(of.signaling_state());
  });
}

floe_ice_gathering_state floe_peer_connection_ice_gathering_state(
    const floe_peer_connection* connection) {
  return floe::c::ask(connection, FLOE_ICE_GATHERING_STATE_NEW, [](const PeerConnection& of) {
    return floe::c::shown(of.ice_gathering_state());
  });
}

floe_ice_state floe_peer_connection_ice_connection_state(const floe_peer_connection* connection) {
  return floe::c::ask(connection, FLOE_ICE_STATE_CLOSED, [](const PeerConnection& of) {
    return floe::c::shown(of.ice_connection_state());
  });
}

floe_peer_connection_state floe_peer_connection_connection_state(
    const floe_peer_connection* connection) {
  return floe::c::ask(connection, FLOE_PEER_CONNECTION_STATE_CLOSED, [](const PeerConnection& of) {
    return floe::c::shown(of.connection_state());
  });
}

floe_dtls_transport_state floe_peer_connection_dtls_state(const floe_peer_connection* connection) {
  return floe::c::ask(connection, FLOE_DTLS_TRANSPORT_STATE_CLOSED,
                      [](const PeerConnection& of) { return floe::c::shown(of.dtls_state()); });
}

floe_error_code floe_peer_connection_sctp(const floe_peer_connection* connection,
                                          floe_sctp_transport* sctp) {
  return floe::c::call([&]() -> Result<> {
    const auto of = floe::c::behind(connection);
    if (!of) return forward(of);
    const auto known = (*of)->sctp();
    if (!known) return fail(floe::Errc::kNotFound, "no data channels are agreed on");
    return floe::c::write_struct(sctp,
                                 {.size = sizeof(floe_sctp_transport),
                                  .state = floe::c::shown(known->state),
                                  .max_channels = known->max_channels.value_or(std::uint16_t{0}),
                                  .max_message_size = known->max_message_size.value_or(0)},
                                 "floe_sctp_transport");
  });
}

const uint8_t* floe_peer_connection_remote_certificate(const floe_peer_connection* connection,
                                                       size_t* length) {
  return floe::c::ask<const uint8_t*>(
      connection, nullptr, [&](const PeerConnection& of) -> Result<const uint8_t*> {
        if (length == nullptr) return floe::c::is_null("length");
        auto certificates = of.remote_certificates();
        if (certificates.empty()) {
          return fail(floe::Errc::kNotFound, "the peer has shown no certificate yet");
        }
        connection->remote_certificate = std::move(certificates.front());
        *length = connection->remote_certificate.size();
        return connection->remote_certificate.data();
      });
}

floe_data_channel* floe_peer_connection_create_data_channel(floe_peer_connection* connection,
                                                            const char* label,
                                                            const floe_data_channel_init* init) {
  return floe::c::ask<floe_data_channel*>(
      connection, nullptr, [&](PeerConnection& of) -> Result<floe_data_channel*> {
        const auto read_label = floe::c::text(label, "label");
        if (!read_label) return forward(read_label);
        const auto read_init = floe::c::read_data_channel_init(init);
        if (!read_init) return forward(read_init);
        auto channel = of.create_data_channel(std::string(*read_label), *read_init);
        if (!channel) return forward(channel);
        return new floe_data_channel(*std::move(channel));
      });
}

floe_error_code floe_peer_connection_close(floe_peer_connection* connection) {
  return floe::c::call_on(connection, [](PeerConnection& which) -> Result<> {
    which.close();
    return {};
  });
}

char* floe_peer_connection_stats(const floe_peer_connection* connection) {
  return floe::c::ask<char*>(connection, nullptr, [](const PeerConnection& of) {
    return floe::c::to_own(of.stats().to_json());
  });
}

floe_ice_report* floe_peer_connection_ice_report(const floe_peer_connection* connection) {
  return floe::c::ask<floe_ice_report*>(connection, nullptr, [](const PeerConnection& of) {
    return new floe_ice_report(of.ice_report());
  });
}
