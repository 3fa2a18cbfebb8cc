#pragma once

#include "floe/capi/data_channel.h"
#include "floe/capi/error.h"
#include "floe/capi/ice_configuration.h"
#include "floe/capi/ice_events.h"
#include "floe/capi/ice_report.h"
#include "floe/capi/network.h"
#include "floe/capi/session_description.h"

#ifdef __cplusplus
extern "C" {
#endif

/// RTCPeerConnection, for data channels.
typedef struct floe_peer_connection floe_peer_connection;

/// RTCSignalingState
typedef enum floe_signaling_state FLOE_AS_INT {
  FLOE_SIGNALING_STATE_STABLE = 0,
  FLOE_SIGNALING_STATE_HAVE_LOCAL_OFFER = 1,
  FLOE_SIGNALING_STATE_HAVE_REMOTE_OFFER = 2,
  FLOE_SIGNALING_STATE_HAVE_LOCAL_PRANSWER = 3,
  FLOE_SIGNALING_STATE_HAVE_REMOTE_PRANSWER = 4,
  FLOE_SIGNALING_STATE_CLOSED = 5,
} floe_signaling_state;

/// RTCPeerConnectionState
typedef enum floe_peer_connection_state FLOE_AS_INT {
  FLOE_PEER_CONNECTION_STATE_NEW = 0,
  FLOE_PEER_CONNECTION_STATE_CONNECTING = 1,
  FLOE_PEER_CONNECTION_STATE_CONNECTED = 2,
  FLOE_PEER_CONNECTION_STATE_DISCONNECTED = 3,
  FLOE_PEER_CONNECTION_STATE_FAILED = 4,
  FLOE_PEER_CONNECTION_STATE_CLOSED = 5,
} floe_peer_connection_state;

/// RTCDtlsTransportState
typedef enum floe_dtls_transport_state FLOE_AS_INT {
  FLOE_DTLS_TRANSPORT_STATE_NEW = 0,
  FLOE_DTLS_TRANSPORT_STATE_CONNECTING = 1,
  FLOE_DTLS_TRANSPORT_STATE_CONNECTED = 2,
  FLOE_DTLS_TRANSPORT_STATE_CLOSED = 3,
  FLOE_DTLS_TRANSPORT_STATE_FAILED = 4,
} floe_dtls_transport_state;

/// RTCConfiguration, and what a native program wants to decide besides.
typedef struct floe_configuration {
  size_t size;                        ///< sizeof(floe_configuration)
  const floe_ice_configuration* ice;  ///< NULL: its defaults.
  /// The certificate (and those above it) and its key in PEM: ECDSA P-256 or P-384, or RSA of 2048
  /// bits or more, not encrypted. Both or none; NULL: made for this connection.
  const char* certificate;
  const char* private_key;
  size_t max_message_size;  ///< The largest message taken: to 64 MiB; 0: 256 KiB.
  size_t send_queue;        ///< Bytes queued before sending would block; 0: 16 MiB.
  size_t send_buffer;       ///< Windows of the SCTP association; 0: 4 MiB.
  size_t receive_buffer;
  size_t mtu;  ///< The largest datagram sent, 576 to 16384 bytes; 0: 1200.
} floe_configuration;

/// Called on the network's thread; any may be NULL. `user` is their last argument.
typedef struct floe_peer_connection_handlers {
  size_t size;  ///< sizeof(floe_peer_connection_handlers)
  void* user;
  void (*negotiation_needed)(floe_peer_connection* connection, void* user);
  /// A candidate to signal to the peer; the one whose text is empty is the last.
  void (*ice_candidate)(floe_peer_connection* connection, const floe_ice_candidate* candidate,
                        void* user);
  void (*ice_candidate_error)(floe_peer_connection* connection,
                              const floe_ice_candidate_error* error, void* user);
  void (*signaling_state_change)(floe_peer_connection* connection, floe_signaling_state state,
                                 void* user);
  void (*ice_gathering_state_change)(floe_peer_connection* connection,
                                     floe_ice_gathering_state state, void* user);
  void (*ice_connection_state_change)(floe_peer_connection* connection, floe_ice_state state,
                                      void* user);
  /// ICE has found no path, or lost it: called right after the state "failed" was told.
  void (*ice_failure)(floe_peer_connection* connection, const floe_ice_report* report, void* user);
  void (*connection_state_change)(floe_peer_connection* connection,
                                  floe_peer_connection_state state, void* user);
  /// `error` says why it failed, else it is NULL.
  void (*dtls_state_change)(floe_peer_connection* connection, floe_dtls_transport_state state,
                            const floe_error* error, void* user);
  void (*selected_candidate_pair_change)(floe_peer_connection* connection,
                                         const floe_ice_candidate_pair* pair, void* user);
  /// The peer has opened a channel, which is the handler's to own. Without this handler channels of
  /// the peer's stay open and unheard.
  void (*data_channel)(floe_peer_connection* connection, floe_data_channel* channel, void* user);
} floe_peer_connection_handlers;

/// A connection on `network`; `configuration` may be NULL. NULL on failure:
/// FLOE_ERROR_INVALID_ARGUMENT, FLOE_ERROR_MALFORMED or FLOE_ERROR_UNSUPPORTED for what is wrong in
/// the configuration.
FLOE_API floe_peer_connection* floe_peer_connection_create(floe_network* network,
                                                           const floe_configuration* configuration);
/// Closes it and lets go of it: no handler is called any more. Its channels are closed, their
/// handles stay.
FLOE_API void floe_peer_connection_free(floe_peer_connection* connection);

/// Replaces all handlers. Set in the turn in which the connection was created they miss nothing.
FLOE_API floe_error_code floe_peer_connection_set_handlers(
    floe_peer_connection* connection, const floe_peer_connection_handlers* handlers);

/// The SDP, to own (`floe_string_free`), or NULL. FLOE_ERROR_INVALID_STATE when the signaling state
/// does not fit, or there is nothing to offer: create a data channel first.
FLOE_API char* floe_peer_connection_create_offer(floe_peer_connection* connection);
FLOE_API char* floe_peer_connection_create_answer(floe_peer_connection* connection);

/// Creates and sets the description that fits the signaling state, as W3C's setLocalDescription()
/// without an argument: an answer if there is a remote offer, else an offer. Gathering starts.
FLOE_API floe_error_code
floe_peer_connection_set_local_description(floe_peer_connection* connection);
/// Sets a description of `..._create_offer` or `..._create_answer`. A rollback needs no `sdp`.
FLOE_API floe_error_code floe_peer_connection_set_local_description_to(
    floe_peer_connection* connection, floe_sdp_type type, const char* sdp);
/// FLOE_ERROR_MALFORMED names the line; FLOE_ERROR_INVALID_STATE; FLOE_ERROR_INVALID_ARGUMENT for a
/// description that does not continue the session.
FLOE_API floe_error_code floe_peer_connection_set_remote_description(
    floe_peer_connection* connection, floe_sdp_type type, const char* sdp);
/// A candidate of the peer's. One that is legal but of no use here is ignored.
/// FLOE_ERROR_INVALID_STATE before there is a remote description; FLOE_ERROR_MALFORMED;
/// FLOE_ERROR_INVALID_ARGUMENT or FLOE_ERROR_NOT_FOUND for an unknown section or another
/// generation.
FLOE_API floe_error_code floe_peer_connection_add_ice_candidate(
    floe_peer_connection* connection, const floe_ice_candidate* candidate);
/// The next offer restarts ICE (W3C restartIce); negotiation is needed. A restart by the peer needs
/// no call.
FLOE_API floe_error_code floe_peer_connection_restart_ice(floe_peer_connection* connection);

/// A description's SDP, to own (`floe_string_free`), and in `*type` (unless `type` is NULL) its
/// type; the local ones hold the candidates found so far. NULL and FLOE_ERROR_NOT_FOUND when there
/// is none. The first two: the pending one, else the current one.
FLOE_API char* floe_peer_connection_local_description(const floe_peer_connection* connection,
                                                      floe_sdp_type* type);
FLOE_API char* floe_peer_connection_remote_description(const floe_peer_connection* connection,
                                                       floe_sdp_type* type);
FLOE_API char* floe_peer_connection_current_local_description(
    const floe_peer_connection* connection, floe_sdp_type* type);
FLOE_API char* floe_peer_connection_pending_local_description(
    const floe_peer_connection* connection, floe_sdp_type* type);
FLOE_API char* floe_peer_connection_current_remote_description(
    const floe_peer_connection* connection, floe_sdp_type* type);
FLOE_API char* floe_peer_connection_pending_remote_description(
    const floe_peer_connection* connection, floe_sdp_type* type);

/// The states; "closed" (for gathering: "new") for NULL and when the network is gone.
FLOE_API floe_signaling_state
floe_peer_connection_signaling_state(const floe_peer_connection* connection);
FLOE_API floe_ice_gathering_state
floe_peer_connection_ice_gathering_state(const floe_peer_connection* connection);
FLOE_API floe_ice_state
floe_peer_connection_ice_connection_state(const floe_peer_connection* connection);
FLOE_API floe_peer_connection_state
floe_peer_connection_connection_state(const floe_peer_connection* connection);
FLOE_API floe_dtls_transport_state
floe_peer_connection_dtls_state(const floe_peer_connection* connection);

/// A channel, to own, or NULL. Possible from the start; it opens when the connection is up. `init`
/// may be NULL: reliable and ordered. FLOE_ERROR_INVALID_ARGUMENT names the option;
/// FLOE_ERROR_INVALID_STATE when closed.
FLOE_API floe_data_channel* floe_peer_connection_create_data_channel(
    floe_peer_connection* connection, const char* label, const floe_data_channel_init* init);

/// Says goodbye to the peer and ends everything at once. Channels are closed without events, as the
/// specification has it. Nothing happens when it is closed already.
FLOE_API floe_error_code floe_peer_connection_close(floe_peer_connection* connection);

/// W3C's getStats() of this moment as JSON, with the specification's names, types and units; to own
/// (`floe_string_free`), or NULL.
FLOE_API char* floe_peer_connection_stats(const floe_peer_connection* connection);
/// What ICE has tried and what came of it, to own (`floe_ice_report_free`), or NULL.
FLOE_API floe_ice_report* floe_peer_connection_ice_report(const floe_peer_connection* connection);

/// The state in W3C's word, "unknown" for a number that is none; stays for ever. Any thread.
FLOE_API const char* floe_signaling_state_text(floe_signaling_state state);
FLOE_API const char* floe_peer_connection_state_text(floe_peer_connection_state state);
FLOE_API const char* floe_dtls_transport_state_text(floe_dtls_transport_state state);

#ifdef __cplusplus
}
#endif
