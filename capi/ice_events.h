#pragma once

#include "floe/capi/error.h"

// States and events of ICE, for `floe_peer_connection` and `floe_ice_transport`.

#ifdef __cplusplus
extern "C" {
#endif

/// RTCIceConnectionState and RTCIceTransportState.
typedef enum floe_ice_state FLOE_AS_INT {
  FLOE_ICE_STATE_NEW = 0,
  FLOE_ICE_STATE_CHECKING = 1,
  FLOE_ICE_STATE_CONNECTED = 2,
  FLOE_ICE_STATE_COMPLETED = 3,
  FLOE_ICE_STATE_DISCONNECTED = 4,
  FLOE_ICE_STATE_FAILED = 5,
  FLOE_ICE_STATE_CLOSED = 6,
} floe_ice_state;

/// RTCIceGatheringState
typedef enum floe_ice_gathering_state FLOE_AS_INT {
  FLOE_ICE_GATHERING_STATE_NEW = 0,
  FLOE_ICE_GATHERING_STATE_GATHERING = 1,
  FLOE_ICE_GATHERING_STATE_COMPLETE = 2,
} floe_ice_gathering_state;

/// One server could not be used from one address (RTCPeerConnectionIceErrorEvent).
typedef struct floe_ice_candidate_error {
  size_t size;
  const char* url;
  const char* address;  ///< The local address and port; NULL when the server was not found at all.
  uint16_t error_code;  ///< A STUN error code, or 701 when the server did not answer.
  const char* error_text;
} floe_ice_candidate_error;

/// The pair of candidates that carries data.
typedef struct floe_ice_candidate_pair {
  size_t size;
  const char* local;   ///< "candidate:..." (RFC 8839 section 5.1)
  const char* remote;  ///< Likewise.
  bool nominated;
  uint64_t round_trip_us;  ///< As measured by the last check; microseconds.
} floe_ice_candidate_pair;

/// The state in W3C's word, "unknown" for a number that is none; stays for ever. Any thread.
FLOE_API const char* floe_ice_state_text(floe_ice_state state);
FLOE_API const char* floe_ice_gathering_state_text(floe_ice_gathering_state state);

#ifdef __cplusplus
}
#endif
