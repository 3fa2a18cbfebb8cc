// Peer connections: a whole call, descriptions, restarts, failure, and freeing at awkward moments.

#include <stdlib.h>
#include <string.h>

#include "duo.h"
#include "expect.h"
#include "scenarios.h"

static bool heard_each_other(const duo* both) {
  return both->alice.messages >= 1 && both->bob.messages >= 1;
}

static bool channels_gone(const duo* both) {
  return both->alice.closed == 1 && both->bob.closed == 1;
}

static bool has_text(const char* text) {
  return text != NULL && text[0] != '\0';
}

static const char* report_of(const floe_peer_connection* connection) {
  floe_ice_report* report = floe_peer_connection_ice_report(connection);
  EXPECT_THAT(report != NULL);
  EXPECT_THAT(has_text(floe_ice_report_text(report, FLOE_ICE_REPORT_FORM_HEADLINE)));
  EXPECT_THAT(floe_ice_report_text(report, FLOE_ICE_REPORT_FORM_EXPLANATION) != NULL);
  EXPECT_THAT(strstr(floe_ice_report_text(report, FLOE_ICE_REPORT_FORM_TEXT), "127.0.0.1"));
  const char* json = floe_ice_report_text(report, FLOE_ICE_REPORT_FORM_JSON);
  EXPECT_THAT(json[0] == '{' && json == floe_ice_report_text(report, FLOE_ICE_REPORT_FORM_JSON));
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, floe_ice_report_text(report, (floe_ice_report_form)7));
  floe_ice_report_free(report);
  return NULL;
}

static const char* states_when_up(const side* at) {
  EXPECT_THAT(at->candidates > 0 && at->end_of_candidates == 1);
  EXPECT_THAT(at->gathering_state == FLOE_ICE_GATHERING_STATE_COMPLETE);
  EXPECT_THAT(floe_peer_connection_ice_gathering_state(at->connection) == at->gathering_state);
  EXPECT_THAT(floe_peer_connection_ice_connection_state(at->connection) == at->ice_state);
  EXPECT_THAT(at->state == FLOE_PEER_CONNECTION_STATE_CONNECTED);
  EXPECT_THAT(floe_peer_connection_connection_state(at->connection) == at->state);
  EXPECT_THAT(at->dtls_state == FLOE_DTLS_TRANSPORT_STATE_CONNECTED);
  EXPECT_THAT(floe_peer_connection_dtls_state(at->connection) == at->dtls_state);
  EXPECT_THAT(floe_peer_connection_signaling_state(at->connection) == FLOE_SIGNALING_STATE_STABLE);
  EXPECT_THAT(at->signaling_state == FLOE_SIGNALING_STATE_STABLE);
  EXPECT_THAT(at->signaling_changes == 2 && at->selected_pairs > 0 && at->failures == 0);
  return NULL;
}

const char* a_whole_call(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL) && duo_open(&both, NULL) && duo_negotiate(&both));
  EXPECT_THAT(duo_run_until(&both, both_channels_open));
  EXPECT_OK(floe_data_channel_send_text(both.alice.channel, "grüße", 7));
  EXPECT_OK(floe_data_channel_send_binary(both.bob.incoming, "\0\1", 2));
  EXPECT_THAT(duo_run_until(&both, heard_each_other));
  EXPECT_THAT(both.bob.last_is_text && both.bob.last_length == 7);
  EXPECT_THAT(memcmp(both.bob.last_message, "grüße", 7) == 0);
  EXPECT_THAT(!both.alice.last_is_text && both.alice.last_length == 2);

  char* stats = floe_peer_connection_stats(both.alice.connection);
  EXPECT_THAT(stats != NULL && strstr(stats, "\"messagesSent\":1") != NULL);
  floe_string_free(stats);
  const char* failure = states_when_up(&both.alice);
  if (failure == NULL) failure = states_when_up(&both.bob);
  if (failure == NULL) failure = report_of(both.alice.connection);
  if (failure != NULL) return failure;

  EXPECT_OK(floe_data_channel_close(both.alice.channel));
  EXPECT_OK(floe_data_channel_close(both.alice.channel));
  EXPECT_THAT(duo_run_until(&both, channels_gone));
  EXPECT_THAT(both.bob.closing == 1 && both.bob.errors == 0);
  EXPECT_THAT(floe_data_channel_ready_state(both.bob.incoming) == FLOE_DATA_CHANNEL_STATE_CLOSED);
  EXPECT_OK(floe_peer_connection_close(both.alice.connection));
  EXPECT_OK(floe_peer_connection_close(both.alice.connection));
  EXPECT_THAT(floe_peer_connection_signaling_state(both.alice.connection) ==
              FLOE_SIGNALING_STATE_CLOSED);
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE,
               floe_peer_connection_create_data_channel(both.alice.connection, "late", NULL));
  duo_free(&both);
  return NULL;
}

