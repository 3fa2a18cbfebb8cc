#pragma once

#include "floe/capi/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/// RTCDataChannel. When its connection is gone it is closed, and all it answers is that.
typedef struct floe_data_channel floe_data_channel;

/// RTCDataChannelState
typedef enum floe_data_channel_state FLOE_AS_INT {
  FLOE_DATA_CHANNEL_STATE_CONNECTING = 0,
  FLOE_DATA_CHANNEL_STATE_OPEN = 1,
  FLOE_DATA_CHANNEL_STATE_CLOSING = 2,
  FLOE_DATA_CHANNEL_STATE_CLOSED = 3,
} floe_data_channel_state;

/// RTCDataChannelInit. At most one of the two limits may be set; with neither the channel is
/// reliable.
typedef struct floe_data_channel_init {
  size_t size;           ///< sizeof(floe_data_channel_init)
  const char* protocol;  ///< NULL: empty.
  bool unordered;        ///< Messages may overtake each other.
  bool has_max_packet_life_time;
  bool has_max_retransmits;
  /// Both sides create the channel with the same `id`; nothing is said on the wire.
  bool negotiated;
  uint16_t max_packet_life_time;  ///< Milliseconds; with `has_max_packet_life_time`.
  uint16_t max_retransmits;       ///< With `has_max_retransmits`.
  uint16_t id;                    ///< 0 to 65534; with `negotiated`.
  uint16_t priority;              ///< RFC 8831 section 6.4; 0: 256. The peer is told.
} floe_data_channel_init;

/// Called on the network's thread; any may be NULL. `user` is their last argument.
typedef struct floe_data_channel_handlers {
  size_t size;  ///< sizeof(floe_data_channel_handlers)
  void* user;
  void (*open)(floe_data_channel* channel, void* user);
  /// One whole message; `data` is UTF-8 if `is_text`, without a NUL at its end. It is gone when
  /// the handler returns, and not NULL even if `length` is 0.
  void (*message)(floe_data_channel* channel, const uint8_t* data, size_t length, bool is_text,
                  void* user);
  void (*buffered_amount_low)(floe_data_channel* channel, void* user);
  void (*closing)(floe_data_channel* channel, void* user);
  /// The last call.
  void (*close)(floe_data_channel* channel, void* user);
  /// The channel ends otherwise than by either side's close; `close` follows.
  void (*error)(floe_data_channel* channel, const floe_error* error, void* user);
} floe_data_channel_handlers;

/// Closes the channel as `floe_data_channel_close` does and lets go of it: no handler is called any
/// more.
FLOE_API void floe_data_channel_free(floe_data_channel* channel);

/// Replaces all handlers. Set in the turn in which the channel was created or announced they miss
/// nothing.
FLOE_API floe_error_code floe_data_channel_set_handlers(floe_data_channel* channel,
                                                        const floe_data_channel_handlers* handlers);

/// Queue one message, all of it or nothing. FLOE_ERROR_INVALID_STATE unless open;
/// FLOE_ERROR_MALFORMED for text that is not UTF-8; FLOE_ERROR_MESSAGE_TOO_LONG above what the peer
/// takes; FLOE_ERROR_WOULD_BLOCK when the queue that all channels of the connection share is full:
/// go on at `buffered_amount_low`, which then comes. `length` counts bytes and may be 0 (then
/// `text` and `data` may be NULL).
FLOE_API floe_error_code floe_data_channel_send_text(floe_data_channel* channel, const char* text,
                                                     size_t length);
FLOE_API floe_error_code floe_data_channel_send_binary(floe_data_channel* channel, const void* data,
                                                       size_t length);

/// Payload bytes accepted and not yet sent.
FLOE_API size_t floe_data_channel_buffered_amount(const floe_data_channel* channel);
/// `buffered_amount_low` comes when the amount falls to this or below; 0 at first.
FLOE_API size_t floe_data_channel_buffered_amount_low_threshold(const floe_data_channel* channel);
FLOE_API floe_error_code
floe_data_channel_set_buffered_amount_low_threshold(floe_data_channel* channel, size_t bytes);

/// Sends what is queued, then closes; the handler `close` follows. Nothing happens when it is
/// closed already.
FLOE_API floe_error_code floe_data_channel_close(floe_data_channel* channel);

/// FLOE_DATA_CHANNEL_STATE_CLOSED for NULL.
FLOE_API floe_data_channel_state floe_data_channel_ready_state(const floe_data_channel* channel);
/// The label and the protocol, which stay as long as the handle. They end with a NUL, but may
/// contain more of them if the peer has chosen so: `*length` (unless `length` is NULL) becomes the
/// number of bytes.
FLOE_API const char* floe_data_channel_label(const floe_data_channel* channel, size_t* length);
FLOE_API const char* floe_data_channel_protocol(const floe_data_channel* channel, size_t* length);
/// False for NULL.
FLOE_API bool floe_data_channel_ordered(const floe_data_channel* channel);
FLOE_API bool floe_data_channel_negotiated(const floe_data_channel* channel);
/// The SCTP stream, the limit of milliseconds and that of retransmissions; -1 when there is none,
/// or none yet.
FLOE_API int32_t floe_data_channel_id(const floe_data_channel* channel);
FLOE_API int32_t floe_data_channel_max_packet_life_time(const floe_data_channel* channel);
FLOE_API int32_t floe_data_channel_max_retransmits(const floe_data_channel* channel);

/// The state in W3C's word, "unknown" for a number that is none; stays for ever. Any thread.
FLOE_API const char* floe_data_channel_state_text(floe_data_channel_state state);

#ifdef __cplusplus
}
#endif
