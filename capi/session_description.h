#pragma once

#include "floe/capi/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/// RTCSdpType
typedef enum floe_sdp_type FLOE_AS_INT {
  FLOE_SDP_TYPE_OFFER = 0,
  FLOE_SDP_TYPE_PRANSWER = 1,
  FLOE_SDP_TYPE_ANSWER = 2,
  FLOE_SDP_TYPE_ROLLBACK = 3,
} floe_sdp_type;

/// RTCIceCandidateInit
typedef struct floe_ice_candidate {
  size_t size;                    ///< sizeof(floe_ice_candidate)
  const char* candidate;          ///< "candidate:...", or empty when no more will come.
  const char* sdp_mid;            ///< NULL: not said.
  int32_t sdp_mline_index;        ///< -1: not said.
  const char* username_fragment;  ///< NULL: not said.
} floe_ice_candidate;

/// The type in W3C's word, "unknown" for a number that is none; stays for ever. Any thread.
FLOE_API const char* floe_sdp_type_text(floe_sdp_type type);

/// The type that has W3C's word: `*type` is set. FLOE_ERROR_MALFORMED for another word.
FLOE_API floe_error_code floe_sdp_type_parse(const char* word, floe_sdp_type* type);

#ifdef __cplusplus
}
#endif