const char* explicit_descriptions(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL));
  floe_peer_connection* alice = both.alice.connection;
  floe_peer_connection* bob = both.bob.connection;
  char* nothing = floe_peer_connection_create_offer(alice);
  EXPECT_THAT(nothing != NULL && strstr(nothing, "m=") == NULL);
  floe_string_free(nothing);
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE, floe_peer_connection_create_answer(alice));
  EXPECT_ERROR(FLOE_ERROR_NOT_FOUND, floe_peer_connection_local_description(alice, NULL));
  EXPECT_ERROR(FLOE_ERROR_NOT_FOUND, floe_peer_connection_remote_description(alice, NULL));
  EXPECT_THAT(duo_open(&both, NULL));

  char* offer = floe_peer_connection_create_offer(alice);
  EXPECT_THAT(offer != NULL);
  EXPECT_OK(floe_peer_connection_set_local_description_to(alice, FLOE_SDP_TYPE_OFFER, offer));
  EXPECT_THAT(floe_peer_connection_signaling_state(alice) == FLOE_SIGNALING_STATE_HAVE_LOCAL_OFFER);
  EXPECT_OK(floe_peer_connection_set_remote_description(bob, FLOE_SDP_TYPE_OFFER, offer));
  char* answer = floe_peer_connection_create_answer(bob);
  EXPECT_THAT(answer != NULL);

  floe_sdp_type type = FLOE_SDP_TYPE_ROLLBACK;
  char* pending = floe_peer_connection_pending_local_description(alice, &type);
  EXPECT_THAT(pending != NULL && type == FLOE_SDP_TYPE_OFFER);
  floe_string_free(pending);
  pending = floe_peer_connection_pending_remote_description(bob, NULL);
  EXPECT_THAT(pending != NULL);
  floe_string_free(pending);
  EXPECT_ERROR(FLOE_ERROR_NOT_FOUND, floe_peer_connection_current_local_description(alice, NULL));

  EXPECT_OK(floe_peer_connection_set_local_description_to(bob, FLOE_SDP_TYPE_ANSWER, answer));
  EXPECT_OK(floe_peer_connection_set_remote_description(alice, FLOE_SDP_TYPE_ANSWER, answer));
  char* current = floe_peer_connection_current_remote_description(alice, &type);
  EXPECT_THAT(current != NULL && type == FLOE_SDP_TYPE_ANSWER);
  floe_string_free(current);
  current = floe_peer_connection_current_local_description(alice, &type);
  EXPECT_THAT(current != NULL && type == FLOE_SDP_TYPE_OFFER);
  floe_string_free(current);
  EXPECT_THAT(duo_run_until(&both, both_channels_open));
  floe_string_free(offer);
  floe_string_free(answer);
  duo_free(&both);
  return NULL;
}

static bool gathered_twice(const duo* both) {
  return both->alice.end_of_candidates >= 2 && both->bob.end_of_candidates >= 2 &&
         both->alice.messages >= 1;
}

static bool negotiation_asked_for(const duo* both) {
  return both->alice.negotiation_needed == 1;
}

