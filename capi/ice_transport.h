#pragma once

#include "floe/capi/error.h"
#include "floe/capi/ice_configuration.h"
#include "floe/capi/ice_events.h"
#include "floe/capi/ice_report.h"
#include "floe/capi/network.h"

#ifdef __cplusplus
extern "C" {
#endif

/// ICE alone: packets between two programs on the best path there is, for those who bring their own
/// protocol. Neither encrypted nor reliable.
///
/// Both sides: create, set handlers, gather; signal the credentials and each candidate to the other
/// side, which sets and adds them; send once the state is "connected".
typedef struct floe_ice_transport floe_ice_transport;

/// RTCIceRole: one side controls, as a rule the one that calls.
typedef enum floe_ice_role FLOE_AS_INT {
  FLOE_ICE_ROLE_CONTROLLING = 0,
  FLOE_ICE_ROLE_CONTROLLED = 1,
} floe_ice_role;

typedef struct floe_ice_transport_configuration {
  size_t size;                        ///< sizeof(floe_ice_transport_configuration)
  const floe_ice_configuration* ice;  ///< NULL: its defaults.
  floe_ice_role role;
  /// RFC 8445 section 2.5: answers checks and sends none; for hosts that everybody can reach.
  bool lite;
  /// The selected pair may be exchanged at any time; only if both sides want it.
  bool renomination;
  const char* ufrag;  ///< Own credentials, both or none; NULL: made up.
  const char* pwd;
} floe_ice_transport_configuration;

/// Called on the network's thread; any may be NULL. `user` is their last argument.
typedef struct floe_ice_transport_handlers {
  size_t size;  ///< sizeof(floe_ice_transport_handlers)
  void* user;
  /// A candidate to signal to the peer: "candidate:..." (RFC 8839 section 5.1).
  void (*candidate)(floe_ice_transport* transport, const char* candidate, void* user);
  /// After "complete" there are no more candidates: signal that too.
  void (*gathering_state_change)(floe_ice_transport* transport, floe_ice_gathering_state state,
                                 void* user);
  void (*candidate_error)(floe_ice_transport* transport, const floe_ice_candidate_error* error,
                          void* user);
  void (*state_change)(floe_ice_transport* transport, floe_ice_state state, void* user);
  /// Why there is no path; called right after the state "failed" was told.
  void (*failure)(floe_ice_transport* transport, const floe_ice_report* report, void* user);
  void (*selected_candidate_pair_change)(floe_ice_transport* transport,
                                         const floe_ice_candidate_pair* pair, void* user);
  /// One packet from the peer; `data` is not NULL even if `length` is 0.
  void (*data)(floe_ice_transport* transport, const uint8_t* data, size_t length, void* user);
} floe_ice_transport_handlers;

/// A transport on `network`; `configuration` may be NULL. NULL on failure: a server URL that does
/// not parse, credentials that are not legal.
FLOE_API floe_ice_transport* floe_ice_transport_create(
    floe_network* network, const floe_ice_transport_configuration* configuration);
/// Closes it and lets go of it: no handler is called any more.
FLOE_API void floe_ice_transport_free(floe_ice_transport* transport);

/// Replaces all handlers. Set in the turn in which the transport was created they miss nothing.
FLOE_API floe_error_code floe_ice_transport_set_handlers(
    floe_ice_transport* transport, const floe_ice_transport_handlers* handlers);

/// The servers, and which paths may be used, from the next gathering on: that of `..._gather` if it
/// was not called yet, else that of the next `..._restart`. Errors as at creation.
FLOE_API floe_error_code floe_ice_transport_set_servers(floe_ice_transport* transport,
                                                        const floe_ice_server* servers,
                                                        size_t server_count);
FLOE_API floe_error_code floe_ice_transport_set_policy(floe_ice_transport* transport,
                                                       floe_ice_policy policy);

/// Opens the sockets and begins; candidates come by handler. Further calls do nothing.
FLOE_API floe_error_code floe_ice_transport_gather(floe_ice_transport* transport);

/// The own username fragment and password, to own (`floe_string_free`), or NULL.
FLOE_API char* floe_ice_transport_local_ufrag(const floe_ice_transport* transport);
FLOE_API char* floe_ice_transport_local_pwd(const floe_ice_transport* transport);
/// FLOE_ERROR_INVALID_ARGUMENT names what is illegal (RFC 8839 section 5.4);
/// FLOE_ERROR_INVALID_STATE when others are set, or when they are our own.
FLOE_API floe_error_code floe_ice_transport_set_remote_credentials(floe_ice_transport* transport,
                                                                   const char* ufrag,
                                                                   const char* pwd);
/// The peer's candidate as text. FLOE_ERROR_MALFORMED; FLOE_ERROR_UNSUPPORTED for candidates that
/// are legal but of no use here: ignoring that is right.
FLOE_API floe_error_code floe_ice_transport_add_remote_candidate(floe_ice_transport* transport,
                                                                 const char* candidate);
FLOE_API floe_error_code
floe_ice_transport_set_remote_end_of_candidates(floe_ice_transport* transport);

/// Begins a new ICE generation: signal the credentials anew, candidates come again by handler. Data
/// flows on the old path until the new generation has one. The side that is told of the peer's
/// restart calls it too, before it sets the peer's new credentials. `ufrag` and `pwd`: both or
/// none; NULL: made up.
FLOE_API floe_error_code floe_ice_transport_restart(floe_ice_transport* transport,
                                                    const char* ufrag, const char* pwd);

/// Sends one packet with the next turn. FLOE_ERROR_INVALID_STATE while there is no path,
/// FLOE_ERROR_MESSAGE_TOO_LONG above 65507 bytes, FLOE_ERROR_WOULD_BLOCK when 1 MiB waits.
FLOE_API floe_error_code floe_ice_transport_send(floe_ice_transport* transport, const void* data,
                                                 size_t length);

/// "closed" for NULL and when the network is gone.
FLOE_API floe_ice_state floe_ice_transport_state(const floe_ice_transport* transport);
/// It may change when both sides have the same; "controlling" for NULL.
FLOE_API floe_ice_role floe_ice_transport_role(const floe_ice_transport* transport);

/// Ends everything; no handler is called afterwards. Nothing happens when it is closed already.
FLOE_API floe_error_code floe_ice_transport_close(floe_ice_transport* transport);

/// What was tried and what came of it, to own (`floe_ice_report_free`), or NULL.
FLOE_API floe_ice_report* floe_ice_transport_report(const floe_ice_transport* transport);

#ifdef __cplusplus
}
#endif
