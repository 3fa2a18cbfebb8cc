#pragma once

#include "floe/capi/error.h"
#include "floe/capi/ice_mux.h"

#ifdef __cplusplus
extern "C" {
#endif

/// One URL of W3C's RTCIceServer. This struct does not grow.
typedef struct floe_ice_server {
  /// stun:host[:port], turn:host[:port][?transport=udp|tcp], turns:host[:port][?transport=tcp|udp]
  const char* url;
  const char* username;    ///< Of turn: and turns:, else NULL.
  const char* credential;  ///< Likewise.
} floe_ice_server;

/// Which paths may be used (RTCIceTransportPolicy, and one more).
typedef enum floe_ice_policy FLOE_AS_INT {
  FLOE_ICE_POLICY_ALL = 0,
  FLOE_ICE_POLICY_RELAY = 1,    ///< Nothing leaves but through a TURN server.
  FLOE_ICE_POLICY_NO_HOST = 2,  ///< The peer is not told of host candidates.
} floe_ice_policy;

/// ICE-TCP (RFC 6544), beside UDP.
typedef enum floe_ice_tcp_policy FLOE_AS_INT {
  FLOE_ICE_TCP_POLICY_OFF = 0,
  FLOE_ICE_TCP_POLICY_ACTIVE = 1,  ///< Connects to peers that listen.
  FLOE_ICE_TCP_POLICY_ALL = 2,     ///< Listens too, and opens from both sides at once.
} floe_ice_tcp_policy;

typedef enum floe_ice_nomination FLOE_AS_INT {
  FLOE_ICE_NOMINATION_REGULAR = 0,     ///< RFC 8445: one pair is chosen, then nominated.
  FLOE_ICE_NOMINATION_AGGRESSIVE = 1,  ///< RFC 5245: every check nominates.
} floe_ice_nomination;

/// What the peer is told in the place of a local address, or beside it.
typedef enum floe_ice_address_advertise FLOE_AS_INT {
  FLOE_ICE_ADDRESS_ADVERTISE_HOST = 0,              ///< As the host candidate's address.
  FLOE_ICE_ADDRESS_ADVERTISE_SERVER_REFLEXIVE = 1,  ///< As another candidate beside it.
} floe_ice_address_advertise;

/// What is known of a 1:1 NAT in front of this machine (a cloud's elastic address, a forwarded
/// port). This struct does not grow.
typedef struct floe_ice_address_rewrite {
  const char* local;       ///< "10.0.0.5", or "10.0.0.0/8" for all addresses that begin so.
  const char* external;    ///< Of the same family.
  uint16_t local_port;     ///< 0: any.
  uint16_t external_port;  ///< 0: the same as the local one.
  floe_ice_address_advertise advertise;
} floe_ice_address_rewrite;

/// Which servers, addresses and paths ICE uses, for `floe_peer_connection` and
/// `floe_ice_transport`. It is copied; only what `user` leads to must stay until the connection is
/// closed.
typedef struct floe_ice_configuration {
  size_t size;  ///< sizeof(floe_ice_configuration)
  const floe_ice_server* servers;
  size_t server_count;
  /// PEM certificates whose signature under those of turns: servers is believed; NULL: those that
  /// the system trusts.
  const char* server_authorities;
  floe_ice_policy policy;
  floe_ice_tcp_policy tcp;
  floe_ice_nomination nomination;
  /// No failure is declared before this many milliseconds after checks began (RFC 8863); 0: 12.7 s.
  uint32_t patience_ms;
  uint16_t port_min;  ///< Local ports to use; 0 and 0: the system's choice.
  uint16_t port_max;
  bool disable_ipv4;
  bool disable_ipv6;
  bool loopback;    ///< Loopback addresses are candidates too, for two programs on one machine.
  bool link_local;  ///< Link-local addresses are candidates too.
  /// The addresses of the first moment are all; by default floe follows the machine.
  bool ignore_interface_changes;
  /// The peer's names under ".local", which browsers have in the place of addresses, are resolved
  /// with multicast DNS.
  bool resolve_names;
  /// Local addresses are hidden behind such names, as browsers do it.
  bool hide_addresses;
  /// The default router is asked to map ports (PCP, NAT-PMP, UPnP).
  bool map_ports;
  /// True for the local addresses to use; NULL: all. `address` is the text of an IP address.
  bool (*use_interface)(const char* name, const char* address, void* user);
  /// True for the peer's addresses to talk to; NULL: all.
  bool (*use_remote_address)(const char* address, uint16_t port, void* user);
  void* user;  ///< For the two above.
  /// The first that fits an address counts.
  const floe_ice_address_rewrite* address_rewrites;
  size_t address_rewrite_count;
  /// Ports shared with other connections in the place of own ones; NULL: own ones. That of TCP
  /// counts with FLOE_ICE_TCP_POLICY_ALL.
  floe_udp_mux* udp_mux;
  floe_tcp_mux* tcp_mux;
} floe_ice_configuration;

#ifdef __cplusplus
}
#endif
