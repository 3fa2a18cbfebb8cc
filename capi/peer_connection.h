#pragma once

#include "floe/capi/certificate.h"
#include "floe/capi/data_channel.h"
#include "floe/capi/error.h"
#include "floe/capi/ice_configuration.h"
#include "floe/capi/ice_events.h"
#include "floe/capi/ice_report.h"
#include "floe/capi/network.h"
#include "floe/capi/rtp_transceiver.h"
#include "floe/capi/session_description.h"
#include "floe/capi/texts.h"

#ifdef __cplusplus
extern "C" {
#endif

/// RTCPeerConnection. Data channels are carried; audio and video are negotiated, but not carried.
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

/// RTCSctpTransportState
typedef enum floe_sctp_transport_state FLOE_AS_INT {
  FLOE_SCTP_TRANSPORT_STATE_CONNECTING = 0,
  FLOE_SCTP_TRANSPORT_STATE_CONNECTED = 1,
  FLOE_SCTP_TRANSPORT_STATE_CLOSED = 2,
} floe_sctp_transport_state;

/// RTCSctpTransport: what data channels run over.
typedef struct floe_sctp_transport {
  size_t size;  ///< sizeof(floe_sctp_transport)
  floe_sctp_transport_state state;
  uint32_t max_channels;    ///< Channels there may be at once; 0: not known yet.
  size_t max_message_size;  ///< The largest message that the peer takes; 0: any size.
} floe_sctp_transport;

/// RTCBundlePolicy, of our first offer. One transport carries everything under each of them.
typedef enum floe_bundle_policy FLOE_AS_INT {
  FLOE_BUNDLE_POLICY_BALANCED = 0,
  FLOE_BUNDLE_POLICY_MAX_COMPAT = 1,
  FLOE_BUNDLE_POLICY_MAX_BUNDLE = 2,
} floe_bundle_policy;

/// RTCOfferOptions
typedef struct floe_offer_options {
  size_t size;       ///< sizeof(floe_offer_options)
  bool ice_restart;  ///< New ICE credentials, whether or not `..._restart_ice` was called.
} floe_offer_options;

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
  size_t mtu;                        ///< The largest datagram sent, 576 to 16384 bytes; 0: 1200.
  const floe_certificate* identity;  ///< In the place of the two texts in PEM; NULL: none.
  floe_bundle_policy bundle_policy;
  /// RTCConfiguration.iceCandidatePoolSize, to 255: above 0, candidates are gathered from the
  /// creation on, and told of with the first local description.
  uint32_t ice_candidate_pool_size;
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
  /// The peer's description says that it sends, where it did not before. The event's transceiver is
  /// the handler's to own.
  void (*track)(floe_peer_connection* connection, const floe_track_event* event, void* user);
  void (*sctp_state_change)(floe_peer_connection* connection, floe_sctp_transport_state state,
                            void* user);
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

/// What was set last. It stays until the next `..._set_configuration` and as long as the handle; it
/// and what it points to may be copied into another that is set. NULL for NULL.
FLOE_API const floe_configuration* floe_peer_connection_configuration(
    const floe_peer_connection* connection);
/// W3C setConfiguration: `servers`, `server_authorities` and `policy` may change, and before there
/// is a local description `ice_candidate_pool_size`. They count from
/// the next gathering on: the first one, else that of an ICE restart, which the next offer is from
/// then on. Everything else must be as it was (of functions only whether they are there is looked
/// at; no certificate stands for the one there is), or FLOE_ERROR_INVALID_MODIFICATION names it.
/// FLOE_ERROR_INVALID_STATE when closed; for the servers as at creation.
FLOE_API floe_error_code floe_peer_connection_set_configuration(
    floe_peer_connection* connection, const floe_configuration* configuration);

/// The SDP, to own (`floe_string_free`), or NULL. FLOE_ERROR_INVALID_STATE when the signaling state
/// does not fit. Without a data channel or transceiver an offer has no section, and gathers
/// nothing. `options` may be NULL.
FLOE_API char* floe_peer_connection_create_offer(floe_peer_connection* connection);
FLOE_API char* floe_peer_connection_create_offer_with(floe_peer_connection* connection,
                                                      const floe_offer_options* options);
FLOE_API char* floe_peer_connection_create_answer(floe_peer_connection* connection);

/// Creates and sets the description that fits the signaling state, as W3C's setLocalDescription()
/// without an argument: an answer if there is a remote offer, else an offer. Gathering starts.
FLOE_API floe_error_code
floe_peer_connection_set_local_description(floe_peer_connection* connection);
/// Sets a description of `..._create_offer` or `..._create_answer`; that of an answer may be set as
/// FLOE_SDP_TYPE_PRANSWER first. A rollback takes a pending offer back and needs no `sdp`.
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

/// `*can` says whether the peer's description takes trickled candidates. FLOE_ERROR_NOT_FOUND
/// before there is one.
FLOE_API floe_error_code
floe_peer_connection_can_trickle_ice_candidates(const floe_peer_connection* connection, bool* can);
/// Why sections of the peer's offer are refused in the answer created last, one sentence each; to
/// own, or NULL.
FLOE_API floe_texts* floe_peer_connection_refused_sections(const floe_peer_connection* connection);

/// Transceiver number `index` from 0, in the order of creation and without those that have stopped,
/// and how many there are. To own; NULL and FLOE_ERROR_NOT_FOUND beyond the last.
FLOE_API size_t floe_peer_connection_transceiver_count(const floe_peer_connection* connection);
FLOE_API floe_rtp_transceiver* floe_peer_connection_transceiver_at(
    const floe_peer_connection* connection, size_t index);
/// A new section of the next offer, to own, or NULL; `init` may be NULL.
/// FLOE_ERROR_INVALID_ARGUMENT names the member of `init`; FLOE_ERROR_INVALID_STATE when closed;
/// FLOE_ERROR_LIMIT_EXCEEDED.
FLOE_API floe_rtp_transceiver* floe_peer_connection_add_transceiver(
    floe_peer_connection* connection, floe_media_kind kind, const floe_rtp_transceiver_init* init);
/// Sends the track with a transceiver that has never sent, or with a new one: that, to own, or
/// NULL. FLOE_ERROR_INVALID_STATE when closed.
FLOE_API floe_rtp_transceiver* floe_peer_connection_add_track(floe_peer_connection* connection,
                                                              floe_media_kind kind,
                                                              const char* track_id,
                                                              const char* const* streams,
                                                              size_t stream_count);
/// The transceiver stops sending. FLOE_ERROR_INVALID_ARGUMENT for another connection's.
FLOE_API floe_error_code floe_peer_connection_remove_track(floe_peer_connection* connection,
                                                           const floe_rtp_transceiver* transceiver);

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

/// Becomes `*sctp`, as much of it as its `size` says. FLOE_ERROR_NOT_FOUND until an answer accepts
/// data channels.
FLOE_API floe_error_code floe_peer_connection_sctp(const floe_peer_connection* connection,
                                                   floe_sctp_transport* sctp);
/// The certificate that the peer showed in DTLS, in DER, of `*length` bytes. It stays until the
/// next call of this function, and as long as the handle. NULL and FLOE_ERROR_NOT_FOUND before.
FLOE_API const uint8_t* floe_peer_connection_remote_certificate(
    const floe_peer_connection* connection, size_t* length);

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
FLOE_API const char* floe_sctp_transport_state_text(floe_sctp_transport_state state);

#ifdef __cplusplus
}
#endif
