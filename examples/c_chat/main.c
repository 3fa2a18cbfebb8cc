// Two peers in one process, in plain C: Alice calls Bob over the loopback interface, they say a
// word each, and hang up. Between real peers a signalling server carries what `on_candidate` and
// `call` hand over here.

#include <floe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct peer {
  const char* name;
  struct peer* other;
  floe_network* network;
  floe_peer_connection* connection;
  floe_data_channel* channel;
} peer;

static void give_up(const char* what) {
  fprintf(stderr, "%s: %s\n", what, floe_last_error()->message);
  exit(1);
}

static void check(floe_error_code code, const char* what) {
  if (code != FLOE_OK) give_up(what);
}

static void say(peer* self, const char* text) {
  check(floe_data_channel_send_text(self->channel, text, strlen(text)), "send");
}

static void on_open(floe_data_channel* channel, void* user) {
  peer* self = user;
  printf("%s: channel \"%s\" is open\n", self->name, floe_data_channel_label(channel, NULL));
  if (strcmp(self->name, "alice") == 0) say(self, "hello from C");
}

static void on_message(floe_data_channel* channel, const uint8_t* data, size_t length, bool is_text,
                       void* user) {
  peer* self = user;
  printf("%s got %s: %.*s\n", self->name, is_text ? "text" : "bytes", (int)length,
         (const char*)data);
  if (strcmp(self->name, "bob") == 0) {
    say(self, "hello yourself");
  } else {
    floe_data_channel_close(channel);
  }
}

static void on_close(floe_data_channel* channel, void* user) {
  peer* self = user;
  printf("%s: channel is closed\n", self->name);
  floe_data_channel_free(channel);
  self->channel = NULL;
  if (self->other->channel == NULL) floe_network_stop(self->network);
}

static void use_channel(peer* self, floe_data_channel* channel) {
  const floe_data_channel_handlers handlers = {
      .size = sizeof handlers,
      .user = self,
      .open = on_open,
      .message = on_message,
      .close = on_close,
  };
  self->channel = channel;
  check(floe_data_channel_set_handlers(channel, &handlers), "set the channel's handlers");
}

static void on_data_channel(floe_peer_connection* connection, floe_data_channel* channel,
                            void* user) {
  (void)connection;
  use_channel(user, channel);
}

static void on_candidate(floe_peer_connection* connection, const floe_ice_candidate* candidate,
                         void* user) {
  (void)connection;
  peer* self = user;
  check(floe_peer_connection_add_ice_candidate(self->other->connection, candidate),
        "add a candidate");
}

static void on_failure(floe_peer_connection* connection, const floe_ice_report* report,
                       void* user) {
  (void)connection;
  peer* self = user;
  fprintf(stderr, "%s: no path\n%s\n", self->name,
          floe_ice_report_text(report, FLOE_ICE_REPORT_FORM_EXPLANATION));
  exit(1);
}

static void create(peer* self, floe_network* network) {
  const floe_ice_configuration ice = {.size = sizeof ice, .loopback = true};
  const floe_configuration configuration = {.size = sizeof configuration, .ice = &ice};
  const floe_peer_connection_handlers handlers = {
      .size = sizeof handlers,
      .user = self,
      .ice_candidate = on_candidate,
      .ice_failure = on_failure,
      .data_channel = on_data_channel,
  };
  self->network = network;
  self->connection = floe_peer_connection_create(network, &configuration);
  if (self->connection == NULL) give_up("create a connection");
  check(floe_peer_connection_set_handlers(self->connection, &handlers), "set handlers");
}

/// The description of `from`, to `to`.
static void describe(peer* from, peer* to) {
  check(floe_peer_connection_set_local_description(from->connection), "describe");
  floe_sdp_type type;
  char* sdp = floe_peer_connection_local_description(from->connection, &type);
  if (sdp == NULL) give_up("read the description");
  check(floe_peer_connection_set_remote_description(to->connection, type, sdp), "hear");
  floe_string_free(sdp);
}

int main(void) {
  floe_network* network = floe_network_create(NULL);
  if (network == NULL) give_up("create a network");
  peer alice = {.name = "alice"};
  peer bob = {.name = "bob", .other = &alice};
  alice.other = &bob;
  create(&alice, network);
  create(&bob, network);

  floe_data_channel* channel =
      floe_peer_connection_create_data_channel(alice.connection, "chat", NULL);
  if (channel == NULL) give_up("create a channel");
  use_channel(&alice, channel);
  describe(&alice, &bob);  // the offer
  describe(&bob, &alice);  // the answer
  check(floe_network_run(network), "run");

  floe_peer_connection_free(alice.connection);
  floe_peer_connection_free(bob.connection);
  floe_network_free(network);
  return 0;
}
