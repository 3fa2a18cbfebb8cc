// Audio and video in the descriptions: transceivers, tracks, codecs, provisional answers.

#include <stdlib.h>
#include <string.h>

#include "duo.h"
#include "expect.h"
#include "scenarios.h"

/// Takes the text to own and compares it.
static bool is_text(char* text, const char* expected) {
  const bool is_same = text != NULL && strcmp(text, expected) == 0;
  floe_string_free(text);
  return is_same;
}

/// Takes the list to own and compares its only text.
static bool is_list_of(floe_texts* texts, const char* expected) {
  const bool is_same =
      floe_texts_count(texts) == 1 && strcmp(floe_texts_at(texts, 0), expected) == 0;
  floe_texts_free(texts);
  return is_same;
}

static void on_track(floe_peer_connection* connection, const floe_track_event* event, void* user) {
  (void)connection;
  side* at = user;
  ++at->tracks;
  at->track_streams = event->stream_count;
  strncpy(at->track_stream, event->stream_count > 0 ? event->streams[0] : "",
          sizeof at->track_stream - 1);
  char* id = floe_rtp_transceiver_receiver_track(event->transceiver);
  at->track_is_the_receivers = id != NULL && strcmp(id, event->track_id) == 0;
  floe_string_free(id);
  floe_rtp_transceiver_free(at->announced);
  at->announced = event->transceiver;
}

static bool watch_tracks(side* at) {
  floe_peer_connection_handlers handlers = duo_handlers(at);
  handlers.track = on_track;
  return floe_peer_connection_set_handlers(at->connection, &handlers) == FLOE_OK;
}

static bool bob_has_a_track(const duo* both) {
  return both->bob.tracks == 1;
}

static floe_rtp_transceiver_direction current(const floe_rtp_transceiver* transceiver) {
  floe_rtp_transceiver_direction direction = (floe_rtp_transceiver_direction)-1;
  (void)floe_rtp_transceiver_current_direction(transceiver, &direction);
  return direction;
}

