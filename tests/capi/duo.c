#include "duo.h"

#include <string.h>
#include <time.h>

static void on_negotiation_needed(floe_peer_connection* connection, void* user) {
  (void)connection;
  ++((side*)user)->negotiation_needed;
}

static void on_candidate(floe_peer_connection* connection, const floe_ice_candidate* candidate,
                         void* user) {
  (void)connection;
  side* at = user;
  if (candidate->candidate[0] == '\0') {
    ++at->end_of_candidates;
  } else {
    ++at->candidates;
  }
  // Before the other side knows the description it finds all candidates in it.
  floe_peer_connection_add_ice_candidate(at->other->connection, candidate);
}

static void on_candidate_error(floe_peer_connection* connection,
                               const floe_ice_candidate_error* error, void* user) {
  (void)connection;
  if (error->error_text[0] != '\0' && error->error_code > 0) ++((side*)user)->candidate_errors;
}

static void on_signaling(floe_peer_connection* connection, floe_signaling_state state, void* user) {
  (void)connection;
  side* at = user;
  ++at->signaling_changes;
  at->signaling_state = state;
}

static void on_gathering(floe_peer_connection* connection, floe_ice_gathering_state state,
                         void* user) {
  (void)connection;
  ((side*)user)->gathering_state = state;
}

static void on_ice(floe_peer_connection* connection, floe_ice_state state, void* user) {
  (void)connection;
  ((side*)user)->ice_state = state;
}

static void on_failure(floe_peer_connection* connection, const floe_ice_report* report,
                       void* user) {
  (void)connection;
  const char* text = floe_ice_report_text(report, FLOE_ICE_REPORT_FORM_EXPLANATION);
  if (text != NULL && text[0] != '\0') ++((side*)user)->failures;
}

static void on_state(floe_peer_connection* connection, floe_peer_connection_state state,
                     void* user) {
  (void)connection;
  side* at = user;
  at->state = state;
  if (at->duo->on_state != NULL) at->duo->on_state(at);
}

static void on_dtls(floe_peer_connection* connection, floe_dtls_transport_state state,
                    const floe_error* error, void* user) {
  (void)connection;
  if (error == NULL) ((side*)user)->dtls_state = state;
}

static void on_pair(floe_peer_connection* connection, const floe_ice_candidate_pair* pair,
                    void* user) {
  (void)connection;
  const char prefix[] = "candidate:";
  const size_t length = sizeof prefix - 1;
  if (strncmp(pair->local, prefix, length) == 0 && strncmp(pair->remote, prefix, length) == 0) {
    ++((side*)user)->selected_pairs;
  }
}

static void on_data_channel(floe_peer_connection* connection, floe_data_channel* channel,
                            void* user) {
  (void)connection;
  side* at = user;
  at->incoming = channel;
  const floe_data_channel_handlers handlers = duo_channel_handlers(at);
  floe_data_channel_set_handlers(channel, &handlers);
}

floe_peer_connection_handlers duo_handlers(side* at) {
  return (floe_peer_connection_handlers){
      .size = sizeof(floe_peer_connection_handlers),
      .user = at,
      .negotiation_needed = on_negotiation_needed,
      .ice_candidate = on_candidate,
      .ice_candidate_error = on_candidate_error,
      .signaling_state_change = on_signaling,
      .ice_gathering_state_change = on_gathering,
      .ice_connection_state_change = on_ice,
      .ice_failure = on_failure,
      .connection_state_change = on_state,
      .dtls_state_change = on_dtls,
      .selected_candidate_pair_change = on_pair,
      .data_channel = on_data_channel,
  };
}

static void tell(side* at, floe_data_channel* channel, char event) {
  if (at->duo->on_channel != NULL) at->duo->on_channel(at, channel, event);
}

static void on_open(floe_data_channel* channel, void* user) {
  ++((side*)user)->opened;
  tell(user, channel, 'o');
}

static void on_message(floe_data_channel* channel, const uint8_t* data, size_t length, bool is_text,
                       void* user) {
  side* at = user;
  ++at->messages;
  at->last_length = length;
  at->last_is_text = is_text;
  memcpy(at->last_message, data,
         length < sizeof at->last_message ? length : sizeof at->last_message);
  tell(at, channel, 'm');
}

