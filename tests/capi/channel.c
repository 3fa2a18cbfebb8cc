// Data channels: every kind of message and option, back-pressure, and the end.

#include <stdlib.h>
#include <string.h>

#include "duo.h"
#include "expect.h"
#include "scenarios.h"

static bool bob_has_four(const duo* both) {
  return both->bob.messages == 4;
}

const char* kinds_of_messages(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL) && duo_open(&both, NULL));
  floe_data_channel* channel = both.alice.channel;
  EXPECT_THAT(floe_data_channel_ready_state(channel) == FLOE_DATA_CHANNEL_STATE_CONNECTING);
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE, floe_data_channel_send_text(channel, "early", 5));
  EXPECT_THAT(duo_negotiate(&both) && duo_run_until(&both, both_channels_open));

  EXPECT_OK(floe_data_channel_send_text(channel, NULL, 0));
  EXPECT_OK(floe_data_channel_send_binary(channel, NULL, 0));
  EXPECT_OK(floe_data_channel_send_text(channel, "a\0b", 3));
  EXPECT_ERROR(FLOE_ERROR_MALFORMED, floe_data_channel_send_text(channel, "\xff", 1));
  char* large = calloc(1, 300000);
  EXPECT_ERROR(FLOE_ERROR_MESSAGE_TOO_LONG, floe_data_channel_send_binary(channel, large, 300000));
  EXPECT_OK(floe_data_channel_send_binary(channel, large, 200000));
  free(large);
  EXPECT_THAT(duo_run_until(&both, bob_has_four));
  EXPECT_THAT(both.bob.last_length == 200000 && !both.bob.last_is_text);
  duo_free(&both);
  return NULL;
}

static const char* options_of(const floe_data_channel* channel) {
  size_t length = 0;
  EXPECT_THAT(strcmp(floe_data_channel_label(channel, &length), "talk") == 0 && length == 4);
  EXPECT_THAT(strcmp(floe_data_channel_protocol(channel, &length), "p") == 0 && length == 1);
  EXPECT_THAT(!floe_data_channel_ordered(channel) && !floe_data_channel_negotiated(channel));
  EXPECT_THAT(floe_data_channel_max_retransmits(channel) == 0);
  EXPECT_THAT(floe_data_channel_max_packet_life_time(channel) == -1);
  EXPECT_THAT(floe_data_channel_id(channel) >= 0);
  return NULL;
}

/// Alice's own and Bob's brief one; Alice's at Bob's.
static bool all_channels_open(const duo* both) {
  return both->alice.opened == 2 && both->bob.opened == 1;
}

const char* channel_options(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL));
  const floe_data_channel_init init = {.size = sizeof init,
                                       .protocol = "p",
                                       .unordered = true,
                                       .has_max_retransmits = true,
                                       .priority = 512};
  EXPECT_THAT(duo_open(&both, &init));
  EXPECT_THAT(floe_data_channel_id(both.alice.channel) == -1);
  const floe_data_channel_init agreed = {.size = sizeof agreed, .negotiated = true, .id = 100};
  floe_data_channel* theirs =
      floe_peer_connection_create_data_channel(both.bob.connection, "same", &agreed);
  EXPECT_THAT(floe_data_channel_negotiated(theirs) && floe_data_channel_id(theirs) == 100);
  const floe_data_channel_init timed = {
      .size = sizeof timed, .has_max_packet_life_time = true, .max_packet_life_time = 250};
  floe_data_channel* brief =
      floe_peer_connection_create_data_channel(both.bob.connection, "brief", &timed);
  EXPECT_THAT(floe_data_channel_max_packet_life_time(brief) == 250);
  const floe_data_channel_init both_limits = {
      .size = sizeof both_limits, .has_max_packet_life_time = true, .has_max_retransmits = true};
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT,
               floe_peer_connection_create_data_channel(both.bob.connection, "both", &both_limits));

  EXPECT_THAT(duo_negotiate(&both) && duo_run_until(&both, all_channels_open));
  EXPECT_THAT(floe_data_channel_max_packet_life_time(both.alice.incoming) == 250);
  const char* failure = options_of(both.alice.channel);
  if (failure == NULL) failure = options_of(both.bob.incoming);
  floe_data_channel_free(theirs);
  floe_data_channel_free(brief);
  duo_free(&both);
  return failure;
}

static bool alice_is_told_to_go_on(const duo* both) {
  return both->alice.low >= 1;
}