const char* tracks_in_a_call(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL) && watch_tracks(&both.alice) && watch_tracks(&both.bob));
  floe_peer_connection* alice = both.alice.connection;
  floe_peer_connection* bob = both.bob.connection;
  const char* streams[] = {"living-room"};
  floe_rtp_transceiver* audio =
      floe_peer_connection_add_track(alice, FLOE_MEDIA_KIND_AUDIO, "voice", streams, 1);
  const floe_rtp_transceiver_init init = {.size = sizeof init,
                                          .direction = FLOE_RTP_TRANSCEIVER_DIRECTION_RECVONLY};
  floe_rtp_transceiver* video =
      floe_peer_connection_add_transceiver(alice, FLOE_MEDIA_KIND_VIDEO, &init);
  EXPECT_THAT(audio != NULL && video != NULL);
  EXPECT_THAT(floe_peer_connection_transceiver_count(alice) == 2);
  EXPECT_THAT(floe_rtp_transceiver_kind(audio) == FLOE_MEDIA_KIND_AUDIO);
  EXPECT_THAT(floe_rtp_transceiver_kind(video) == FLOE_MEDIA_KIND_VIDEO);
  floe_rtp_transceiver* second = floe_peer_connection_transceiver_at(alice, 1);
  EXPECT_THAT(floe_rtp_transceiver_is_same(video, second));
  EXPECT_THAT(!floe_rtp_transceiver_is_same(audio, second));
  floe_rtp_transceiver_free(second);
  EXPECT_ERROR(FLOE_ERROR_NOT_FOUND, floe_peer_connection_transceiver_at(alice, 2));
  EXPECT_ERROR(FLOE_ERROR_NOT_FOUND, floe_rtp_transceiver_mid(audio));
  floe_rtp_transceiver_direction direction = FLOE_RTP_TRANSCEIVER_DIRECTION_STOPPED;
  EXPECT_ERROR(FLOE_ERROR_NOT_FOUND, floe_rtp_transceiver_current_direction(audio, &direction));
  EXPECT_THAT(is_text(floe_rtp_transceiver_sender_track(audio), "voice"));
  EXPECT_ERROR(FLOE_ERROR_NOT_FOUND, floe_rtp_transceiver_sender_track(video));
  EXPECT_OK(floe_rtp_transceiver_replace_sender_track(video, "screen"));
  EXPECT_THAT(is_text(floe_rtp_transceiver_sender_track(video), "screen"));
  EXPECT_OK(floe_rtp_transceiver_replace_sender_track(video, NULL));
  EXPECT_THAT(is_list_of(floe_rtp_transceiver_sender_streams(audio), "living-room"));
  const char* kitchen[] = {"kitchen"};
  EXPECT_OK(floe_rtp_transceiver_set_sender_streams(audio, kitchen, 1));
  const char* illegal[] = {"two words"};
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT,
               floe_rtp_transceiver_set_sender_streams(audio, illegal, 1));

  EXPECT_THAT(duo_negotiate(&both) && duo_run_until(&both, bob_has_a_track));
  EXPECT_THAT(both.bob.track_streams == 1 && strcmp(both.bob.track_stream, "kitchen") == 0);
  EXPECT_THAT(both.bob.track_is_the_receivers);
  floe_rtp_transceiver* heard = both.bob.announced;
  EXPECT_THAT(is_list_of(floe_rtp_transceiver_receiver_streams(heard), "kitchen"));
  EXPECT_THAT(is_text(floe_rtp_transceiver_mid(heard), "0"));
  EXPECT_THAT(is_text(floe_rtp_transceiver_mid(audio), "0"));
  EXPECT_THAT(current(audio) == FLOE_RTP_TRANSCEIVER_DIRECTION_SENDONLY);
  EXPECT_THAT(current(heard) == FLOE_RTP_TRANSCEIVER_DIRECTION_RECVONLY);
  EXPECT_THAT(floe_rtp_transceiver_get_direction(heard) == FLOE_RTP_TRANSCEIVER_DIRECTION_RECVONLY);
  bool can = false;
  EXPECT_OK(floe_peer_connection_can_trickle_ice_candidates(alice, &can));
  EXPECT_THAT(can);

  // Bob talks back, and Alice stops.
  EXPECT_OK(floe_rtp_transceiver_set_direction(heard, FLOE_RTP_TRANSCEIVER_DIRECTION_SENDRECV));
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT,
               floe_rtp_transceiver_set_direction(heard, FLOE_RTP_TRANSCEIVER_DIRECTION_STOPPED));
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT,
               floe_rtp_transceiver_set_direction(heard, (floe_rtp_transceiver_direction)9));
  EXPECT_OK(floe_peer_connection_remove_track(alice, audio));
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, floe_peer_connection_remove_track(bob, audio));
  EXPECT_THAT(duo_negotiate(&both));
  EXPECT_THAT(current(audio) == FLOE_RTP_TRANSCEIVER_DIRECTION_RECVONLY);
  EXPECT_OK(floe_rtp_transceiver_stop(audio));
  EXPECT_OK(floe_rtp_transceiver_stop(audio));
  EXPECT_THAT(floe_rtp_transceiver_stopping(audio) && !floe_rtp_transceiver_stopped(audio));
  EXPECT_THAT(duo_negotiate(&both));
  EXPECT_THAT(floe_rtp_transceiver_stopped(audio) && floe_rtp_transceiver_stopped(heard));
  EXPECT_THAT(floe_peer_connection_transceiver_count(bob) == 1);

  // A handle may outlive its connection.
  duo_free(&both);
  EXPECT_THAT(floe_rtp_transceiver_get_direction(video) == FLOE_RTP_TRANSCEIVER_DIRECTION_STOPPED);
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE,
               floe_rtp_transceiver_set_direction(video, FLOE_RTP_TRANSCEIVER_DIRECTION_SENDRECV));
  floe_rtp_transceiver_free(audio);
  floe_rtp_transceiver_free(video);
  return NULL;
}