static void on_low(floe_data_channel* channel, void* user) {
  ++((side*)user)->low;
  tell(user, channel, 'l');
}

static void on_closing(floe_data_channel* channel, void* user) {
  (void)channel;
  ++((side*)user)->closing;
}

static void on_close(floe_data_channel* channel, void* user) {
  ++((side*)user)->closed;
  tell(user, channel, 'c');
}

static void on_error(floe_data_channel* channel, const floe_error* error, void* user) {
  if (error->code != FLOE_OK) ++((side*)user)->errors;
  tell(user, channel, 'e');
}

floe_data_channel_handlers duo_channel_handlers(side* at) {
  return (floe_data_channel_handlers){
      .size = sizeof(floe_data_channel_handlers),
      .user = at,
      .open = on_open,
      .message = on_message,
      .buffered_amount_low = on_low,
      .closing = on_closing,
      .close = on_close,
      .error = on_error,
  };
}

bool is_loopback(const char* name, const char* address, void* user) {
  (void)name;
  (void)user;
  return strncmp(address, "127.", 4) == 0;
}

static bool create_side(duo* both, side* at, side* other, const floe_configuration* configuration) {
  at->duo = both;
  at->other = other;
  at->connection = floe_peer_connection_create(both->network, configuration);
  const floe_peer_connection_handlers handlers = duo_handlers(at);
  return floe_peer_connection_set_handlers(at->connection, &handlers) == FLOE_OK;
}

bool duo_create(duo* both, const floe_configuration* configuration) {
  const floe_ice_configuration ice = {
      .size = sizeof ice, .loopback = true, .use_interface = is_loopback};
  const floe_configuration loopback = {.size = sizeof loopback, .ice = &ice};
  if (configuration == NULL) configuration = &loopback;
  memset(both, 0, sizeof *both);
  both->network = floe_network_create(NULL);
  return both->network != NULL && create_side(both, &both->alice, &both->bob, configuration) &&
         create_side(both, &both->bob, &both->alice, configuration);
}

bool duo_open(duo* both, const floe_data_channel_init* init) {
  side* alice = &both->alice;
  alice->channel = floe_peer_connection_create_data_channel(alice->connection, "talk", init);
  const floe_data_channel_handlers handlers = duo_channel_handlers(alice);
  return floe_data_channel_set_handlers(alice->channel, &handlers) == FLOE_OK;
}

static bool describe(side* from, side* to) {
  if (floe_peer_connection_set_local_description(from->connection) != FLOE_OK) return false;
  floe_sdp_type type = FLOE_SDP_TYPE_ROLLBACK;
  char* sdp = floe_peer_connection_local_description(from->connection, &type);
  const bool heard =
      floe_peer_connection_set_remote_description(to->connection, type, sdp) == FLOE_OK;
  floe_string_free(sdp);
  return heard;
}

bool duo_negotiate(duo* both) {
  return describe(&both->alice, &both->bob) && describe(&both->bob, &both->alice);
}

bool run_until(floe_network* network, bool (*done)(const void* what), const void* what) {
  const time_t deadline = time(NULL) + 20;
  while (!done(what)) {
    if (time(NULL) > deadline || floe_network_poll(network, 200) != FLOE_OK) return false;
  }
  return true;
}

bool duo_run_until(duo* both, bool (*done)(const duo* both)) {
  const time_t deadline = time(NULL) + 20;
  while (!done(both)) {
    if (time(NULL) > deadline || floe_network_poll(both->network, 200) != FLOE_OK) return false;
  }
  return true;
}

void duo_free(duo* both) {
  floe_data_channel_free(both->alice.channel);
  floe_data_channel_free(both->alice.incoming);
  floe_data_channel_free(both->bob.channel);
  floe_data_channel_free(both->bob.incoming);
  floe_rtp_transceiver_free(both->alice.announced);
  floe_rtp_transceiver_free(both->bob.announced);
  floe_peer_connection_free(both->alice.connection);
  floe_peer_connection_free(both->bob.connection);
  floe_network_free(both->network);
}

bool both_channels_open(const duo* both) {
  return both->alice.opened == 1 && both->bob.opened == 1;
}