const char* restarting_a_call(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL) && duo_open(&both, NULL) && duo_negotiate(&both));
  EXPECT_THAT(duo_run_until(&both, both_channels_open));
  char* before = floe_peer_connection_local_description(both.alice.connection, NULL);
  both.alice.negotiation_needed = 0;
  EXPECT_OK(floe_peer_connection_restart_ice(both.alice.connection));
  EXPECT_THAT(duo_run_until(&both, negotiation_asked_for));
  EXPECT_THAT(duo_negotiate(&both));
  EXPECT_OK(floe_data_channel_send_text(both.bob.incoming, "still there?", 12));
  EXPECT_THAT(duo_run_until(&both, gathered_twice));
  char* after = floe_peer_connection_local_description(both.alice.connection, NULL);
  const char* ufrag = strstr(before, "a=ice-ufrag:");
  EXPECT_THAT(ufrag != NULL && strncmp(ufrag, strstr(after, "a=ice-ufrag:"), 16) != 0);
  floe_string_free(before);
  floe_string_free(after);
  duo_free(&both);
  return NULL;
}

static const char* refused(floe_network* network, const floe_ice_configuration* ice,
                           floe_error_code code, const char* naming) {
  const floe_configuration configuration = {.size = sizeof configuration, .ice = ice};
  EXPECT_ERROR(code, floe_peer_connection_create(network, &configuration));
  EXPECT_THAT(strstr(floe_last_error()->message, naming) != NULL);
  return NULL;
}

const char* refused_configurations(void) {
  floe_network* network = floe_network_create(NULL);
  const floe_ice_server wrong = {.url = "http://example.org"};
  const floe_ice_server without_name = {.url = "turn:192.0.2.1"};
  const floe_ice_server without_url = {.username = "ann"};
  const struct {
    floe_ice_configuration ice;
    floe_error_code code;
    const char* naming;
  } cases[] = {
      {{.size = sizeof cases[0].ice, .servers = &wrong, .server_count = 1},
       FLOE_ERROR_MALFORMED,
       "http"},
      {{.size = sizeof cases[0].ice, .servers = &without_name, .server_count = 1},
       FLOE_ERROR_INVALID_ARGUMENT,
       "turn:192.0.2.1"},
      {{.size = sizeof cases[0].ice, .servers = &without_url, .server_count = 1},
       FLOE_ERROR_INVALID_ARGUMENT,
       "url"},
      {{.size = sizeof cases[0].ice, .server_count = 1}, FLOE_ERROR_INVALID_ARGUMENT, "servers"},
      {{.size = sizeof cases[0].ice, .policy = (floe_ice_policy)9},
       FLOE_ERROR_INVALID_ARGUMENT,
       "policy"},
      {{.size = sizeof cases[0].ice, .tcp = (floe_ice_tcp_policy)9},
       FLOE_ERROR_INVALID_ARGUMENT,
       "tcp"},
      {{.size = sizeof cases[0].ice, .nomination = (floe_ice_nomination)9},
       FLOE_ERROR_INVALID_ARGUMENT,
       "nomination"},
      {{.size = sizeof cases[0].ice, .port_min = 2, .port_max = 1},
       FLOE_ERROR_INVALID_ARGUMENT,
       "port_min"},
      {{.size = 1}, FLOE_ERROR_INVALID_ARGUMENT, "sizeof(floe_ice_configuration)"},
      {{.size = sizeof cases[0].ice, .server_authorities = "no PEM"}, FLOE_ERROR_MALFORMED, ""},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
    const char* failure = refused(network, &cases[i].ice, cases[i].code, cases[i].naming);
    if (failure != NULL) return failure;
  }
  floe_configuration configuration = {.size = sizeof configuration, .certificate = "only this"};
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, floe_peer_connection_create(network, &configuration));
  configuration.private_key = "and this";
  EXPECT_ERROR(FLOE_ERROR_MALFORMED, floe_peer_connection_create(network, &configuration));
  configuration = (floe_configuration){.size = sizeof configuration, .mtu = 100};
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, floe_peer_connection_create(network, &configuration));
  EXPECT_THAT(strstr(floe_last_error()->message, "mtu") != NULL);
  floe_network_free(network);
  return NULL;
}

