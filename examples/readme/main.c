#include <floe.h>
#include <stdio.h>

static void on_gathering(floe_peer_connection* peer, floe_ice_gathering_state state,
                         void* network) {
  if (state != FLOE_ICE_GATHERING_STATE_COMPLETE) return;
  char* offer = floe_peer_connection_local_description(peer, NULL);
  puts(offer);  // what signalling carries to the other peer
  floe_string_free(offer);
  floe_network_stop(network);
}

int main(void) {
  floe_network* network = floe_network_create(NULL);  // NULL: a loop of its own
  floe_peer_connection* peer = floe_peer_connection_create(network, NULL);
  floe_peer_connection_handlers handlers = {.size = sizeof handlers, .user = network};
  handlers.ice_gathering_state_change = on_gathering;
  floe_peer_connection_set_handlers(peer, &handlers);
  floe_data_channel* channel = floe_peer_connection_create_data_channel(peer, "chat", NULL);
  if (floe_peer_connection_set_local_description(peer) == FLOE_OK) {
    floe_network_run(network);
  } else {
    fprintf(stderr, "%s\n", floe_last_error()->message);
  }
  floe_data_channel_free(channel);
  floe_peer_connection_free(peer);
  floe_network_free(network);
}
