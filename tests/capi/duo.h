#pragma once

#include <floe.h>

/// Two connections on one loop over the loopback interface, and what happened to them.

struct duo;

typedef struct side {
  struct duo* duo;
  struct side* other;
  floe_peer_connection* connection;
  floe_data_channel* channel;   ///< Own, if the scenario made one.
  floe_data_channel* incoming;  ///< The peer's, once it was announced.

  // How often each handler was called, or what it was told last.
  int negotiation_needed;
  int candidates;
  int end_of_candidates;
  int candidate_errors;
  int signaling_changes;
  floe_signaling_state signaling_state;
  floe_ice_gathering_state gathering_state;
  floe_ice_state ice_state;
  floe_peer_connection_state state;
  floe_dtls_transport_state dtls_state;
  int selected_pairs;
  int failures;
  floe_sctp_transport_state sctp_state;

  // For scenarios that set a handler of their own.
  int tracks;
  size_t track_streams;
  char track_stream[64];
  bool track_is_the_receivers;
  floe_rtp_transceiver* announced;  ///< By the last track event.

  int opened;
  int messages;
  int low;
  int closing;
  int closed;
  int errors;
  uint8_t last_message[64];
  size_t last_length;
  bool last_is_text;
} side;

typedef struct duo {
  floe_network* network;
  side alice;
  side bob;
  /// Called with each channel event's side when not NULL, by its handler's first letter
  /// (o, m, l, c for close, e).
  void (*on_channel)(side* at, floe_data_channel* channel, char event);
  /// Called when a connection's state was told.
  void (*on_state)(side* at);
} duo;

/// The handlers that keep count; `ice_candidate` hands each candidate to the other side.
floe_peer_connection_handlers duo_handlers(side* at);
floe_data_channel_handlers duo_channel_handlers(side* at);

/// False if anything of it fails. `configuration` may be NULL: loopback only.
bool duo_create(duo* both, const floe_configuration* configuration);
/// Makes Alice's channel, with the handlers that keep count.
bool duo_open(duo* both, const floe_data_channel_init* init);
/// Hands the descriptions over, Alice's offer first.
bool duo_negotiate(duo* both);
/// Turns the loop until `done`, for 20 seconds at most; false if it was not.
bool duo_run_until(duo* both, bool (*done)(const duo* both));
/// The same for any loop.
bool run_until(floe_network* network, bool (*done)(const void* what), const void* what);
void duo_free(duo* both);

bool both_channels_open(const duo* both);
bool is_loopback(const char* name, const char* address, void* user);
