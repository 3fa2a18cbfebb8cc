#pragma once

#include "floe/capi/error.h"
#include "floe/capi/rtp_codec.h"
#include "floe/capi/texts.h"

#ifdef __cplusplus
extern "C" {
#endif

/// RTCRtpTransceiver, with its sender and its receiver: one audio or video section of the
/// descriptions. A track is a name in them.
///
/// Each call that returns one, and each event, gives a handle of its own; `..._is_same` tells
/// whether two stand for the same transceiver. The transceiver itself belongs to its connection:
/// freeing the handle changes nothing.
typedef struct floe_rtp_transceiver floe_rtp_transceiver;

/// RTCRtpTransceiverDirection
typedef enum floe_rtp_transceiver_direction FLOE_AS_INT {
  FLOE_RTP_TRANSCEIVER_DIRECTION_SENDRECV = 0,
  FLOE_RTP_TRANSCEIVER_DIRECTION_SENDONLY = 1,
  FLOE_RTP_TRANSCEIVER_DIRECTION_RECVONLY = 2,
  FLOE_RTP_TRANSCEIVER_DIRECTION_INACTIVE = 3,
  FLOE_RTP_TRANSCEIVER_DIRECTION_STOPPED = 4,
} floe_rtp_transceiver_direction;

/// RTCRtpEncodingParameters: one layer of simulcast.
typedef struct floe_rtp_encoding {
  size_t size;      ///< sizeof(floe_rtp_encoding)
  const char* rid;  ///< Up to 16 letters and digits.
  bool inactive;
  bool has_max_framerate;
  uint64_t max_bitrate;             ///< Bits per second; 0: no limit.
  double max_framerate;             ///< Frames per second, 0 or more; with `has_max_framerate`.
  double scale_resolution_down_by;  ///< 1 or more; video only; 0: 1.
} floe_rtp_encoding;

/// RTCRtpTransceiverInit, and the track to send.
typedef struct floe_rtp_transceiver_init {
  size_t size;  ///< sizeof(floe_rtp_transceiver_init)
  floe_rtp_transceiver_direction direction;
  const char* track_id;        ///< NULL: nothing to send yet.
  const char* const* streams;  ///< Ids of the media streams that the track is told to be in.
  size_t stream_count;
  /// Layers of simulcast, each with a rid; none: one encoding.
  const floe_rtp_encoding* const* send_encodings;
  size_t send_encoding_count;
} floe_rtp_transceiver_init;

/// RTCTrackEvent
typedef struct floe_track_event {
  size_t size;
  floe_rtp_transceiver* transceiver;
  const char* track_id;
  const char* const* streams;  ///< Ids of the media streams that it is in.
  size_t stream_count;
} floe_track_event;

/// NULL is allowed.
FLOE_API void floe_rtp_transceiver_free(floe_rtp_transceiver* transceiver);
/// Whether both handles stand for the same transceiver; false for NULL.
FLOE_API bool floe_rtp_transceiver_is_same(const floe_rtp_transceiver* one,
                                           const floe_rtp_transceiver* other);

/// FLOE_MEDIA_KIND_AUDIO for NULL.
FLOE_API floe_media_kind floe_rtp_transceiver_kind(const floe_rtp_transceiver* transceiver);
/// To own (`floe_string_free`); NULL and FLOE_ERROR_NOT_FOUND until a description names the
/// section, and after a rollback of that one.
FLOE_API char* floe_rtp_transceiver_mid(const floe_rtp_transceiver* transceiver);
/// What the next description will say; "stopped" once it is stopping, and for NULL.
FLOE_API floe_rtp_transceiver_direction
floe_rtp_transceiver_get_direction(const floe_rtp_transceiver* transceiver);
/// FLOE_ERROR_INVALID_ARGUMENT for "stopped", FLOE_ERROR_INVALID_STATE when it is stopping, or its
/// connection is closed.
FLOE_API floe_error_code floe_rtp_transceiver_set_direction(
    floe_rtp_transceiver* transceiver, floe_rtp_transceiver_direction direction);
/// What both sides agreed on last becomes `*direction`. FLOE_ERROR_NOT_FOUND before they did.
FLOE_API floe_error_code floe_rtp_transceiver_current_direction(
    const floe_rtp_transceiver* transceiver, floe_rtp_transceiver_direction* direction);

/// Ends the section: the next offer refuses it. Nothing happens when it is stopping already, as it
/// is once its connection is closed.
FLOE_API floe_error_code floe_rtp_transceiver_stop(floe_rtp_transceiver* transceiver);
/// `..._stop` was called, or the peer refused the section; and, of the second, whether both sides
/// know that it has ended. True for NULL.
FLOE_API bool floe_rtp_transceiver_stopping(const floe_rtp_transceiver* transceiver);
FLOE_API bool floe_rtp_transceiver_stopped(const floe_rtp_transceiver* transceiver);

/// The codecs to offer, or to accept, in this order: some of `floe_rtp_codecs_supported`. None: the
/// default. FLOE_ERROR_INVALID_MODIFICATION names the codec that is not among them.
FLOE_API floe_error_code floe_rtp_transceiver_set_codec_preferences(
    floe_rtp_transceiver* transceiver, const floe_rtp_codec* const* codecs, size_t count);
/// What the last answer settled that may be sent, and that may come; to own, or NULL. Empty before.
FLOE_API floe_rtp_codecs* floe_rtp_transceiver_sender_codecs(
    const floe_rtp_transceiver* transceiver);
FLOE_API floe_rtp_codecs* floe_rtp_transceiver_receiver_codecs(
    const floe_rtp_transceiver* transceiver);

/// The id of the track that is sent, to own (`floe_string_free`); NULL and FLOE_ERROR_NOT_FOUND
/// when there is none.
FLOE_API char* floe_rtp_transceiver_sender_track(const floe_rtp_transceiver* transceiver);
/// replaceTrack: another track, or with NULL none, without negotiation. FLOE_ERROR_INVALID_STATE
/// when it is stopped.
FLOE_API floe_error_code
floe_rtp_transceiver_replace_sender_track(floe_rtp_transceiver* transceiver, const char* track_id);
/// setStreams: the media streams that the next description says the track is in.
FLOE_API floe_error_code floe_rtp_transceiver_set_sender_streams(floe_rtp_transceiver* transceiver,
                                                                 const char* const* streams,
                                                                 size_t count);
/// Their ids, to own, or NULL.
FLOE_API floe_texts* floe_rtp_transceiver_sender_streams(const floe_rtp_transceiver* transceiver);
/// The id of the track that comes, to own (`floe_string_free`), or NULL.
FLOE_API char* floe_rtp_transceiver_receiver_track(const floe_rtp_transceiver* transceiver);
/// The ids of the media streams that the peer says it is in, to own, or NULL.
FLOE_API floe_texts* floe_rtp_transceiver_receiver_streams(const floe_rtp_transceiver* transceiver);

/// The direction in W3C's word, "unknown" for a number that is none; stays for ever. Any thread.
FLOE_API const char* floe_rtp_transceiver_direction_text(floe_rtp_transceiver_direction direction);

#ifdef __cplusplus
}
#endif
