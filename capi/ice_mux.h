#pragma once

#include "floe/capi/error.h"
#include "floe/capi/network.h"

// Ports that many connections share: a server with thousands of them then needs a few open ports.

#ifdef __cplusplus
extern "C" {
#endif

/// UDP ports shared by the connections whose configuration names it. TURN servers are asked from
/// ports of their own.
typedef struct floe_udp_mux floe_udp_mux;
/// TCP listeners shared likewise.
typedef struct floe_tcp_mux floe_tcp_mux;

/// Without a port yet; to own, or NULL.
FLOE_API floe_udp_mux* floe_udp_mux_create(floe_network* network);
/// Connections that use it keep it until they end. NULL is allowed.
FLOE_API void floe_udp_mux_free(floe_udp_mux* mux);
/// One more address ("192.0.2.1", "::1") and port to use; port 0: the system's choice. The port, or
/// 0: FLOE_ERROR_MALFORMED for the address, FLOE_ERROR_ADDRESS_IN_USE,
/// FLOE_ERROR_ADDRESS_NOT_AVAILABLE. Connections use those that are there when they gather first.
FLOE_API uint16_t floe_udp_mux_open(floe_udp_mux* mux, const char* address, uint16_t port);

/// The three of TCP.
FLOE_API floe_tcp_mux* floe_tcp_mux_create(floe_network* network);
FLOE_API void floe_tcp_mux_free(floe_tcp_mux* mux);
FLOE_API uint16_t floe_tcp_mux_listen(floe_tcp_mux* mux, const char* address, uint16_t port);

#ifdef __cplusplus
}
#endif
