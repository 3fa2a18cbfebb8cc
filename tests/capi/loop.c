// The network object: turning its loop, ending it, and what others then say.

// libuv's header needs more of the system's than C alone shows.
#define _XOPEN_SOURCE 700
#include <string.h>
#include <uv.h>

#include "duo.h"
#include "expect.h"
#include "scenarios.h"

static void stop(void* user) {
  floe_network_stop(user);
}

typedef struct nested {
  floe_network* network;
  floe_error_code run;
  floe_error_code poll;
} nested;

static void turn_within(void* user) {
  nested* seen = user;
  seen->run = floe_network_run(seen->network);
  seen->poll = floe_network_poll(seen->network, 0);
  floe_network_stop(seen->network);
}

static void count(void* user) {
  ++*(int*)user;
}

const char* loop_turning(void) {
  floe_network* network = floe_network_create(NULL);
  EXPECT_THAT(network != NULL);
  EXPECT_OK(floe_network_post(network, stop, network));
  EXPECT_OK(floe_network_run(network));

  nested seen = {network, FLOE_OK, FLOE_OK};
  EXPECT_OK(floe_network_post(network, turn_within, &seen));
  EXPECT_OK(floe_network_run(network));
  EXPECT_THAT(seen.run == FLOE_ERROR_INVALID_STATE && seen.poll == FLOE_ERROR_INVALID_STATE);

  int calls = 0;
  EXPECT_OK(floe_network_post(network, count, &calls));
  EXPECT_OK(floe_network_poll(network, -1));
  EXPECT_THAT(calls == 1);
  EXPECT_OK(floe_network_poll(network, 0));  // nothing is due: it returns all the same
  EXPECT_OK(floe_network_poll(network, 1));
  EXPECT_OK(floe_network_stop(network));
  EXPECT_OK(floe_network_run(network));

  floe_network_free(network);
  return NULL;
}

static void stop_callers(void* user) {
  uv_stop(user);
}

const char* loop_of_the_callers(void) {
  uv_loop_t loop;
  EXPECT_THAT(uv_loop_init(&loop) == 0);
  floe_network* network = floe_network_create(&loop);
  EXPECT_THAT(network != NULL);
  EXPECT_OK(floe_network_post(network, stop_callers, &loop));
  uv_run(&loop, UV_RUN_DEFAULT);
  floe_network_free(network);
  uv_run(&loop, UV_RUN_DEFAULT);  // closes the network's handles
  EXPECT_THAT(uv_loop_close(&loop) == 0);
  return NULL;
}

const char* freeing_the_network_first(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL) && duo_open(&both, NULL) && duo_negotiate(&both));
  EXPECT_THAT(duo_run_until(&both, both_channels_open));
  floe_ice_transport* transport = floe_ice_transport_create(both.network, NULL);
  floe_ice_report* report = floe_peer_connection_ice_report(both.alice.connection);
  EXPECT_THAT(transport != NULL && report != NULL);
  floe_network_free(both.network);
  both.network = NULL;

  floe_peer_connection* alice = both.alice.connection;
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE, floe_peer_connection_set_local_description(alice));
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE, floe_peer_connection_close(alice));
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE, floe_peer_connection_connection_state(alice));
  EXPECT_THAT(floe_peer_connection_connection_state(alice) == FLOE_PEER_CONNECTION_STATE_CLOSED);
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE, floe_data_channel_send_text(both.alice.channel, "x", 1));
  EXPECT_THAT(floe_data_channel_ready_state(both.alice.channel) == FLOE_DATA_CHANNEL_STATE_CLOSED);
  EXPECT_THAT(strcmp(floe_data_channel_label(both.bob.incoming, NULL), "talk") == 0);
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE, floe_ice_transport_gather(transport));
  EXPECT_THAT(floe_ice_transport_state(transport) == FLOE_ICE_STATE_CLOSED);
  EXPECT_THAT(floe_ice_report_text(report, FLOE_ICE_REPORT_FORM_HEADLINE)[0] != '\0');

  floe_ice_report_free(report);
  floe_ice_transport_free(transport);
  duo_free(&both);
  return NULL;
}

static void free_network_at_first_message(side* at, floe_data_channel* channel, char event) {
  if (event == 'o') floe_data_channel_send_text(channel, "the end", 7);
  if (event != 'm' || at->duo->network == NULL) return;
  floe_network_free(at->duo->network);
  at->duo->network = NULL;
}

const char* freeing_the_network_within_a_handler(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL) && duo_open(&both, NULL) && duo_negotiate(&both));
  both.on_channel = free_network_at_first_message;
  EXPECT_OK(floe_network_run(both.network));
  EXPECT_THAT(both.network == NULL && both.alice.messages + both.bob.messages == 1);
  duo_free(&both);
  return NULL;
}

static void keep_log(floe_log_level level, const char* component, const char* message, void* user) {
  if (level == FLOE_LOG_LEVEL_WARNING && strcmp(component, "ice") == 0 && message[0] != '\0') {
    ++*(int*)user;
  }
}

static void read_port(floe_ice_transport* transport, const char* candidate, void* user) {
  (void)transport;
  sscanf(candidate, "candidate:%*s %*s udp %*s %*s %hu typ host", (uint16_t*)user);
}

static bool is_set(const void* what) {
  return *(const uint16_t*)what != 0;
}

const char* messages_for_people(void) {
  floe_network* network = floe_network_create(NULL);
  floe_ice_configuration ice = {.size = sizeof ice, .loopback = true, .use_interface = is_loopback};
  const floe_ice_transport_configuration configuration = {.size = sizeof configuration,
                                                          .ice = &ice};
  floe_ice_transport* first = floe_ice_transport_create(network, &configuration);
  uint16_t port = 0;
  const floe_ice_transport_handlers handlers = {
      .size = sizeof handlers, .user = &port, .candidate = read_port};
  EXPECT_OK(floe_ice_transport_set_handlers(first, &handlers));
  EXPECT_OK(floe_ice_transport_gather(first));
  EXPECT_THAT(run_until(network, is_set, &port));

  // The port is taken: floe says so.
  ice.port_min = ice.port_max = port;
  int warnings = 0;
  EXPECT_OK(floe_network_set_log_handler(network, keep_log, &warnings));
  floe_ice_transport* second = floe_ice_transport_create(network, &configuration);
  EXPECT_OK(floe_ice_transport_gather(second));
  EXPECT_THAT(warnings > 0);
  EXPECT_OK(floe_network_set_log_handler(network, NULL, NULL));
  const int before = warnings;
  floe_ice_transport* third = floe_ice_transport_create(network, &configuration);
  EXPECT_OK(floe_ice_transport_gather(third));
  EXPECT_THAT(warnings == before);

  floe_ice_transport_free(third);
  floe_ice_transport_free(second);
  floe_ice_transport_free(first);
  floe_network_free(network);
  return NULL;
}