const char* refused_descriptions(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL) && duo_open(&both, NULL));
  floe_peer_connection* bob = both.bob.connection;
  floe_ice_candidate candidate = {
      .size = sizeof candidate,
      .candidate = "candidate:1 1 udp 1 127.0.0.1 9 typ host",
      .sdp_mid = "0",
      .sdp_mline_index = -1,
  };
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE, floe_peer_connection_add_ice_candidate(bob, &candidate));
  EXPECT_ERROR(FLOE_ERROR_MALFORMED,
               floe_peer_connection_set_remote_description(bob, FLOE_SDP_TYPE_OFFER, "v=1\r\n"));
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT,
               floe_peer_connection_set_remote_description(bob, (floe_sdp_type)9, "v=0\r\n"));
  EXPECT_THAT(floe_peer_connection_signaling_state(bob) == FLOE_SIGNALING_STATE_STABLE);

  EXPECT_THAT(duo_negotiate(&both));
  EXPECT_OK(floe_peer_connection_add_ice_candidate(bob, &candidate));
  candidate.username_fragment = "another";
  EXPECT_REFUSED(floe_peer_connection_add_ice_candidate(bob, &candidate));
  candidate.username_fragment = NULL;
  candidate.sdp_mid = "video";
  EXPECT_REFUSED(floe_peer_connection_add_ice_candidate(bob, &candidate));
  candidate.sdp_mid = NULL;
  candidate.sdp_mline_index = 0x10000;
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT,
               floe_peer_connection_add_ice_candidate(bob, &candidate));
  candidate.sdp_mline_index = 0;
  candidate.candidate = "candidate:nonsense";
  EXPECT_ERROR(FLOE_ERROR_MALFORMED, floe_peer_connection_add_ice_candidate(bob, &candidate));
  duo_free(&both);
  return NULL;
}

static bool use_nobody(const char* address, uint16_t port, void* user) {
  (void)address;
  (void)port;
  ++*(int*)user;
  return false;
}

static bool alice_has_failed(const duo* both) {
  return both->alice.failures == 1 && both->alice.candidate_errors > 0;
}

const char* a_call_without_a_path(void) {
  // stuns: has no candidate to give, and no address of the peer's is let in.
  int asked = 0;
  const floe_ice_server server = {.url = "stuns:127.0.0.1"};
  const floe_ice_configuration ice = {
      .size = sizeof ice,
      .servers = &server,
      .server_count = 1,
      .patience_ms = 50,
      .loopback = true,
      .disable_ipv6 = true,
      .use_interface = is_loopback,
      .use_remote_address = use_nobody,
      .user = &asked,
  };
  const floe_configuration configuration = {.size = sizeof configuration, .ice = &ice};
  duo both;
  EXPECT_THAT(duo_create(&both, &configuration) && duo_open(&both, NULL));
  EXPECT_THAT(duo_negotiate(&both));
  EXPECT_THAT(duo_run_until(&both, alice_has_failed));
  EXPECT_THAT(asked > 0 && both.alice.ice_state == FLOE_ICE_STATE_FAILED);
  EXPECT_THAT(both.alice.state == FLOE_PEER_CONNECTION_STATE_FAILED);
  duo_free(&both);
  return NULL;
}

static void free_when_connected(side* at) {
  if (at->state != FLOE_PEER_CONNECTION_STATE_CONNECTED) return;
  floe_peer_connection_free(at->connection);
  at->connection = NULL;
}

static bool both_freed(const duo* both) {
  return both->alice.connection == NULL && both->bob.connection == NULL;
}

const char* freeing_connections_within_handlers(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL) && duo_open(&both, NULL));
  both.on_state = free_when_connected;
  EXPECT_THAT(duo_negotiate(&both));
  EXPECT_THAT(duo_run_until(&both, both_freed));
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE, floe_data_channel_send_text(both.alice.channel, "x", 1));
  duo_free(&both);
  return NULL;
}
