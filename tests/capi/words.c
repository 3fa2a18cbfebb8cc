// NULL in every place, the words of all enumerations, and structs of other sizes.

#include <string.h>

#include "expect.h"
#include "scenarios.h"

#define EXPECT_NULL_REFUSED(call) EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, call)

static void do_nothing(void* user) {
  (void)user;
}

static const char* null_networks(void) {
  EXPECT_NULL_REFUSED(floe_network_run(NULL));
  EXPECT_NULL_REFUSED(floe_network_poll(NULL, 0));
  EXPECT_NULL_REFUSED(floe_network_stop(NULL));
  EXPECT_NULL_REFUSED(floe_network_post(NULL, do_nothing, NULL));
  EXPECT_NULL_REFUSED(floe_network_set_log_handler(NULL, NULL, NULL));
  floe_network_free(NULL);
  return NULL;
}

static const char* null_connections(void) {
  EXPECT_NULL_REFUSED(floe_peer_connection_create(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_set_handlers(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_create_offer(NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_create_answer(NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_set_local_description(NULL));
  EXPECT_NULL_REFUSED(
      floe_peer_connection_set_local_description_to(NULL, FLOE_SDP_TYPE_OFFER, "v=0"));
  EXPECT_NULL_REFUSED(floe_peer_connection_set_remote_description(NULL, FLOE_SDP_TYPE_OFFER, "v"));
  EXPECT_NULL_REFUSED(floe_peer_connection_add_ice_candidate(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_restart_ice(NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_local_description(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_remote_description(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_current_local_description(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_pending_local_description(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_current_remote_description(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_pending_remote_description(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_signaling_state(NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_ice_gathering_state(NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_ice_connection_state(NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_connection_state(NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_dtls_state(NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_create_data_channel(NULL, "", NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_close(NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_stats(NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_ice_report(NULL));
  EXPECT_THAT(floe_peer_connection_signaling_state(NULL) == FLOE_SIGNALING_STATE_CLOSED);
  EXPECT_THAT(floe_peer_connection_connection_state(NULL) == FLOE_PEER_CONNECTION_STATE_CLOSED);
  floe_peer_connection_free(NULL);
  return NULL;
}

static const char* null_parts_of_connections(void) {
  bool can = false;
  size_t length = 0;
  floe_sctp_transport sctp = {.size = sizeof sctp};
  EXPECT_NULL_REFUSED(floe_peer_connection_configuration(NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_set_configuration(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_create_offer_with(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_can_trickle_ice_candidates(NULL, &can));
  EXPECT_NULL_REFUSED(floe_peer_connection_refused_sections(NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_sctp(NULL, &sctp));
  EXPECT_NULL_REFUSED(floe_peer_connection_remote_certificate(NULL, &length));
  EXPECT_NULL_REFUSED(floe_peer_connection_transceiver_count(NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_transceiver_at(NULL, 0));
  EXPECT_NULL_REFUSED(floe_peer_connection_add_transceiver(NULL, FLOE_MEDIA_KIND_AUDIO, NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_add_track(NULL, FLOE_MEDIA_KIND_AUDIO, "t", NULL, 0));
  EXPECT_NULL_REFUSED(floe_peer_connection_remove_track(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_texts_count(NULL));
  EXPECT_NULL_REFUSED(floe_texts_at(NULL, 0));
  EXPECT_NULL_REFUSED(floe_rtp_codecs_count(NULL));
  EXPECT_NULL_REFUSED(floe_rtp_codecs_at(NULL, 0));
  floe_texts_free(NULL);
  floe_rtp_codecs_free(NULL);
  return NULL;
}

static const char* null_transceivers(void) {
  floe_rtp_transceiver_direction direction = FLOE_RTP_TRANSCEIVER_DIRECTION_STOPPED;
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_is_same(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_kind(NULL));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_mid(NULL));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_get_direction(NULL));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_set_direction(NULL, direction));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_current_direction(NULL, &direction));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_stop(NULL));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_stopping(NULL));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_stopped(NULL));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_set_codec_preferences(NULL, NULL, 0));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_sender_codecs(NULL));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_receiver_codecs(NULL));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_sender_track(NULL));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_replace_sender_track(NULL, "t"));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_set_sender_streams(NULL, NULL, 0));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_sender_streams(NULL));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_receiver_track(NULL));
  EXPECT_NULL_REFUSED(floe_rtp_transceiver_receiver_streams(NULL));
  floe_rtp_transceiver_free(NULL);
  return NULL;
}

static const char* null_certificates_and_muxes(void) {
  EXPECT_NULL_REFUSED(floe_certificate_generate(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_certificate_from_pem(NULL, "key"));
  EXPECT_NULL_REFUSED(floe_certificate_from_pem("chain", NULL));
  EXPECT_NULL_REFUSED(floe_certificate_chain_pem(NULL));
  EXPECT_NULL_REFUSED(floe_certificate_private_key_pem(NULL));
  EXPECT_NULL_REFUSED(floe_certificate_expires(NULL));
  EXPECT_NULL_REFUSED(floe_certificate_fingerprint(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_udp_mux_create(NULL));
  EXPECT_NULL_REFUSED(floe_udp_mux_open(NULL, "::1", 0));
  EXPECT_NULL_REFUSED(floe_tcp_mux_create(NULL));
  EXPECT_NULL_REFUSED(floe_tcp_mux_listen(NULL, "::1", 0));
  floe_certificate_free(NULL);
  floe_udp_mux_free(NULL);
  floe_tcp_mux_free(NULL);
  return NULL;
}

static const char* null_channels(void) {
  EXPECT_NULL_REFUSED(floe_data_channel_set_handlers(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_data_channel_send_text(NULL, "", 0));
  EXPECT_NULL_REFUSED(floe_data_channel_send_binary(NULL, "", 0));
  EXPECT_NULL_REFUSED(floe_data_channel_buffered_amount(NULL));
  EXPECT_NULL_REFUSED(floe_data_channel_buffered_amount_low_threshold(NULL));
  EXPECT_NULL_REFUSED(floe_data_channel_set_buffered_amount_low_threshold(NULL, 1));
  EXPECT_NULL_REFUSED(floe_data_channel_close(NULL));
  EXPECT_NULL_REFUSED(floe_data_channel_ready_state(NULL));
  EXPECT_NULL_REFUSED(floe_data_channel_label(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_data_channel_protocol(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_data_channel_ordered(NULL));
  EXPECT_NULL_REFUSED(floe_data_channel_negotiated(NULL));
  EXPECT_NULL_REFUSED(floe_data_channel_id(NULL));
  EXPECT_NULL_REFUSED(floe_data_channel_max_packet_life_time(NULL));
  EXPECT_NULL_REFUSED(floe_data_channel_max_retransmits(NULL));
  EXPECT_THAT(floe_data_channel_ready_state(NULL) == FLOE_DATA_CHANNEL_STATE_CLOSED);
  EXPECT_THAT(floe_data_channel_id(NULL) == -1);
  floe_data_channel_free(NULL);
  return NULL;
}

static const char* null_transports(void) {
  EXPECT_NULL_REFUSED(floe_ice_transport_create(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_ice_transport_set_handlers(NULL, NULL));
  EXPECT_NULL_REFUSED(floe_ice_transport_set_servers(NULL, NULL, 0));
  EXPECT_NULL_REFUSED(floe_ice_transport_set_policy(NULL, FLOE_ICE_POLICY_ALL));
  EXPECT_NULL_REFUSED(floe_ice_transport_gather(NULL));
  EXPECT_NULL_REFUSED(floe_ice_transport_local_ufrag(NULL));
  EXPECT_NULL_REFUSED(floe_ice_transport_local_pwd(NULL));
  EXPECT_NULL_REFUSED(floe_ice_transport_set_remote_credentials(NULL, "ufrag", "pwd"));
  EXPECT_NULL_REFUSED(floe_ice_transport_add_remote_candidate(NULL, "candidate:"));
  EXPECT_NULL_REFUSED(floe_ice_transport_set_remote_end_of_candidates(NULL));
  EXPECT_NULL_REFUSED(floe_ice_transport_restart(NULL, NULL, NULL));
  EXPECT_NULL_REFUSED(floe_ice_transport_send(NULL, "", 0));
  EXPECT_NULL_REFUSED(floe_ice_transport_state(NULL));
  EXPECT_NULL_REFUSED(floe_ice_transport_role(NULL));
  EXPECT_NULL_REFUSED(floe_ice_transport_close(NULL));
  EXPECT_NULL_REFUSED(floe_ice_transport_report(NULL));
  floe_ice_transport_free(NULL);
  EXPECT_NULL_REFUSED(floe_ice_report_text(NULL, FLOE_ICE_REPORT_FORM_TEXT));
  floe_ice_report_free(NULL);
  floe_string_free(NULL);
  return NULL;
}

const char* null_handles(void) {
  const char* failure = null_networks();
  if (failure == NULL) failure = null_connections();
  if (failure == NULL) failure = null_parts_of_connections();
  if (failure == NULL) failure = null_transceivers();
  if (failure == NULL) failure = null_certificates_and_muxes();
  if (failure == NULL) failure = null_channels();
  if (failure == NULL) failure = null_transports();
  return failure;
}

const char* null_arguments(void) {
  floe_network* network = floe_network_create(NULL);
  floe_peer_connection* connection = floe_peer_connection_create(network, NULL);
  floe_data_channel* channel = floe_peer_connection_create_data_channel(connection, "c", NULL);
  floe_ice_transport* transport = floe_ice_transport_create(network, NULL);
  floe_sdp_type type = FLOE_SDP_TYPE_OFFER;
  EXPECT_THAT(channel != NULL && transport != NULL);

  EXPECT_NULL_REFUSED(floe_network_post(network, NULL, NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_set_handlers(connection, NULL));
  EXPECT_NULL_REFUSED(
      floe_peer_connection_set_local_description_to(connection, FLOE_SDP_TYPE_OFFER, NULL));
  EXPECT_NULL_REFUSED(
      floe_peer_connection_set_remote_description(connection, FLOE_SDP_TYPE_OFFER, NULL));
  EXPECT_NULL_REFUSED(floe_peer_connection_add_ice_candidate(connection, NULL));
  const floe_ice_candidate no_text = {.size = sizeof no_text};
  EXPECT_NULL_REFUSED(floe_peer_connection_add_ice_candidate(connection, &no_text));
  EXPECT_NULL_REFUSED(floe_peer_connection_create_data_channel(connection, NULL, NULL));
  EXPECT_NULL_REFUSED(floe_data_channel_set_handlers(channel, NULL));
  EXPECT_NULL_REFUSED(floe_data_channel_send_text(channel, NULL, 1));
  EXPECT_NULL_REFUSED(floe_data_channel_send_binary(channel, NULL, 1));
  EXPECT_NULL_REFUSED(floe_ice_transport_set_handlers(transport, NULL));
  EXPECT_NULL_REFUSED(floe_ice_transport_set_remote_credentials(transport, NULL, NULL));
  EXPECT_NULL_REFUSED(floe_ice_transport_set_remote_credentials(transport, "ufrag", NULL));
  EXPECT_NULL_REFUSED(floe_ice_transport_restart(transport, NULL, "only-a-password-of-24-char"));
  EXPECT_NULL_REFUSED(floe_ice_transport_add_remote_candidate(transport, NULL));
  EXPECT_NULL_REFUSED(floe_ice_transport_send(transport, NULL, 1));
  EXPECT_NULL_REFUSED(floe_sdp_type_parse(NULL, &type));
  EXPECT_NULL_REFUSED(floe_sdp_type_parse("offer", NULL));

  floe_ice_transport_free(transport);
  floe_data_channel_free(channel);
  floe_peer_connection_free(connection);
  floe_network_free(network);
  return NULL;
}

const char* words(void) {
  EXPECT_THAT(strcmp(floe_error_code_text(FLOE_OK), "ok") == 0);
  EXPECT_THAT(strcmp(floe_error_code_text(FLOE_ERROR_INTERNAL), "internal") == 0);
  EXPECT_THAT(strcmp(floe_error_code_text((floe_error_code)99), "unknown") == 0);
  EXPECT_THAT(strcmp(floe_error_code_text((floe_error_code)-1), "unknown") == 0);
  EXPECT_THAT(strcmp(floe_error_code_w3c_name(FLOE_ERROR_INVALID_STATE), "InvalidStateError") == 0);
  EXPECT_THAT(strcmp(floe_error_code_w3c_name(FLOE_ERROR_INTERNAL), "OperationError") == 0);
  EXPECT_THAT(strcmp(floe_error_code_w3c_name(FLOE_OK), "") == 0);
  EXPECT_THAT(strcmp(floe_error_code_w3c_name((floe_error_code)99), "OperationError") == 0);
  EXPECT_THAT(strcmp(floe_sdp_type_text(FLOE_SDP_TYPE_ROLLBACK), "rollback") == 0);
  EXPECT_THAT(strcmp(floe_signaling_state_text(FLOE_SIGNALING_STATE_HAVE_REMOTE_PRANSWER),
                     "have-remote-pranswer") == 0);
  EXPECT_THAT(strcmp(floe_ice_state_text(FLOE_ICE_STATE_COMPLETED), "completed") == 0);
  EXPECT_THAT(
      strcmp(floe_ice_gathering_state_text(FLOE_ICE_GATHERING_STATE_COMPLETE), "complete") == 0);
  EXPECT_THAT(strcmp(floe_peer_connection_state_text(FLOE_PEER_CONNECTION_STATE_DISCONNECTED),
                     "disconnected") == 0);
  EXPECT_THAT(strcmp(floe_dtls_transport_state_text(FLOE_DTLS_TRANSPORT_STATE_FAILED), "failed") ==
              0);
  EXPECT_THAT(strcmp(floe_sctp_transport_state_text(FLOE_SCTP_TRANSPORT_STATE_CLOSED), "closed") ==
              0);
  EXPECT_THAT(strcmp(floe_media_kind_text(FLOE_MEDIA_KIND_VIDEO), "video") == 0);
  EXPECT_THAT(strcmp(floe_rtp_transceiver_direction_text(FLOE_RTP_TRANSCEIVER_DIRECTION_STOPPED),
                     "stopped") == 0);
  EXPECT_THAT(strcmp(floe_data_channel_state_text(FLOE_DATA_CHANNEL_STATE_CLOSING), "closing") ==
              0);
  EXPECT_THAT(strchr(floe_version(), '.') != NULL);

  floe_sdp_type type = FLOE_SDP_TYPE_OFFER;
  EXPECT_OK(floe_sdp_type_parse("answer", &type));
  EXPECT_THAT(type == FLOE_SDP_TYPE_ANSWER);
  EXPECT_ERROR(FLOE_ERROR_MALFORMED, floe_sdp_type_parse("question", &type));
  EXPECT_THAT(type == FLOE_SDP_TYPE_ANSWER);
  return NULL;
}

/// What a program hands over that was compiled with a later version's header.
struct later_init {
  floe_data_channel_init known;
  uint64_t unknown;
};

const char* sized_structs(void) {
  floe_network* network = floe_network_create(NULL);
  floe_peer_connection* connection = floe_peer_connection_create(network, NULL);
  floe_data_channel_init init = {.size = 0};
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT,
               floe_peer_connection_create_data_channel(connection, "c", &init));
  EXPECT_THAT(strstr(floe_last_error()->message, "sizeof(floe_data_channel_init)") != NULL);

  struct later_init later = {.known = {.size = sizeof later, .unordered = true}};
  floe_data_channel* channel =
      floe_peer_connection_create_data_channel(connection, "c", &later.known);
  EXPECT_THAT(channel != NULL && !floe_data_channel_ordered(channel));
  later.unknown = 1;
  EXPECT_ERROR(FLOE_ERROR_UNSUPPORTED,
               floe_peer_connection_create_data_channel(connection, "c", &later.known));

  // What a program sets that was compiled before these structs grew.
  const floe_ice_configuration old_ice = {
      .size = offsetof(floe_ice_configuration, address_rewrites),
      .loopback = true,
      .address_rewrite_count = 5};
  const floe_configuration old = {.size = offsetof(floe_configuration, identity),
                                  .ice = &old_ice,
                                  .bundle_policy = (floe_bundle_policy)9};
  floe_peer_connection* older = floe_peer_connection_create(network, &old);
  EXPECT_THAT(older != NULL);
  const floe_configuration* stored = floe_peer_connection_configuration(older);
  EXPECT_THAT(stored->size == sizeof *stored && stored->identity == NULL && stored->ice->loopback);
  EXPECT_THAT(stored->bundle_policy == FLOE_BUNDLE_POLICY_BALANCED);
  EXPECT_THAT(stored->ice->address_rewrite_count == 0);
  const floe_peer_connection_handlers old_handlers = {
      .size = offsetof(floe_peer_connection_handlers, track)};
  EXPECT_OK(floe_peer_connection_set_handlers(older, &old_handlers));
  floe_peer_connection_free(older);

  floe_data_channel_free(channel);
  floe_peer_connection_free(connection);
  floe_network_free(network);
  return NULL;
}