/// The place of a codec among those that are supported; NULL when there is none.
static const floe_rtp_codec* find_codec(const floe_rtp_codecs* codecs, const char* mime_type) {
  for (size_t i = 0; i < floe_rtp_codecs_count(codecs); ++i) {
    const floe_rtp_codec* codec = floe_rtp_codecs_at(codecs, i);
    if (strcmp(codec->mime_type, mime_type) == 0) return codec;
  }
  return NULL;
}

const char* codecs_in_a_call(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL));
  floe_rtp_codecs* known = floe_rtp_codecs_supported(FLOE_MEDIA_KIND_VIDEO);
  const floe_rtp_codec* vp8 = find_codec(known, "video/VP8");
  EXPECT_THAT(vp8 != NULL && vp8->clock_rate == 90000 && vp8->payload_type == -1);
  EXPECT_ERROR(FLOE_ERROR_NOT_FOUND, floe_rtp_codecs_at(known, floe_rtp_codecs_count(known)));
  EXPECT_ERROR(FLOE_ERROR_INVALID_ARGUMENT, floe_rtp_codecs_supported((floe_media_kind)7));

  const floe_rtp_encoding low = {.size = sizeof low, .rid = "l", .scale_resolution_down_by = 4};
  const floe_rtp_encoding high = {.size = sizeof high,
                                  .rid = "h",
                                  .max_bitrate = 1000000,
                                  .has_max_framerate = true,
                                  .max_framerate = 30};
  const floe_rtp_encoding* layers[] = {&low, &high};
  const char* streams[] = {"desk"};
  floe_rtp_transceiver_init init = {.size = sizeof init,
                                    .track_id = "screen",
                                    .streams = streams,
                                    .stream_count = 1,
                                    .send_encodings = layers,
                                    .send_encoding_count = 2};
  floe_rtp_transceiver* video =
      floe_peer_connection_add_transceiver(both.alice.connection, FLOE_MEDIA_KIND_VIDEO, &init);
  EXPECT_THAT(video != NULL);
  EXPECT_OK(floe_rtp_transceiver_set_codec_preferences(video, &vp8, 1));
  floe_rtp_codec invented = *vp8;
  invented.mime_type = "video/best";
  const floe_rtp_codec* wrong[] = {&invented};
  EXPECT_ERROR(FLOE_ERROR_INVALID_MODIFICATION,
               floe_rtp_transceiver_set_codec_preferences(video, wrong, 1));
  floe_rtp_codecs* settled = floe_rtp_transceiver_sender_codecs(video);
  EXPECT_THAT(settled != NULL && floe_rtp_codecs_count(settled) == 0);
  floe_rtp_codecs_free(settled);

  char* offer = floe_peer_connection_create_offer(both.alice.connection);
  EXPECT_THAT(offer != NULL && strstr(offer, "a=simulcast:send l;h") != NULL);
  EXPECT_THAT(strstr(offer, "VP8/90000") != NULL && strstr(offer, "H264") == NULL);
  floe_string_free(offer);
  EXPECT_THAT(duo_negotiate(&both));
  settled = floe_rtp_transceiver_sender_codecs(video);
  const floe_rtp_codec* agreed = find_codec(settled, "video/VP8");
  EXPECT_THAT(agreed != NULL && agreed->payload_type >= 0);
  floe_rtp_codecs_free(settled);
  settled = floe_rtp_transceiver_receiver_codecs(video);
  EXPECT_THAT(find_codec(settled, "video/VP8") != NULL);
  floe_rtp_codecs_free(settled);

  init.send_encoding_count = 1;
  init.streams = NULL;
  EXPECT_ERROR(
      FLOE_ERROR_INVALID_ARGUMENT,
      floe_peer_connection_add_transceiver(both.alice.connection, FLOE_MEDIA_KIND_VIDEO, &init));
  floe_rtp_codecs_free(known);
  floe_rtp_transceiver_free(video);
  duo_free(&both);
  return NULL;
}

