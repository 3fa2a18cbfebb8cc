#pragma once

#include "floe/capi/error.h"

struct uv_loop_s;  // libuv's uv_loop_t

#ifdef __cplusplus
extern "C" {
#endif

/// The machine's network as one thread sees it: sockets and timers on one libuv loop.
typedef struct floe_network floe_network;

typedef enum floe_log_level FLOE_AS_INT {
  FLOE_LOG_LEVEL_DEBUG = 0,
  FLOE_LOG_LEVEL_INFO = 1,
  FLOE_LOG_LEVEL_WARNING = 2,
  FLOE_LOG_LEVEL_ERROR = 3,
} floe_log_level;

/// Called with floe's messages for people, on the loop's thread; it must not call floe.
/// `component` is the part that speaks ("ice", "dtls").
typedef void (*floe_log_handler)(floe_log_level level, const char* component, const char* message,
                                 void* user);

/// A network on `loop`, or, with NULL, on a loop of its own. A loop of the caller's is turned by
/// the caller (or by `floe_network_run`); it must stay until it has turned often enough after
/// `floe_network_free` to close the network's handles (until `uv_loop_close` succeeds).
/// NULL if the system refuses; `floe_last_error` says why.
FLOE_API floe_network* floe_network_create(struct uv_loop_s* loop);

/// Ends the network: what was made from it is closed without events, and its handles answer
/// FLOE_ERROR_INVALID_STATE until they are freed. Possible within a handler; `floe_network_run`
/// then returns. On a loop of its own it may wait for a name lookup that the system has begun.
FLOE_API void floe_network_free(floe_network* network);

/// Turns the loop until `floe_network_stop` or `floe_network_free`; a stop that came before ends it
/// at once. FLOE_ERROR_INVALID_STATE within a handler.
FLOE_API floe_error_code floe_network_run(floe_network* network);

/// Turns the loop once. With `timeout_ms` 0 only what is due happens; above 0 it waits that many
/// milliseconds at most for something to happen, below 0 without end. FLOE_ERROR_INVALID_STATE
/// within a handler.
FLOE_API floe_error_code floe_network_poll(floe_network* network, int timeout_ms);

/// Makes `floe_network_run` return after the present turn. On the loop's thread; others post it.
FLOE_API floe_error_code floe_network_stop(floe_network* network);

/// Has `task` called with `user` on the loop's thread at a later turn. Any thread may call it, as
/// long as the network is not being freed. Tasks that have not run by then never do.
FLOE_API floe_error_code floe_network_post(floe_network* network, void (*task)(void* user),
                                           void* user);

/// Where messages go from now on; NULL: nowhere, as at first.
FLOE_API floe_error_code floe_network_set_log_handler(floe_network* network,
                                                      floe_log_handler handler, void* user);

#ifdef __cplusplus
}
#endif
