#pragma once

#include "floe/capi/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/// "kind" of tracks and transceivers.
typedef enum floe_media_kind FLOE_AS_INT {
  FLOE_MEDIA_KIND_AUDIO = 0,
  FLOE_MEDIA_KIND_VIDEO = 1,
} floe_media_kind;

/// RTCRtpCodec and RTCRtpCodecParameters
typedef struct floe_rtp_codec {
  size_t size;                ///< sizeof(floe_rtp_codec)
  const char* mime_type;      ///< "audio/opus", "video/VP8", "video/rtx", ...
  uint32_t clock_rate;        ///< Hertz
  uint16_t channels;          ///< Of audio; 0: not said.
  int16_t payload_type;       ///< Where both sides have agreed on one, else -1; not read.
  const char* sdp_fmtp_line;  ///< NULL: none.
} floe_rtp_codec;

/// A list of codecs, which does not change.
typedef struct floe_rtp_codecs floe_rtp_codecs;

/// The codecs that floe can describe (getCapabilities), to own, or NULL.
FLOE_API floe_rtp_codecs* floe_rtp_codecs_supported(floe_media_kind kind);
/// NULL is allowed.
FLOE_API void floe_rtp_codecs_free(floe_rtp_codecs* codecs);
/// How many there are; 0 for NULL.
FLOE_API size_t floe_rtp_codecs_count(const floe_rtp_codecs* codecs);
/// Codec number `index`, from 0; it stays as long as the list. NULL beyond the last.
FLOE_API const floe_rtp_codec* floe_rtp_codecs_at(const floe_rtp_codecs* codecs, size_t index);

/// The kind in W3C's word, "unknown" for a number that is none; stays for ever. Any thread.
FLOE_API const char* floe_media_kind_text(floe_media_kind kind);

#ifdef __cplusplus
}
#endif
