// Certificates, shared ports, address rewrites, and configurations that change.

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "duo.h"
#include "expect.h"
#include "scenarios.h"

const char* certificates(void) {
  floe_network* network = floe_network_create(NULL);
  floe_certificate_options options = {
      .size = sizeof options, .common_name = "floe", .lifetime_s = 3600};
  floe_certificate* made = floe_certificate_generate(network, &options);
  EXPECT_THAT(made != NULL);
  const int64_t left = floe_certificate_expires(made) - (int64_t)time(NULL) * 1000;
  EXPECT_THAT(left > 3500 * 1000 && left < 3700 * 1000);
  options.lifetime_s = 1;
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, floe_certificate_generate(network, &options));

  char* chain = floe_certificate_chain_pem(made);
  char* key = floe_certificate_private_key_pem(made);
  EXPECT_THAT(chain != NULL && strstr(chain, "BEGIN CERTIFICATE") != NULL);
  EXPECT_THAT(key != NULL && strstr(key, "PRIVATE KEY") != NULL);
  floe_certificate* read = floe_certificate_from_pem(chain, key);
  EXPECT_THAT(read != NULL);
  EXPECT_REFUSED(floe_certificate_from_pem(key, chain) != NULL ? FLOE_OK : FLOE_ERROR_MALFORMED);
  char* one = floe_certificate_fingerprint(made, NULL);
  char* other = floe_certificate_fingerprint(read, "sha-256");
  EXPECT_THAT(one != NULL && other != NULL && strcmp(one, other) == 0);
  EXPECT_THAT(strncmp(one, "sha-256 ", 8) == 0);
  char* longer = floe_certificate_fingerprint(made, "sha-512");
  EXPECT_THAT(longer != NULL && strlen(longer) > strlen(one));
  EXPECT_REFUSED(floe_certificate_fingerprint(made, "md17") != NULL ? FLOE_OK
                                                                    : FLOE_ERROR_UNSUPPORTED);

  floe_configuration configuration = {.size = sizeof configuration, .identity = made};
  floe_peer_connection* connection = floe_peer_connection_create(network, &configuration);
  char* offer = NULL;
  floe_data_channel* channel = floe_peer_connection_create_data_channel(connection, "c", NULL);
  floe_certificate_free(made);  // The connection keeps what it needs.
  offer = floe_peer_connection_create_offer(connection);
  EXPECT_THAT(offer != NULL && strstr(offer, one) != NULL);
  const floe_configuration* stored = floe_peer_connection_configuration(connection);
  char* again = floe_certificate_fingerprint(stored->identity, NULL);
  EXPECT_THAT(again != NULL && strcmp(again, one) == 0);
  floe_string_free(again);
  configuration.identity = read;
  configuration.certificate = chain;
  configuration.private_key = key;
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, floe_peer_connection_create(network, &configuration));

  floe_string_free(offer);
  floe_string_free(one);
  floe_string_free(other);
  floe_string_free(longer);
  floe_string_free(chain);
  floe_string_free(key);
  floe_data_channel_free(channel);
  floe_peer_connection_free(connection);
  floe_certificate_free(read);
  floe_network_free(network);
  return NULL;
}

static bool bobs_channel_closed(const duo* both) {
  return both->bob.closed == 1;
}