const char* back_pressure(void) {
  const floe_ice_configuration ice = {
      .size = sizeof ice, .loopback = true, .use_interface = is_loopback};
  const floe_configuration configuration = {.size = sizeof configuration,
                                            .ice = &ice,
                                            .max_message_size = 100000,
                                            .send_queue = 300000,
                                            .send_buffer = 200000,
                                            .receive_buffer = 200000,
                                            .mtu = 1400};
  duo both;
  EXPECT_THAT(duo_create(&both, &configuration) && duo_open(&both, NULL));
  floe_data_channel* channel = both.alice.channel;
  EXPECT_OK(floe_data_channel_set_buffered_amount_low_threshold(channel, 1000));
  EXPECT_THAT(floe_data_channel_buffered_amount_low_threshold(channel) == 1000);
  EXPECT_THAT(duo_negotiate(&both) && duo_run_until(&both, both_channels_open));
  char* sdp = floe_peer_connection_local_description(both.bob.connection, NULL);
  EXPECT_THAT(sdp != NULL && strstr(sdp, "a=max-message-size:100000\r\n") != NULL);
  floe_string_free(sdp);
  char* block = calloc(1, 100000);
  floe_error_code code = FLOE_OK;
  for (int i = 0; i < 100 && code == FLOE_OK; ++i) {
    code = floe_data_channel_send_binary(channel, block, 100000);
  }
  free(block);
  EXPECT_THAT(code == FLOE_ERROR_WOULD_BLOCK && floe_last_error()->message[0] != '\0');
  EXPECT_THAT(floe_data_channel_buffered_amount(channel) >= 100000);
  EXPECT_THAT(duo_run_until(&both, alice_is_told_to_go_on));
  EXPECT_THAT(floe_data_channel_buffered_amount(channel) <= 1000);
  EXPECT_OK(floe_data_channel_send_text(channel, "on", 2));
  duo_free(&both);
  return NULL;
}

static void free_at_first_message(side* at, floe_data_channel* channel, char event) {
  if (event == 'o' && at == &at->duo->alice) {
    for (int i = 0; i < 3; ++i) floe_data_channel_send_text(channel, "x", 1);
  }
  if (event != 'm') return;
  floe_data_channel_free(channel);
  at->incoming = NULL;
}

static bool alice_is_closed(const duo* both) {
  return both->alice.closed == 1;
}

static void free_at_error(side* at, floe_data_channel* channel, char event) {
  if (event != 'e') return;
  floe_data_channel_free(channel);
  if (channel == at->channel) at->channel = NULL;
  if (channel == at->incoming) at->incoming = NULL;
}

static bool bob_has_an_error(const duo* both) {
  return both->bob.errors == 1 || both->bob.closed == 1;
}

const char* freeing_channels_within_handlers(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL) && duo_open(&both, NULL));
  both.on_channel = free_at_first_message;
  EXPECT_THAT(duo_negotiate(&both) && duo_run_until(&both, alice_is_closed));
  EXPECT_THAT(both.bob.messages == 1);  // the other two had no one to go to
  duo_free(&both);

  EXPECT_THAT(duo_create(&both, NULL) && duo_open(&both, NULL));
  both.on_channel = free_at_error;
  EXPECT_THAT(duo_negotiate(&both) && duo_run_until(&both, both_channels_open));
  floe_peer_connection_free(both.alice.connection);
  both.alice.connection = NULL;
  EXPECT_THAT(duo_run_until(&both, bob_has_an_error));
  EXPECT_THAT(both.bob.errors == 0 || both.bob.closed == 0);  // freed: no further call
  duo_free(&both);
  return NULL;
}

const char* a_channel_that_outlives_its_connection(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL) && duo_open(&both, NULL) && duo_negotiate(&both));
  EXPECT_THAT(duo_run_until(&both, both_channels_open));
  floe_peer_connection_free(both.alice.connection);
  both.alice.connection = NULL;
  floe_data_channel* channel = both.alice.channel;
  EXPECT_THAT(floe_data_channel_ready_state(channel) == FLOE_DATA_CHANNEL_STATE_CLOSED);
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE, floe_data_channel_send_binary(channel, "x", 1));
  EXPECT_OK(floe_data_channel_close(channel));
  EXPECT_THAT(floe_data_channel_buffered_amount(channel) == 0);
  EXPECT_THAT(both.alice.closed == 0);  // W3C: no events when the connection is closed
  duo_free(&both);
  return NULL;
}