const char* provisional_answers_and_rollbacks(void) {
  duo both;
  EXPECT_THAT(duo_create(&both, NULL) && duo_open(&both, NULL));
  floe_peer_connection* alice = both.alice.connection;
  floe_peer_connection* bob = both.bob.connection;
  EXPECT_ERROR(FLOE_ERROR_NOT_FOUND,
               floe_peer_connection_can_trickle_ice_candidates(bob, &(bool){0}));
  EXPECT_OK(floe_peer_connection_set_local_description(alice));
  EXPECT_OK(floe_peer_connection_set_local_description_to(alice, FLOE_SDP_TYPE_ROLLBACK, NULL));
  EXPECT_THAT(floe_peer_connection_signaling_state(alice) == FLOE_SIGNALING_STATE_STABLE);
  EXPECT_ERROR(FLOE_ERROR_INVALID_STATE,
               floe_peer_connection_set_local_description_to(alice, FLOE_SDP_TYPE_ROLLBACK, NULL));

  char* offer = floe_peer_connection_create_offer(alice);
  EXPECT_OK(floe_peer_connection_set_local_description_to(alice, FLOE_SDP_TYPE_OFFER, offer));
  EXPECT_OK(floe_peer_connection_set_remote_description(bob, FLOE_SDP_TYPE_OFFER, offer));
  char* answer = floe_peer_connection_create_answer(bob);
  EXPECT_OK(floe_peer_connection_set_local_description_to(bob, FLOE_SDP_TYPE_PRANSWER, answer));
  EXPECT_THAT(floe_peer_connection_signaling_state(bob) ==
              FLOE_SIGNALING_STATE_HAVE_LOCAL_PRANSWER);
  EXPECT_OK(floe_peer_connection_set_remote_description(alice, FLOE_SDP_TYPE_PRANSWER, answer));
  EXPECT_THAT(floe_peer_connection_signaling_state(alice) ==
              FLOE_SIGNALING_STATE_HAVE_REMOTE_PRANSWER);
  EXPECT_THAT(duo_run_until(&both, both_channels_open));
  floe_string_free(answer);
  answer = floe_peer_connection_create_answer(bob);
  EXPECT_OK(floe_peer_connection_set_local_description_to(bob, FLOE_SDP_TYPE_ANSWER, answer));
  EXPECT_OK(floe_peer_connection_set_remote_description(alice, FLOE_SDP_TYPE_ANSWER, answer));
  EXPECT_THAT(floe_peer_connection_signaling_state(alice) == FLOE_SIGNALING_STATE_STABLE);
  floe_string_free(answer);
  floe_string_free(offer);

  // A codec that floe does not have: the section is refused, with a reason.
  floe_rtp_transceiver* audio =
      floe_peer_connection_add_transceiver(alice, FLOE_MEDIA_KIND_AUDIO, NULL);
  const floe_offer_options options = {.size = sizeof options, .ice_restart = true};
  offer = floe_peer_connection_create_offer_with(alice, &options);
  EXPECT_THAT(offer != NULL);
  for (char* at = offer; (at = strstr(at, "a=rtpmap:")) != NULL; ++at) {
    char* name = strchr(at, ' ') + 1;
    *name = '?' - 1;  // '>', which no codec's name begins with
  }
  EXPECT_OK(floe_peer_connection_set_remote_description(bob, FLOE_SDP_TYPE_OFFER, offer));
  answer = floe_peer_connection_create_answer(bob);
  floe_texts* reasons = floe_peer_connection_refused_sections(bob);
  EXPECT_THAT(floe_texts_count(reasons) == 1 && strlen(floe_texts_at(reasons, 0)) > 0);
  EXPECT_ERROR(FLOE_ERROR_NOT_FOUND, floe_texts_at(reasons, 1));
  floe_texts_free(reasons);
  floe_string_free(answer);
  floe_string_free(offer);
  floe_rtp_transceiver_free(audio);
  duo_free(&both);
  return NULL;
}