const char* shared_ports(void) {
  // The peers' connections are on the muxes' network, so that is made first.
  duo both;
  memset(&both, 0, sizeof both);
  EXPECT_THAT(duo_create(&both, NULL));
  floe_udp_mux* udp = floe_udp_mux_create(both.network);
  floe_tcp_mux* tcp = floe_tcp_mux_create(both.network);
  const uint16_t port = floe_udp_mux_open(udp, "127.0.0.1", 0);
  EXPECT_THAT(port != 0);
  EXPECT_ERROR(FLOE_ERROR_ADDRESS_IN_USE, floe_udp_mux_open(udp, "127.0.0.1", port));
  EXPECT_ERROR(FLOE_ERROR_MALFORMED, floe_udp_mux_open(udp, "localhost", 0));
  const uint16_t tcp_port = floe_tcp_mux_listen(tcp, "127.0.0.1", 0);
  EXPECT_THAT(tcp_port != 0);
  const floe_ice_configuration ice = {.size = sizeof ice,
                                      .loopback = true,
                                      .use_interface = is_loopback,
                                      .tcp = FLOE_ICE_TCP_POLICY_ALL,
                                      .udp_mux = udp,
                                      .tcp_mux = tcp};
  const floe_configuration configuration = {.size = sizeof configuration, .ice = &ice};
  floe_peer_connection_free(both.alice.connection);
  both.alice.connection = floe_peer_connection_create(both.network, &configuration);
  const floe_peer_connection_handlers handlers = duo_handlers(&both.alice);
  EXPECT_OK(floe_peer_connection_set_handlers(both.alice.connection, &handlers));
  floe_udp_mux_free(udp);  // Who uses it keeps it.
  floe_tcp_mux_free(tcp);
  EXPECT_THAT(duo_open(&both, NULL) && duo_negotiate(&both));
  EXPECT_THAT(duo_run_until(&both, both_channels_open));
  char shared[32];
  char* sdp = floe_peer_connection_local_description(both.alice.connection, NULL);
  snprintf(shared, sizeof shared, " 127.0.0.1 %u typ host", port);
  EXPECT_THAT(sdp != NULL && strstr(sdp, shared) != NULL);
  snprintf(shared, sizeof shared, " 127.0.0.1 %u typ host", tcp_port);
  EXPECT_THAT(strstr(sdp, shared) != NULL && strstr(sdp, "tcptype passive") != NULL);
  floe_string_free(sdp);
  const floe_ice_configuration* stored =
      floe_peer_connection_configuration(both.alice.connection)->ice;
  EXPECT_THAT(stored->udp_mux != NULL && stored->tcp_mux != NULL);
  EXPECT_OK(floe_peer_connection_close(both.alice.connection));
  EXPECT_THAT(duo_run_until(&both, bobs_channel_closed));
  duo_free(&both);
  return NULL;
}

static void on_candidate(floe_ice_transport* transport, const char* candidate, void* user) {
  (void)transport;
  strncat(user, candidate, 1000);
}

static bool has_rewrites(const void* texts) {
  return strstr(texts, "192.0.2.7") != NULL;
}

const char* address_rewrites(void) {
  char told[4096] = "";
  floe_network* network = floe_network_create(NULL);
  floe_ice_address_rewrite rewrite = {
      .local = "127.0.0.0/8", .external = "192.0.2.7", .external_port = 4000};
  floe_ice_configuration ice = {.size = sizeof ice,
                                .loopback = true,
                                .use_interface = is_loopback,
                                .address_rewrites = &rewrite,
                                .address_rewrite_count = 1};
  floe_ice_transport_configuration configuration = {.size = sizeof configuration, .ice = &ice};
  floe_ice_transport* transport = floe_ice_transport_create(network, &configuration);
  const floe_ice_transport_handlers handlers = {
      .size = sizeof handlers, .user = told, .candidate = on_candidate};
  EXPECT_OK(floe_ice_transport_set_handlers(transport, &handlers));
  EXPECT_OK(floe_ice_transport_gather(transport));
  EXPECT_THAT(run_until(network, has_rewrites, told));
  EXPECT_THAT(strstr(told, "192.0.2.7 4000 typ host") != NULL && strstr(told, "127.0.0.1") == NULL);

  const floe_ice_server wrong = {.url = "turn:a.example"};
  const floe_ice_server right = {.url = "stun:127.0.0.1:9"};
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, floe_ice_transport_set_servers(transport, &wrong, 1));
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, floe_ice_transport_set_servers(transport, NULL, 1));
  EXPECT_OK(floe_ice_transport_set_servers(transport, &right, 1));
  EXPECT_OK(floe_ice_transport_set_policy(transport, FLOE_ICE_POLICY_RELAY));
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT,
               floe_ice_transport_set_policy(transport, (floe_ice_policy)8));
  told[0] = '\0';
  EXPECT_OK(floe_ice_transport_restart(transport, NULL, NULL));
  for (int i = 0; i < 5; ++i) floe_network_poll(network, 10);
  EXPECT_THAT(told[0] == '\0');

  const floe_ice_address_rewrite refused[] = {
      {.local = "127.0.0.1", .external = "::1"},
      {.local = "127.0.0.1/99", .external = "192.0.2.7"},
      {.local = "127.0.0.1/x", .external = "192.0.2.7"},
      {.local = "home", .external = "192.0.2.7"},
      {.local = "127.0.0.1", .external = NULL},
      {.local = "127.0.0.1", .external = "192.0.2.7", .advertise = (floe_ice_address_advertise)5},
  };
  for (size_t i = 0; i < sizeof refused / sizeof refused[0]; ++i) {
    ice.address_rewrites = &refused[i];
    EXPECT_THAT(floe_ice_transport_create(network, &configuration) == NULL);
    EXPECT_THAT(floe_last_error()->code != FLOE_OK && floe_last_error()->message[0] != '\0');
  }
  floe_ice_transport_free(transport);
  floe_network_free(network);
  return NULL;
}

