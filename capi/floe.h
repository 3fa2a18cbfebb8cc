#pragma once

/// floe for C, and for every language that can call C.
///
/// Handles. `floe_network`, `floe_peer_connection`, `floe_rtp_transceiver`, `floe_data_channel`,
/// `floe_certificate`, `floe_ice_transport`, `floe_ice_report` and the like are opaque. What a call
/// returns or a handler is given "to own" is freed with the `..._free` of its type, once, in any
/// order and also within a handler; NULL is allowed there. A handle must not be used after it was
/// freed.
///
/// Threads. A network belongs to the thread that turns its loop, and so does all that was made from
/// it: every call is made there, except for `floe_network_post`.
///
/// Handlers run while the loop turns, never within another call. They may call anything, and may
/// free what they are called for. Each gets the `user` pointer that was set with it. No exception
/// may leave a handler. What pointers in their arguments lead to is gone when they return, unless
/// it says "to own".
///
/// Errors. See floe/capi/error.h: a code for programs and a sentence for people. A call that fails
/// changes nothing. NULL in the place of a handle or of a text that must be there is
/// FLOE_ERROR_INVALID_ARGUMENT.
///
/// Texts are UTF-8. Those that are passed in end with a NUL and are copied; those that a call
/// returns say how long they stay.
///
/// Structs that may grow begin with `size`, which whoever fills them sets to sizeof the struct.
/// Zero in any other member is its default, so `floe_configuration c = {.size = sizeof c};` is a
/// good beginning. A program that knows more members than the library it meets is refused
/// (FLOE_ERROR_UNSUPPORTED) when it sets one of these; of what the library passes out, members that
/// lie beyond `size` are not there.

#include "floe/capi/certificate.h"
#include "floe/capi/data_channel.h"
#include "floe/capi/error.h"
#include "floe/capi/ice_configuration.h"
#include "floe/capi/ice_events.h"
#include "floe/capi/ice_mux.h"
#include "floe/capi/ice_report.h"
#include "floe/capi/ice_transport.h"
#include "floe/capi/network.h"
#include "floe/capi/peer_connection.h"
#include "floe/capi/rtp_codec.h"
#include "floe/capi/rtp_transceiver.h"
#include "floe/capi/session_description.h"
#include "floe/capi/texts.h"
