#pragma once

// What the C API is put through, in C: each returns NULL, or what went wrong.

#ifdef __cplusplus
extern "C" {
#endif

// words.c
const char* null_handles(void);
const char* null_arguments(void);
const char* words(void);
const char* sized_structs(void);

// loop.c
const char* loop_turning(void);
const char* loop_of_the_callers(void);
const char* freeing_the_network_first(void);
const char* freeing_the_network_within_a_handler(void);
const char* messages_for_people(void);

// peer.c
const char* a_whole_call(void);
const char* explicit_descriptions(void);
const char* restarting_a_call(void);
const char* refused_configurations(void);
const char* refused_descriptions(void);
const char* a_call_without_a_path(void);
const char* freeing_connections_within_handlers(void);

// transceivers.c
const char* tracks_in_a_call(void);
const char* codecs_in_a_call(void);
const char* provisional_answers_and_rollbacks(void);

// configuration.c
const char* certificates(void);
const char* shared_ports(void);
const char* address_rewrites(void);
const char* changed_configurations(void);

// channel.c
const char* kinds_of_messages(void);
const char* channel_options(void);
const char* back_pressure(void);
const char* freeing_channels_within_handlers(void);
const char* a_channel_that_outlives_its_connection(void);

// ice.c
const char* packets_both_ways(void);
const char* candidates_as_configured(void);
const char* restarting_a_transport(void);
const char* a_transport_without_a_path(void);
const char* refused_transports(void);
const char* closing_a_transport_within_a_handler(void);

#ifdef __cplusplus
}
#endif