static bool server_failed(const duo* both) {
  return both->alice.candidate_errors > 0;
}

static void on_sctp(floe_peer_connection* connection, floe_sctp_transport_state state, void* user) {
  (void)connection;
  ((side*)user)->sctp_state = state;
}

const char* changed_configurations(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL) && duo_open(&both, NULL));
  floe_peer_connection* alice = both.alice.connection;
  floe_peer_connection_handlers handlers = duo_handlers(&both.alice);
  handlers.sctp_state_change = on_sctp;
  EXPECT_OK(floe_peer_connection_set_handlers(alice, &handlers));
  floe_sctp_transport sctp = {.size = sizeof sctp};
  size_t length = 0;
  EXPECT_ERROR(FLOE_ERROR_NOT_FOUND, floe_peer_connection_sctp(alice, &sctp));
  EXPECT_ERROR(FLOE_ERROR_NOT_FOUND, floe_peer_connection_remote_certificate(alice, &length));
  EXPECT_THAT(duo_negotiate(&both) && duo_run_until(&both, both_channels_open));
  EXPECT_OK(floe_peer_connection_sctp(alice, &sctp));
  EXPECT_THAT(sctp.size == sizeof sctp && sctp.state == FLOE_SCTP_TRANSPORT_STATE_CONNECTED);
  EXPECT_THAT(both.alice.sctp_state == FLOE_SCTP_TRANSPORT_STATE_CONNECTED);
  EXPECT_THAT(sctp.max_channels > 0 && sctp.max_message_size == 256 * 1024);
  sctp.size = 1;
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, floe_peer_connection_sctp(alice, &sctp));
  const uint8_t* der = floe_peer_connection_remote_certificate(alice, &length);
  EXPECT_THAT(der != NULL && length > 100 && der[0] == 0x30);

  const floe_configuration* known = floe_peer_connection_configuration(alice);
  EXPECT_THAT(known != NULL && known->ice->loopback && known->ice->server_count == 0);
  EXPECT_OK(floe_peer_connection_set_configuration(alice, known));  // No change.
  known = floe_peer_connection_configuration(alice);

  floe_ice_server servers[] = {{.url = "stun:127.0.0.1:9"}};
  floe_ice_configuration ice = *known->ice;
  ice.servers = servers;
  ice.server_count = 1;
  floe_configuration next = *known;
  next.ice = &ice;
  next.bundle_policy = FLOE_BUNDLE_POLICY_MAX_BUNDLE;
  EXPECT_ERROR(FLOE_ERROR_INVALID_MODIFICATION,
               floe_peer_connection_set_configuration(alice, &next));
  next.bundle_policy = FLOE_BUNDLE_POLICY_BALANCED;
  next.ice_candidate_pool_size = 1;
  EXPECT_ERROR(FLOE_ERROR_INVALID_MODIFICATION,
               floe_peer_connection_set_configuration(alice, &next));
  next.ice_candidate_pool_size = 256;
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, floe_peer_connection_set_configuration(alice, &next));
  next.ice_candidate_pool_size = 0;
  next.bundle_policy = (floe_bundle_policy)4;
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, floe_peer_connection_set_configuration(alice, &next));
  EXPECT_THAT(floe_peer_connection_configuration(alice)->ice->server_count == 0);
  next.bundle_policy = FLOE_BUNDLE_POLICY_BALANCED;
  EXPECT_OK(floe_peer_connection_set_configuration(alice, &next));
  servers[0].url = "gone";
  known = floe_peer_connection_configuration(alice);
  EXPECT_THAT(strcmp(known->ice->servers[0].url, "stun:127.0.0.1:9") == 0);
  EXPECT_THAT(duo_negotiate(&both) && duo_run_until(&both, server_failed));

  EXPECT_OK(floe_peer_connection_close(alice));
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE, floe_peer_connection_set_configuration(alice, &next));
  duo_free(&both);
  return NULL;
}
