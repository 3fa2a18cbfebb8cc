// A program of someone else's in C: it makes an offer.

#include <floe.h>
#include <stdio.h>
#include <string.h>

int main(void) {
  floe_network* network = floe_network_create(NULL);
  floe_peer_connection* peer = floe_peer_connection_create(network, NULL);
  floe_data_channel* channel = floe_peer_connection_create_data_channel(peer, "talk", NULL);
  char* offer = floe_peer_connection_create_offer(peer);
  const int good = offer != NULL && strstr(offer, "webrtc-datachannel") != NULL;
  printf("floe %s: %s\n", floe_version(), good ? "an offer" : floe_last_error()->message);
  floe_string_free(offer);
  floe_data_channel_free(channel);
  floe_peer_connection_free(peer);
  floe_network_free(network);
  return good ? 0 : 1;
}
